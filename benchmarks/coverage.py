"""How often the intervals hold, on games whose whole table of 2ⁿ outputs is known.

A 95% interval of R² should contain the true R² of the surrogate shown, over the whole table, in 95% of the trials;
a 95% interval of an attribution the true average effect (Banzhaf value) of its feature; and a family fitted to shuffled
answers should find nothing.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from benchmarks.material import games
from benchmarks.record import show
from probes import CallableModel, MaskProbe, cube
from surrogates.explain import explain
from surrogates.fidelity import r2

__all__ = ["report", "run", "trial"]

FAMILIES = ("linear", "tree")
BUDGETS = (64, 128, 256)
SEEDS = 4


def run(quick: bool, jobs: int) -> dict[str, Any]:
    """Explain every game with every family, budget and seed."""
    paths = games()[::10] if quick else games()
    seeds = range(2 if quick else SEEDS)
    todo = product(FAMILIES, BUDGETS, paths, seeds)
    trials = pd.DataFrame(Parallel(n_jobs=jobs)(delayed(trial)(*case) for case in todo))
    return {
        "settings": {"games": [p.stem for p in paths], "seeds": list(seeds), "budgets": BUDGETS, "level": 0.95},
        "by_family": summary(trials, ["family"]),
        "by_budget": summary(trials, ["family", "budget"]),
        "by_kind": summary(trials, ["family", "kind"]),
    }


@lru_cache(maxsize=2)
def truth(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A game's rows ``(2ⁿ, n)``, outputs ``(2ⁿ,)`` and average effects ``(n,)``."""
    table = np.load(path).astype(float)
    Z = cube(int(np.log2(len(table))))
    return Z, table, (2 * Z - 1).T @ table / (len(table) / 2)


def trial(family: str, budget: int, path: Path, seed: int) -> dict[str, Any]:
    """One explanation against the truth."""
    Z, table, effects = truth(path)
    game = CallableModel(lambda rows: table[(rows > 0.5) @ (1 << np.arange(Z.shape[1]))])
    ex = explain(game, MaskProbe(Z.shape[1]), family, budget=budget, random_state=seed, store=None, progress=False)
    true_r2 = float(r2(table[:, None], ex.predict(Z)[:, None])[0])
    shown = ex.attributions.set_index("feature").loc[[f.name for f in ex.features]]
    judged = ex.fidelity
    return {
        "family": family,
        "budget": budget,
        "kind": path.stem.split("_")[0],
        "true_r2": true_r2,
        "r2": judged.r2[0],
        "r2_width": judged.r2_high[0] - judged.r2_low[0],
        "r2_covered": judged.r2_low[0] <= true_r2 <= judged.r2_high[0],
        "r2_below_interval": true_r2 < judged.r2_low[0],
        "r2_above_interval": true_r2 > judged.r2_high[0],
        "effects_covered": float(np.mean((shown["low"] <= effects) & (effects <= shown["high"]))),
        "effect_width": float(np.mean(shown["high"] - shown["low"]) / table.std()),
        "permuted": judged.permuted[0],
        "permuted_above_.05": judged.permuted[0] > 0.05,
    }


def summary(trials: pd.DataFrame, by: list[str]) -> list[dict[str, Any]]:
    """Means over the trials of a group; widths of effects are in standard deviations of the game's output."""
    groups = trials.groupby(by, sort=False)
    means = groups.mean(numeric_only=True)
    means.insert(0, "trials", groups.size())
    means = means.drop(columns=[c for c in ("budget",) if c in means and c not in by])
    return [dict(row) for row in means.reset_index().to_dict("records")]


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    for title, part in (("All trials", "by_family"), ("By budget", "by_budget"), ("By kind of game", "by_kind")):
        show(title, result[part])
