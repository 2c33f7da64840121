"""Which effects stand out: those that differ from zero, and how much of their order is certain."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
from scipy import stats

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


def standing(effect: np.ndarray, error: np.ndarray, m: int) -> Standing:
    """Test effects ``(d,)`` with standard errors ``(d,)`` from m answers; all tests at 95% together (Bonferroni)."""
    size = np.abs(effect)
    bound = stats.t.ppf(1 - 0.025 / len(effect), m - 1)
    apart = size > bound * error
    order = np.lexsort((-size, ~apart))
    clear = int(apart.sum())
    ordered = 0
    for this, following in islice(pairwise(order), clear):
        gap = bound * np.hypot(error[this], error[following])
        if size[this] - size[following] <= max(gap, 1e-12 * size[this]):
            break
        ordered += 1
    return Standing(order, clear, ordered)
