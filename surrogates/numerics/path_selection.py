"""min over w of Σᵢ vᵢ (tᵢ − Σⱼ wⱼ xᵢⱼ)² + λ ‖w‖², few wⱼ ≠ 0: columns that join one by one, averaged over their path.

Columns join by forward selection; many of them, where rows are few, in the order of least angles
(:mod:`surrogates.numerics.joining`). Each brings the part of it that the columns before it do not hold (Gram and
Schmidt), so that one pass gives the fits of every size and, with a factor for each part, of every ridge penalty; and,
in the order of least angles, that regression itself, which like a lasso gives the last columns hardly any weight.
Cross-validation weighs all of these, and the weights shown are their average: which column joins next is decided by
little, and a mean over the path is steadier than its best point. A column stays if the sizes that hold it have a fair
share of the weight.

Outputs come first in all arrays and are summed one by one, so that each has the same weights to the last bit whatever
it is fitted together with.

Averages by out-of-sample error: Yang (2001), tempered since errors of neighbouring sizes go together. Keeping what most
of the weight holds: Barbieri and Berger (2004). Least squares in the order of a lasso: Meinshausen (2007).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg.lapack import dtrtrs

from surrogates.numerics.fold_sums import Sums, held_out
from surrogates.numerics.folds import folds, folds_of_sets, sizes_of
from surrogates.numerics.joining import ROUNDING, Forward, LeastAngle, Step
from surrogates.numerics.merged_rows import by_column
from surrogates.numerics.wide_selection import Joining, Path, by_rows, is_wide, most_columns, times

__all__ = ["are_many", "select", "standardised"]

#: ridge penalties, in variances of a column
PENALTIES = np.array([0.0, 0.1, 1.0])
#: share of the evidence of the held-out errors that is believed
_TEMPER = 0.3
#: share of the weight that must hold a column for it to stay
_KEPT = 0.3
#: variance of a column's own part below which leaving a column out changes the weights of those before it
_NEARLY_DEPENDENT = 0.1
#: columns a row beyond which they are many, and rows that are enough to tell columns apart, however many
_MANY, _ENOUGH = 0.31, 192
#: columns a row up to which those that may join are the ones that explain most: least angles share with others, and a
#: limit of 4 or 10 columns cost .01 to .03 of R²
_SEVERAL = 0.25
#: columns a row, beyond which a fit follows the noise
_FULL = 0.75
#: numbers that are worked on at a time: what a processor's cache holds
_AT_ONCE = 1_000_000


def are_many(n: int, p: int) -> bool:
    """Whether p columns are so many for n rows, and these so few, that forward selection settles on wrong columns.

    Examples
    --------
    >>> are_many(62, 14), are_many(62, 40), are_many(252, 400)
    (False, True, False)
    """
    return n < _ENOUGH and p > _MANY * n


def select(
    X: np.ndarray, t: np.ndarray, weight: np.ndarray, n_folds: int, random_state: int, most: int | None = None
) -> np.ndarray:
    """Select columns for each output and weigh them; a weight is zero where a column is left out.

    Of several sets of about as many rows, each worked on by itself, every array has one axis more, the first; rows of
    weight 0 at the end of a set fill it up.

    Parameters
    ----------
    X : ndarray ``(n, p)``
        Columns of variance 1.
    t : ndarray ``(k, n)``
        Outputs of variance 1; each is worked on by itself.
    weight : ndarray ``(n,)``
        A weight of 2 counts like the row twice.
    n_folds, random_state : int
        Of the cross-validation.
    most : int, optional
        The most columns of an output.

    Returns
    -------
    ndarray ``(k, p)``

    Examples
    --------
    >>> X = np.random.default_rng(0).choice([-1.0, 1.0], (64, 8))
    >>> select(X, 3 * X[:, [2]].T - X[:, [5]].T, np.ones(64), 5, 0).round(2)
    array([[ 0.,  0.,  3.,  0.,  0., -1.,  0.,  0.]])
    """
    if X.ndim == 2:
        return select(X[None], t[None], weight[None], n_folds, random_state, most)[0]
    s, _, p = X.shape
    sizes, most = sizes_of(weight), p if most is None else most
    ways = {_way(size, p, most) for size in sizes.tolist()}
    if len(ways) > 1:  # how many rows there are decides how columns are chosen
        each = zip(X, t, weight, sizes, strict=True)
        return np.stack([select(x[:m], u[:, :m], v[:m], n_folds, random_state, most) for x, u, v, m in each])
    [(wide, joining)] = ways
    tests = folds_of_sets(weight, n_folds, random_state)
    rows = sizes + -sizes // max(len(tests), 1)  # of the smallest training set of each set
    limits = np.minimum(np.minimum(rows - 1, (_FULL * rows).astype(int) + 1), min(p, most))
    steps = int(limits.max())
    coef = np.zeros((s, t.shape[1], p))
    if steps < 1:
        return coef
    if wide:
        for i, size in enumerate(sizes):
            parts = list(folds(size, n_folds, random_state))
            coef[i] = _of_many(X[i, :size], t[i, :, :size], weight[i, :size], parts, limits[i], joining)
        return coef
    held = Sums.of_each(X, t, weight, tests)
    known = held.known()
    gram, cross, _ = known.around(*known.means)
    extra, wanted, apart = held_out(X, t, weight, tests, held, *(means[:-1] for means in known.means))
    gram, cross = gram / known.weight[..., None, None], cross / known.weight[..., None, None]
    width = extra.shape[-1]
    block = max(1, _AT_ONCE // (len(gram) * s * steps * (p + width)))
    for start in range(0, t.shape[1], block):
        some = slice(start, start + block)
        k = len(t[0, some])
        path = list(_path(gram.reshape(-1, p, p), cross[:, :, some].reshape(-1, k, p), extra, steps, joining))
        in_folds = (Step(*(values[: -s * k] for values in step)) for step in path)
        errors = _errors(in_folds, wanted[:, :, some].reshape(len(tests), s * k, width), steps)
        errors += apart[:, some].reshape(-1, 1, 1)
        errors[np.arange(steps + 1) > np.repeat(limits, k)[:, None]] = np.inf
        shares = _shares(errors, np.repeat(weight.sum(axis=1), k)[:, None, None])
        of_all = (Step(*(values[-s * k :] for values in step)) for step in path)
        coef[:, some] = _averaged(of_all, shares, p).reshape(s, k, p)
    return coef


def _way(n: int, p: int, most: int) -> tuple[bool, Joining]:
    """Return whether p columns are selected by rows, and how up to `most` of them join."""
    return is_wide(n, p), LeastAngle if are_many(n, p) and most > _SEVERAL * n else Forward


def _of_many(
    X: np.ndarray,
    t: np.ndarray,
    weight: np.ndarray,
    parts: list[tuple[np.ndarray, np.ndarray]],
    steps: int,
    joining: Joining,
) -> np.ndarray:
    """Select among many more columns than rows, ``(k, p)``; folds come as `parts`, and all rows are one more."""
    fold_weight = np.tile(weight, (len(parts) + 1, 1))
    for f, (_, test) in enumerate(parts):
        fold_weight[f, test] = 0.0
    held = np.sqrt(weight - fold_weight)
    fold_weight /= fold_weight.sum(axis=1, keepdims=True)
    center = fold_weight @ X
    coef = np.zeros((len(t), X.shape[1]))
    block = max(1, _AT_ONCE // (len(parts) * (X.shape[1] + steps * len(X))))
    for start in range(0, len(t), block):
        some = t[start : start + block]
        centred = some - (some * fold_weight[:, None]).sum(axis=2, keepdims=True)
        cross = times(centred * fold_weight[:, None], X)
        path = by_rows(X, fold_weight[:-1], center[:-1], cross[:-1], held[:-1], steps, joining)
        errors = _errors(path, centred[:-1] * held[:-1, None], steps, most_columns)
        for j, least in enumerate(errors):
            size = most_columns(least)
            share = _shares(least[None, : size + 1], weight.sum())
            path = by_rows(X, fold_weight[-1:], center[-1:], cross[-1:, [j]], held[-1:], size, joining)
            coef[start + j] = _averaged(path, share, X.shape[1])[0]
    return coef


def _path(gram: np.ndarray, cross: np.ndarray, extra: np.ndarray, steps: int, joining: Joining) -> Path:
    """Select columns for all outputs in all folds at once, by a Cholesky decomposition that chooses its pivots.

    Parameters
    ----------
    gram : ndarray ``(f, p, p)``
    cross : ndarray ``(f, k, p)``
    extra : ndarray ``(f, p, r)``
        Columns that follow the decomposition without being chosen from: held-out rows.
    steps : int
    joining : type
        Of ``(f k,)`` sums.

    Yields
    ------
    Step
    """
    f, k, p = cross.shape
    fold, each = np.repeat(np.arange(f), k), np.arange(f * k)
    both = np.concatenate([gram, extra], axis=2)
    sums = joining(cross.reshape(f * k, p), np.repeat(np.diagonal(gram, axis1=1, axis2=2), k, axis=0))
    rows = np.zeros((f * k, steps, both.shape[2]))
    for step in range(steps):
        if not sums.joins.any():
            return
        row = both[fold, sums.pick]
        if step:
            row -= np.matmul(rows[each, :step, sums.pick][:, None], rows[:, :step])[:, 0]
        row *= (sums.joins / np.sqrt(sums.pivot))[:, None]
        rows[:, step] = row
        yield sums.join(row, p)


def _errors(
    path: Path, wanted: np.ndarray, steps: int, enough: Callable[[np.ndarray], int] | None = None
) -> np.ndarray:
    """Sum held-out squared errors by output, size from 0 on, and fit over folds: ``(k, steps + 1, l + 1)``.

    Fits of one size are those of least squares under each penalty, and last that of least angles. The path ends before
    all steps if the errors of each output ``(sizes, l + 1)`` so far say that so many are `enough`.
    """
    f, k, r = wanted.shape
    missed = np.repeat(wanted.reshape(f * k, 1, r), len(PENALTIES) + 1, axis=1)
    direction, size, moves = np.zeros((f * k, r)), 0, np.zeros(k, dtype=bool)
    out = np.empty((k, steps + 1, len(PENALTIES) + 1))
    out[:, 0] = _by_output(missed, f, k)
    for step in path:
        size += 1
        values = step.row[:, -r:]
        missed[:, :-1] -= (step.part[:, None] * _shrink(step.pivot))[:, :, None] * values[:, None]
        direction += step.slope[:, None] * values
        missed[:, -1] -= step.way[:, None] * direction
        moves |= step.way.reshape(f, k).any(axis=0)
        out[:, size] = _by_output(missed, f, k)
        if enough is not None and all(enough(errors) < size for errors in out[:, : size + 1]):
            break
    out[:, size + 1 :] = out[:, [size]]
    out[~moves, :, -1] = np.inf  # columns have joined by forward selection: there is no such fit
    return out


def _by_output(missed: np.ndarray, f: int, k: int) -> np.ndarray:
    """Return squared errors by output and fit, summed over folds and rows: ``(f k, l, r)`` → ``(k, l)``."""
    return np.einsum("blr,blr->bl", missed, missed).reshape(f, k, -1).sum(axis=0)


def _shrink(pivot: np.ndarray) -> np.ndarray:
    """Return the share of a part's weight that each penalty leaves, p / (p + λ): ``(b,)`` → ``(b, l)``."""
    return pivot[:, None] / (pivot[:, None] + PENALTIES)


def _shares(errors: np.ndarray, rows: float | np.ndarray) -> np.ndarray:
    """Return weights of fits ``(k, sizes, l)`` by their errors; they add up to 1 for each output."""
    least = errors.min(axis=(1, 2), keepdims=True)
    share = np.exp(-_TEMPER * rows / 2 * (errors - least) / np.maximum(least, ROUNDING * rows))
    return share / share.sum(axis=(1, 2), keepdims=True)


def _averaged(path: Path, shares: np.ndarray, p: int) -> np.ndarray:
    """Return mean weights ``(k, p)`` over all fits of all sizes.

    In least squares a part has one weight in all sizes that hold it, so that the mean of all fits is each part times
    what of the shares holds it. By least angles it has its slope times how far the sum has gone since it joined, on
    average. One triangular system turns parts into columns.
    """
    k, steps = len(shares), list(path)
    coef = np.zeros((k, p))
    if not steps:
        return coef
    picks, joins, pivots, parts, slopes, ways, rows = (np.stack(column, axis=1) for column in zip(*steps, strict=True))
    holding = _from_here_on(shares)[:, 1 : len(steps) + 1]
    shrunken = (holding[..., :-1] * (pivots[..., None] / (pivots[..., None] + PENALTIES))).sum(axis=2)
    triangle = np.triu(np.take_along_axis(rows, picks[:, None, :], axis=2))
    triangle += np.eye(len(steps)) * ~joins[:, None]
    stays = joins & (holding.sum(axis=2) >= _KEPT)
    # weights before it make room for a column that is nearly their sum: left out, it takes its part of the fit along
    fitted = parts * shrunken + slopes * _from_here_on(ways * holding[..., -1])
    fitted = np.where(stays | (pivots >= _NEARLY_DEPENDENT), fitted, 0.0)
    # one by one: a solver of many systems at once does not know that they are triangular, and takes cubes of the steps
    weights = np.stack([dtrtrs(of.T, part, lower=1, trans=1)[0] for of, part in zip(triangle, fitted, strict=True)])
    # where nothing was left to explain the same column may come up again, and one that came too early has no weight
    np.add.at(coef, (np.arange(k)[:, None], picks), np.where(stays & (weights**2 > ROUNDING), weights, 0.0))
    return coef


def _from_here_on(values: np.ndarray) -> np.ndarray:
    """Sum each of the second axis and all that follow it."""
    return values[:, ::-1].cumsum(axis=1)[:, ::-1]


def standardised(
    Z: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    by: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Weigh columns of any matrix by a function of standardised ones, in their own units.

    Parameters
    ----------
    Z : ndarray ``(s, n, c)``
        Of s sets of n rows, each worked on by itself.
    y : ndarray ``(s, n, k)``
    weight : ndarray ``(s, n)``
    by : callable
        Of columns ``(s, n, p)`` and outputs ``(s, k, n)``, both of mean 0 and variance 1, and `weight`: weights
        ``(s, k, p)``.

    Returns
    -------
    coef : ndarray ``(s, k, c)``
    intercept : ndarray ``(s, k)``
    """
    share = (weight / weight.sum(axis=1, keepdims=True))[:, None]
    center, level = np.matmul(share, Z)[:, 0], by_column(y, weight)
    away, apart = Z - center[:, None], y - level[:, None]
    scale, spread = np.sqrt(np.matmul(share, away**2)[:, 0]), np.sqrt(by_column(apart**2, weight))
    varies = scale > 1e-12 * (1 + np.abs(center))
    moves = spread > 1e-12 * (1 + np.abs(level))
    if (varies != varies[0]).any():  # how many columns vary decides how they are chosen
        each = [standardised(Z[[i]], y[[i]], weight[[i]], by) for i in range(len(Z))]
        return np.concatenate([coef for coef, _ in each]), np.concatenate([intercept for _, intercept in each])
    coef, some = np.zeros((len(Z), y.shape[2], Z.shape[2])), varies[0]
    if some.any() and moves.any():
        # x = (z − c) / a, t = (y − m) / s
        X, t = away[..., some] / scale[:, None, some], apart / np.where(moves, spread, np.inf)[:, None]
        # t̂ = Σ wⱼ xⱼ  ⇒  ŷ = (m − Σ (s wⱼ / aⱼ) cⱼ) + Σ (s wⱼ / aⱼ) zⱼ
        weights = by(X, np.ascontiguousarray(t.swapaxes(1, 2)), weight)
        coef[..., some] = weights * spread[..., None] / scale[:, None, some]
    return coef, level - (coef * center[:, None]).sum(axis=2)
