"""What a `link` argument offers to answers; held-out ones choose (:mod:`surrogates.numerics.curved_weights`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, get_args

import numpy as np

from probes.errors import InputError
from probes.rounding import alone
from surrogates.link import IDENTITY, Kind, Link

__all__ = ["LinkLike", "Links", "Offer", "check_link", "each", "in_unit", "learns", "named", "reach"]

#: how far beyond a known bound rounding puts answers, and what share of their range that is at most
_BEYOND, _OF_RANGE = 1e-6, 1e-3
#: share of the answers that may be at known bounds
_REACHED = 0.25
#: how many times the variance of answers a curve between known bounds may give them before its error counts for more
_SPARE = 8.0
#: variance below which answers are as good as constant: what it is divided into may be no number
_CONSTANT = np.finfo(float).tiny
#: names of links of which held-out errors choose
_CHOSEN = ("auto", "learned")


@dataclass(frozen=True)
class Offer:
    """What "auto" or "learned" chooses from: curves between known bounds, estimated ones, and one of each.

    Attributes
    ----------
    learns : bool
        Whether a curve is learned from the best.
    known : Link, optional
        The curve between bounds that answers have by their nature.
    """

    learns: bool
    known: Link | None

    @classmethod
    def of(cls, name: str, y: np.ndarray) -> Offer:
        """Offer for answers ``(n,)`` in a model's unit: probabilities end at 0 and 1, scores of both signs at −1 and 1.

        Answers tell what they are by lying there; held-out ones decide whether that helps. A curve never comes to its
        bounds: where many answers are there, they are decisions, or cut off.
        """
        low, high = float(y.min()), float(y.max())
        beyond = min(_BEYOND, _OF_RANGE * (high - low))
        floor = 0.0 if low >= -beyond else -1.0
        within = floor - beyond <= low and high <= 1 + beyond and (floor == 0 or high > 0)
        within &= float(((y <= floor) | (y >= 1)).mean()) <= _REACHED
        return cls(name == "learned", Link("logistic", floor, 1.0) if within else None)

    def moved(self, level: float, unit: float) -> Offer:
        """Return what is offered to answers level + unit · y, given what is to answers y."""
        return replace(self, known=self.known and self.known.moved(level, unit))

    def links(self, y: np.ndarray) -> list[Link]:
        """Return links for answers ``(n,)``, the identity first; of one known bound it is the nearer one."""
        estimated = Link.over("logistic", y)
        if self.known is None or not estimated.curved:
            return list(dict.fromkeys([IDENTITY, estimated]))
        low, high = self.known.low, self.known.high
        low, high = (low, estimated.high) if y.min() - low < high - y.max() else (estimated.low, high)
        return list(dict.fromkeys([IDENTITY, self.known, Link("logistic", low, high), estimated]))


#: what families take as link: a kind, its bounds estimated from the answers; auto; a link with its bounds; or one of
#: these for each output
LinkLike: TypeAlias = str | Link | Offer
Links: TypeAlias = LinkLike | Sequence[LinkLike]


def each(link: Links, k: int) -> list[LinkLike]:
    """Return the `link` argument of each of k outputs.

    Raises
    ------
    InputError
        If it is none, or not as many as there are outputs.
    """
    check_link(link)
    links: list[LinkLike] = [link] * k if isinstance(link, LinkLike) else list(link)
    if len(links) != k:
        raise InputError("link", f"be one, or one for each of {k} outputs", link)
    return links


def check_link(link: Links) -> None:
    """Check a `link` argument.

    Raises
    ------
    InputError
    """
    for one in [link] if isinstance(link, LinkLike) or not isinstance(link, Sequence) else link:
        if not (isinstance(one, (Link, Offer)) or (isinstance(one, str) and one in (*_CHOSEN, *get_args(Kind)))):
            rule = f"be auto, {', '.join(get_args(Kind))}, or a Link such as Link('logistic', 0.0, 1.0)"
            raise InputError("link", rule, link)


def named(link: LinkLike, y: np.ndarray) -> list[Link]:
    """Return the links that a `link` argument offers for answers ``(n,)``; of several the identity comes first.

    Examples
    --------
    >>> [str(link) for link in named("auto", np.array([0.2, 0.58]))]
    ['identity', 'logistic between 0 and 1', 'logistic between 0 and 0.59', 'logistic between 0.19 and 0.59']
    """
    if isinstance(link, Link):
        return [link]
    if isinstance(link, str) and link in _CHOSEN:
        link = Offer.of(link, y)
    if isinstance(link, Offer):
        return link.links(y)
    return [Link.over(kind, y) for kind in get_args(Kind) if kind == link]


def learns(link: LinkLike) -> bool:
    """Whether a curve is to be learned."""
    return link.learns if isinstance(link, Offer) else link == "learned"


def in_unit(link: LinkLike, y: np.ndarray, level: float, unit: float) -> LinkLike:
    """Return what is offered to answers (y − level) / unit, given what is to answers y ``(n,)``.

    Raises
    ------
    InputError
        If bounds would be one number there, or none.
    """
    if isinstance(link, str) and link in _CHOSEN:
        link = Offer.of(link, y)
    if isinstance(link, str):
        return link
    try:
        return link.moved(-level / unit, 1 / unit)
    except InputError as error:
        raise InputError(
            "link", f"have bounds in the unit of the answers, {alone(level)} ± {alone(unit)}", str(link)
        ) from error


def reach(link: Link, y: np.ndarray, weight: np.ndarray) -> float:
    """Return by what the held-out error of a curve between known bounds counts for more, for answers ``(n,)``.

    Where all answers are near a bound, what such a curve says of questions nobody asked may be many times the largest
    of them, and its error with it: as many times as the answers, were they normal on its line, would vary more.

    Examples
    --------
    >>> known, within, near = Link("logistic", 0.0, 1.0), np.linspace(0.1, 0.9, 20), np.exp(-np.linspace(4, 24, 20))
    >>> reach(known, within, np.ones(20)), round(reach(known, near, np.ones(20)), 1)
    (1.0, 16.1)
    """
    share = weight / weight.sum()
    variance = share @ (y - share @ y) ** 2
    if not link.curved or not link.known(y) or variance < _CONSTANT:
        return 1.0
    line = link.line(y)
    mean = share @ line
    [spread] = link.deviation(mean[None], np.sqrt(share @ (line - mean) ** 2)[None])
    return max(1.0, float(spread**2 / (_SPARE * variance)))
