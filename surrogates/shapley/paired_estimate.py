"""Shapley values of a model from few answers to paired questions: an estimate with standard errors.

The estimate is that of a process for the odd part of the game (:mod:`surrogates.shapley.odd_process`), plus, as far as
they help to predict held-out answers, the Shapley values of its residuals by weighted least squares.
"""

from __future__ import annotations

import numpy as np

from probes.design import cube
from probes.errors import InputError
from surrogates.numerics.folds import folds
from surrogates.numerics.one_thread import one_thread
from surrogates.proxy.path_integrals import Subsets
from surrogates.shapley.indices import Indices, indices
from surrogates.shapley.odd_process import fit_odd

__all__ = ["from_pairs", "residual_values"]

#: folds, and how often rows are split, to find how much of a correction helps
_FOLDS, _SPLITS = 5, 4


def from_pairs(Z: np.ndarray, y: np.ndarray, noisy: bool = False) -> Indices:
    """Estimate the Shapley values of a model from answers to pairs of rows.

    Parameters
    ----------
    Z : ndarray ``(m, n)``
        Rows of 0/1 as :func:`probes.design.paired` gives them, in any order: both endpoints, and with each row its
        complement.
    y : ndarray ``(m,)`` or ``(m, k)``
        Answers. Those to the two endpoints are taken as free of noise; the noise of others is estimated.
    noisy : bool, default False
        Whether the model answers the same question differently, so that not even the whole cube makes values exact.

    Returns
    -------
    Indices
        Of the model. For each output they add up to the answer with all features minus that with none, exactly. From
        the whole cube they are exact and their standard errors 0; else these are posterior standard deviations, whose
        95% intervals covered 91 to 96% of Shapley values of real models (``python -m benchmarks shapley``).

    Raises
    ------
    InputError
        If an endpoint or a complement is missing, or a row is there twice.

    Examples
    --------
    >>> from probes.design import paired
    >>> Z = paired(8, 40, np.random.default_rng(0))
    >>> estimate = from_pairs(Z, 3 * Z[:, 1] - Z[:, 4] * Z[:, 5])
    >>> estimate.values.round(1) + 0.0
    array([[ 0. ,  3. ,  0. ,  0. , -0.5, -0.5,  0. ,  0. ]])
    """
    Z, y = np.asarray(Z, dtype=float), np.asarray(y, dtype=float)
    y = y.reshape(len(y), -1)
    n, place = Z.shape[1], _places(Z, y)
    if len(Z) == 2**n and not noisy:
        return indices(y[[place[row.tobytes()] for row in cube(n) > 0.5]])
    ones = [j for j in range(len(Z)) if Z[j, 0] > 0.5]
    ones.sort(key=lambda j: -Z[j].sum())  # all present comes first
    other = [place[(Z[j] < 0.5).tobytes()] for j in ones]
    X, halved = 2 * Z[ones] - 1, (y[ones] - y[other]) / 2
    alone: Subsets = [(i,) for i in range(n)]
    if np.abs(halved).max() <= 64 * np.finfo(float).eps * np.abs(y).max():
        return Indices("shapley", alone, np.zeros((y.shape[1], n)), np.zeros((y.shape[1], n)))
    with one_thread():
        fit = fit_odd(X, halved)
        change, variance = residual_values(X[1:], fit.left[1:])
    values = fit.values + change
    values += (2 * halved[0] - values.sum(axis=1))[:, None] / n  # rounding and jitter
    return Indices("shapley", alone, values, np.sqrt(fit.se**2 + variance))


def _places(Z: np.ndarray, y: np.ndarray) -> dict[bytes, int]:
    """Return row numbers by content, of a design that holds both endpoints and every complement."""
    if Z.ndim != 2 or len(Z) != len(y) or not np.isin(Z, (0.0, 1.0)).all():
        raise InputError("Z", f"be rows of 0 and 1, one for each of {len(y)} answers", Z)
    if not np.isfinite(y).all():
        raise InputError("y", "be finite", y)
    place = {row.tobytes(): j for j, row in enumerate(Z > 0.5)}
    if len(place) < len(Z):
        raise InputError("Z", "hold no row twice", f"{len(Z) - len(place)} repeated rows")
    if np.ones(Z.shape[1], dtype=bool).tobytes() not in place or any(row.tobytes() not in place for row in Z < 0.5):
        raise InputError("Z", "hold both endpoints, and with each row its complement", Z)
    return place


def residual_values(X: np.ndarray, left: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Estimate Shapley values of residuals by weighted least squares, shrunk by cross-validation, and their variances.

    Parameters
    ----------
    X : ndarray ``(g, n)``
        Rows of −1/+1, one of each pair, without the endpoints.
    left : ndarray ``(g, k)``
        Held-out errors at their odd parts; the endpoints have none.

    Returns
    -------
    change, variance : ndarray ``(k, n)``
        Zero unless there are more than twice as many pairs as features.
    """
    (g, n), k = X.shape, left.shape[1]
    if g <= 2 * n:
        return np.zeros((k, n)), np.zeros((k, n))
    size = (X > 0).sum(axis=1)
    smaller = np.minimum(size, n - size)
    count = np.bincount(smaller)[smaller]
    weight = np.where(2 * size == n, 1.0, 2.0) / (size * (n - size) * count)
    agree, power = np.zeros(k), np.zeros(k)
    for seed in range(_SPLITS):
        for train, test in folds(g, _FOLDS, seed):
            predicted = X[test] @ _project(X[train], weight[train]) @ left[train]
            agree += weight[test] @ (predicted * left[test])
            power += weight[test] @ predicted**2
    shrink = np.clip(agree / np.where(power > 0, power, 1.0), 0.0, 1.0)
    solver = _project(X, weight)
    slope = solver @ left
    errors = left - X @ slope
    return (2 * shrink * slope).T, (4 * shrink**2 * (solver**2 @ errors**2) * g / (g - n + 1)).T


def _project(X: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the matrix ``(n, g)`` from odd parts to their weighted least squares slopes that add up to zero."""
    centred = X - X.mean(axis=1, keepdims=True)
    root = np.sqrt(weight / weight.max())
    return np.linalg.pinv(root[:, None] * centred, rcond=1e-9) * root
