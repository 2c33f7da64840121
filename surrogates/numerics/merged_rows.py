"""Answers merged over equal rows: all that least squares and a Gaussian process can see of them.

So a row given twice is never tested on itself, a weight means a repetition, and the order of rows means nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Rows", "by_column", "collapse"]


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


def by_column(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Average the columns of ``(m, k)`` with weights, ``(k,)``; to the last bit, whatever stands beside a column."""
    return (np.ascontiguousarray(values.T) * weight).sum(axis=1) / weight.sum()


def collapse(Z: np.ndarray, y: np.ndarray, weight: np.ndarray, scatter: np.ndarray | float = 0.0) -> Rows:
    """Merge equal rows (m, n) and drop those without weight: a weight of two is exactly a row asked twice."""
    used = weight > 0
    scatter = np.broadcast_to(scatter, y.shape)[used]
    Z, y, weight = Z[used], y[used], weight[used]
    distinct, group = np.unique(Z, axis=0, return_inverse=True)
    group = group.reshape(-1)
    total = np.bincount(group, weight)
    mean = np.column_stack([np.bincount(group, weight * column) / total for column in y.T])
    squares = (weight[:, None] * (y - mean[group]) ** 2 + scatter).T
    return Rows(distinct, mean, total, np.column_stack([np.bincount(group, column) for column in squares]))
