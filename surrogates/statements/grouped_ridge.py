"""Ridge regression for cases that come in entities: weights, and residuals for entities that they have not seen.

Columns are of three kinds, each with a penalty of its own. Penalties are chosen, and residuals taken, on entities left
out of the fit, because cases of one entity are not independent of each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = [
    "CLAIMED",
    "LEVEL",
    "PAIR",
    "LinearFit",
    "effective_count",
    "entity_variance",
    "fit_log_scale",
    "folds_of",
    "grouped_ridge",
]

#: kinds of columns: what a supported statement says, a level of a factor, two levels together
CLAIMED, LEVEL, PAIR = 0, 1, 2
_EXCLUDED = 1e9  # a penalty that leaves a column out
_CLAIMED = 1.0
_LEVELS = (2.0, 10.0, 50.0)
_TIMES = (1.0, 5.0, np.inf)  # how much heavier pairs are penalised than single levels
_SPREAD = 5.0  # penalty of the columns of the log-variance
_STEPS = 12
_REACH = 5.0
_FOLDS = 10


@dataclass(frozen=True)
class LinearFit:
    """Weights of the columns and the residuals of cases whose entities were left out.

    Attributes
    ----------
    intercept : float
    weights : ndarray ``(p,)``
    residuals : ndarray ``(n,)``
    """

    intercept: float
    weights: np.ndarray
    residuals: np.ndarray


def folds_of(entity: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return a fold number for each case such that every entity is in one fold, ``(n,)``."""
    names, who = np.unique(entity, return_inverse=True)
    return (rng.permutation(len(names)) % min(count, len(names)))[who.reshape(-1)]


def grouped_ridge(
    X: np.ndarray, y: np.ndarray, kinds: np.ndarray, entity: np.ndarray, rng: np.random.Generator, more: bool = True
) -> LinearFit:
    """Fit a ridge regression with the penalties that predict left-out entities best.

    Parameters
    ----------
    X : ndarray ``(n, p)`` of 0 and 1
    y : ndarray ``(n,)``
    kinds : ndarray ``(p,)``
        ``CLAIMED``, ``LEVEL`` or ``PAIR``.
    entity : ndarray ``(n,)`` of labels
    rng : numpy.random.Generator
        Draws the folds.
    more : bool
        Whether levels and pairs may enter; else the claimed columns alone do.
    """
    A = np.column_stack([np.ones(len(y)), X])
    fold = folds_of(entity, _FOLDS, rng)
    parts = [fold == k for k in np.unique(fold)]
    grams = np.stack([A[p].T @ A[p] for p in parts])
    moments = np.stack([A[p].T @ y[p] for p in parts])
    gram, moment = grams.sum(axis=0), moments.sum(axis=0)
    tried = [(_EXCLUDED, _EXCLUDED)]
    if more and (kinds != CLAIMED).any():
        tried += [(level, min(level * times, _EXCLUDED)) for level in _LEVELS for times in _TIMES]
    best: tuple[float, np.ndarray, np.ndarray] | None = None
    for level, pair in tried:
        # (Σ AᵀA − AₚᵀAₚ + penalty) w = Σ Aᵀy − Aₚᵀy: the fit without the entities of part p
        penalty = np.diag([0.0, *np.choose(kinds, [_CLAIMED, level, pair])])
        others = np.linalg.solve(gram - grams + penalty, (moment - moments)[..., None])[..., 0]
        residuals = np.empty(len(y))
        for p, weights in zip(parts, others, strict=True):
            residuals[p] = y[p] - A[p] @ weights
        loss = float(residuals @ residuals)
        if best is None or loss < best[0] * (1 - 1e-6):
            best = loss, penalty, residuals
    assert best is not None
    solution = np.linalg.solve(gram + best[1], moment)
    return LinearFit(float(solution[0]), solution[1:], best[2])


def fit_log_scale(X: np.ndarray, residuals: np.ndarray, entity: np.ndarray, rng: np.random.Generator) -> LinearFit:
    """Fit log σ = b + X w to residuals: a shrunken log-linear model of their squares.

    Returns
    -------
    LinearFit
        ``exp(intercept + X @ weights)`` is the scale of a case (unit of the residuals); ``residuals`` are the given
        ones over the scale that other entities give them.
    """
    if not residuals.any():
        return LinearFit(0.0, np.zeros(X.shape[1]), residuals)
    squares = residuals**2 / np.mean(residuals**2)
    A = np.column_stack([np.ones(len(squares)), X])
    fold = folds_of(entity, _FOLDS, rng)
    relative = np.empty(len(squares))
    for k in np.unique(fold):
        p = fold == k
        relative[p] = residuals[p] / np.exp(A[p] @ _log_mean(A[~p], squares[~p]) / 2)
    solution = _log_mean(A, squares) / 2
    unit = float(np.sqrt(np.mean(residuals**2)))
    return LinearFit(float(solution[0]) + float(np.log(unit)), solution[1:], relative / unit)


def _log_mean(A: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Fit weights of the log of the mean of y > 0 with a mean near 1: gamma regression by Fisher scoring, shrunken."""
    penalty = np.diag([1e-9, *np.full(A.shape[1] - 1, _SPREAD)])
    solve = np.linalg.inv(A.T @ A + penalty)
    weights = np.zeros(A.shape[1])
    for _ in range(_STEPS):
        linear = A @ weights
        # steps are bounded: a single huge square must not throw the scale of everything off
        weights = solve @ (A.T @ (linear + np.minimum(y * np.exp(-linear) - 1, _REACH)))
    return weights


def effective_count(values: np.ndarray, entity: np.ndarray) -> float:
    """Count the independent values that n cases are worth: n / (1 + (m − 1) ICC) for m per entity.

    Examples
    --------
    >>> effective_count(np.array([1.0, 1.0, 2.0, 2.0, 5.0, 5.0]), np.array(list("aabbcc"))).__round__(6)
    3.0
    """
    _, who = np.unique(entity, return_inverse=True)
    who = who.reshape(-1)
    sizes = np.bincount(who)
    m, total = float(sizes.mean()), float(values.var())
    if total == 0 or m == 1:
        return float(len(values))
    between = float(((np.bincount(who, values) / sizes)[who] - values.mean()).var())
    icc = float(np.clip((between / total - 1 / m) / (1 - 1 / m), 0, 1))
    return len(values) / (1 + (m - 1) * icc)


def entity_variance(values: np.ndarray, entity: np.ndarray) -> float:
    """Return the squared error of the best constant: half the mean squared difference of cases of different entities.

    The U-statistic of the variance (Hoeffding 1948) over pairs that are independent: no mean is estimated, so it is
    unbiased however few the entities are. Zero with a single entity.

    Examples
    --------
    >>> entity_variance(np.array([1.0, 1.0, 3.0, 3.0]), np.array(list("aabb")))
    2.0
    """
    _, who = np.unique(entity, return_inverse=True)
    who = who.reshape(-1)
    y = np.asarray(values, dtype=float) - np.mean(values)
    sizes, sums, squares = np.bincount(who), np.bincount(who, y), np.bincount(who, y**2)
    pairs = len(y) ** 2 - float(sizes @ sizes)
    if not pairs:
        return 0.0
    all_pairs = len(y) * float(y @ y) - float(y.sum()) ** 2
    return float(max(all_pairs - float(sizes @ squares) + float(sums @ sums), 0.0)) / pairs
