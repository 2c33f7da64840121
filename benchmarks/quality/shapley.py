"""Shapley values per model call: mean of ‖φ̂ − φ‖² / ‖φ‖² against exact values from the whole table.

Everyone chooses its own questions and pays for all of them. How often iomap's 95% intervals hold is counted too. The
method was chosen on instances of even number; results are given for both halves, and the odd one is what confirms them.
Contenders that take seconds run with the first seed alone.
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

from benchmarks.quality.fidelity import interval
from benchmarks.rivals.contenders import sampled
from benchmarks.run.record import show
from benchmarks.tasks.counted_game import CONTROL, Game, kind, names
from probes import cube
from probes.design import paired
from surrogates import CubeProxy, InteractionSurrogate
from surrogates.shapley.indices import indices
from surrogates.shapley.paired_estimate import from_pairs

__all__ = ["exact", "report", "run"]

BUDGETS = (64, 128, 256, 512)
SEEDS = 5
OURS, LEVERAGE = "iomap Shapley", "KernelSHAP, leverage (shapiq)"
#: a rival and its packages
NEEDS = {
    "KernelSHAP, paired (shapiq)": ("shapiq",),
    LEVERAGE: ("shapiq",),
    "KernelExplainer (shap)": ("shap",),
    "ProxySPEX (shapiq)": ("shapiq", "lightgbm"),
}
SLOW = ("iomap proxy", "iomap interactions", "ProxySPEX (shapiq)")
#: of a normal interval of 95%
WIDTH = 1.96


def run(quick: bool, jobs: int) -> dict[str, Any]:
    """Estimate the Shapley values of every game with every budget and seed."""
    asked = [name for name in names(2 if quick else None) if kind(name) != CONTROL]
    budgets, seeds = ((64,) if quick else BUDGETS), range(1 if quick else SEEDS)
    cases = sorted(product(asked, budgets, seeds), key=lambda case: -case[1])
    results = Parallel(n_jobs=jobs, batch_size=1)(delayed(trial)(*case) for case in cases)
    trials = pd.DataFrame([row for rows in results for row in rows]).sort_values("budget", kind="stable")
    keys = ["kind", "budget", "contender"]
    means = trials.groupby([*keys, "name"], sort=False)[["error", "covered"]].mean().reset_index()
    packages = sorted({package for packages in NEEDS.values() for package in packages})
    return {
        "settings": {"games": asked, "seeds": list(seeds), "budgets": budgets, "level": 0.95, "first_seed_only": SLOW},
        "rival_versions": {package: version(package) for package in packages if find_spec(package)},
        "skipped": {name: f"{', '.join(NEEDS[name])} missing" for name in NEEDS if not _installed(name)},
        "errors": [
            {"kind": k, "budget": b, "contender": c, **interval(part["error"])}
            for (k, b, c), part in means.groupby(keys, sort=False)
        ],
        "halves": halves(means) if _installed(LEVERAGE) else [],
        "coverage": [
            {"kind": k, "budget": b, "intervals": int(part["features"].sum()), "covered": part["covered"].mean()}
            for (k, b), part in trials[trials["contender"] == OURS].groupby(["kind", "budget"], sort=False)
        ],
    }


def halves(means: pd.DataFrame) -> list[dict[str, Any]]:
    """Mean errors of iomap and of leverage-score KernelSHAP, and their ratio, by half of the instances."""
    parity = means["name"].str[-1].astype(int) % 2
    rows = []
    for half, part in (("even", means[parity == 0]), ("odd", means[parity == 1]), ("all", means)):
        table = part.pivot_table("error", "budget", "contender")
        for budget, row in table.iterrows():
            ours, theirs = float(row[OURS]), float(row[LEVERAGE])
            rows.append(
                {"instances": half, "budget": budget, "iomap": ours, "leverage": theirs, "ratio": ours / theirs}
            )
    return rows


def _installed(contender: str) -> bool:
    return all(find_spec(package) for package in NEEDS.get(contender, ()))


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
            if not _installed(contender) or (seed and contender in SLOW):
                continue
            game = Game(name)
            truth = exact(game.table)
            values, *se = np.atleast_2d(estimate(game, budget, seed))
            error = values - truth
            assert game.asked.sum() <= budget, f"{contender} asked {game.asked.sum()} of {budget} questions"
            covered = float(np.mean(np.abs(error) <= WIDTH * se[0])) if se else np.nan
            outcome = {"budget": budget, "contender": contender, "error": float(error @ error / (truth @ truth))}
            rows.append({"kind": kind(name), "name": name, "covered": covered, "features": game.n, **outcome})
    return rows


def paired_process(game: Game, budget: int, seed: int) -> np.ndarray:
    """iomap's estimate, and its standard errors."""
    Z = paired(game.n, budget, np.random.default_rng(seed))
    estimated = from_pairs(Z, game(Z))
    return np.vstack([estimated.values, estimated.se])


def same_rows(game: Game, budget: int, seed: int) -> np.ndarray:
    """Leverage-score KernelSHAP on iomap's questions: what the design alone is worth."""
    Z = paired(game.n, budget, np.random.default_rng(seed))
    y, size = game(Z), Z.sum(axis=1)
    gap, inner = y[0] - y[1], (size > 0) & (size < game.n)
    # the kernel's weight of a size, shared by the rows that have it
    root = (np.bincount(size.astype(int))[size.astype(int)] * size * (game.n - size))[inner] ** -0.5
    X, target = Z[inner] - Z[inner].mean(axis=1, keepdims=True), y[inner] - y[1] - size[inner] / game.n * gap
    slopes = np.linalg.lstsq(root[:, None] * X, root * target, rcond=1e-9)[0]
    return slopes - slopes.mean() + gap / game.n


def proxy(game: Game, budget: int, seed: int) -> np.ndarray:
    """The proxy as explain() fits it, to the sampled rows."""
    design, y = sampled(game, budget, seed)
    return indices(CubeProxy().fit(design.sampled, y[design.fixed :])).values[0]


def interactions(game: Game, budget: int, seed: int) -> np.ndarray:
    """What an explanation by interactions shows."""
    design, y = sampled(game, budget, seed)
    fitted = InteractionSurrogate(proxy=CubeProxy()).fit(design.sampled, y[design.fixed :])
    return indices(fitted).values[0]


def kernel_shap(game: Game, budget: int, seed: int, leverage: bool = False) -> np.ndarray:
    """shapiq's KernelSHAP with paired rows; sizes by its own default, or uniform (leverage scores)."""
    from shapiq import KernelSHAP

    sizes = np.ones(game.n + 1) if leverage else None
    approximator = KernelSHAP(n=game.n, pairing_trick=True, sampling_weights=sizes, random_state=seed)
    values = approximator.approximate(budget, game)
    return np.array([values[(i,)] for i in range(game.n)])


def kernel_explainer(game: Game, budget: int, seed: int) -> np.ndarray:
    """shap's KernelExplainer without feature selection; the two endpoints count."""
    import shap

    np.random.seed(seed)  # noqa: NPY002 - it reads nothing else
    explainer = shap.KernelExplainer(game, np.zeros((1, game.n)))
    values = explainer.shap_values(np.ones((1, game.n)), nsamples=budget - 2, l1_reg=False, silent=True)
    return np.asarray(values).ravel()


def proxyspex(game: Game, budget: int, seed: int) -> np.ndarray:
    """shapiq's ProxySPEX as it comes, asked for Shapley values."""
    from shapiq import ProxySPEX

    values = ProxySPEX(n=game.n, index="SV", random_state=seed).approximate(budget, game)
    return np.array([values[(i,)] for i in range(game.n)])


CONTENDERS: dict[str, Callable[[Game, int, int], np.ndarray]] = {
    OURS: paired_process,
    "iomap proxy": proxy,
    "iomap interactions": interactions,
    "KernelSHAP, paired (shapiq)": kernel_shap,
    "least squares, iomap's rows": same_rows,
    LEVERAGE: lambda game, budget, seed: kernel_shap(game, budget, seed, leverage=True),
    "KernelExplainer (shap)": kernel_explainer,
    "ProxySPEX (shapiq)": proxyspex,
}


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    show("Relative squared error of Shapley values, mean over instances with 95% interval", result["errors"])
    if result["halves"]:
        show("Against leverage-score KernelSHAP, mean over instances", result["halves"])
    show("How often iomap's 95% intervals hold", result["coverage"])
    for name, reason in result["skipped"].items():
        print(f"without {name}: {reason}")
