"""A mixed input as the instance: each part as its own kind is drawn, shaded on one scale."""

from __future__ import annotations

from dataclasses import replace

from surrogates.report.input_parts import InputPart, input_parts
from surrogates.report.part import Part
from surrogates.report.parts.instance import Remark
from surrogates.report.parts.view_kinds import (
    InstanceEffects,
    InstanceKept,
    instance_of,
    instance_parts,
    kept_of,
    kept_parts,
)

__all__: list[str] = []


@instance_of("mixed")
def _effects(e: InstanceEffects) -> list[Part]:
    """Return the parts of the input, each under its name; other parts' rows stay in the table, for the shades."""
    parts: list[Part] = []
    for part in input_parts(e.features, e.view):
        local = {e.features[part.offset + i].name: feature.name for i, feature in enumerate(part.features)}
        table = e.table.assign(feature=[local.get(name, name) for name in e.table["feature"]])
        pairs = {local.get(name, name): numbers for name, numbers in (e.pairs or {}).items()}
        title = _title(part, e.title)
        made = instance_parts(replace(e, table=table, features=part.features, view=part.view, title=title, pairs=pairs))
        parts += [_of(part, one) for one in made]
    return parts


@kept_of("mixed")
def _kept(kept: InstanceKept) -> list[Part]:
    parts: list[Part] = []
    for part in input_parts(kept.features, kept.view):
        names = frozenset(
            feature.name for i, feature in enumerate(part.features) if kept.features[part.offset + i].name in kept.names
        )
        made = kept_parts(replace(kept, names=names, features=part.features, view=part.view))
        parts += [replace(one, title=_title(part, one.title)) if one.title else _of(part, one) for one in made]
    return parts


def _title(part: InputPart, title: str) -> str:
    return f"{title}: {part.title}" if part.title else title


def _of(part: InputPart, shown: Part) -> Part:
    """Say of which part of the input a remark is: background rows, for example, stand in for a row alone."""
    if not isinstance(shown, Remark) or not part.title:
        return shown
    return replace(shown, text=f"Of {part.title}: {shown.text[:1].lower()}{shown.text[1:]}")
