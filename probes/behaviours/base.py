"""Base types of behaviour probes: a :class:`Behaviour` holds cases, a metric, a control and claims, all as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from probes.cases.template import TemplateProbe

__all__ = ["Behaviour", "Claim", "Levels"]

Levels = Mapping[str, str | tuple[str, ...]]


@dataclass(frozen=True)
class Claim:
    """A claim about a behaviour, before it has numbers.

    Parameters
    ----------
    text : str
        The claim in words.
    where : dict of factor to level or levels
        The cases it is about; empty for all.
    against : dict, optional
        The cases they are compared with.
    moderator : pair of dict, optional
        With `against`: the contrast is larger in the first than in the second.
    sign, min_effect, kind, reference, every, of_control
        As in ``surrogates.Statement``.
    metric : str, optional
        Instead of the behaviour's own.
    """

    text: str
    where: Levels = field(default_factory=dict)
    against: Levels | None = None
    moderator: tuple[Levels, Levels] | None = None
    sign: int = 1
    min_effect: float = 0.0
    kind: str = "directional"
    reference: float | str = "chance"
    every: str | None = None
    of_control: float | None = None
    metric: str | None = None


@dataclass(frozen=True)
class Behaviour:
    """A built-in probe: cases, metric, positive control, claims.

    Attributes
    ----------
    name, title : str
    probe : TemplateProbe
    metric : str
    control : Claim
        What the model must be able to do for the claims to mean something.
    claims : tuple of Claim
    baseline : dict of factor to level
        What cases are compared with for claims about the metric ``flip``, see :func:`probes.flips`.
    """

    name: str
    title: str
    probe: TemplateProbe
    metric: str
    control: Claim
    claims: tuple[Claim, ...]
    baseline: Mapping[str, str] = field(default_factory=dict)
