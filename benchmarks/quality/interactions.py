"""Interaction indices of pairs per model call: mean of ‖Î − I‖² / ‖I‖² over all pairs against exact indices.

Everyone chooses its own questions and pays for all different ones. Tasks are those on which nothing about interactions
was chosen: models of tables made for the benchmarks, the precomputed games of odd number, and sums of products of 12 of
40 and of 100 features, whose indices are known. How often iomap's 95% intervals hold is counted too. ProxySHAP runs in
the interpreter that the variable IOMAP_SHAPIQ names, ``.venv-shapiq`` by default.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import warnings
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from benchmarks.quality.shapley import WIDTH
from benchmarks.run.record import Skipped, show
from benchmarks.run.trial_statistics import interval
from benchmarks.tasks import kind, products, tables, unseen
from benchmarks.tasks.counted_game import Game
from benchmarks.tasks.task import Task
from probes import MaskProbe, cube
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
    """A task; a model of a table by all of its answers."""
    if name.startswith("products"):
        return products.load(name)
    if name.startswith("table"):
        task = unseen.load(name)
        answers = np.concatenate([task.answer(part) for part in np.array_split(cube(task.n), 64)])
        return Task(name, task.n, lambda Z: answers[(np.atleast_2d(Z) > 0.5) @ (1 << np.arange(task.n))], table=answers)
    return tables.load(name)


def _truth(task: Task, index: str) -> np.ndarray:
    """Exact indices of all pairs."""
    if task.table is None:
        return products.pairs(products.products(task.name), task.n, index)
    return indices(np.asarray(task.table, dtype=float), index, 2).values[0, task.n :]


def _names(quick: bool, instances: int | None) -> tuple[list[str], dict[str, str]]:
    """Tasks, and why some cannot be had."""
    count = 1 if quick else instances or INSTANCES
    names, absent = [f"table_{unseen.COLUMNS}_{j:02d}" for j in range(count)] + products.names((count + 1) // 2), {}
    try:
        names += [name for name in tables.table_names(2 if quick else count) if int(name[-1]) % 2]
    except Skipped as reason:
        absent["games"] = str(reason)
    return names, absent


def run(quick: bool, jobs: int, seeds: int | None = None, instances: int | None = None) -> dict[str, Any]:
    """Estimate the indices of every task with every budget and seed."""
    names, absent = _names(quick, instances)
    count, budgets = 1 if quick else seeds or SEEDS, BUDGETS[:1] if quick else BUDGETS
    tasks = {name: _task(name) for name in names}
    cases = product(names, budgets, range(count), INDICES)
    ours = Parallel(n_jobs=jobs)(delayed(trial)(name, *rest) for name, *rest in cases)
    theirs, versions = rivals(tasks, budgets, count)
    truth = {(name, index): _truth(task, index) for name, task in tasks.items() for index in INDICES}
    rows = [row | _judged(row, truth[row["name"], row["index"]]) for row in (*ours, *theirs)]
    done = pd.DataFrame(rows).drop(columns=["values", "se"])
    done["kind"] = done["name"].map(kind)
    by = ["index", "kind", "budget"]
    means = done.groupby([*by, "contender", "name"], sort=False)["error"].mean().reset_index()
    held = done[done["contender"] == OURS]
    return {
        "settings": {"tasks": names, "seeds": count, "budgets": budgets, "level": 0.95},
        "rival_versions": versions,
        "skipped": absent,
        "errors": [
            {**dict(zip([*by, "contender"], key, strict=True)), **interval(part["error"])}
            for key, part in means.groupby([*by, "contender"], sort=False)
        ],
        "beside": beside(means),
        "coverage": [
            {
                **dict(zip(by, key, strict=True)),
                "intervals": int(part["pairs"].sum()),
                "covered": part["covered"].mean(),
            }
            for key, part in held.groupby(by, sort=False)
        ],
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


def rivals(tasks: dict[str, Task], budgets: tuple[int, ...], seeds: int) -> tuple[list[Any], dict[str, str]]:
    """Ask ProxySHAP in its interpreter; nothing where there is none."""
    python = Path(os.environ.get("IOMAP_SHAPIQ", SCRIPT.parents[2] / ".venv-shapiq" / "bin" / "python"))
    if not python.exists():
        return [], {}
    with tempfile.TemporaryDirectory() as folder:
        for name, task in tasks.items():
            if task.table is not None:
                np.save(Path(folder) / f"{name}.npy", np.asarray(task.table, dtype=float))
            else:
                weights = [task.n, [[list(s), w] for s, w in products.products(name).items()]]
                (Path(folder) / f"{name}.json").write_text(json.dumps(weights))
        command = [str(python), str(SCRIPT), folder, json.dumps(budgets), str(seeds)]
        one_thread = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=one_thread)
    versions, *rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(row["calls"] <= row["budget"] for row in rows)
    return rows, versions


def _judged(row: dict[str, Any], truth: np.ndarray) -> dict[str, Any]:
    """The relative squared error of values, and how often intervals hold."""
    missed = np.array(row["values"]) - truth
    judged = {"error": float(missed @ missed / (truth @ truth)), "pairs": len(truth), "se": None}
    if row.get("se") is None:
        return judged
    # what the surrogate says is zero without doubt holds where it is
    return judged | {"covered": float(np.mean(np.abs(missed) <= WIDTH * np.array(row["se"]) + 1e-12))}


def beside(means: pd.DataFrame) -> list[dict[str, Any]]:
    """iomap's mean error over that of the best ProxySHAP, chosen in hindsight by its mean, with a paired bootstrap."""
    rows = []
    for (index, k, budget), part in means.groupby(["index", "kind", "budget"], sort=False):
        wide = part.pivot_table("error", "name", "contender")
        others = [c for c in wide if c != OURS]
        if not others:
            continue
        best = str(wide[others].mean().idxmin())
        ours, theirs = wide[OURS].to_numpy(), wide[best].to_numpy()
        draws = np.random.default_rng(0).integers(0, len(ours), (2000, len(ours)))
        low, high = np.percentile(ours[draws].mean(axis=1) / theirs[draws].mean(axis=1), [2.5, 97.5])
        ratio = float(ours.mean() / theirs.mean())
        both = {"own": float(ours.mean()), "rival": best, "best": float(theirs.mean()), "ratio": ratio}
        wins = f"{(ours < theirs).sum()} of {len(ours)}"
        spread = {"low": float(low), "high": float(high), "wins": wins, "reached": ratio <= TARGET}
        rows.append({"index": index, "kind": k, "budget": int(budget), **both, **spread})
    return rows


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    show("Relative squared error of pairwise indices, mean over instances with 95% interval", result["errors"])
    for name, title in (("beside", "Beside ProxySHAP"), ("coverage", "How often iomap's 95% intervals hold")):
        if result[name]:
            show(title, result[name])
    for name, reason in result["skipped"].items():
        print(f"without {name}: {reason}")
