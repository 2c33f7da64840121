"""Which effects stand out: those that differ from zero, and how much of their order is certain."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np

from surrogates.judging.uncertainty import Uncertainty

__all__ = ["Standing", "standing"]


@dataclass(frozen=True)
class Standing:
    """Order of the effects on one output.

    Attributes
    ----------
    order : ndarray of int ``(d,)``
        Features whose effect differs from zero first, strongest first.
    clear : int
        How many effects differ from zero.
    ordered : int
        How many leading places of the order are certain.
    """

    order: np.ndarray
    clear: int
    ordered: int


def standing(effect: np.ndarray, uncertainty: Uncertainty) -> Standing:
    """Test effects ``(d,)``; all tests at 95% together (Bonferroni). What has no interval does not stand out."""
    size, tests = np.abs(effect), len(effect)
    apart = size > uncertainty.half_widths(tests)
    order = np.lexsort((-size, ~apart))
    clear = int(apart.sum())
    ordered = 0
    for this, following in islice(pairwise(order), clear):
        gap = uncertainty.gap(this, following, np.sign(effect), tests)
        if not size[this] - size[following] > max(gap, 1e-12 * size[this]):
            break
        ordered += 1
    return Standing(order, clear, ordered)
