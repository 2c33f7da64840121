"""Designs: which questions are asked. Pure functions of (features, m, rng).

A design is a sample of the probe's declared law, preceded by a few *fixed* rows (the instance itself, the
reference, and where they are affordable the leave-one-out rows). Fixed rows serve display and baselines; fitting and
judging use the sampled rows alone, because only they represent the law that fidelity is about. Sampled rows may begin
with a balanced *block*: it is fitted to, but never judged by, because its rows are not independent of each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, product
from math import comb
from numbers import Integral

import numpy as np
from scipy.linalg import hadamard
from scipy.stats import norm, qmc

from probes.errors import InputError, integer
from probes.probe import Feature

__all__ = [
    "DESIGNS",
    "Design",
    "corners",
    "cube",
    "factorial",
    "fold_over",
    "independent",
    "paired",
    "random_seed",
    "sample",
    "sobol",
    "uniform",
]

#: fewest sampled rows that are judged: two for each of five folds
MINIMUM = 10
#: leave-one-out rows are asked where they take at most this share of the budget
LEAVE_ONE_OUT = 0.1
#: fewest pairs for Shapley values beside the endpoints
PAIRS = 5
#: a class of pairs of at most this many is listed rather than drawn from blindly
_LISTED = 20_000
#: most features whose whole cube is listed
_CUBE = 24


@dataclass(frozen=True)
class Design:
    """Questions: rows of a region, with what is known about how they were drawn.

    Attributes
    ----------
    Z : ndarray ``(n, d)``
        0 or 1 for binary features, the feature's own unit for real ones. Row 0 is the instance, row 1 the reference.
    fixed : int
        How many leading rows were chosen rather than sampled.
    leave_one_out : bool
        Whether fixed rows 2 … d + 1 each leave one feature out.
    population : float
        Number of distinct rows the sample was drawn from without replacement; infinite for real features.
    block : int
        How many of the sampled rows, the leading ones, form a balanced block: fitted to, not judged by.
    """

    Z: np.ndarray
    fixed: int
    leave_one_out: bool = False
    population: float = np.inf
    block: int = 0
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        Z = np.array(self.Z, dtype=float, order="C")
        Z.flags.writeable = False
        object.__setattr__(self, "Z", Z)
        head = f"{Z.shape} {self.fixed} {self.leave_one_out} {self.population} {self.block}".encode()
        object.__setattr__(self, "digest", hashlib.sha256(head + Z.tobytes()).hexdigest())

    def __len__(self) -> int:
        return len(self.Z)

    @property
    def sampled(self) -> np.ndarray:
        """The rows drawn from the law, ``(m, d)``."""
        return self.Z[self.fixed :]

    @property
    def judged(self) -> np.ndarray:
        """The sampled rows that judge what was fitted to others, all but the block."""
        return self.Z[self.fixed + self.block :]

    @property
    def exact(self) -> bool:
        """Whether every possible row was drawn."""
        return len(self) - self.fixed >= self.population

    def only(self, kept: np.ndarray) -> Design:
        """The design that some rows make, `kept` ``(n,)`` says which; they are taken for a fair part of all."""
        chosen, drawn = kept[: self.fixed], kept[self.fixed : self.fixed + self.block]
        whole = self.leave_one_out and bool(chosen.all())
        return replace(self, Z=self.Z[kept], fixed=int(chosen.sum()), leave_one_out=whole, block=int(drawn.sum()))

    def head(self, rows: int) -> Design:
        """The design that only the first `rows` rows make, at least the fixed ones and the block."""
        kept = max(rows, self.fixed + self.block)
        return self if kept >= len(self) else replace(self, Z=self.Z[:kept])


def random_seed(random_state: int | np.random.Generator | None) -> int:
    """Convert a random_state to a seed; None and a Generator draw one.

    Raises
    ------
    InputError
    """
    if random_state is None or isinstance(random_state, np.random.Generator):
        return int(np.random.default_rng(random_state).integers(2**31))
    if not isinstance(random_state, Integral) or random_state < 0:
        raise InputError("random_state", "be a non-negative integer, a numpy Generator or None", random_state)
    return int(random_state)


def corners(n: int) -> float:
    """How many rows of n zeros and ones there are; infinity where a float cannot say it."""
    return 2.0**n if n < 1024 else np.inf


def cube(n: int) -> np.ndarray:
    """All rows of ``{0, 1}ⁿ``, shape ``(2ⁿ, n)``; bit j of the row number is feature j.

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


def sample(features: Sequence[Feature], rows: int, rng: np.random.Generator, method: str = "uniform") -> Design:
    """The questions to ask with a budget of `rows` questions.

    Every possible row if the budget covers them all; otherwise the instance, the reference, the leave-one-out rows if
    they take at most a tenth of the budget, and a sample of the law.

    Parameters
    ----------
    features : sequence of Feature
    rows : int
        The most rows, fixed ones included.
    rng : numpy.random.Generator
    method : str, default "uniform"
        How the sample is drawn, a name of ``DESIGNS``: "uniform" draws distinct rows (independent ones for real
        features), "fold-over" begins with a balanced block, "sobol" fills the space of real features evenly.

    Returns
    -------
    Design

    Raises
    ------
    InputError
        If the budget leaves fewer than ten sampled rows to judge by, or the method does not suit the features.
    """
    if method not in DESIGNS:
        raise InputError("design", f"be one of {', '.join(DESIGNS)}", method)
    d = len(features)
    instance = np.array([f.instance for f in features])
    reference = np.array([f.reference for f in features])
    binary = all(f.kind == "binary" for f in features)
    if binary and d <= 20 and 2**d <= rows:
        table = cube(d)
        return Design(np.vstack([instance, reference, rng.permutation(table)]), fixed=2, population=2**d)
    if rows < MINIMUM + 2:
        raise InputError(
            "budget",
            f"allow at least {MINIMUM + 2} questions (the instance, the reference and {MINIMUM} sampled ones), "
            "or all of them where the features are few",
            f"{rows} questions",
        )
    fixed = [instance, reference]
    leave_one_out = d <= LEAVE_ONE_OUT * rows and rows - 2 - d >= MINIMUM
    if leave_one_out:
        fixed += list(np.where(np.eye(d, dtype=bool), reference, instance))
    drawn, block = DESIGNS[method](features, rows - len(fixed), rng)
    return Design(np.vstack([*fixed, drawn]), len(fixed), leave_one_out, corners(d) if binary else np.inf, block)


def uniform(n: int, m: int, rng: np.random.Generator, but: np.ndarray | None = None) -> np.ndarray:
    """m distinct uniform rows ``(m, n)`` of the cube, none of them among the rows `but`.

    Raises
    ------
    InputError
        If the cube has fewer rows than that, or a number is none.
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
    """A balanced block of 2h rows ``(2h, n)``, h the smallest power of two that is at least n, in random order.

    Columns of a Hadamard matrix, chosen and negated at random, and the complement of every row (Box and Wilson's
    fold-over): every main effect is estimated independently of all others and of all interactions of two. Each row by
    itself is uniform on the cube.

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


def paired(n: int, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Questions for Shapley values: the endpoints, then pairs of a row and its complement, none twice.

    The number of features present is spread evenly over 1, …, n − 1, so that a single row has a chance in proportion
    to its leverage score 1 / C(n, s) (Musco and Witter 2025); sizes without rows left leave their share to the others.

    Parameters
    ----------
    n : int
        Features.
    rows : int
        The most rows; the whole cube if they cover it. An odd one is not spent.
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
    one = np.vstack([_pair_rows(n, size, count, rng) for size, count in enumerate(_pair_shares(n, pairs, rng), 1)])
    one = np.vstack([np.ones(n), rng.permutation(one)])
    return np.stack([one, 1 - one], axis=1).reshape(-1, n)


def _pair_shares(n: int, pairs: int, rng: np.random.Generator) -> list[int]:
    """How many pairs have 1, …, n // 2 features in the smaller row: evenly, by systematic sampling, none too many."""
    middle = [2 * size == n for size in range(1, n // 2 + 1)]
    room = np.array([min(comb(n, s) // (2 if half else 1), 2**53) for s, half in enumerate(middle, 1)], dtype=float)
    want = np.where(middle, 1.0, 2.0)
    share, full = np.zeros(len(room)), np.zeros(len(room), dtype=bool)
    while pairs - share.sum() > 1e-6 and not full.all():
        open_ = want * ~full
        share = np.minimum(share + (pairs - share.sum()) * open_ / open_.sum(), room)
        full = share >= room
    steps = np.floor(np.append(0.0, np.cumsum(share)) + rng.random() * (1 - 1e-6) + 1e-9)
    steps[-1] = pairs
    return np.diff(steps).astype(int).tolist()


def _pair_rows(n: int, size: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` distinct rows ``(count, n)`` with `size` features present, no two of them complements."""
    found: dict[bytes, np.ndarray] = {}
    if comb(n, size) <= _LISTED:
        chosen = [c for c in combinations(range(n), size) if 2 * size < n or 0 in c]
        listed = np.array([chosen[i] for i in rng.permutation(len(chosen))[:count]], dtype=int).reshape(count, size)
        return np.array([np.bincount(c, minlength=n) for c in listed], dtype=float).reshape(count, n)
    while len(found) < count:
        row = np.zeros(n, dtype=bool)
        row[rng.choice(n, size, replace=False)] = True
        found.setdefault(min(row.tobytes(), (~row).tobytes()), row)
    return np.array(list(found.values()), dtype=float).reshape(count, n)


def independent(features: Sequence[Feature], m: int, rng: np.random.Generator) -> np.ndarray:
    """m independent rows ``(m, d)`` of the declared law; rows of 0 and 1 may repeat."""
    columns = [
        rng.integers(0, 2, m).astype(float) if f.kind == "binary" else rng.normal(f.loc, f.scale, m) for f in features
    ]
    return np.column_stack(columns)


def sobol(features: Sequence[Feature], m: int, rng: np.random.Generator) -> np.ndarray:
    """m rows ``(m, d)`` of the declared law that fill it evenly: a scrambled Sobol sequence, in random order.

    Each row by itself follows the law (Owen 1998). Rows of features that all are 0 or 1 may repeat.
    """
    sequence = qmc.Sobol(len(features), rng=rng)
    points = sequence.random_base2(max(0, m - 1).bit_length())[:m]
    points = rng.permutation(np.clip(points, 1e-12, 1 - 1e-12))
    columns = [
        (u < 0.5).astype(float) if f.kind == "binary" else norm.ppf(u, f.loc, f.scale)
        for f, u in zip(features, points.T, strict=True)
    ]
    return np.column_stack(columns)


def factorial(levels: Sequence[int], m: int | None, rng: np.random.Generator) -> np.ndarray:
    """Rows of level numbers ``(m, factors)``: the full crossing, or m rows in which levels are balanced.

    In a subsample every level of a factor occurs equally often, give or take one, in an order of its own.

    Examples
    --------
    >>> factorial([2, 3], None, np.random.default_rng(0)).tolist()
    [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]
    """
    size = int(np.prod(levels))
    if m is None or m >= size:
        return np.array(list(product(*(range(count) for count in levels))), dtype=int)
    return np.column_stack([rng.permutation(np.arange(m) % count) for count in levels])


def _uniform(features: Sequence[Feature], m: int, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    if all(f.kind == "binary" for f in features):
        return uniform(len(features), m, rng), 0
    return independent(features, m, rng), 0


def _fold_over(features: Sequence[Feature], m: int, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    if any(f.kind != "binary" for f in features):
        raise InputError("design", "be uniform or sobol for real features; fold-over is for 0/1 features", "fold-over")
    block = fold_over(len(features), rng)
    if m < len(block) + MINIMUM:
        raise InputError(
            "budget",
            f"allow a block of {len(block)} questions and {MINIMUM} more to judge by, or use design='uniform'",
            f"{m} sampled questions",
        )
    return np.vstack([block, uniform(len(features), m - len(block), rng, but=block)]), len(block)


def _sobol(features: Sequence[Feature], m: int, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    if any(f.kind == "binary" for f in features):
        raise InputError("design", "be uniform or fold-over for 0/1 features; sobol is for real features", "sobol")
    return sobol(features, m, rng), 0


#: ways to draw a sample: (features, m, rng) → rows ``(m, d)`` and the size of the block they begin with
DESIGNS: dict[str, Callable[[Sequence[Feature], int, np.random.Generator], tuple[np.ndarray, int]]] = {
    "uniform": _uniform,
    "fold-over": _fold_over,
    "sobol": _sobol,
}
