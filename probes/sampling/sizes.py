"""Rows of 0 and 1 whose number of ones is spread evenly, as Shapley interaction indices weigh them."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np

from probes.errors import integer

__all__ = ["LISTED", "by_size", "size_shares"]

#: rows, or pairs, of one size of at most this many are listed rather than drawn from blindly
LISTED = 20_000


def by_size(n: int, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Draw distinct rows: all present, none present, then rows whose sizes are spread evenly over 1, …, n − 1.

    A Shapley interaction index averages over sizes with equal weights, and within a size over all rows.

    Parameters
    ----------
    n : int
        Features, at least two.
    rows : int
        How many; all of the cube if they cover it.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray ``(rows, n)``

    Raises
    ------
    InputError
        If there are fewer than two features, or rows.

    Examples
    --------
    >>> Z = by_size(5, 14, np.random.default_rng(0))
    >>> Z.shape, np.bincount(Z.sum(axis=1).astype(int)).tolist()
    ((14, 5), [1, 3, 3, 3, 3, 1])
    """
    n, rows = integer("n", n, least=2), integer("rows", rows, least=2)
    count = 2**n - 2 if n <= 30 and 2**n <= rows else rows - 2
    room = np.array([min(comb(n, size), 2**53) for size in range(1, n)], dtype=float)
    shares = size_shares(room, np.ones(n - 1), count, rng)
    drawn = [_of_size(n, size, share, rng) for size, share in enumerate(shares, 1)]
    return np.vstack([np.ones(n), np.zeros(n), rng.permutation(np.vstack(drawn))])


def size_shares(room: np.ndarray, want: np.ndarray, count: int, rng: np.random.Generator) -> list[int]:
    """Share `count` rows out over sizes in proportion to `want`, as far as each has `room`.

    Fractions are settled by systematic sampling.
    """
    share, full = np.zeros(len(room)), np.zeros(len(room), dtype=bool)
    while count - share.sum() > 1e-6 and not full.all():
        open_ = want * ~full
        share = np.minimum(share + (count - share.sum()) * open_ / open_.sum(), room)
        full = share >= room
    steps = np.floor(np.append(0.0, np.cumsum(share)) + rng.random() * (1 - 1e-6) + 1e-9)
    steps[-1] = count
    return np.diff(steps).astype(int).tolist()


def _of_size(n: int, size: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw `count` distinct rows ``(count, n)`` with `size` features present."""
    if comb(n, size) <= LISTED:
        listed = list(combinations(range(n), size))
        chosen = {listed[j] for j in rng.permutation(len(listed))[:count]}
    else:
        chosen = set()
        while len(chosen) < count:
            chosen.add(tuple(sorted(rng.choice(n, size, replace=False).tolist())))
    rows = np.zeros((count, n))
    for row, members in zip(rows, sorted(chosen), strict=True):
        row[list(members)] = 1
    return rows
