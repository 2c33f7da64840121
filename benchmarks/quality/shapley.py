"""Shapley values per model call: mean of ‖φ̂ − φ‖² / ‖φ‖² against exact values from the whole table.

Tasks are those on which nothing about Shapley values was chosen: sentences and models of tables made for the
benchmarks, and the precomputed games of odd number. How often iomap's 95% intervals hold is counted too.
"""

from __future__ import annotations

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

from benchmarks.quality import index_games
from benchmarks.rivals.contenders import sampled
from benchmarks.tasks import kind, unseen
from benchmarks.tasks.counted_game import Game
from benchmarks.tasks.task import Task
from probes import MaskProbe, cube
from probes.design import paired
from surrogates import CubeProxy, InteractionSurrogate, shapley_values
from surrogates.shapley.indices import indices
from surrogates.shapley.paired_estimate import from_pairs

__all__ = ["exact", "judged", "report", "run", "trial"]

BUDGETS, SEEDS, INSTANCES = (64, 128, 256, 512), 2, 10
OURS = "iomap Shapley"
SCRIPT = Path(__file__).parents[1] / "rivals" / "shapiq_values.py"
#: kinds made for the benchmarks of which whole tables can be had in minutes
MADE = (f"sentence_{unseen.COLUMNS}", f"table_{unseen.COLUMNS}")
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


def run(quick: bool, jobs: int, seeds: int | None = None, instances: int | None = None) -> dict[str, Any]:
    """Estimate the Shapley values of every task with every budget and seed."""
    names, absent = index_games.names(MADE, 1 if quick else instances or INSTANCES, quick)
    count, budgets = 1 if quick else seeds or SEEDS, BUDGETS[:1] if quick else BUDGETS
    full = {name: np.asarray(index_games.load(name).table, dtype=float) for name in names}
    present = [name for name in CONTENDERS if name in OWN or find_spec("shap")]
    cases = list(product(names, budgets, range(count), present))
    ours = Parallel(n_jobs=jobs)(delayed(trial)(full[name], name, *rest) for name, *rest in cases)

    def write(folder: Path) -> None:
        for name, values in full.items():
            np.save(folder / f"{name}.npy", values)

    theirs, versions = index_games.ask_rivals(SCRIPT, write, budgets, count)
    trials = pd.DataFrame([*ours, *theirs])
    trials["failed"] = trials.get("failed")
    failed = trials["failed"].notna()
    return {
        "settings": {"tasks": names, "seeds": count, "budgets": budgets, "level": 0.95},
        "rival_versions": versions | ({"shap": version("shap")} if find_spec("shap") else {}),
        "skipped": absent,
        "failed": [
            {"contender": c, "why": why, "trials": len(part)}
            for (c, why), part in trials[failed].groupby(["contender", "failed"])
        ],
        **index_games.summary(judged(trials[~failed], full), ["kind", "budget"], OWN, OURS, TARGET),
    }


def judged(trials: pd.DataFrame, full: dict[str, np.ndarray]) -> pd.DataFrame:
    """Trials with their relative squared errors, and of iomap how often intervals hold."""
    truth = {name: exact(values) for name, values in full.items()}
    rows = []
    for row in trials.to_dict("records"):
        missed, phi = np.array(row["values"]) - truth[row["name"]], truth[row["name"]]
        row |= {"kind": kind(row["name"]), "error": float(missed @ missed / (phi @ phi))}
        if isinstance(row.get("se"), list):
            row |= {"intervals": len(phi), "covered": index_games.covered(missed, row["se"])}
        rows.append(row)
    return pd.DataFrame(rows).drop(columns=["values", "se"])


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


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    index_games.report(result, "Shapley values")
