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

__all__ = ["IDENTITY", "Kind", "Link", "LinkLike", "Links", "Stacked", "check_link", "each", "from_line", "named"]

Kind: TypeAlias = Literal["identity", "logistic", "log", "learned"]

#: share of the space between the bounds that answers take up: bounds estimated from answers lie a little beyond them
TAKEN = 0.95
#: the flat of a logistic curve: where its slope is below this share of its steepest
_FLAT = 0.1
#: nearest that an answer comes to a bound, as a share of how far the farthest is from it
_NEAREST = 1e-6
#: beyond this a curve is as flat, or as steep, as numbers show; squares of answers there are still numbers
_FARTHEST = 345.0
#: what points of a learned curve must be
_POINTS = "have as many knots as values, two or more finite numbers that rise, where it is learned"
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
            return logit(np.clip(share, _nearest(share), 1 - _nearest(1 - share)))
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
            return self._slopes[np.searchsorted(self.knots[1:-1], line)]
        return np.ones_like(line)

    @property
    def _slopes(self) -> np.ndarray:
        """Return the slopes of a learned curve's pieces."""
        return np.diff(self.values) / np.diff(self.knots)

    @property
    def _sign(self) -> float:
        return 1.0 if self.high is None else -1.0


class Stacked(Curve):
    """Links of one kind, one for each of the first axis of what they are applied to, ``(f, …)``.

    Examples
    --------
    >>> both = Stacked([Link("logistic", 0.0, 1.0), Link("logistic", 0.0, 4.0)], 2)
    >>> both.answers(np.zeros((2, 3)))
    array([[0.5, 0.5, 0.5],
           [2. , 2. , 2. ]])
    """

    def __init__(self, links: Sequence[Link], axes: int):
        self.kind = links[0].kind
        shape = (len(links),) + (1,) * (axes - 1)
        for name in ("low", "high"):
            bounds = [getattr(link, name) for link in links]
            setattr(self, name, None if bounds[0] is None else np.reshape(bounds, shape))


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
        beyond = (high - low) * (1 / TAKEN - 1) / 2
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
        low, high = (None if bound is None else float(level + unit * bound) for bound in (self.low, self.high))
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


def _nearest(distance: np.ndarray) -> float:
    """Return the least distance from a bound that counts, given those of the answers."""
    return _NEAREST * (float(distance.max(initial=0.0)) or 1.0)


#: what families take as link: a kind, its bounds estimated from the answers; auto; a link with its bounds; or one of
#: these for each output
LinkLike: TypeAlias = str | Link
Links: TypeAlias = LinkLike | Sequence[LinkLike]


def each(link: Links, k: int) -> list[LinkLike]:
    """Return the `link` argument of each of k outputs.

    Raises
    ------
    InputError
        If it is none, or not as many as there are outputs.
    """
    check_link(link)
    links: list[LinkLike] = [link] * k if isinstance(link, (str, Link)) else list(link)
    if len(links) != k:
        raise InputError("link", f"be one, or one for each of {k} outputs", link)
    return links


def check_link(link: Links) -> None:
    """Check a `link` argument.

    Raises
    ------
    InputError
    """
    for one in [link] if isinstance(link, (str, Link)) or not isinstance(link, Sequence) else link:
        if not (isinstance(one, Link) or (isinstance(one, str) and one in ("auto", *get_args(Kind)))):
            rule = f"be auto, {', '.join(get_args(Kind))}, or a Link such as Link('logistic', 0.0, 1.0)"
            raise InputError("link", rule, link)


def named(link: LinkLike, y: np.ndarray) -> list[Link]:
    """Return the links that a `link` argument offers for answers ``(n,)``; of several the identity comes first."""
    if isinstance(link, Link):
        return [link]
    if link in ("auto", "learned"):  # a learned curve starts from either
        return list(dict.fromkeys([IDENTITY, Link.over("logistic", y)]))
    return [Link.over(kind, y) for kind in get_args(Kind) if kind == link]


def from_line(links: Sequence[Link], line: np.ndarray) -> np.ndarray:
    """Compute answers from sums ``(n,)``, or ``(n, k)`` for k links."""
    if not any(link.curved for link in links):
        return line
    if line.ndim == 1:
        return links[0].answers(line)
    return np.column_stack([link.answers(column) for link, column in zip(links, line.T, strict=True)])
