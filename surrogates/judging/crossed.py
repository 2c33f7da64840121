"""Predictions for rows by surrogates that were fitted to others, see :mod:`surrogates.judging.cross_fit`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from surrogates.surrogate import Surrogate

__all__ = ["CrossFit"]


@dataclass(frozen=True)
class CrossFit:
    """Predictions for rows by surrogates that have not seen them.

    Attributes
    ----------
    predicted : ndarray ``(m, k)``
    fits : tuple of (Surrogate, ndarray)
        Each fold's surrogate, and the numbers of the rows that it predicted.
    permuted : ndarray ``(k,)``
        R² of the same on shuffled answers; NaN where that was not done.
    every : ndarray ``(f, m, k)``
        Predictions for all rows by the surrogate of each fold.
    """

    predicted: np.ndarray
    fits: tuple[tuple[Surrogate, np.ndarray], ...]
    permuted: np.ndarray
    every: np.ndarray

    def part(self, outputs: slice) -> CrossFit:
        """Select some of the outputs."""
        fits = tuple((fitted.part(outputs), test) for fitted, test in self.fits)
        return CrossFit(self.predicted[:, outputs], fits, self.permuted[outputs], self.every[..., outputs])
