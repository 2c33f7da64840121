"""Folds of a cross-validation."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import zip_longest

import numpy as np

__all__ = ["folds", "folds_of_sets", "gathered", "sizes_of"]


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


def sizes_of(weight: np.ndarray) -> np.ndarray:
    """Return how many rows each of s sets ``(s, n)`` has: what follows its last weight fills it up to n."""
    return weight.shape[1] - (weight[:, ::-1] > 0).argmax(axis=1)


def folds_of_sets(weight: np.ndarray, k: int, random_state: int) -> list[np.ndarray]:
    """Return the rows ``(s, r)`` that each of k folds holds out of s sets of about as many rows ``(s, n)``.

    A set with fewer of them than r has its last row, of weight 0, in their place.
    """
    each = [[test for _, test in folds(size, k, random_state)] for size in sizes_of(weight).tolist()]
    tests = []
    for of_fold in zip_longest(*each, fillvalue=np.array([], dtype=int)):
        rows = np.full((len(weight), max(map(len, of_fold))), weight.shape[1] - 1)
        for row, test in zip(rows, of_fold, strict=True):
            row[: len(test)] = test
        tests.append(rows)
    return tests


def gathered(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Take rows ``(s, r)`` of s sets ``(s, n, …)``."""
    return values[np.arange(len(values))[:, None], rows]


def _shuffled(count: int, k: int, random_state: int) -> np.ndarray:
    return np.random.default_rng(random_state).permutation(count) % k


@lru_cache(maxsize=64)  # the same folds split the same rows for every family, link and control
def _of_rows(n: int, k: int, random_state: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    fold = _shuffled(n, k, random_state)
    parts = [(np.flatnonzero(fold != j), np.flatnonzero(fold == j)) for j in range(min(k, n) if n > 1 else 0)]
    for rows in (part for both in parts for part in both):
        rows.flags.writeable = False
    return tuple(parts)
