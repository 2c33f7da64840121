"""Shapley values of a model from few answers: a paired design, and an estimate with standard errors.

    Z = paired(n, budget, rng)          which questions to ask
    y = answers to Z
    shapley_values(Z, y)                values that add up exactly, and how sure they are

The estimate is that of a process for the odd part of the game (:mod:`surrogates.odd`), and then, as far as they help to
predict held-out answers, the Shapley values of what that process leaves unexplained, by weighted least squares.
"""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
from threadpoolctl import threadpool_limits

from probes.design import cube
from probes.errors import InputError
from surrogates.base import folds
from surrogates.diagonal import Subsets
from surrogates.indices import Indices, indices
from surrogates.odd import fit_odd

__all__ = ["paired", "shapley_values"]

#: fewest pairs beside the endpoints
MINIMUM = 5
#: folds, and how often rows are split, to find how much of a correction helps
_FOLDS, _SPLITS = 5, 4
#: a class of pairs of at most this many is listed rather than drawn from blindly
_LISTED = 20_000


def paired(n: int, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Questions for Shapley values: the endpoints, then pairs of a row and its complement, none twice.

    The number of features present is spread evenly over 1, …, n − 1, so that a single row has a chance in proportion
    to its leverage score 1 / C(n, s) (Musco and Witter 2025); sizes without rows left leave their share to the others.

    Parameters
    ----------
    n : int
        Features.
    rows : int
        The most rows; the whole cube if they cover it. An odd one is not spent.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray ``(m, n)``
        Rows of 0/1: all present, none present, then each pair side by side.

    Raises
    ------
    InputError
        If there are fewer than two features, or rows for fewer than five pairs.

    Examples
    --------
    >>> Z = paired(10, 33, np.random.default_rng(0))
    >>> Z.shape, bool((Z[::2] + Z[1::2] == 1).all())
    ((32, 10), True)
    """
    if n < 2:
        raise InputError("n", "be at least 2", n)
    every = n <= 30 and 2**n <= rows
    if rows < 2 + 2 * MINIMUM and not every:
        raise InputError("rows", f"be at least {2 + 2 * MINIMUM}, or all 2ⁿ", rows)
    pairs = 2 ** (n - 1) - 1 if every else (rows - 2) // 2
    one = np.vstack([_rows(n, size, count, rng) for size, count in enumerate(_shares(n, pairs, rng), 1)])
    one = np.vstack([np.ones(n), rng.permutation(one)])
    return np.stack([one, 1 - one], axis=1).reshape(-1, n)


def _shares(n: int, pairs: int, rng: np.random.Generator) -> list[int]:
    """How many pairs have 1, …, n // 2 features in the smaller row: evenly, by systematic sampling, none too many."""
    middle = [2 * size == n for size in range(1, n // 2 + 1)]
    room = np.array([min(comb(n, s) // (2 if half else 1), 2**53) for s, half in enumerate(middle, 1)], dtype=float)
    want = np.where(middle, 1.0, 2.0)
    share, full = np.zeros(len(room)), np.zeros(len(room), dtype=bool)
    while pairs - share.sum() > 1e-6 and not full.all():
        open_ = want * ~full
        share = np.minimum(share + (pairs - share.sum()) * open_ / open_.sum(), room)
        full = share >= room
    steps = np.floor(np.append(0.0, np.cumsum(share)) + rng.random() * (1 - 1e-6) + 1e-9)
    steps[-1] = pairs
    return np.diff(steps).astype(int).tolist()


def _rows(n: int, size: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` distinct rows ``(count, n)`` with `size` features present, no two of them complements."""
    found: dict[bytes, np.ndarray] = {}
    if comb(n, size) <= _LISTED:
        chosen = [c for c in combinations(range(n), size) if 2 * size < n or 0 in c]
        listed = np.array([chosen[i] for i in rng.permutation(len(chosen))[:count]], dtype=int).reshape(count, size)
        return np.array([np.bincount(c, minlength=n) for c in listed], dtype=float).reshape(count, n)
    while len(found) < count:
        row = np.zeros(n, dtype=bool)
        row[rng.choice(n, size, replace=False)] = True
        found.setdefault(min(row.tobytes(), (~row).tobytes()), row)
    return np.array(list(found.values()), dtype=float).reshape(count, n)


def shapley_values(Z: np.ndarray, y: np.ndarray) -> Indices:
    """Shapley values of a model from answers to pairs of rows.

    Parameters
    ----------
    Z : ndarray ``(m, n)``
        Rows of 0/1 as :func:`paired` gives them, in any order: both endpoints, and with each row its complement.
    y : ndarray ``(m,)`` or ``(m, k)``
        Answers. Those to the two endpoints are taken as free of noise; what others hold of it is estimated.

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
    >>> Z = paired(8, 40, np.random.default_rng(0))
    >>> found = shapley_values(Z, 3 * Z[:, 1] - Z[:, 4] * Z[:, 5])
    >>> found.values.round(1) + 0.0
    array([[ 0. ,  3. ,  0. ,  0. , -0.5, -0.5,  0. ,  0. ]])
    """
    Z, y = np.asarray(Z, dtype=float), np.asarray(y, dtype=float)
    y = y.reshape(len(y), -1)
    n, place = Z.shape[1], _places(Z, y)
    if len(Z) == 2**n:
        return indices(y[[place[row.tobytes()] for row in cube(n) > 0.5]])
    ones = [j for j in range(len(Z)) if Z[j, 0] > 0.5]
    ones.sort(key=lambda j: -Z[j].sum())  # all present comes first
    other = [place[(Z[j] < 0.5).tobytes()] for j in ones]
    X, odd = 2 * Z[ones] - 1, (y[ones] - y[other]) / 2
    alone: Subsets = [(i,) for i in range(n)]
    if np.abs(odd).max() <= 64 * np.finfo(float).eps * np.abs(y).max():
        return Indices("shapley", alone, np.zeros((y.shape[1], n)), np.zeros((y.shape[1], n)))
    with threadpool_limits(1):
        fit = fit_odd(X, odd)
        change, variance = _correction(X[1:], fit.left[1:])
    values = fit.values + change
    values += (2 * odd[0] - values.sum(axis=1))[:, None] / n  # what rounding and jitter left
    return Indices("shapley", alone, values, np.sqrt(fit.se**2 + variance))


def _places(Z: np.ndarray, y: np.ndarray) -> dict[bytes, int]:
    """Row numbers by content, of a design that is complete."""
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


def _correction(X: np.ndarray, left: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shapley values of what is left unexplained, shrunk as far as cross-validation says, and their variances.

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
    """The matrix ``(n, g)`` from odd parts to the slopes of their weighted least squares fit that add up to zero."""
    centred = X - X.mean(axis=1, keepdims=True)
    root = np.sqrt(weight / weight.max())
    return np.linalg.pinv(root[:, None] * centred, rcond=1e-9) * root
