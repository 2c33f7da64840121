"""Pairs of complementary rows of 0 and 1, sized for Shapley values."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np

from probes.errors import InputError, integer
from probes.sampling.sizes import LISTED, size_shares

__all__ = ["PAIRS", "pair_shares", "paired"]

#: fewest pairs for Shapley values beside the endpoints
PAIRS = 5


def paired(n: int, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Draw questions for Shapley values: the endpoints, then pairs of a row and its complement, none twice.

    The number of features present is spread evenly over 1, …, n − 1, so that a single row has a chance in proportion
    to its leverage score 1 / C(n, s) (Musco and Witter 2025); sizes without rows left leave their share to the others.

    Parameters
    ----------
    n : int
        Features.
    rows : int
        The most rows; all of the cube if they cover it. A last single row is not spent.
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
    n, rows = integer("n", n, least=2), integer("rows", rows, least=0)
    every = n <= 30 and 2**n <= rows
    if rows < 2 + 2 * PAIRS and not every:
        raise InputError("rows", f"be at least {2 + 2 * PAIRS}, or all 2ⁿ", rows)
    pairs = 2 ** (n - 1) - 1 if every else (rows - 2) // 2
    one = np.vstack([_pair_rows(n, size, count, rng) for size, count in enumerate(pair_shares(n, pairs, rng), 1)])
    one = np.vstack([np.ones(n), rng.permutation(one)])
    return np.stack([one, 1 - one], axis=1).reshape(-1, n)


def pair_shares(n: int, pairs: int, rng: np.random.Generator) -> list[int]:
    """Share `pairs` pairs out over the sizes 1, …, n // 2 of their smaller rows.

    Sizes get equal shares as far as they have pairs (half a share where both rows have the same size); fractions are
    settled by systematic sampling.
    """
    middle = [2 * size == n for size in range(1, n // 2 + 1)]
    room = np.array([min(comb(n, s) // (2 if half else 1), 2**53) for s, half in enumerate(middle, 1)], dtype=float)
    return size_shares(room, np.where(middle, 1.0, 2.0), pairs, rng)


def _pair_rows(n: int, size: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw `count` distinct rows ``(count, n)`` with `size` features present, no two of them complements."""
    rows: dict[bytes, np.ndarray] = {}
    if comb(n, size) <= LISTED:
        chosen = [c for c in combinations(range(n), size) if 2 * size < n or 0 in c]
        listed = np.array([chosen[i] for i in rng.permutation(len(chosen))[:count]], dtype=int).reshape(count, size)
        return np.array([np.bincount(c, minlength=n) for c in listed], dtype=float).reshape(count, n)
    while len(rows) < count:
        row = np.zeros(n, dtype=bool)
        row[rng.choice(n, size, replace=False)] = True
        rows.setdefault(min(row.tobytes(), (~row).tobytes()), row)
    return np.array(list(rows.values()), dtype=float).reshape(count, n)
