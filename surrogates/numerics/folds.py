"""Folds of a cross-validation."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

__all__ = ["folds"]


def folds(
    n: int, k: int, random_state: int, group: np.ndarray | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (train, test) row numbers of k folds over n rows; fewer folds when there are fewer rows.

    Parameters
    ----------
    n, k : int
    random_state : int
    group : ndarray of int ``(n,)``, optional
        Rows of one group, numbered from 0, share a fold.

    Examples
    --------
    >>> [test.tolist() for _, test in folds(4, 2, 0)]
    [[0, 1], [2, 3]]
    """
    if group is None:
        yield from _of_rows(n, k, random_state)
        return
    count = int(group.max()) + 1 if n else 0
    fold = _shuffled(count, k, random_state)[group]
    for j in range(min(k, count) if count > 1 else 0):
        yield np.flatnonzero(fold != j), np.flatnonzero(fold == j)


def _shuffled(count: int, k: int, random_state: int) -> np.ndarray:
    return np.random.default_rng(random_state).permutation(count) % k


@lru_cache(maxsize=64)  # the same folds split the same rows for every family, link and control
def _of_rows(n: int, k: int, random_state: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    fold = _shuffled(n, k, random_state)
    parts = [(np.flatnonzero(fold != j), np.flatnonzero(fold == j)) for j in range(min(k, n) if n > 1 else 0)]
    for rows in (part for both in parts for part in both):
        rows.flags.writeable = False
    return tuple(parts)
