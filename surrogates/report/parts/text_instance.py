"""A text as the instance: every feature in its place, shaded by its effect, or marked where a rule keeps it."""

from __future__ import annotations

from surrogates.report.part import Part
from surrogates.report.parts.instance import ShadedText
from surrogates.report.parts.rule import Anchored
from surrogates.report.parts.view_kinds import InstanceEffects, InstanceKept, instance_of, kept_of

__all__: list[str] = []


@instance_of("text")
def _shaded(e: InstanceEffects) -> list[Part]:
    """Return the text once for each output."""
    parts: list[Part] = []
    for name, muted in zip(e.outputs, e.refused or (False,) * len(e.outputs), strict=True):
        title, rows = e.title + (f": {name}" if len(e.outputs) > 1 else ""), e.table[e.table["output"] == name]
        parts.append(ShadedText.of(rows, title, e.unit, e.features, e.view, e.scale, muted, e.pairs))
    return parts


@kept_of("text")
def _anchored(kept: InstanceKept) -> list[Part]:
    return [Anchored.of(set(kept.names), kept.precision, kept.features, kept.view)]
