"""How often intervals of effects hold for a whole background of which a few rows are used.

The true effect of a feature is its average effect with every background row asked. One column of the table is of the
kind named (normal, lognormal, a dummy of 5%, a category of 20 levels; or normal, and the function bends it: its square,
its size, an exponential of it), the others are normal; the function adds up the first two, with interactions of the
first with the second, and of the third with the fourth. All masks are asked, or a sample of them. Every explanation has
another row and another seed, hence other background rows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from threadpoolctl import threadpool_limits

from benchmarks.run.record import show
from probes import TabularProbe
from probes.asking.answers import Answers
from probes.design import sample
from probes.outputs.target import Target
from surrogates.families.interactions import InteractionSurrogate
from surrogates.families.registry import as_family
from surrogates.judging.analysis import analyse
from surrogates.judging.background import row_answers
from surrogates.judging.problem import Problem
from surrogates.surrogate import Surrogate

__all__ = ["KINDS", "TABLE", "report", "run", "trial"]

#: what is made of a normal column
BENT: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "square": np.square,
    "size": np.abs,
    "exp(x)": np.exp,
    "exp(1.5 x)": lambda x: np.exp(1.5 * x),
}
KINDS = ("normal", "lognormal", "dummy of 5%", "20 levels", *BENT)
#: chosen from the answers alone: a proxy has the same intervals about another centre, at twenty times the cost
FAMILIES: dict[str, str | Surrogate] = {"linear": "linear", "interactions": InteractionSurrogate()}
#: rows of the background, explanations of each kind and family
N, EXPLANATIONS = 2000, 500
WITHIN = (0.90, 0.99)
TARGET = Target("identity", (0,), ("output",), "output")
#: columns of the published table
TABLE = {"column": "column", "family": "family", "rows": "background rows", "masks": "questions",
         "explanations": "explanations", "covered": "covered", "low": "from", "high": "to",
         "all_covered": "all effects", "width": "width (median)", "reached": "within .90–.99"}  # fmt: skip


@lru_cache(maxsize=1)
def table(kind: str, extra: int) -> tuple[pd.DataFrame, np.ndarray]:
    """A background, the first column of the kind, and what the function makes of that column for every row."""
    rng = np.random.default_rng(7)
    frame = pd.DataFrame(rng.normal(size=(N, 4 + extra)), columns=[f"x{j}" for j in range(4 + extra)])
    values = {
        **dict.fromkeys(("normal", *BENT), lambda: rng.normal(size=N)),
        "lognormal": lambda: rng.lognormal(size=N),
        "dummy of 5%": lambda: (rng.random(N) < 0.05).astype(float),
        "20 levels": lambda: rng.integers(20, size=N),
    }[kind]()
    worth = rng.normal(size=20)[values] if kind == "20 levels" else values
    if kind in BENT:
        worth = BENT[kind](values) / BENT[kind](values).std()
    frame["x0"] = pd.Categorical(values.astype(str)) if kind == "20 levels" else values
    return frame, np.asarray(worth, dtype=float)


def parts(x: np.ndarray) -> np.ndarray:
    """The function: rows ``(n, 4 + extra)`` of numbers, the first what a column's value is worth."""
    return x[:, 0] + 0.5 * x[:, 1] + 0.5 * x[:, 0] * x[:, 1] + 0.3 * x[:, 2] * x[:, 3]


def truth(row: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Average effects ``(4,)`` with every background row, in closed form for products of two."""
    a, b = row[:4], rows[:, :4]
    gain = a - b
    middle = (a + b) / 2
    effects = np.column_stack(
        [
            gain[:, 0] * (1 + 0.5 * middle[:, 1]),
            gain[:, 1] * (0.5 + 0.5 * middle[:, 0]),
            0.3 * gain[:, 2] * middle[:, 3],
            0.3 * gain[:, 3] * middle[:, 2],
        ]
    )
    return effects.mean(axis=0)


def trial(kind: str, family: str, rows: int | None, budget: int, seed: int) -> dict[str, Any]:
    """One explanation against the truth: shares of the four effects covered, and of those with an interval."""
    frame, worth = table(kind, 4 if budget == 64 else 0)
    x = frame.to_numpy(dtype=object)
    x[:, 0] = worth
    x = x.astype(float)
    row = int(np.random.default_rng([seed, 9]).integers(N))
    probe = TabularProbe(frame.iloc[row], frame, background_rows=rows, random_state=seed)
    design = sample(probe.features, budget, np.random.default_rng([seed, 3]))
    keep = design.Z[:, None, :] > 0.5
    chosen = probe.chosen
    raw = parts(np.where(keep, x[row], x[chosen]).reshape(-1, x.shape[1])).reshape(len(design), len(chosen), 1)
    drawn = probe.replication
    assert drawn is not None
    answers = Answers(design, np.einsum("nrk,r->nk", raw, drawn.weights), ("output",), "output", "", "", replicates=raw)
    problem = Problem(
        design, answers.y, ("output",), probe.features, seed, row_answers(answers, answers.y, TARGET, drawn)
    )
    with threadpool_limits(1):
        stated = analyse(as_family(FAMILIES[family]), problem, control=False).attributions.set_index("feature")
    stated = stated.loc[["x0", "x1", "x2", "x3"]]
    effects = truth(x[row], x)
    known = np.isfinite(stated["low"].to_numpy())
    covered = (stated["low"].to_numpy() <= effects + 1e-12) & (effects <= stated["high"].to_numpy() + 1e-12)
    width = (stated["high"] - stated["low"]).to_numpy()
    return {
        "first": bool(covered[0]) if known[0] else None,
        "covered": float(covered[known].mean()),
        "known": float(known.mean()),
        "width": float(width[0]),
    }


def run(quick: bool, jobs: int, seeds: int | None = None) -> dict[str, Any]:
    """Explain with every kind of column and family, with ten rows and with sixty, all masks and a sample of them."""
    count = 20 if quick else seeds or EXPLANATIONS
    settings = [
        ("linear", None, 64, "64 of 256"),
        ("interactions", None, 64, "64 of 256"),
        ("linear", 60, 18, "all 16"),
    ]
    rows = []
    for kind, (family, used, budget, masks) in product(KINDS, settings):
        trials = pd.DataFrame([trial(kind, family, used, budget, seed) for seed in range(count)])
        rows.append(_row({"column": kind, "family": family, "rows": used or "default", "masks": masks}, trials))
    return {"settings": {"background": N, "explanations": count, "level": 0.95}, "coverage": rows}


def _row(names: dict[str, Any], trials: pd.DataFrame) -> dict[str, Any]:
    first = trials["first"].dropna().astype(bool)
    wilson = stats.binomtest(int(first.sum()), len(first)).proportion_ci(method="wilson")
    share = float(first.mean())
    return {
        **names,
        "explanations": len(trials),
        "covered": share,
        "low": float(wilson.low),
        "high": float(wilson.high),
        "all_covered": float(trials["covered"].mean()),
        "with_interval": float(trials["known"].mean()),
        "width": float(trials["width"].median()),
        "reached": WITHIN[0] <= share <= WITHIN[1],
    }


def report(result: dict[str, Any]) -> None:
    """Print the table."""
    show("Effects of the first column, against the whole background", result["coverage"])
