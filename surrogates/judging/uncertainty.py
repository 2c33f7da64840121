"""The uncertainty of effects: which questions were asked, and which background rows stand for all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

__all__ = ["Uncertainty"]


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """Standard errors of the effects on one output, and half-widths of intervals made of them.

    Attributes
    ----------
    masks : ndarray ``(d,)``
        Standard errors from the sample of questions.
    answers : int
        How many that sample has.
    factor : ndarray ``(q, d)``
        Its squares add up to the variances from the sample of background rows; no rows where there is none.
    quantiles : ndarray ``(d,)``
        How many standard errors of that kind are to either side of a 95% interval; not finite where nobody knows.
    df : int
        Degrees of freedom of those variances.
    """

    masks: np.ndarray
    answers: int
    factor: np.ndarray
    quantiles: np.ndarray
    df: int = 1

    @property
    def background(self) -> np.ndarray:
        """Half-widths ``(d,)`` of 95% intervals from the choice of background rows alone; NaN where nobody knows."""
        return self._rows(np.sqrt((self.factor**2).sum(axis=0)), self.quantiles)

    def half_widths(self, tests: int = 1) -> np.ndarray:
        """Half-widths ``(d,)`` of intervals that hold with 95% for so many tests together (Bonferroni)."""
        level = 1 - 0.025 / tests
        rows = self.background * self._wider(level)
        return np.hypot(stdtrit(self.answers - 1, level) * self.masks, rows)

    def gap(self, i: int, j: int, signs: np.ndarray, tests: int = 1) -> float:
        """Half-width of the interval of |effect i| − |effect j|, given their signs ``(d,)``."""
        level = 1 - 0.025 / tests
        spread = np.sqrt(((signs[i] * self.factor[:, i] - signs[j] * self.factor[:, j]) ** 2).sum())
        rows = self._rows(spread, np.maximum(self.quantiles[i], self.quantiles[j])) * self._wider(level)
        return float(np.hypot(stdtrit(self.answers - 1, level) * np.hypot(self.masks[i], self.masks[j]), rows))

    def _wider(self, level: float) -> float:
        return float(stdtrit(self.df, level) / stdtrit(self.df, 0.975))

    def _rows(self, errors: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
        if not len(self.factor):
            return np.zeros_like(errors)
        return np.where(np.isfinite(quantiles), errors * np.where(np.isfinite(quantiles), quantiles, 0.0), np.nan)
