"""Selection among many columns, mostly many more than rows, without their Gram matrix.

The path of :mod:`surrogates.numerics.path_selection`, kept as values at the rows: a step costs one product of the n
rows with the p columns, for all outputs and folds at once, where a Gram matrix costs n p² and p² numbers of memory.

The path also ends sooner, once many columns in a row have brought nothing: among so many, those that correlate best
with what is left soon follow the noise.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np

from surrogates.numerics.joining import Forward, Step

__all__ = ["Joining", "Path", "by_rows", "is_wide", "most_columns", "times"]

#: how columns join, and the steps in which they do
Joining: TypeAlias = type[Forward]
Path: TypeAlias = Iterator[Step]

#: columns a row from which selection works by rows
_WIDE = 3.5
#: numbers read in all steps of a path over a Gram matrix, from which it takes seconds a fold
_LONG = 5e8
#: sizes without a smaller error, besides as many as the best has, after which a path ends
_MORE = 8


def is_wide(n: int, p: int) -> bool:
    """Whether p columns are many more than n rows, or so many that a whole path over their Gram matrix takes too long.

    Examples
    --------
    >>> is_wide(256, 1000), is_wide(2000, 3000), is_wide(1200, 900)
    (True, True, False)
    """
    return p > _WIDE * n or (p > n / 2 and min(p, n / 2) ** 2 * p > _LONG)


def most_columns(errors: np.ndarray) -> int:
    """Return where the path of an output ends, by its held-out errors ``(sizes, l)`` from size 0 on.

    Twice the best size so far, and :data:`_MORE`: columns beyond follow the noise. As long as the best size grows, so
    does this.

    Examples
    --------
    >>> most_columns(np.array([[9.0], [4.0], [1.0], [2.0], [3.0]])), most_columns(np.arange(30.0)[:, None])
    (4, 8)
    """
    best = np.minimum.accumulate(errors.min(axis=1))
    improved = np.append(True, best[1:] < best[:-1])
    ends = 2 * np.maximum.accumulate(np.where(improved, np.arange(len(best)), 0)) + _MORE
    over = np.arange(len(best)) >= ends
    return int(np.argmax(over)) if over.any() else len(best) - 1


def times(values: np.ndarray, X: np.ndarray) -> np.ndarray:
    """Multiply ``(f, k, n)`` by ``(n, p)``: an output by itself, with the same bits whatever stands beside it."""
    return np.matmul(values.transpose(1, 0, 2), X).transpose(1, 0, 2)


def by_rows(
    X: np.ndarray,
    weight: np.ndarray,
    center: np.ndarray,
    cross: np.ndarray,
    held: np.ndarray,
    steps: int,
    joining: Joining,
) -> Path:
    """Select columns for k outputs in f folds at once, by Gram and Schmidt.

    Parameters
    ----------
    X : ndarray ``(n, p)``
    weight : ndarray ``(f, n)``
        Weights of the rows of each fold, which add up to 1; 0 where a row is held out.
    center : ndarray ``(f, p)``
        Means of the columns under these weights.
    cross : ndarray ``(f, k, p)``
        Covariances of columns and outputs.
    held : ndarray ``(f, n)``
        What values at held-out rows are multiplied by; 0 for all others.
    steps : int

    joining : type
        Of ``(f k,)`` sums.

    Yields
    ------
    Step
        The values that follow the p covariances are those at all n rows; 0 where a row is not held out.
    """
    f, k, p = cross.shape
    fold = np.repeat(np.arange(f), k)
    mine, held = weight[fold], held[fold]
    columns = np.ascontiguousarray(X.T)
    sums = joining(cross.reshape(f * k, p), np.repeat(weight @ X**2 - center**2, k, axis=0))
    parts = np.zeros((f * k, steps, len(X)))
    for step in range(steps):
        if not sums.joins.any():
            return
        values = columns[sums.pick] - center[fold, sums.pick][:, None]
        before = np.matmul(parts[:, :step], (mine * values)[:, :, None])
        values -= np.matmul(before.transpose(0, 2, 1), parts[:, :step])[:, 0]
        values *= (sums.joins / np.sqrt(sums.pivot))[:, None]
        parts[:, step] = values
        # Σ v (x − c) g = Σ v g x, since Σ v g = 0 for centred g
        row = times((mine * values).reshape(f, k, -1), X).reshape(f * k, p)
        yield sums.join(np.concatenate([row, held * values], axis=1), p)
