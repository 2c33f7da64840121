"""Built-in behaviour probes: one file each, with word lists of its own.

A :class:`Behaviour` holds cases, a metric, a positive control and the claims that are tested, all as data: what is
made of the answers is the business of ``surrogates``. A new probe is one file with ``behaviour()`` and one line in the
table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from probes.errors import InputError
from probes.template import TemplateProbe

__all__ = ["BEHAVIOURS", "Behaviour", "Claim", "behaviour"]

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
        What cases are compared with for claims about the metric ``flip``, see :func:`probes.measure.flips`.
    """

    name: str
    title: str
    probe: TemplateProbe
    metric: str
    control: Claim
    claims: tuple[Claim, ...]
    baseline: Mapping[str, str] = field(default_factory=dict)


#: the built-in probes in the order of a card
BEHAVIOURS: dict[str, str] = {
    "reversal": "reversal",
    "indirect-object": "indirect_object",
    "greater-than": "greater_than",
    "induction": "induction",
    "pronoun": "pronoun",
    "facts": "facts",
    "option-order": "option_order",
    "format": "format_sensitivity",
    "sycophancy": "sycophancy",
    "invariance": "invariance",
    "context-prior": "context_prior",
    "persona": "persona",
}


def behaviour(name: str, **options: Any) -> Behaviour:
    """The built-in probe of a name.

    Raises
    ------
    InputError
        For an unknown name.

    Examples
    --------
    >>> behaviour("indirect-object").metric
    'logit_difference'
    """
    if name not in BEHAVIOURS:
        raise InputError("behaviour", f"be one of {', '.join(BEHAVIOURS)}", name)
    return import_module(f"probes.behaviours.{BEHAVIOURS[name]}").behaviour(**options)
