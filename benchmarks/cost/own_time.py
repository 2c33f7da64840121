"""Time of iomap's own beside models that take none: ratios of cases measured in turn, in one run.

Rivals are asked for what they do by default with as many features; of lime's tables also without its quartiles. What is
not installed is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.run.record import show, timed
from probes.inputs.mask import MaskProbe
from probes.inputs.text import TextProbe
from surrogates.judging import fidelity
from surrogates.local.explain import explain
from surrogates.many.explain_many import explain_many

__all__ = ["TABLE", "report", "run"]

SEED = 0
REPEATS = 7
COLUMNS, WORDS, BUDGET, ROWS = 1000, 3000, 256, 20

#: what is published: key → heading
TABLE = {
    "case": "iomap",
    "beside": "beside it",
    "seconds": "seconds",
    "beside_seconds": "seconds of that",
    "ratio": "ratio",
    "low": "from",
    "high": "to",
    "target": "at most",
    "reached": "reached",
}

Action = Callable[[], Any]


def run(quick: bool, jobs: int) -> dict[str, Any]:
    """Measure each pair of cases in turn, after one round that is not counted."""
    repeats, columns, words, rows = (1, 30, 30, 3) if quick else (REPEATS, COLUMNS, WORDS, ROWS)
    cases = {**tables(columns), **texts(words), **mixed(rows), **workers(rows), **terms()}
    compared = []
    for (ours, theirs, target), (mine, other) in cases.items():
        mine(), other()
        pairs = [(timed(mine)[0], timed(other)[0]) for _ in range(repeats)]
        ratios = sorted(a / b for a, b in pairs)
        compared.append(
            {
                "case": ours,
                "beside": theirs,
                "seconds": median(a for a, _ in pairs),
                "beside_seconds": median(b for _, b in pairs),
                "ratio": median(ratios),
                "low": ratios[0],
                "high": ratios[-1],
                "target": target,
                "reached": "" if target is None else median(ratios) <= target,
            }
        )
    sizes = {"columns": columns, "words": words, "rows": rows, "budget": BUDGET}
    return {"settings": {"seed": SEED, "repeats": repeats, **sizes}, "ratios": compared}


_Cases = dict[tuple[str, str, float | None], tuple[Action, Action]]


def tables(count: int) -> _Cases:
    """Explain one row of many columns, of which 20 matter."""
    rng = np.random.default_rng(SEED)
    X, weights = rng.normal(size=(500, count)), np.zeros(count)
    weights[:20] = rng.normal(size=20)

    def model(rows: Any) -> np.ndarray:
        return np.asarray(rows) @ weights

    name = f"{count:,} columns"
    ours = lambda: explain(model, X[0], background=X, budget=BUDGET * 10, store=None, progress=False)  # noqa: E731
    out: _Cases = {}
    if find_spec("lime"):
        from lime.lime_tabular import LimeTabularExplainer

        def lime(quartiles: bool) -> Any:
            explainer = LimeTabularExplainer(X, mode="regression", discretize_continuous=quartiles, random_state=SEED)
            return explainer.explain_instance(X[0], model)

        out[name, "lime", 1.0] = ours, lambda: lime(True)
        out[name, "lime without quartiles", None] = ours, lambda: lime(False)
    if find_spec("shap"):
        import shap

        out[name, "shap KernelExplainer", None] = (
            ours,
            lambda: shap.KernelExplainer(model, X[:10]).shap_values(X[0], silent=True),
        )
    return out


def texts(count: int) -> _Cases:
    """Explain a text by its words."""
    rng = np.random.default_rng(SEED)
    text = " ".join(f"w{i}" for i in rng.integers(0, 800, count))

    def model(several: list[str]) -> np.ndarray:
        return np.array([[one.count("w7 ") / 100, 1 - one.count("w7 ") / 100] for one in several])

    if not find_spec("lime"):
        return {}
    from lime.lime_text import LimeTextExplainer

    def lime() -> Any:
        return LimeTextExplainer(random_state=SEED, bow=False).explain_instance(text, model, num_samples=BUDGET)

    return {
        (f"{count:,} words", "lime", None): (
            lambda: explain(model, TextProbe(text), target=0, budget=BUDGET, store=None, progress=False),
            lime,
        )
    }


def mixed(rows: int) -> _Cases:
    """Explain rows of categories, flags, integers, texts and numbers, and rows of numbers alone."""
    rng = np.random.default_rng(SEED)
    numbers = pd.DataFrame(rng.normal(size=(400, 12)), columns=[f"a{i}" for i in range(12)])
    several = numbers.assign(
        **{f"a{i}": pd.Categorical(rng.choice(list("abc"), 400)) for i in range(4)},
        **{f"a{i}": rng.integers(0, 5, 400) for i in range(4, 8)},
        a8=rng.random(400) < 0.5,
        a9=rng.choice(["x", "yy", "z"], 400),
    )

    def of(table: pd.DataFrame) -> Action:
        def model(asked: pd.DataFrame) -> np.ndarray:
            return asked["a10"].to_numpy(dtype=float) * 2 + asked["a11"].to_numpy(dtype=float)

        return lambda: explain_many(model, table.iloc[:rows], background=table, store=None, progress=False)

    return {(f"{rows} rows of mixed types", "all columns numbers", 2.0): (of(several), of(numbers))}


def workers(rows: int) -> _Cases:
    """Explain cheap rows with two workers and with none."""

    def of(n_jobs: int) -> Action:
        probes = [MaskProbe(8) for _ in range(rows)]
        return lambda: explain_many(lambda Z: Z[:, 0] + 0.0, probes, store=None, n_jobs=n_jobs, progress=False)

    return {(f"{rows} cheap rows, n_jobs=2", "n_jobs=1", None): (of(2), of(1))}


def terms() -> _Cases:
    """Judge an explanation by how many terms are read, and do not."""
    rng = np.random.default_rng(SEED)
    weights = rng.normal(size=12)
    ours = lambda: explain(lambda Z: Z @ weights + Z[:, 0] * Z[:, 1], MaskProbe(12), budget=BUDGET, store=None)  # noqa: E731

    def without() -> Any:
        kept, fidelity.by_terms = fidelity.by_terms, lambda *_: ()
        try:
            return ours()
        finally:
            fidelity.by_terms = kept

    return {("R² by terms", "none", 1.1): (ours, without)}


def report(result: dict[str, Any]) -> None:
    """Print the table."""
    settings = result["settings"]
    show(f"time of iomap's own, medians of {settings['repeats']} in turn", result["ratios"])
