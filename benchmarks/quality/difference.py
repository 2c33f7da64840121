"""Whether statements about a change can be trusted: two models that do not differ, and two that do.

*Nulls.* Two models that answer alike but for chance are compared over cases: the same sampled model under two seeds;
noise as of another order in a batch; and a real difference with the labels of the two models exchanged at random, case
by case within entities. Any supported statement counts, that of the mean included.

*Planted.* The same real difference with its labels as they are: found is a supported statement about exactly the cases
that it holds for.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy import stats

from benchmarks.run.record import show
from probes import CallableModel, TemplateProbe
from surrogates import compare_cases

__all__ = ["TABLE", "report", "run", "trial"]

FACTORS = {"a": ("0", "1"), "b": ("0", "1")}
FAMILIES = ("f0", "f1", "f2")
NULLS = ("two seeds of sampling", "order in a batch", "labels exchanged")
#: entities; draws of a sampled answer; size of the planted change
ENTITIES, DRAWS, SIZE = 20, 8, 1.5
COMPARISONS, PLANTED = 340, 20
#: columns of the published table
TABLE = {"pair": "two models", "comparisons": "comparisons", "any_supported": "with a supported statement",
         "at_least": "at least (95%)", "found": "planted change found", "reached": "as it must be"}  # fmt: skip


def _drawn(seed: int, *parts: object) -> np.random.Generator:
    return np.random.default_rng([seed, *hashlib.sha256(repr(parts).encode()).digest()[:8]])


def _changed(seed: int, who: str, levels: dict[str, str]) -> float:
    """What the real difference adds, stronger for some entities than for others."""
    inside = levels["a"] == "1" and levels["b"] == "1"
    return inside * SIZE * _drawn(seed, "strength", who).normal(1, 0.3)


def answer(kind: str, seed: int, side: int, text: str) -> float:
    """What the first (side 0) or the second model of a pair says to a text."""
    who, *pairs = text.split(";")
    levels = dict(pair.split("=") for pair in pairs)
    logit = _drawn(seed, "level", who).normal(0, 0.7) + 0.8 * (levels["a"] == "1") + _drawn(seed, "case", text).normal()
    if kind == NULLS[0]:
        return float(_drawn(seed, "draws", side, text).binomial(DRAWS, 1 / (1 + np.exp(-logit))) / DRAWS)
    if kind == NULLS[1]:
        return float(logit + 1e-6 * _drawn(seed, "order", side, text).normal())
    exchanged = kind == NULLS[2] and _drawn(seed, "label", text).random() < 0.5
    second = side == 1 if not exchanged else side == 0
    return float(logit + second * _changed(seed, who, levels) + 0.3 * _drawn(seed, "noise", side, text).normal())


def probe() -> TemplateProbe:
    template = "{name};a={a};b={b}"
    people = {f"e{i}": {"name": f"e{i}"} for i in range(ENTITIES)}
    families = {f: f"{template};family={f}" for f in FAMILIES}
    return TemplateProbe(families, {f: {v: v for v in levels} for f, levels in FACTORS.items()}, people, target="x")


def trial(kind: str, seed: int) -> dict[str, Any]:
    """One comparison: whether anything was supported, and whether exactly the planted change was."""

    def model(side: int) -> CallableModel:
        return CallableModel(lambda texts: [answer(kind, seed, side, text) for text in texts], f"{side}")

    with_no_more = {"metric": "output", "store": None, "progress": False, "random_state": seed}
    d = compare_cases(model(0), model(1), probe(), **with_no_more)  # type: ignore[arg-type]
    supported = [s for s in d.entry.statements if s["verdict"] == "supported"]
    found = any(s["claim"].split(" than otherwise")[0].endswith("when a is 1 and b is 1") for s in supported)
    return {"pair": kind, "any": bool(supported), "found": found}


def run(quick: bool, jobs: int, seeds: int | None = None) -> dict[str, Any]:
    """Compare all pairs."""
    count, planted = (4, 3) if quick else (seeds or COMPARISONS, PLANTED)
    todo = [(kind, s) for kind in NULLS for s in range(count)] + [("a real difference", s) for s in range(planted)]
    trials = pd.DataFrame(Parallel(n_jobs=jobs)(delayed(trial)(kind, s) for kind, s in todo))
    nulls = trials[trials["pair"].isin(NULLS)]
    rows = [_row(str(kind), part) for kind, part in nulls.groupby("pair", sort=False)]
    rows += [_row("all of these", nulls), _real(trials[~trials["pair"].isin(NULLS)])]
    return {"settings": {"entities": ENTITIES, "draws": DRAWS, "size": SIZE}, "pairs": rows}


def _row(name: str, trials: pd.DataFrame) -> dict[str, Any]:
    hits, n = int(trials["any"].sum()), len(trials)
    least = float(stats.beta.ppf(0.05, hits, n - hits + 1)) if hits else 0.0
    told = {"comparisons": n, "any_supported": hits / n, "at_least": least, "found": None}
    return {"pair": name, **told, "reached": least <= 0.05}


def _real(trials: pd.DataFrame) -> dict[str, Any]:
    found = float(trials["found"].mean())
    told = {"comparisons": len(trials), "any_supported": float(trials["any"].mean()), "at_least": None, "found": found}
    return {"pair": "a real difference", **told, "reached": found >= 0.9}


def report(result: dict[str, Any]) -> None:
    """Print the table."""
    show("Comparisons of two models over cases", result["pairs"])
