"""Shapley values per model call: mean of ‖φ̂ − φ‖² / ‖φ‖² against exact values from the whole table.

Everyone chooses its own questions and pays for all different ones. Tasks are those on which nothing about Shapley
values was chosen: sentences and models of tables made for the benchmarks, and the precomputed games of odd number. How
often iomap's 95% intervals hold is counted too. shapiq's approximators run in the interpreter that the variable
IOMAP_SHAPIQ names, ``.venv-shapiq`` by default, since the newest ask for Python 3.12.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import warnings
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from itertools import product
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from benchmarks.rivals.contenders import sampled
from benchmarks.run.record import Skipped, show
from benchmarks.run.trial_statistics import interval
from benchmarks.tasks import kind, tables, unseen
from benchmarks.tasks.counted_game import Game
from benchmarks.tasks.task import Task
from probes import MaskProbe, cube
from probes.design import paired
from surrogates import CubeProxy, InteractionSurrogate, shapley_values
from surrogates.shapley.indices import indices
from surrogates.shapley.paired_estimate import from_pairs

__all__ = ["exact", "report", "run"]

BUDGETS, SEEDS, INSTANCES = (64, 128, 256, 512), 2, 10
OURS = "iomap Shapley"
SCRIPT = Path(__file__).parents[1] / "rivals" / "shapiq_values.py"
#: of a normal interval of 95%
WIDTH = 1.96
#: what the error is to be of the best rival's
TARGET = 0.5
#: columns of the published tables
BESIDE = {"kind": "kind", "budget": "calls", "own": "iomap Shapley", "rival": "best rival", "best": "its error",
          "ratio": "ratio", "low": "from", "high": "to", "wins": "won", "reached": "at most half"}  # fmt: skip
HELD = {"kind": "kind", "budget": "calls", "intervals": "intervals", "covered": "held the truth"}


def exact(table: np.ndarray) -> np.ndarray:
    """Shapley values ``(n,)`` of a table of 2ⁿ values.

    Examples
    --------
    >>> exact(np.array([0.0, 1.0, 2.0, 5.0]))
    array([2., 3.])
    """
    n = int(np.log2(len(table)))
    Z = cube(n)
    size = Z.sum(axis=1).astype(int)
    weight = np.array([1 / (n * comb(n - 1, s)) for s in range(n)])
    joined, left = weight[np.maximum(size - 1, 0)], weight[np.minimum(size, n - 1)]
    return (table * joined) @ Z - (table * left) @ (1 - Z)


def whole(game: Game, budget: int, seed: int) -> np.ndarray:
    """iomap's values and standard errors; questions that it asks twice are paid for."""
    found = shapley_values(game, MaskProbe(game.n), budget=budget, random_state=seed, store=None, progress=False)
    return np.vstack([found.values, found.se])


def drawn(game: Game, budget: int, seed: int) -> np.ndarray:
    """The same estimate from pairs that are drawn alone."""
    Z = paired(game.n, budget, np.random.default_rng(seed))
    return from_pairs(Z, game(Z)).values[0]


def interactions(game: Game, budget: int, seed: int) -> np.ndarray:
    """What an explanation by interactions shows."""
    design, y = sampled(game, budget, seed)
    fitted = InteractionSurrogate(proxy=CubeProxy()).fit(design.sampled, y[design.fixed :])
    return indices(fitted).values[0]


def kernel_explainer(game: Game, budget: int, seed: int) -> np.ndarray:
    """shap's KernelExplainer without feature selection; the two endpoints count."""
    import shap

    np.random.seed(seed)  # noqa: NPY002 - it reads nothing else
    explainer = shap.KernelExplainer(game, np.zeros((1, game.n)))
    values = explainer.shap_values(np.ones((1, game.n)), nsamples=budget - 2, l1_reg=False, silent=True)
    return np.asarray(values).ravel()


CONTENDERS: dict[str, Callable[[Game, int, int], np.ndarray]] = {
    OURS: whole,
    "iomap, all pairs drawn": drawn,
    "iomap interactions": interactions,
    "KernelExplainer (shap)": kernel_explainer,
}
OWN = [name for name in CONTENDERS if name.startswith("iomap")]


def _full(name: str) -> np.ndarray:
    """All answers of a task."""
    if kind(name) not in unseen.LOADERS:
        return tables.load(name).table  # type: ignore[return-value]
    task = unseen.load(name)
    return np.concatenate([task.answer(part) for part in np.array_split(cube(task.n), 64)])


def _names(quick: bool, instances: int | None) -> tuple[list[str], dict[str, str]]:
    """Tasks, and why some cannot be had."""
    count, names, absent = 1 if quick else instances or INSTANCES, [], {}
    for k, load in unseen.LOADERS.items():
        try:
            load(f"{k}_00")
            names += [f"{k}_{j:02d}" for j in range(count)]
        except Skipped as reason:
            absent[k] = str(reason)
    try:
        names += [name for name in tables.table_names(2 if quick else count) if int(name[-1]) % 2]
    except Skipped as reason:
        absent["games"] = str(reason)
    return names, absent


def run(quick: bool, jobs: int, seeds: int | None = None, instances: int | None = None) -> dict[str, Any]:
    """Estimate the Shapley values of every task with every budget and seed."""
    names, absent = _names(quick, instances)
    count, budgets = 1 if quick else seeds or SEEDS, BUDGETS[:1] if quick else BUDGETS
    full = {name: _full(name) for name in names}
    present = [name for name in CONTENDERS if name in OWN or find_spec("shap")]
    cases = list(product(names, budgets, range(count), present))
    ours = Parallel(n_jobs=jobs)(delayed(trial)(full[name], name, *rest) for name, *rest in cases)
    theirs, versions = rivals(full, budgets, count)
    trials = pd.DataFrame([*ours, *theirs])
    truth = {name: exact(values) for name, values in full.items()}
    trials["failed"] = trials.get("failed")
    failed = trials["failed"].notna()
    done = trials[~failed].copy()
    errors = [np.array(v) - truth[name] for name, v in zip(done["name"], done["values"], strict=True)]
    done["error"] = [e @ e / (truth[name] @ truth[name]) for name, e in zip(done["name"], errors, strict=True)]
    done["kind"] = done["name"].map(kind)
    by = ["kind", "budget", "contender"]
    means = done.groupby([*by, "name"], sort=False)["error"].mean().reset_index()
    held = done[done["contender"] == OURS].copy()
    held["covered"] = [
        np.mean(np.abs(np.array(row.values_) - truth[row.name_]) <= WIDTH * np.array(row.se))
        for row in held.rename(columns={"values": "values_", "name": "name_"}).itertuples()
    ]
    return {
        "settings": {"tasks": names, "seeds": count, "budgets": budgets, "level": 0.95},
        "rival_versions": versions | ({"shap": version("shap")} if find_spec("shap") else {}),
        "skipped": absent,
        "failed": [
            {"contender": c, "why": why, "trials": len(part)}
            for (c, why), part in trials[failed].groupby(["contender", "failed"])
        ],
        "errors": [
            {**dict(zip(by, key, strict=True)), **interval(part["error"])}
            for key, part in means.groupby(by, sort=False)
        ],
        "beside": beside(means),
        "coverage": [
            {"kind": k, "budget": int(b), "intervals": sum(map(len, part["se"])), "covered": part["covered"].mean()}
            for (k, b), part in held.groupby(["kind", "budget"], sort=False)
        ],
    }


def trial(answers: np.ndarray, name: str, budget: int, seed: int, contender: str) -> dict[str, Any]:
    """The values of one contender on one task with one budget and seed."""
    n = int(np.log2(len(answers)))
    game = Game(Task(name, n, lambda Z: answers[(np.atleast_2d(Z) > 0.5) @ (1 << np.arange(n))], table=answers))
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values, *se = np.atleast_2d(CONTENDERS[contender](game, budget, seed)).tolist()
    assert game.distinct <= budget, f"{contender} asked {game.distinct} of {budget} questions"
    row = {"name": name, "budget": budget, "seed": seed, "contender": contender, "values": values}
    return row | ({"se": se[0]} if se else {})


def rivals(full: dict[str, np.ndarray], budgets: tuple[int, ...], seeds: int) -> tuple[list[Any], dict[str, str]]:
    """Ask shapiq's approximators in their interpreter; nothing where there is none."""
    python = Path(os.environ.get("IOMAP_SHAPIQ", SCRIPT.parents[2] / ".venv-shapiq" / "bin" / "python"))
    if not python.exists():
        return [], {}
    with tempfile.TemporaryDirectory() as folder:
        for name, values in full.items():
            np.save(Path(folder) / f"{name}.npy", values)
        command = [str(python), str(SCRIPT), folder, json.dumps(budgets), str(seeds)]
        one_thread = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=one_thread)
    versions, *rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(row["calls"] <= row["budget"] for row in rows)
    return rows, versions


def beside(means: pd.DataFrame) -> list[dict[str, Any]]:
    """iomap's mean error over that of the best rival, chosen in hindsight by its mean, with a paired bootstrap."""
    rows = []
    for (k, budget), part in means.groupby(["kind", "budget"], sort=False):
        wide = part.pivot_table("error", "name", "contender")
        others = [c for c in wide if c not in OWN]
        if not others or OURS not in wide:
            continue
        best = str(wide[others].mean().idxmin())
        ours, theirs = wide[OURS].to_numpy(), wide[best].to_numpy()
        draws = np.random.default_rng(0).integers(0, len(ours), (2000, len(ours)))
        low, high = np.percentile(ours[draws].mean(axis=1) / theirs[draws].mean(axis=1), [2.5, 97.5])
        ratio = float(ours.mean() / theirs.mean())
        both = {"own": float(ours.mean()), "rival": best, "best": float(theirs.mean()), "ratio": ratio}
        wins = f"{(ours < theirs).sum()} of {len(ours)}"
        spread = {"low": float(low), "high": float(high), "wins": wins, "reached": ratio <= TARGET}
        rows.append({"kind": k, "budget": int(budget), **both, **spread})
    return rows


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    show("Relative squared error of Shapley values, mean over instances with 95% interval", result["errors"])
    for name, title in (("beside", "Beside the best rival"), ("coverage", "How often iomap's 95% intervals hold")):
        if result[name]:
            show(title, result[name])
    if result["failed"]:
        show("Who did not answer", result["failed"])
    for name, reason in result["skipped"].items():
        print(f"without {name}: {reason}")
