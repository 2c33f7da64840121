"""Rivals that learn from rows they are given, each in an interpreter that has it.

shapiq draws its questions in a sampler of each approximator's own; here this sampler holds the rows given, so that all
are fitted to the same ones. LightGBM is held to one thread, which changes nothing but the time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np

from benchmarks.rivals.served import serve

__all__ = ["ENDS", "FITS", "SEARCHED", "fitted"]

Predict = Callable[[np.ndarray], np.ndarray]
#: rows ``(m, n)``, targets ``(m,)``, seed, settings found earlier on all rows or None → prediction, settings found
Fit = Callable[[np.ndarray, np.ndarray, int, "dict[str, Any] | None"], "tuple[Predict, dict[str, Any]]"]

#: ProxySPEX's search with leaves as small as few rows need
SMALL_LEAVES: dict[str, list[Any]] = {
    "max_depth": [3, 5],
    "min_child_samples": [3, 8],
    "learning_rate": [0.03, 0.1],
    "n_estimators": [300],
}


class Given:
    """A sampler of shapiq that holds rows given, the first `ends` of them chosen and the others uniform."""

    pairing_trick = False
    empty_coalition_index = 1

    def __init__(self, Z: np.ndarray, ends: int):
        self.coalitions_matrix = Z > 0.5
        uniform = len(Z) - ends
        weight = Z.shape[1] * math.log(2) - math.log(max(uniform, 1))
        self.log_sampling_adjustment_weights = np.r_[np.zeros(ends), np.full(uniform, weight)]

    def sample(self, budget: int) -> None:
        """Draw nothing."""


def lasso(Z: np.ndarray, y: np.ndarray, seed: int, settings: dict[str, Any] | None) -> tuple[Predict, dict[str, Any]]:
    """Fit main effects, penalty by cross-validation."""
    from sklearn.linear_model import Lasso, LassoCV

    model = LassoCV(cv=5, alphas=50).fit(Z, y) if settings is None else Lasso(**settings).fit(Z, y)
    return model.predict, settings or {"alpha": float(model.alpha_)}


def pairwise_lasso(
    Z: np.ndarray, y: np.ndarray, seed: int, settings: dict[str, Any] | None
) -> tuple[Predict, dict[str, Any]]:
    """Fit main effects and products of two of x = 2z − 1, penalty by cross-validation."""

    def pairs(rows: np.ndarray) -> np.ndarray:
        X = 2 * rows - 1
        first, second = np.array(list(combinations(range(rows.shape[1]), 2))).T
        return np.hstack([X, X[:, first] * X[:, second]])

    predict, found = lasso(pairs(Z), y, seed, settings)
    return lambda rows: predict(pairs(rows)), found


def _lime(width: float) -> Fit:
    """Fit lime's weighted ridge, with a kernel of this width on cosine distance."""

    def fit(Z: np.ndarray, y: np.ndarray, seed: int, settings: dict[str, Any] | None) -> tuple[Predict, dict[str, Any]]:
        from lime.lime_base import LimeBase
        from sklearn.metrics import pairwise_distances

        base = LimeBase(lambda distance: np.exp(-(distance**2) / width**2 / 2), random_state=seed)
        distances = pairwise_distances(Z, Z[:1], metric="cosine").ravel()
        level, weights, *_ = base.explain_instance_with_data(Z, y[:, None], distances, 0, Z.shape[1])
        coef = np.zeros(Z.shape[1])
        coef[[i for i, _ in weights]] = [w for _, w in weights]
        return lambda rows: float(np.ravel(level)[0]) + rows @ coef, {}

    return fit


def _regressor(kind: str, settings: dict[str, Any], seed: int) -> Any:
    if kind == "lightgbm":
        from lightgbm import LGBMRegressor

        return LGBMRegressor(random_state=seed, n_jobs=1, verbose=-1, **settings)
    from xgboost import XGBRegressor

    return XGBRegressor(random_state=seed, n_jobs=1, **settings)


def _proxyspex(hpo: bool, grid: dict[str, list[Any]] | None = None) -> Fit:
    """Fit shapiq's ProxySPEX; of full order, FBII is the Möbius transform of what it found."""

    def fit(Z: np.ndarray, y: np.ndarray, seed: int, settings: dict[str, Any] | None) -> tuple[Predict, dict[str, Any]]:
        from shapiq import ProxySPEX
        from sklearn.model_selection import GridSearchCV

        n = Z.shape[1]
        model: Any = "lightgbm"
        if settings is not None:
            model = _regressor("lightgbm", settings, seed)
        elif grid is not None:
            model = GridSearchCV(_regressor("lightgbm", {}, seed), grid, scoring="r2", cv=5)
        approximator = ProxySPEX(n=n, max_order=n, index="FBII", proxy_model=model, hpo=hpo, random_state=seed)
        proxy: Any = approximator.proxy_model
        getattr(proxy, "estimator", proxy).set_params(n_jobs=1, verbose=-1)
        approximator._sampler = Given(Z, 0)
        found = approximator.approximate(len(Z), lambda rows: y).interactions
        weights = {members: float(weight) for members, weight in found.items() if weight}
        return _products(weights), getattr(proxy, "best_params_", settings or {})

    return fit


def _products(weights: dict[tuple[int, ...], float]) -> Predict:
    def predict(rows: np.ndarray) -> np.ndarray:
        absent, total = rows < 0.5, np.zeros(len(rows))
        for members, weight in weights.items():
            total += weight * ~absent[:, members].any(axis=1)
        return total

    return predict


def _proxyshap(hpo: bool) -> Fit:
    """Fit the proxy that shapiq's ProxySHAP and RegressionMSR read their values from."""

    def fit(Z: np.ndarray, y: np.ndarray, seed: int, settings: dict[str, Any] | None) -> tuple[Predict, dict[str, Any]]:
        from shapiq import ProxySHAP

        model: Any = "xgboost" if settings is None else _regressor("xgboost", settings, seed)
        proxy: Any = ProxySHAP(n=Z.shape[1], proxy_model=model, hpo=hpo, random_state=seed).proxy_model
        getattr(proxy, "estimator", proxy).set_params(n_jobs=1)
        proxy.fit(Z > 0.5, y)
        return lambda rows: proxy.predict(rows > 0.5).astype(float), getattr(proxy, "best_params_", settings or {})

    return fit


def regression_msr(
    Z: np.ndarray, y: np.ndarray, seed: int, settings: dict[str, Any] | None
) -> tuple[Predict, dict[str, Any]]:
    """Fit shapiq's RegressionMSR for Banzhaf values β: ŷ = ȳ + Σ βᵢ (zᵢ − ½), the best sum for the true ones."""
    from shapiq import RegressionMSR

    approximator = RegressionMSR(n=Z.shape[1], index="BV", random_state=seed)
    approximator._sampler = Given(Z, 2)
    found = approximator.approximate(len(Z), lambda rows: y.copy())
    values = np.array([found[(i,)] for i in range(Z.shape[1])])
    return lambda rows: y[2:].mean() + (rows - 0.5) @ values, {}


FITS: dict[str, Fit] = {
    "Lasso-CV": lasso,
    "pairwise Lasso-CV": pairwise_lasso,
    "ProxySPEX (shapiq)": _proxyspex(hpo=True),
    "ProxySPEX, no search (shapiq)": _proxyspex(hpo=False),
    "ProxySPEX, small leaves (shapiq)": _proxyspex(hpo=False, grid=SMALL_LEAVES),
    "ProxySHAP's proxy (shapiq)": _proxyshap(hpo=False),
    "ProxySHAP's proxy, searched (shapiq)": _proxyshap(hpo=True),
    "RegressionMSR, Banzhaf (shapiq)": regression_msr,
    "weighted ridge (lime)": _lime(0.25),
    "weighted ridge, wide kernel (lime)": _lime(25.0),
}
#: those that try many settings: what they find for the first line serves for the others too
SEARCHED = ("ProxySPEX (shapiq)", "ProxySPEX, small leaves (shapiq)", "ProxySHAP's proxy, searched (shapiq)")
#: those whose rows begin with all features present, and none
ENDS = ("RegressionMSR, Banzhaf (shapiq)", "weighted ridge (lime)", "weighted ridge, wide kernel (lime)")


def fitted(
    rival: Any, seed: Any, Z: np.ndarray, lines: np.ndarray, parts: np.ndarray, fold: np.ndarray, Z_new: np.ndarray
) -> dict[str, np.ndarray]:
    """Fit a rival to all rows and, with the settings found there, without each fold.

    A search is made once, on the first line.

    Parameters
    ----------
    rival : str, or ndarray of one
    seed : int, or ndarray of one
    Z : ndarray ``(m, n)``
    lines : ndarray ``(c, m)``
        Targets, one line for each curve that answers may pass through.
    parts : ndarray ``(c, f, m)``
        Targets as they are known without each fold.
    fold : ndarray ``(m,)``
        Fold of every row; −1 is in none.
    Z_new : ndarray ``(q, n)``

    Returns
    -------
    dict
        ``new`` ``(c, q)``; ``held`` ``(c, m)``, NaN where a row is in no fold.
    """
    rival, seed = str(rival), int(seed)
    fit = FITS[rival]
    new, held = np.empty((len(lines), len(Z_new))), np.full(lines.shape, np.nan)
    settings = None
    for c, line in enumerate(lines):
        predict, settings = fit(Z, line, seed, settings if rival in SEARCHED else None)
        new[c] = predict(Z_new)
        for f in range(parts.shape[1]):
            out = fold == f
            held[c, out] = fit(Z[~out], parts[c, f, ~out], seed, settings)[0](Z[out])
    return {"new": new, "held": held}


if __name__ == "__main__":
    serve(fitted)
