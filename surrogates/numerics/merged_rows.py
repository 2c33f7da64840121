"""Answers merged over equal rows: all that least squares and a Gaussian process can see of them.

So a row given twice is never tested on itself, a weight means a repetition, and the order of rows means nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

__all__ = ["Rows", "by_column", "collapse", "collapse_each", "distinct_rows"]

#: what is left of a constant answer, in standard deviations
_NOTHING = 1e-9


@dataclass(frozen=True)
class Rows:
    """Distinct rows Z (g, n) and, merged over equal rows: mean answers y (g, k), total weight (g,), scatter (g, k)."""

    Z: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    scatter: np.ndarray

    def take(self, index: np.ndarray) -> Rows:
        """Select rows."""
        return Rows(self.Z[index], self.y[index], self.weight[index], self.scatter[index])

    def of(self, features: np.ndarray) -> Rows:
        """Select features; rows that become equal stay apart."""
        return Rows(self.Z[:, features], self.y, self.weight, self.scatter)

    def varying(self) -> Rows:
        """Select the standardised answers that are not nothing everywhere, which alone say how rough a function is."""
        some = (np.abs(self.y) > _NOTHING).any(axis=0) | (self.scatter > _NOTHING**2).any(axis=0)
        return self if some.all() or not some.any() else replace(self, y=self.y[:, some], scatter=self.scatter[:, some])


def by_column(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Average the columns of ``(…, m, k)`` by weights ``(…, m)``; to the last bit, whatever stands beside a column."""
    columns = np.ascontiguousarray(values.swapaxes(-1, -2))
    return (columns * weight[..., None, :]).sum(axis=-1) / weight.sum(axis=-1)[..., None]


def distinct_rows(Z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sort the distinct ones of rows ``(m, n)``: where each stands first ``(g,)``, and every row's place ``(m,)``.

    As ``np.unique`` by rows does; rows of 0/1 are compared as bits.

    Examples
    --------
    >>> first, place = distinct_rows(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]))
    >>> first.tolist(), place.tolist()
    ([1, 0], [1, 0, 1])
    """
    if Z.size and ((Z == 0) | (Z == 1)).all():
        bits = np.packbits(Z == 1, axis=1)
        Z = bits.view(np.dtype((np.void, bits.shape[1])))[:, 0]
        _, first, place = np.unique(Z, return_index=True, return_inverse=True)
    else:
        _, first, place = np.unique(Z, axis=0, return_index=True, return_inverse=True)
    return first, place.reshape(-1)


def collapse(Z: np.ndarray, y: np.ndarray, weight: np.ndarray, scatter: np.ndarray | float = 0.0) -> Rows:
    """Merge equal rows (m, n) and drop those without weight: a weight of two is exactly a row asked twice."""
    used = weight > 0
    scatter = np.broadcast_to(scatter, y.shape)[used]
    Z, y, weight = Z[used], y[used], weight[used]
    first, group = distinct_rows(Z)
    distinct = Z[first]
    total = np.bincount(group, weight)
    mean = np.column_stack([np.bincount(group, weight * column) / total for column in y.T])
    squares = (weight[:, None] * (y - mean[group]) ** 2 + scatter).T
    return Rows(distinct, mean, total, np.column_stack([np.bincount(group, column) for column in squares]))


def collapse_each(Z: np.ndarray, y: np.ndarray, parts: Sequence[np.ndarray]) -> list[Rows]:
    """Merge equal rows of each of several selections of rows ``(m, n)``, all of weight 1; as :func:`collapse` does."""
    first, place = distinct_rows(Z)
    if len(first) < len(Z):
        return [collapse(Z[rows], y[rows], np.ones(len(rows))) for rows in parts]
    sorted_ = (rows[np.argsort(place[rows])] for rows in parts)
    return [Rows(Z[rows], y[rows], np.ones(len(rows)), np.zeros((len(rows), y.shape[1]))) for rows in sorted_]
