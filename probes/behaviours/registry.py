"""Built-in behaviour probes: one file each, with word lists of its own.

A :class:`Behaviour` holds cases, a metric, a positive control and the claims that are tested, all as data: what is
made of the answers is the business of ``surrogates``. A new probe is one file with ``behaviour()`` and one line in the
table.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from probes.behaviours.base import Behaviour
from probes.errors import InputError

__all__ = ["BEHAVIOURS", "behaviour"]

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
