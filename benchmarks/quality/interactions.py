"""Interaction indices of pairs per model call: mean of ‖Î − I‖² / ‖I‖² over all pairs against exact indices.

Tasks are those on which nothing about interactions was chosen: models of tables made for the benchmarks, the
precomputed games of odd number, and sums of products of 12 of 40 and of 100 features, whose indices are known. How
often iomap's 95% intervals hold is counted too.
"""

from __future__ import annotations

import json
import warnings
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from benchmarks.quality import index_games
from benchmarks.tasks import kind, products, unseen
from benchmarks.tasks.counted_game import Game
from benchmarks.tasks.task import Task
from probes import MaskProbe
from surrogates import pairwise_interactions
from surrogates.shapley.indices import indices

__all__ = ["report", "run", "trial"]

BUDGETS, SEEDS, INSTANCES = (64, 128, 256, 512), 1, 10
OURS, INDICES = "iomap pairwise", ("shapley", "banzhaf")
SCRIPT = Path(__file__).parents[1] / "rivals" / "shapiq_pairs.py"
#: what the error is to be of the best rival's
TARGET = 0.7
#: columns of the published tables
BESIDE = {"index": "index", "kind": "kind", "budget": "calls", "own": "iomap pairwise", "rival": "best rival",
          "best": "its error", "ratio": "ratio", "low": "from", "high": "to", "wins": "won",
          "reached": "at most .7"}  # fmt: skip
HELD = {"index": "index", "kind": "kind", "budget": "calls", "intervals": "intervals", "covered": "held the truth"}


def _task(name: str) -> Task:
    """A sum of products, or a task with its table."""
    return products.load(name) if name.startswith("products") else index_games.load(name)


def _truth(task: Task, index: str) -> np.ndarray:
    """Exact indices of all pairs."""
    if task.table is None:
        return products.pairs(products.products(task.name), task.n, index)
    return indices(np.asarray(task.table, dtype=float), index, 2).values[0, task.n :]


def run(quick: bool, jobs: int, seeds: int | None = None, instances: int | None = None) -> dict[str, Any]:
    """Estimate the indices of every task with every budget and seed."""
    instances = 1 if quick else instances or INSTANCES
    names, absent = index_games.names([f"table_{unseen.COLUMNS}"], instances, quick)
    names += products.names((instances + 1) // 2)
    count, budgets = 1 if quick else seeds or SEEDS, BUDGETS[:1] if quick else BUDGETS
    tasks = {name: _task(name) for name in names}
    cases = product(names, budgets, range(count), INDICES)
    ours = Parallel(n_jobs=jobs)(delayed(trial)(name, *rest) for name, *rest in cases)

    def write(folder: Path) -> None:
        for name, task in tasks.items():
            if task.table is not None:
                np.save(folder / f"{name}.npy", np.asarray(task.table, dtype=float))
            else:
                weights = [task.n, [[list(s), w] for s, w in products.products(name).items()]]
                (folder / f"{name}.json").write_text(json.dumps(weights))

    theirs, versions = index_games.ask_rivals(SCRIPT, write, budgets, count)
    truth = {(name, index): _truth(task, index) for name, task in tasks.items() for index in INDICES}
    done = pd.DataFrame([_judged(row, truth[row["name"], row["index"]]) for row in (*ours, *theirs)])
    return {
        "settings": {"tasks": names, "seeds": count, "budgets": budgets, "level": 0.95},
        "rival_versions": versions,
        "skipped": absent,
        **index_games.summary(done, ["index", "kind", "budget"], [OURS], OURS, TARGET),
    }


def trial(name: str, budget: int, seed: int, index: str) -> dict[str, Any]:
    """iomap's values and standard errors of all pairs, on one task with one budget and seed."""
    game = Game(_task(name))
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        probe = MaskProbe(game.n)
        found = pairwise_interactions(game, probe, index, budget=budget, random_state=seed, store=None, progress=False)
    assert game.distinct <= budget, f"asked {game.distinct} of {budget} questions"
    place = {s: j for j, s in enumerate(combinations(range(game.n), 2))}
    both = np.zeros((2, len(place)))
    for subset, value, se in zip(found.subsets, found.values[0], found.se[0], strict=True):
        if len(subset) == 2:
            both[:, place[subset]] = value, se
    row = {"name": name, "budget": budget, "seed": seed, "index": index, "contender": OURS}
    return row | {"values": both[0].tolist(), "se": both[1].tolist()}


def _judged(row: dict[str, Any], truth: np.ndarray) -> dict[str, Any]:
    """A trial with its relative squared error, and how often intervals hold, in place of its values."""
    missed = np.array(row.pop("values")) - truth
    row |= {"kind": kind(row["name"]), "error": float(missed @ missed / (truth @ truth))}
    if (se := row.pop("se", None)) is not None:
        row |= {"intervals": len(truth), "covered": index_games.covered(missed, se)}
    return row


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    index_games.report(result, "pairwise indices")
