"""Effects with conditional replacement, against the truth on correlated Gaussian columns.

The model is linear, so that with columns S kept its conditional mean is that of the normal law, in closed form. All
masks are asked; an effect is the average over them. Rows and backgrounds are drawn anew for every seed. Marginal
replacement is beside it: on the same truth, which is not its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.run.record import show, timed
from probes import Background, Conditional, TabularProbe
from probes.inputs.locality import Law

__all__ = ["TABLE", "report", "run", "true_effects"]

#: columns, their correlation, rows of the background
SETTINGS = [(4, 0.5), (4, 0.9), (6, 0.7)]
N, ROWS, SEEDS = 10_000, (100, 400), 20
LAWS: dict[str, Callable[[int], Law]] = {
    "nearest": lambda rows: Conditional("nearest", rows),
    "forest": lambda rows: Conditional("forest", rows),
    "marginal": Background,
}
#: seeds of development are from 0; those reported begin here
FIRST = 1000
TABLE = {"columns": "columns", "correlation": "correlation", "law": "replacement", "rows": "rows a question",
         "mean_error": "mean error", "most": "largest", "within": "within .05", "seconds": "seconds"}  # fmt: skip


def conditional_mean(kept: np.ndarray, x: np.ndarray, sigma: np.ndarray, weights: np.ndarray) -> float:
    """The linear model's mean given the columns kept, of a normal law with mean 0."""
    s, a = np.flatnonzero(kept), np.flatnonzero(~kept)
    filled = x.astype(float)
    filled[a] = sigma[np.ix_(a, s)] @ np.linalg.solve(sigma[np.ix_(s, s)], x[s]) if len(s) else 0.0
    return float(weights @ filled)


def true_effects(x: np.ndarray, sigma: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Average effects ``(d,)`` over all masks."""
    Z = np.array(list(product((0, 1), repeat=len(x))))
    values = np.array([conditional_mean(z > 0, x, sigma, weights) for z in Z])
    effects: np.ndarray = (2 * Z - 1).T @ values / (len(Z) / 2)
    return effects


def trial(d: int, rho: float, law: Law, seed: int, rows: int) -> np.ndarray:
    """Errors ``(d,)`` of the effects of one row."""
    rng = np.random.default_rng(seed)
    sigma = np.full((d, d), rho) + (1 - rho) * np.eye(d)
    weights = np.linspace(1.0, -0.5, d)
    draws = rng.normal(size=(rows + 1, d)) @ np.linalg.cholesky(sigma).T
    frame = pd.DataFrame(draws[1:], columns=[f"x{j}" for j in range(d)])
    probe = TabularProbe(draws[0], frame.to_numpy(), law=law, random_state=seed)
    Z = np.array(list(product((0, 1), repeat=d)), dtype=float)
    asked = np.asarray(probe.render(Z)) @ weights
    answers = asked.reshape(len(Z), -1).mean(axis=1)
    return (2 * Z - 1).T @ answers / (len(Z) / 2) - true_effects(draws[0], sigma, weights)


def _trials(d: int, rho: float, law: Law, count: int, rows: int) -> list[np.ndarray]:
    return [trial(d, rho, law, FIRST + seed, rows) for seed in range(count)]


def run(quick: bool, jobs: int, seeds: int | None = None) -> dict[str, Any]:
    """Every setting with every law."""
    count, rows = (3, 2000) if quick else (seeds or SEEDS, N)
    table = []
    for (d, rho), (name, law), used in product(SETTINGS, LAWS.items(), ROWS):
        with threadpool_limits(1):
            seconds, errors = timed(partial(_trials, d, rho, law(used), count, rows))
        size = np.abs(np.array(errors))
        table.append(
            {
                "columns": d,
                "correlation": rho,
                "law": name,
                "rows": used,
                "mean_error": float(size.mean()),
                "most": float(size.max()),
                "within": float((size <= 0.05).mean()),
                "mean_within": bool(size.mean() <= 0.05),
                "seconds": seconds / count,
            }
        )
    return {"settings": {"background": rows, "seeds": count, "first seed": FIRST}, "rows": table}


def report(result: dict[str, Any]) -> None:
    """Print the table."""
    show("Effects with absent columns replaced, against conditional truth", result["rows"])
