"""A monotone curve that is straight between knots, learned from sums η and answers y.

min over a, s of Σᵢ vᵢ (yᵢ − a − Σⱼ sⱼ rⱼ(ηᵢ))² + κ Σⱼ (sⱼ − s⁰ⱼ)², s ≥ s_min, with rⱼ(η) how far η has come within
piece j: squared errors, and a pull to the slopes s⁰ of a known curve, the stronger the noisier answers are. Sums and
answers are in standard deviations. A piece beyond the sums on either side keeps the known slope, since no answer says
another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from surrogates.link import Link
from surrogates.numerics.folds import folds

__all__ = ["EXACT", "Pieces"]

#: added to held-out errors that are compared, in variances: fits as good as exact differ by their penalties, and the
#: simpler one stays
EXACT = 1e-3
#: knots at quantiles of the sums, at least so far apart, in standard deviations
_KNOTS, _APART = 8, 0.15
#: how far the outer pieces reach, as a share of the range of the sums
_BEYOND = 0.4
#: strength of the pull, in variances of what the sums leave over; and what it is where they leave nothing
_PULL, _FAINT = 30.0, 1e-4
#: least slope, in standard deviations of the answers for one of the sums: where a curve is flatter, small errors of
#: answers are far apart on the line. At .03 interactions had up to .06 less of R² on games of real models
_LEAST = 0.2
#: folds that say whether there is a curve to learn, and the share of the error that it must save there
_FOLDS, _SAVED = 4, 0.03


@dataclass(frozen=True)
class Pieces:
    """What a curve is learned from, in standard deviations; of n sums and answers, p pieces.

    Attributes
    ----------
    knots : ndarray ``(p + 1,)``
    ramps : ndarray ``(n, p)``
        How far each sum has come within each piece.
    known : ndarray ``(p,)``
        Slopes of the curve that is known.
    y, missed, weight : ndarray ``(n,)``
        Answers, what the known curve misses of them, and how many answers a row stands for.
    middle, unit : (float, float)
        Means and standard deviations of sums and answers.
    """

    knots: np.ndarray
    ramps: np.ndarray
    known: np.ndarray
    y: np.ndarray
    missed: np.ndarray
    weight: np.ndarray
    middle: tuple[float, float]
    unit: tuple[float, float]

    @classmethod
    def of(cls, line: np.ndarray, y: np.ndarray, weight: np.ndarray, start: Link) -> Pieces | None:
        """Place the knots; None where sums or answers hardly differ, or sums are but two clusters.

        Parameters
        ----------
        line, y, weight : ndarray ``(n,)``
            Sums, answers, and how many answers a row stands for.
        start : Link
            The known curve that a learned one is pulled to.
        """
        total = weight.sum()
        middle = float(weight @ line / total), float(weight @ y / total)
        away = line - middle[0], y - middle[1]
        unit = float(np.sqrt(weight @ away[0] ** 2 / total)), float(np.sqrt(weight @ away[1] ** 2 / total))
        if not min(unit) > 0:
            return None
        t = away[0] / unit[0]
        knots = _knots(t, weight)
        if len(knots) < 5:
            return None
        # the outer pieces have no end
        ramps = np.clip(t[:, None], [-np.inf, *knots[1:-1]], [*knots[1:-1], np.inf]) - knots[:-1]
        known = np.diff(start.answers(middle[0] + unit[0] * knots)) / np.diff(knots) / unit[1]
        return cls(knots, ramps, known, away[1] / unit[1], (y - start.answers(line)) / unit[1], weight, middle, unit)

    def bends(self, left: float, random_state: int) -> bool:
        """Whether a curve learned from other answers to the same sums predicts held-out ones clearly better.

        Clearly: by a share of the known curve's error, and by more than the root of its squares, which a gain that one
        answer makes is not.

        Parameters
        ----------
        left : float
            Share of the variance of the answers that is noise to this fit.
        random_state : int
        """
        tests = [test for _, test in folds(len(self.y), _FOLDS, random_state)]
        kept = np.tile(self.weight, (len(tests), 1))
        for row, test in zip(kept, tests, strict=True):
            row[test] = 0.0
        learned = np.empty(len(self.y))
        for test, slopes, first in zip(tests, *self._fitted(kept, left), strict=True):
            learned[test] = first + self.ramps[test] @ slopes
        error = self.weight * self.missed**2
        gain = error - self.weight * (self.y - learned) ** 2
        return bool(gain.sum() > max(_SAVED * (error.sum() + EXACT * self.weight.sum()), np.sqrt(gain @ gain)))

    def curve(self, left: float) -> Link:
        """Learn a curve from all sums to answers; `left` as for :meth:`bends`."""
        (slopes,), (first,) = self._fitted(self.weight[None], left)
        values = first + np.append(0.0, np.cumsum(slopes * np.diff(self.knots)))
        (center, level), (spread, unit) = self.middle, self.unit
        return Link.through(center + spread * self.knots, level + unit * values)

    def _fitted(self, weight: np.ndarray, left: float) -> tuple[np.ndarray, np.ndarray]:
        """Return slopes ``(f, p)`` and values at the first knot ``(f,)``, for f sets of weights of rows ``(f, n)``."""
        total = weight.sum(axis=1, keepdims=True)
        share, pull = weight / total, _PULL * min(left, 1.0) / total + _FAINT
        mean, level = share @ self.ramps, share @ self.y
        # with centred r and y: (Σ v r rᵀ + κ 1) s = Σ v r y + κ s⁰
        gram = np.matmul(self.ramps.T * share[:, None], self.ramps) - mean[:, :, None] * mean[:, None]
        gram += pull[:, None] * np.eye(len(self.known))
        wanted = (share * self.y) @ self.ramps - level[:, None] * mean + pull * np.maximum(self.known, _LEAST)
        slopes = np.linalg.solve(gram, wanted[..., None])[..., 0]
        for f in np.flatnonzero(slopes.min(axis=1) < _LEAST):
            # s = s_min + r, r ≥ 0: with G = LLᵀ the same squares are |Lᵀ r − L⁻¹ (c − G s_min)|²
            root = np.linalg.cholesky(gram[f])
            slopes[f] = _LEAST + nnls(root.T, np.linalg.solve(root, wanted[f] - _LEAST * gram[f].sum(axis=1)))[0]
        return slopes, level - (mean * slopes).sum(axis=1)


def _knots(line: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return quantiles of sums that are not too near each other, and a knot beyond them on either side."""
    order = np.argsort(line, kind="stable")
    share = np.cumsum(weight[order]) / weight.sum()
    places = np.searchsorted(share, np.linspace(0, 1, _KNOTS) - 1e-9)
    inner: list[float] = []
    for knot in line[order[np.minimum(places, len(line) - 1)]].tolist():
        if not inner or knot - inner[-1] > _APART:
            inner.append(knot)
    beyond = _BEYOND * (inner[-1] - inner[0])
    return np.array([inner[0] - beyond, *inner, inner[-1] + beyond])
