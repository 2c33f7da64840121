"""The link g of a surrogate, ŷ = g⁻¹(b + Σ wₖ φₖ): the monotone curve that a sum passes through to the model's unit.

Models saturate: probabilities end at 0 and 1, scores and log-probabilities at bounds of theirs. A sum has to spend
interactions on that; a sum through a curve does not. The curve is that of a generalised linear model (McCullagh and
Nelder 1989).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from numbers import Real
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from scipy.special import expit, logit

from probes.errors import InputError
from probes.rounding import alone

__all__ = ["IDENTITY", "Kind", "Link", "Stacked", "from_line"]

Kind: TypeAlias = Literal["identity", "logistic", "log", "learned"]

#: share of the space between the bounds that answers take up: bounds estimated from answers lie a little beyond them
TAKEN = 0.95
#: the flat of a logistic curve: where its slope is below this share of its steepest
_FLAT = 0.1
#: nearest that an answer comes to a bound, as a share of how far the farthest is from it
_NEAREST = 1e-6
#: beyond this a curve is as flat, or as steep, as numbers show; squares of answers there are still numbers
_FARTHEST = 345.0
#: share of the span of a learned curve's knots up to which a sum below one is at it
_AT = 1e-9
#: share of the numbers added up that rounding leaves of zero
_ROUNDING = 8 * np.finfo(float).eps
#: least share of their unit by which numbers that are not the same differ
_APART = 1e-6
#: what points of a learned curve must be
_POINTS = "have as many knots as values, two or more finite numbers that rise, where it is learned"
#: the least that a number can lie below 1
_BELOW_ONE = np.finfo(float).epsneg
#: nodes and weights of Gauss and Hermite, for means over a normal distribution
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(15)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


class Curve:
    """The formulas of a monotone curve, for one pair of bounds or for arrays of them."""

    kind: Kind
    low: Any
    high: Any
    knots: Any
    values: Any

    def line(self, y: np.ndarray) -> np.ndarray:
        """Compute g(y): where answers lie on the line; one beyond a bound counts as if it lay just within."""
        if self.kind == "logistic":
            share = np.clip((y - self.low) / (self.high - self.low), 0.0, 1.0)
            return logit(np.clip(share, _nearest(share), 1 - np.maximum(_nearest(1 - share), _BELOW_ONE)))
        if self.kind == "log":
            distance = np.maximum(y - self.low if self.low is not None else self.high - y, 0.0)
            return np.log(np.maximum(distance, _nearest(distance))) * self._sign
        if self.kind == "learned":
            return _along(y, self.values, self.knots)
        return y

    def answers(self, line: np.ndarray) -> np.ndarray:
        """Compute g⁻¹(η), in the unit of the answers."""
        if self.kind == "logistic":
            return self.low + (self.high - self.low) * expit(line)
        if self.kind == "log":
            distance = np.exp(np.minimum(line * self._sign, _FARTHEST))
            return self.low + distance if self.low is not None else self.high - distance
        if self.kind == "learned":
            return _along(line, self.knots, self.values)
        return line

    def slope(self, line: np.ndarray) -> np.ndarray:
        """Compute dŷ/dη."""
        if self.kind == "logistic":
            return (self.high - self.low) * expit(line) * expit(-line)
        if self.kind == "log":
            return np.exp(np.minimum(line * self._sign, _FARTHEST))
        if self.kind == "learned":
            # a sum at a knot, but for rounding, is in the piece above
            knots = np.array(self.knots)
            return self._slopes[np.searchsorted(knots[1:-1] - _AT * (knots[-1] - knots[0]), line)]
        return np.ones_like(line)

    def bend(self, line: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compute both, g⁻¹(η) and dŷ/dη, of η not so far out that a slope is smaller than rounding."""
        if self.kind != "logistic":
            return self.answers(line), self.slope(line)
        share, width = expit(line), self.high - self.low
        return self.low + width * share, width * share * (1 - share)

    @property
    def _slopes(self) -> np.ndarray:
        """Return the slopes of a learned curve's pieces."""
        return np.diff(self.values) / np.diff(self.knots)

    @property
    def _sign(self) -> float:
        return 1.0 if self.high is None else -1.0


class Stacked(Curve):
    """Links of one kind, one for each of the first axes of what they are applied to, ``(b, …)``.

    Parameters
    ----------
    kind : {"identity", "logistic", "log"}
    low, high : ndarray ``(b, …)`` or None
        Bounds, as of :class:`Link`.
    axes : int
        Of what they are applied to.

    Examples
    --------
    >>> both = Stacked.of([Link("logistic", 0.0, 1.0), Link("logistic", 0.0, 4.0)], 2)
    >>> both.answers(np.zeros((2, 3)))
    array([[0.5, 0.5, 0.5],
           [2. , 2. , 2. ]])
    """

    def __init__(self, kind: Kind, low: np.ndarray | None, high: np.ndarray | None, axes: int):
        self.kind = kind
        self.low, self.high = (_wide(bound, axes) for bound in (low, high))

    @classmethod
    def of(cls, links: Sequence[Link], axes: int) -> Stacked:
        """Stack links of one kind along the first axis."""
        low, high = (_together([getattr(link, name) for link in links]) for name in ("low", "high"))
        return cls(links[0].kind, low, high, axes)

    @classmethod
    def over(cls, low: np.ndarray, high: np.ndarray, axes: int, given: np.ndarray) -> Stacked:
        """Stack logistic curves for answers from low to high, ``(b, f)``, with bounds as of :meth:`Link.over`.

        Or with those `given`, ``(b, 2)``, where they are not NaN.
        """
        beyond = _beyond(low, high)
        beyond = np.where(beyond > 0, beyond, 1.0)  # to answers that are all the same any curve fits
        known = [np.broadcast_to(bound[:, None], low.shape) for bound in given.T]
        low, high = (np.where(np.isnan(k), e, k) for k, e in zip(known, (low - beyond, high + beyond), strict=True))
        return cls("logistic", low, high, axes)


@dataclass(frozen=True)
class Link(Curve):
    """A monotone curve between the unit of the answers and the line on which a surrogate adds up.

    Parameters
    ----------
    kind : {"identity", "logistic", "log", "learned"}, default "identity"
        Of η, the sum: identity is ŷ = η; logistic ŷ = low + (high − low) / (1 + e⁻ᶯ); log ŷ = low + eᶯ, or
        high − e⁻ᶯ where `high` is given in place of `low`; learned is straight between points (η, ŷ), and goes on
        beyond the outermost as within its last piece.
    low, high : float, optional
        Bounds of the answers, in their unit. Both for logistic, one for log, none for the others.
    knots, values : sequence of float, optional
        The points of a learned curve: sums, and answers in their unit; both rise.

    Examples
    --------
    >>> share = Link("logistic", 0.0, 1.0)
    >>> share.line(np.array([0.5, 0.9])).round(2), share.answers(np.array([0.0, 2.2])).round(2)
    (array([0. , 2.2]), array([0.5, 0.9]))
    """

    kind: Kind = "identity"
    low: float | None = None
    high: float | None = None
    knots: tuple[float, ...] = field(default=(), metadata={"may lack": True})
    values: tuple[float, ...] = field(default=(), metadata={"may lack": True})

    def __post_init__(self) -> None:
        if not (isinstance(self.kind, str) and self.kind in get_args(Kind)):
            raise InputError("link", f"be one of {', '.join(get_args(Kind))}", self.kind)
        self._check_points()
        given = [bound for bound in (self.low, self.high) if bound is not None]
        due = {"logistic": 2, "log": 1}.get(self.kind, 0)
        numbers = all(_finite(bound) for bound in given)
        if len(given) != due or not numbers or (due == 2 and not 0 < float(given[1]) - float(given[0]) < np.inf):
            rule = ("have no bounds", "have one finite bound, low or high", "have finite bounds low < high")[due]
            raise InputError("link", f"{rule} where it is {self.kind}", (self.low, self.high))

    def _check_points(self) -> None:
        """Check the points of a learned curve, and keep them as tuples of float."""
        if self.kind != "learned":
            if any(isinstance(given, np.ndarray) or given != () for given in (self.knots, self.values)):
                raise InputError("link", f"have no points where it is {self.kind}", (self.knots, self.values))
            return
        for name in ("knots", "values"):
            given = getattr(self, name)
            numbers = isinstance(given, (Sequence, np.ndarray)) and all(_finite(value) for value in given)
            if not numbers or len(given) < 2 or len(given) != len(self.knots) or not _rises(given):
                raise InputError("link", _POINTS, (self.knots, self.values))
            object.__setattr__(self, name, tuple(float(value) for value in given))
        with np.errstate(over="ignore", under="ignore"):
            slopes = self._slopes
        if not (np.isfinite(slopes).all() and slopes.all()):  # points that no number's slope joins
            raise InputError("link", _POINTS, (self.knots, self.values))

    @classmethod
    def over(cls, kind: Kind, y: np.ndarray) -> Link:
        """Make a link whose bounds are estimated from answers ``(n,)``: they take up 95% of the space between these."""
        low, high = float(y.min()), float(y.max())
        beyond = _beyond(low, high)
        if kind == "identity" or not beyond > 0:
            return IDENTITY
        if kind == "logistic":
            return cls(kind, low - beyond, high + beyond)
        return cls(kind, low=low - beyond) if np.median(y) <= (low + high) / 2 else cls(kind, high=high + beyond)

    @classmethod
    def through(cls, knots: Sequence[float] | np.ndarray, values: Sequence[float] | np.ndarray) -> Link:
        """Make a learned curve through points, without those whose values are the same number as the one before."""
        rises = np.diff(np.asarray(values), prepend=-np.inf) > 0
        return cls("learned", None, None, *(tuple(np.asarray(part)[rises].tolist()) for part in (knots, values)))

    @property
    def curved(self) -> bool:
        """Whether it is more than the identity."""
        return self.kind != "identity"

    def given(self, y: np.ndarray) -> tuple[float, float]:
        """Return the bounds that a logistic curve does not have from answers ``(n,)``; NaN in place of those it has."""
        if self.kind != "logistic":
            return np.nan, np.nan
        estimated = Link.over("logistic", y)
        return (
            np.nan if self.low is None or self.low == estimated.low else self.low,
            np.nan if self.high is None or self.high == estimated.high else self.high,
        )

    def known(self, y: np.ndarray) -> bool:
        """Whether it has bounds that were not estimated from answers ``(n,)``."""
        return not np.isnan(self.given(y)).all()

    @property
    def estimated(self) -> int:
        """How many numbers it holds, without the two by which the sum itself can move and stretch a learned curve."""
        return sum(bound is not None for bound in (self.low, self.high)) + max(len(self.values) - 2, 0)

    def mean(self, line: np.ndarray, sd: np.ndarray) -> np.ndarray:
        """Compute E[g⁻¹(η)] for normal η with these means and standard deviations, by quadrature."""
        if not self.curved:
            return line
        return self.answers(line[..., None] + sd[..., None] * _NODES) @ _WEIGHTS

    def deviation(self, line: np.ndarray, sd: np.ndarray) -> np.ndarray:
        """Compute the standard deviation of g⁻¹(η) for the same η."""
        if not self.curved:
            return sd
        answers = self.answers(line[..., None] + sd[..., None] * _NODES)
        return np.sqrt((answers - (answers @ _WEIGHTS)[..., None]) ** 2 @ _WEIGHTS)

    def flat(self, line: np.ndarray) -> np.ndarray:
        """Find where a logistic or learned curve is flat: its slope is below a tenth of the steepest."""
        if self.kind == "logistic":
            return 4 * expit(line) * expit(-line) < _FLAT
        if self.kind == "learned":
            return self.slope(line) < _FLAT * self._slopes.max()
        return np.zeros(np.shape(line), dtype=bool)

    def moved(self, level: float, unit: float) -> Link:
        """Return the link of answers level + unit · y for that of answers y."""
        if self.kind == "learned":
            return Link.through(self.knots, level + unit * np.array(self.values))
        low, high = (None if bound is None else _moved(bound, level, unit) for bound in (self.low, self.high))
        return Link(self.kind, low, high)

    def shift(self, unit: float) -> float:
        """Return what a sum grows by where the unit of the answers does, beside the bounds."""
        return self._sign * float(np.log(unit)) if self.kind == "log" else 0.0

    def __str__(self) -> str:
        low, high = (alone(np.nan if bound is None else bound) for bound in (self.low, self.high))
        if self.kind == "logistic":
            return f"logistic between {low} and {high}"
        if self.kind == "identity":
            return "identity"
        if self.kind == "learned":
            return f"learned from the answers, straight between {len(self.knots)} points, and on beyond them"
        return f"log above {low}" if self.high is None else f"log below {high}"


def _finite(bound: object) -> bool:
    try:
        return isinstance(bound, Real) and isfinite(bound)
    except OverflowError:  # a whole number beyond all floats
        return False


def _rises(points: Sequence[float]) -> bool:
    """Whether numbers rise, by steps that are numbers."""
    with np.errstate(over="ignore"):
        steps = np.diff(np.asarray(points, dtype=float))
    return bool((steps > 0).all() and np.isfinite(steps.sum()))


IDENTITY = Link()


def _along(x: np.ndarray, start: Sequence[float], end: Sequence[float]) -> np.ndarray:
    """Map numbers by the broken line through points (start, end), its ends prolonged."""
    first, last = ((end[i + 1] - end[i]) / (start[i + 1] - start[i]) for i in (0, len(end) - 2))
    return np.interp(x, start, end) + first * np.minimum(x - start[0], 0) + last * np.maximum(x - start[-1], 0)


def _moved(bound: float, level: float, unit: float) -> float:
    """Compute level + unit · bound, a whole number where it is one but for rounding: so 0 and 1 come back."""
    moved = float(level + unit * bound)
    whole, rounding = float(np.rint(moved)), _ROUNDING * (abs(level) + abs(unit * bound))
    return whole if abs(moved - whole) <= rounding <= _APART * min(1.0, abs(unit)) else moved


def _together(bounds: list[float | None]) -> np.ndarray | None:
    return None if bounds[0] is None else np.array(bounds)


def _wide(bounds: np.ndarray | None, axes: int) -> np.ndarray | None:
    """Give bounds ``(b, …)`` so many axes, the last of one number."""
    return None if bounds is None else bounds.reshape(bounds.shape + (1,) * (axes - bounds.ndim))


def _beyond(low: Any, high: Any) -> Any:
    """Return how far estimated bounds lie beyond answers from low to high."""
    return (high - low) * (1 / TAKEN - 1) / 2


def _nearest(distance: np.ndarray) -> np.ndarray:
    """Return the least distance from a bound that counts, given those of the answers along the last axis."""
    farthest = distance.max(axis=-1, keepdims=True, initial=0.0)
    return _NEAREST * np.where(farthest > 0, farthest, 1.0)


def from_line(links: Sequence[Link], line: np.ndarray) -> np.ndarray:
    """Compute answers from sums ``(n,)``, or ``(n, k)`` for k links."""
    if not any(link.curved for link in links):
        return line
    if line.ndim == 1:
        return links[0].answers(line)
    return np.column_stack([link.answers(column) for link, column in zip(links, line.T, strict=True)])
