"""Designs: which questions are asked. Pure functions of (features, m, rng).

A design is a sample of the probe's declared law, preceded by a few *fixed* rows (the instance itself, the
reference, and where they are affordable the leave-one-out rows, else the end left out and the end alone). Fixed rows
serve display and baselines; fitting and judging use the sampled rows alone, because only they represent the law that
fidelity is about. Sampled rows may begin with a balanced *block*: it is fitted to, but never judged by, because its
rows are not independent of each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from numbers import Integral

import numpy as np

from probes.errors import InputError
from probes.probe import Feature
from probes.sampling.cube import corners, cube, factorial, fold_over, uniform
from probes.sampling.law import independent, sobol
from probes.sampling.pairs import PAIRS, paired
from probes.sampling.sizes import by_size

__all__ = [
    "DESIGNS",
    "LEAVE_ONE_OUT",
    "MINIMUM",
    "PAIRS",
    "Design",
    "by_size",
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
#: the end is left out, and asked alone, from that many features and questions on
LONG, MANY = 32, 150


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
    def end(self) -> int:
        """How many features, the last ones, fixed row 2 leaves out, and row 3 has alone; 0 where that was not asked."""
        return 0 if self.leave_one_out or self.fixed < 4 else int((self.Z[2] != self.Z[0]).sum())

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
        """Return the design of some rows, those where `kept` ``(n,)`` is true; they count as a fair part of all."""
        chosen, drawn = kept[: self.fixed], kept[self.fixed : self.fixed + self.block]
        leave_one_out = self.leave_one_out and bool(chosen.all())
        fixed, block = int(chosen.sum()), int(drawn.sum())
        return replace(self, Z=self.Z[kept], fixed=fixed, leave_one_out=leave_one_out, block=block)

    def head(self, rows: int) -> Design:
        """Return the design of the first `rows` rows, at least the fixed ones and the block."""
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


def sample(features: Sequence[Feature], rows: int, rng: np.random.Generator, method: str = "uniform") -> Design:
    """Draw the questions to ask with a budget of `rows` questions.

    Every possible row if the budget covers them all; otherwise the instance, the reference, the leave-one-out rows if
    they take at most a tenth of the budget, and a sample of the law. Where 32 binary features or more are too many to
    be left out one by one, and 150 rows or more are asked, the instance without its last sixteenth and that alone.

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
    elif binary and d >= LONG and rows >= MANY:
        end = np.arange(d) >= d - d // 16
        fixed += [np.where(end, reference, instance), np.where(end, instance, reference)]
    drawn, block = DESIGNS[method](features, rows - len(fixed), rng)
    return Design(np.vstack([*fixed, drawn]), len(fixed), leave_one_out, corners(d) if binary else np.inf, block)


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
