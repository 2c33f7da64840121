"""Which column joins a sum next: by forward selection, or by least angles.

The columns of the sum are written as orthonormal parts gᵢ, each what a column has that those before it do not hold
(Gram and Schmidt). Forward selection takes the column that explains most of what is left. It settles early, and where
rows are few for so many columns often on the wrong ones.

Least angle regression gives a column no more than its share. All columns of the sum have the same covariance C, up to
signs s, with what the sum leaves of the answers. The sum moves along the one direction in which these fall alike, until
a column outside has as much: that joins. The direction is Σᵢ aᵢ gᵢ with Σᵢ aᵢ ⟨gᵢ, xⱼ⟩ = sⱼ for each column j of the
sum; these equations are triangular, so that a column that joins leaves the aᵢ of those before it as they are.

Least angles: Efron, Hastie, Johnstone and Tibshirani (2004), without the steps back of the lasso.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["ROUNDING", "Forward", "LeastAngle", "Step"]

#: share of the variance below which what a column explains is rounding
ROUNDING = 1e-12
#: variance of a column's own part below which it is a sum of those before it
_DEPENDENT = 1e-8
#: what a number is divided by in place of zero
_TINY = 1e-200


class Step(NamedTuple):
    """A column that joins each of b sums.

    Attributes
    ----------
    pick : ndarray ``(b,)``
        Its number.
    joins : ndarray of bool ``(b,)``
        Whether it does; not where nothing is left to explain, and the other numbers mean nothing there.
    pivot, part : ndarray ``(b,)``
        The variance that it has of its own, and in least squares the weight of its own part, where that has variance 1.
    slope, way : ndarray ``(b,)``
        The weight of its own part in the direction of least angles, and how far the sum moves along that direction
        before the next column joins; 0 in forward selection.
    row : ndarray ``(b, p + r)``
        Covariances of its own part with every column, and its values on r held-out rows.
    """

    pick: np.ndarray
    joins: np.ndarray
    pivot: np.ndarray
    part: np.ndarray
    slope: np.ndarray
    way: np.ndarray
    row: np.ndarray


class Forward:
    """b sums to which columns join by forward selection.

    Parameters
    ----------
    moment : ndarray ``(b, p)``
        Covariances of the columns with the answers.
    own : ndarray ``(b, p)``
        Variances of the columns.

    Attributes
    ----------
    pick, joins, pivot : ndarray ``(b,)``
        As of the next :class:`Step`; `pivot` is 1 where none joins.
    """

    def __init__(self, moment: np.ndarray, own: np.ndarray):
        self._each = np.arange(len(moment))
        self._left, self._own = moment.copy(), own.copy()
        self._zero = np.zeros(len(moment))
        self._outside = own > _DEPENDENT
        self.joins = np.ones(len(moment), dtype=bool)
        self._look()

    def join(self, row: np.ndarray, columns: int) -> Step:
        """Let the columns picked join, given their :attr:`Step.row`, the first `columns` numbers of it covariances."""
        pick, joins, pivot = self.pick, self.joins, self.pivot
        part = joins * self._left[self._each, pick] / np.sqrt(pivot)
        slope = self._slope()
        inner = row[:, :columns]
        self._left -= inner * part[:, None]
        self._own -= inner**2
        self._outside = self._own > _DEPENDENT
        way = self._moved(inner, slope)
        self._look()
        return Step(pick, joins, pivot, part, slope, way, row)

    def _look(self) -> None:
        """Find the column that explains most, by what it explains under a penalty of one.

        One that hardly varies of itself must have more to say.
        """
        gain = np.where(self._outside, self._left**2 / (self._own + 1), 0.0)
        best = gain.argmax(axis=1)
        self._choose(best, gain[self._each, best] > ROUNDING)

    def _choose(self, pick: np.ndarray, joins: np.ndarray) -> None:
        self.pick, self.joins = pick, joins
        self.pivot = np.where(joins, self._own[self._each, pick], 1.0)

    def _slope(self) -> np.ndarray:
        return self._zero

    def _moved(self, row: np.ndarray, slope: np.ndarray) -> np.ndarray:
        return self._zero


class LeastAngle(Forward):
    """b sums to which columns join by least angles; parameters and attributes as of :class:`Forward`."""

    def __init__(self, moment: np.ndarray, own: np.ndarray):
        self._moment, self._along = moment.copy(), np.zeros_like(moment)
        size = np.abs(moment) * (own > _DEPENDENT)
        self._nearest, self._height = size.argmax(axis=1), size.max(axis=1)
        super().__init__(moment, own)

    def _look(self) -> None:
        # nothing joins where no column explains anything, or all are in
        explains = np.maximum(self._left.max(axis=1), -self._left.min(axis=1)) ** 2 > ROUNDING
        self._choose(self._nearest, self.joins & explains & self._outside[self._each, self._nearest])

    def _slope(self) -> np.ndarray:
        sign = np.sign(self._moment[self._each, self.pick])
        return self.joins * (sign - self._along[self._each, self.pick]) / np.sqrt(self.pivot)

    def _moved(self, row: np.ndarray, slope: np.ndarray) -> np.ndarray:
        """Move until a column outside is as near as those inside, and return how far."""
        self._along += row * slope[:, None]
        height = self._height[:, None]
        # C − γ = ± (cⱼ − γ dⱼ)  ⇒  1 / γ = (1 ∓ dⱼ) / (C ∓ cⱼ): the largest of all that are positive is first
        rate = (1.0 - self._along) / np.maximum(height - self._moment, _TINY)
        np.maximum(rate, (1.0 + self._along) / np.maximum(height + self._moment, _TINY), out=rate)
        rate *= self._outside
        self._nearest = rate.argmax(axis=1)
        moved = self.joins * np.minimum(1.0 / np.maximum(rate[self._each, self._nearest], _TINY), self._height)
        self._moment -= moved[:, None] * self._along
        self._height -= moved
        return moved
