"""Shapley values per model call: mean of ‖φ̂ − φ‖² / ‖φ‖² against exact values from the whole table.

iomap asks uniform questions, which suit a surrogate; its rivals ask those that suit Shapley values. A proxy can be
asked about the whole cube for nothing, so its Shapley values are exact and its error is all there is.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from itertools import product
from math import comb
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from benchmarks.contenders import sampled
from benchmarks.fidelity import interval
from benchmarks.game import CONTROL, Game, kind, names
from benchmarks.record import show
from probes import cube
from surrogates import CubeProxy, InteractionSurrogate
from surrogates.indices import indices

__all__ = ["exact", "report", "run"]

BUDGETS = (64, 256, 512)
SEEDS = 3
#: a rival and its package
NEEDS = {
    "KernelSHAP, paired (shapiq)": "shapiq",
    "KernelSHAP, leverage (shapiq)": "shapiq",
    "KernelExplainer (shap)": "shap",
}


def run(quick: bool, jobs: int) -> dict[str, Any]:
    """Estimate the Shapley values of every game with every budget and seed."""
    asked = [name for name in names(2 if quick else None) if kind(name) != CONTROL]
    budgets, seeds = ((64,) if quick else BUDGETS), range(1 if quick else SEEDS)
    cases = sorted(product(asked, budgets, seeds), key=lambda case: -case[1])
    found = Parallel(n_jobs=jobs, batch_size=1)(delayed(trial)(*case) for case in cases)
    trials = pd.DataFrame([row for rows in found for row in rows]).sort_values("budget", kind="stable")
    means = trials.groupby(["kind", "budget", "contender", "name"], sort=False)["error"].mean().reset_index()
    packages = sorted(set(NEEDS.values()))
    return {
        "settings": {"games": asked, "seeds": list(seeds), "budgets": budgets, "level": 0.95},
        "rival_versions": {package: version(package) for package in packages if find_spec(package)},
        "skipped": {name: f"{package} missing" for name, package in NEEDS.items() if not find_spec(package)},
        "errors": [
            {"kind": k, "budget": b, "contender": c, **interval(part["error"])}
            for (k, b, c), part in means.groupby(["kind", "budget", "contender"], sort=False)
        ],
    }


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


def trial(name: str, budget: int, seed: int) -> list[dict[str, Any]]:
    """Relative squared error of every contender on one game with one budget and seed."""
    rows = []
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for contender, estimate in CONTENDERS.items():
            if contender in NEEDS and not find_spec(NEEDS[contender]):
                continue
            game = Game(name)
            truth = exact(game.table)
            error = estimate(game, budget, seed) - truth
            assert game.asked.sum() <= budget, f"{contender} asked {game.asked.sum()} of {budget} questions"
            outcome = {"budget": budget, "contender": contender, "error": float(error @ error / (truth @ truth))}
            rows.append({"kind": kind(name), "name": name, **outcome})
    return rows


def proxy(game: Game, budget: int, seed: int) -> np.ndarray:
    """The proxy as explain() fits it, to the sampled rows."""
    design, y = sampled(game, budget, seed)
    return _of_proxy(CubeProxy().fit(design.sampled, y[design.fixed :]), game)


def proxy_all(game: Game, budget: int, seed: int) -> np.ndarray:
    """The proxy fitted to instance, reference and leave-one-out rows as well."""
    design, y = sampled(game, budget, seed)
    return _of_proxy(CubeProxy().fit(design.Z, y), game)


def proxy_paired(game: Game, budget: int, seed: int) -> np.ndarray:
    """The proxy on the endpoints and on pairs of a row and its complement, of uniform size."""
    rng, n = np.random.default_rng(seed), game.n
    rows = {0: None, 2**n - 1: None}
    while len(rows) < budget - 1:
        chosen = rng.choice(n, rng.integers(1, n), replace=False)
        number = int((1 << chosen).sum())
        rows |= {number: None, 2**n - 1 - number: None}
    Z = cube(n)[list(rows)]
    return _of_proxy(CubeProxy().fit(Z, game(Z)), game)


def _of_proxy(fitted: CubeProxy, game: Game) -> np.ndarray:
    parts = np.array_split(cube(game.n), max(1, 2**game.n // 8192))
    return exact(np.concatenate([fitted.predict(part) for part in parts]))


def interactions(game: Game, budget: int, seed: int) -> np.ndarray:
    """What an explanation by interactions shows."""
    design, y = sampled(game, budget, seed)
    fitted = InteractionSurrogate(proxy=CubeProxy()).fit(design.sampled, y[design.fixed :])
    return indices(fitted).values[0]


def kernel_shap(game: Game, budget: int, seed: int, leverage: bool = False) -> np.ndarray:
    """shapiq's KernelSHAP with paired rows; sizes by its own default, or uniform (leverage scores)."""
    from shapiq import KernelSHAP

    sizes = np.ones(game.n + 1) if leverage else None
    found = KernelSHAP(n=game.n, pairing_trick=True, sampling_weights=sizes, random_state=seed)
    values = found.approximate(budget, game)
    return np.array([values[(i,)] for i in range(game.n)])


def kernel_explainer(game: Game, budget: int, seed: int) -> np.ndarray:
    """shap's KernelExplainer without feature selection; the two endpoints count."""
    import shap

    np.random.seed(seed)  # noqa: NPY002 - it reads nothing else
    explainer = shap.KernelExplainer(game, np.zeros((1, game.n)))
    values = explainer.shap_values(np.ones((1, game.n)), nsamples=budget - 2, l1_reg=False, silent=True)
    return np.asarray(values).ravel()


CONTENDERS: dict[str, Callable[[Game, int, int], np.ndarray]] = {
    "iomap proxy": proxy,
    "iomap proxy, every row": proxy_all,
    "iomap proxy, paired rows": proxy_paired,
    "iomap interactions": interactions,
    "KernelSHAP, paired (shapiq)": kernel_shap,
    "KernelSHAP, leverage (shapiq)": lambda game, budget, seed: kernel_shap(game, budget, seed, leverage=True),
    "KernelExplainer (shap)": kernel_explainer,
}


def report(result: dict[str, Any]) -> None:
    """Print the table."""
    show("Relative squared error of Shapley values, mean over instances with 95% interval", result["errors"])
    for name, reason in result["skipped"].items():
        print(f"without {name}: {reason}")
