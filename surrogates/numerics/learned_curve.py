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

__all__ = ["EXACT", "bends", "learned_curve"]

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
class _Pieces:
    """Knots, how far each sum has come within each piece ``(n, p)``, known slopes ``(p,)``, and the answers.

    All are in standard deviations, from these middles and in these units.
    """

    knots: np.ndarray
    ramps: np.ndarray
    known: np.ndarray
    y: np.ndarray
    middle: tuple[float, float]
    unit: tuple[float, float]

    @classmethod
    def of(cls, line: np.ndarray, y: np.ndarray, weight: np.ndarray, start: Link) -> _Pieces | None:
        """Place the knots; None where sums or answers do not differ, or sums are but two clusters."""
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
        return cls(knots, ramps, known, away[1] / unit[1], middle, unit)

    def fitted(self, weight: np.ndarray, left: float) -> tuple[np.ndarray, float]:
        """Return slopes and the value at the first knot, given the weights of rows."""
        total = weight.sum()
        mean, level = weight @ self.ramps / total, weight @ self.y / total
        root, pull = np.sqrt(weight / total), np.sqrt(_PULL * min(left, 1.0) / total + _FAINT)
        # s = s_min + r, r ≥ 0
        rows = np.vstack([root[:, None] * (self.ramps - mean), pull * np.eye(len(self.known))])
        wanted = np.append(root * (self.y - level), pull * np.maximum(self.known, _LEAST))
        slopes = _LEAST + nnls(rows, wanted - _LEAST * rows.sum(axis=1))[0]
        return slopes, float(level - mean @ slopes)


def learned_curve(line: np.ndarray, y: np.ndarray, weight: np.ndarray, start: Link, left: float) -> Link | None:
    """Learn a curve from sums to answers; None where sums or answers hardly differ.

    Parameters
    ----------
    line, y, weight : ndarray ``(n,)``
        Sums, answers, and how many answers a row stands for.
    start : Link
        The known curve that it is pulled to.
    left : float
        Share of the variance of the answers that is noise to this fit.
    """
    pieces = _Pieces.of(line, y, weight, start)
    if pieces is None:
        return None
    slopes, first = pieces.fitted(weight, left)
    values = first + np.append(0.0, np.cumsum(slopes * np.diff(pieces.knots)))
    (center, level), (spread, unit) = pieces.middle, pieces.unit
    return Link.through(center + spread * pieces.knots, level + unit * values)


def bends(line: np.ndarray, y: np.ndarray, weight: np.ndarray, start: Link, left: float, random_state: int) -> bool:
    """Whether a curve learned from other answers to the same sums predicts held-out ones clearly better than `start`.

    Clearly: by a share of the error, and by more than the root of its squares, which a gain that one answer makes is
    not. Parameters are those of :func:`learned_curve`.
    """
    pieces = _Pieces.of(line, y, weight, start)
    if pieces is None:
        return False
    learned = np.empty(len(y))
    for _, test in folds(len(y), _FOLDS, random_state):
        kept = weight.copy()
        kept[test] = 0.0
        slopes, first = pieces.fitted(kept, left)
        learned[test] = first + pieces.ramps[test] @ slopes
    error = weight * ((y - start.answers(line)) / pieces.unit[1]) ** 2
    gain = error - weight * (pieces.y - learned) ** 2
    return bool(gain.sum() > max(_SAVED * (error.sum() + EXACT * weight.sum()), np.sqrt(gain @ gain)))


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
