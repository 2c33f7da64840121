"""The instance drawn by the kind of its view: a table into which the files ``*_instance.py`` of this folder write.

A file says with ``@instance_of("image")`` what draws the effects of features on the instance, and, where that is not
the list of conditions alone, with ``@kept_of("image")`` what draws the part of it that a rule keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

import pandas as pd

from probes.probe import Feature
from probes.rounding import Scale
from probes.views import View
from surrogates.report.part import Part

__all__ = ["InstanceEffects", "InstanceKept", "instance_of", "instance_parts", "kept_of", "kept_parts"]


@dataclass(frozen=True)
class InstanceEffects:
    """What features do, to be drawn on the instance.

    Attributes
    ----------
    table : DataFrame
        Rows ``output, feature, attribution, low, high``.
    outputs : sequence of str
        The k outputs.
    unit : str
    features : sequence of Feature
    view : View
    scale : Scale
        Rounds numbers.
    title : str
    refused : sequence of bool
        For each output, whether its verdict says not to use the effects; empty for none.
    pairs : mapping of str to sequence of int
        The numbers of the pairs that a feature is in.
    """

    table: pd.DataFrame
    outputs: Sequence[str]
    unit: str
    features: Sequence[Feature]
    view: View
    scale: Scale
    title: str
    refused: Sequence[bool] = ()
    pairs: Mapping[str, Sequence[int]] | None = None


@dataclass(frozen=True)
class InstanceKept:
    """What a rule keeps of the instance, by names of features, and how often the model then says the same."""

    names: frozenset[str]
    precision: str
    features: Sequence[Feature]
    view: View


DrawsEffects: TypeAlias = Callable[[InstanceEffects], list[Part]]
DrawsKept: TypeAlias = Callable[[InstanceKept], list[Part]]
_EFFECTS: dict[str, DrawsEffects] = {}
_KEPT: dict[str, DrawsKept] = {}


def instance_of(kind: str) -> Callable[[DrawsEffects], DrawsEffects]:
    """Register what draws effects on the instance, for a kind of view."""

    def register(maker: DrawsEffects) -> DrawsEffects:
        _EFFECTS[kind] = maker
        return maker

    return register


def kept_of(kind: str) -> Callable[[DrawsKept], DrawsKept]:
    """Register what draws the part of the instance that a rule keeps, for a kind of view."""

    def register(maker: DrawsKept) -> DrawsKept:
        _KEPT[kind] = maker
        return maker

    return register


def instance_parts(effects: InstanceEffects) -> list[Part]:
    """Return the instance with what features do; nothing for a view that has no picture."""
    _load()
    maker = _EFFECTS.get(str(effects.view.get("kind")))
    return maker(effects) if maker else []


def kept_parts(kept: InstanceKept) -> list[Part]:
    """Return the instance with what a rule keeps of it; nothing for a view that has no picture."""
    _load()
    maker = _KEPT.get(str(kept.view.get("kind")))
    return maker(kept) if maker else []


@cache
def _load() -> None:
    """Load every kind."""
    for path in sorted(Path(__file__).parent.glob("*_instance.py")):
        import_module(f"{__package__}.{path.stem}")
