"""Rows of 0 and 1, and of level numbers: the full cube, uniform samples, balanced blocks, crossings."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from scipy.linalg import hadamard

from probes.errors import InputError, integer

__all__ = ["corners", "cube", "factorial", "fold_over", "uniform"]

#: most features whose full cube is listed
_CUBE = 24


def corners(n: int) -> float:
    """Count the rows of n zeros and ones, 2ⁿ; infinity where that is no float."""
    return 2.0**n if n < 1024 else np.inf


def cube(n: int) -> np.ndarray:
    """List all rows of ``{0, 1}ⁿ``, shape ``(2ⁿ, n)``; bit j of the row number is feature j.

    Raises
    ------
    InputError
        For more than 24 features, whose rows would not fit into memory.

    Examples
    --------
    >>> cube(2)
    array([[0., 0.],
           [1., 0.],
           [0., 1.],
           [1., 1.]])
    """
    n = integer("n", n, least=0)
    if n > _CUBE:
        raise InputError("n", f"be at most {_CUBE}: larger cubes do not fit into memory", n)
    return ((np.arange(2**n)[:, None] >> np.arange(n)) & 1).astype(float)


def uniform(n: int, m: int, rng: np.random.Generator, but: np.ndarray | None = None) -> np.ndarray:
    """Draw m distinct uniform rows ``(m, n)`` of the cube, none of them among the rows `but`.

    Raises
    ------
    InputError
        If the cube has fewer rows than that, or `n` or `m` is no valid number.
    """
    n, m = integer("n", n, least=1), integer("m", m, least=0)
    taken = set() if but is None else {row.tobytes() for row in but.astype(np.uint8)}
    if n <= 60 and m + len(taken) > 2**n:
        raise InputError("m", f"be at most the {2**n - len(taken)} rows that are left of the cube", m)
    if n <= 16 and not taken:
        numbers = rng.permutation(2**n)[:m]
        return ((numbers[:, None] >> np.arange(n)) & 1).astype(float)
    rows: dict[bytes, np.ndarray] = {}
    while len(rows) < m:
        for row in rng.integers(0, 2, size=(m - len(rows), n), dtype=np.uint8):
            if (key := row.tobytes()) not in taken:
                rows.setdefault(key, row)
    return np.array(list(rows.values()), dtype=float).reshape(m, n)


def fold_over(n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a balanced block of 2h rows ``(2h, n)``, h the smallest power of two that is at least n, in random order.

    Columns of a Hadamard matrix, chosen and negated at random, and the complement of every row (Box and Wilson's
    fold-over): every main effect is estimated independently of all others and of all interactions of two. Each single
    row is uniform on the cube.

    Examples
    --------
    >>> block = 2 * fold_over(5, np.random.default_rng(0)) - 1
    >>> block.shape, int(np.abs(block.T @ block - 16 * np.eye(5)).max())
    ((16, 5), 0)
    """
    half = 1 << max(0, n - 1).bit_length()
    columns = hadamard(half)[:, rng.permutation(half)[:n]] * rng.choice([-1, 1], n)
    rows = (np.vstack([columns, -columns]) + 1) / 2
    return rng.permutation(rows)


def factorial(levels: Sequence[int], m: int | None, rng: np.random.Generator) -> np.ndarray:
    """Cross factors: rows of level numbers ``(m, factors)``, all of them or m in which levels are balanced.

    In a subsample every level of a factor occurs equally often, give or take one, in random order.

    Examples
    --------
    >>> factorial([2, 3], None, np.random.default_rng(0)).tolist()
    [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]
    """
    size = int(np.prod(levels))
    if m is None or m >= size:
        return np.array(list(product(*(range(count) for count in levels))), dtype=int)
    return np.column_stack([rng.permutation(np.arange(m) % count) for count in levels])
