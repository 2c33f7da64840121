"""Designs: which questions are asked. Pure functions of (features, m, rng).

A design is a sample of the probe's declared law, preceded by a few *fixed* rows (the instance itself, the
reference, and where they are affordable the leave-one-out rows). Fixed rows serve display and baselines; fitting and
judging use the sampled rows alone, because only they represent the law that fidelity is about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from probes.errors import InputError
from probes.probe import Feature

__all__ = ["Design", "cube", "sample"]

#: fewest sampled rows: two for each of five folds
MINIMUM = 10


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
    """

    Z: np.ndarray
    fixed: int
    leave_one_out: bool = False
    population: float = np.inf
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        Z = np.array(self.Z, dtype=float, order="C")
        Z.flags.writeable = False
        object.__setattr__(self, "Z", Z)
        head = f"{Z.shape} {self.fixed} {self.leave_one_out} {self.population}".encode()
        object.__setattr__(self, "digest", hashlib.sha256(head + Z.tobytes()).hexdigest())

    def __len__(self) -> int:
        return len(self.Z)

    @property
    def sampled(self) -> np.ndarray:
        """The rows drawn from the law, ``(m, d)``."""
        return self.Z[self.fixed :]

    @property
    def exact(self) -> bool:
        """Whether every possible row was drawn."""
        return len(self) - self.fixed >= self.population


def cube(n: int) -> np.ndarray:
    """All rows of ``{0, 1}ⁿ``, shape ``(2ⁿ, n)``; bit j of the row number is feature j.

    Examples
    --------
    >>> cube(2)
    array([[0., 0.],
           [1., 0.],
           [0., 1.],
           [1., 1.]])
    """
    return ((np.arange(2**n)[:, None] >> np.arange(n)) & 1).astype(float)


def sample(features: Sequence[Feature], rows: int, rng: np.random.Generator) -> Design:
    """The questions to ask with a budget of `rows` questions.

    Every possible row if the budget covers them all; otherwise the instance, the reference, the leave-one-out rows if
    they take at most a quarter of the budget, and a sample of the law: for binary features distinct uniform rows.

    Parameters
    ----------
    features : sequence of Feature
    rows : int
        The most rows, fixed ones included.
    rng : numpy.random.Generator

    Returns
    -------
    Design

    Raises
    ------
    InputError
        If the budget leaves fewer than ten sampled rows.
    """
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
    leave_one_out = d <= rows // 4 and rows - 2 - d >= MINIMUM
    if leave_one_out:
        fixed += list(np.where(np.eye(d, dtype=bool), reference, instance))
    population = 2.0**d if binary else np.inf
    drawn = _distinct(d, rows - len(fixed), rng) if binary else _law(features, rows - len(fixed), rng)
    return Design(np.vstack([*fixed, drawn]), len(fixed), leave_one_out, population)


def _distinct(d: int, m: int, rng: np.random.Generator) -> np.ndarray:
    """m distinct uniform rows of the cube, ``(m, d)``; m is below 2ᵈ."""
    if d <= 16:
        numbers = rng.permutation(2**d)[:m]
        return ((numbers[:, None] >> np.arange(d)) & 1).astype(float)
    rows: dict[bytes, np.ndarray] = {}
    while len(rows) < m:
        for row in rng.integers(0, 2, size=(m - len(rows), d), dtype=np.uint8):
            rows.setdefault(row.tobytes(), row)
    return np.array(list(rows.values()), dtype=float)


def _law(features: Sequence[Feature], m: int, rng: np.random.Generator) -> np.ndarray:
    """m independent rows of the declared law, ``(m, d)``."""
    columns = [
        rng.integers(0, 2, m).astype(float) if f.kind == "binary" else rng.normal(f.loc, f.scale, m) for f in features
    ]
    return np.column_stack(columns)
