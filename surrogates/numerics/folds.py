"""Folds of a cross-validation."""

from __future__ import annotations

from collections.abc import Iterator

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
    group = np.arange(n) if group is None else group
    count = int(group.max()) + 1 if n else 0
    fold = (np.random.default_rng(random_state).permutation(count) % k)[group]
    for j in range(min(k, count) if count > 1 else 0):
        yield np.flatnonzero(fold != j), np.flatnonzero(fold == j)
