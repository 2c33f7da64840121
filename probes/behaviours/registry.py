"""The built-in behaviour probes by name, found by looking through this folder.

A module of this folder that has a ``behaviour`` function is a built-in probe: its ``NAME`` is the name on a card, its
``PLACE`` its place in the order of a card. A new probe is one file.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import probes.behaviours
from probes.behaviours.base import Behaviour
from probes.errors import InputError

__all__ = ["BEHAVIOURS", "behaviour"]


def _modules() -> dict[str, str]:
    """Map the names of the built-in probes to their modules, in the order of a card."""
    folder = probes.behaviours
    others = (f"{folder.__name__}.{module}" for module in ("base", "registry"))
    names = {m.name for m in iter_modules(folder.__path__, f"{folder.__name__}.")} - set(others)
    modules = sorted(map(import_module, names), key=lambda m: (m.PLACE, m.NAME))
    return {module.NAME: module.__name__ for module in modules}


#: names of the built-in probes -> their modules, in the order of a card
BEHAVIOURS: dict[str, str] = _modules()


def behaviour(name: str, **options: Any) -> Behaviour:
    """Make the built-in probe of a name.

    Parameters
    ----------
    name : str
        One of ``BEHAVIOURS``.
    **options
        Of that probe, such as its number of cases.

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
    made: Behaviour = import_module(BEHAVIOURS[name]).behaviour(**options)
    return made
