"""The part that shows how a document was taken apart: what was found, what was split, what was not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

from probes.outputs.target import Target
from probes.rounding import Scale, percent
from surrogates.local.zoom import Zoom
from surrogates.report.names import quoted
from surrogates.report.part import Part
from surrogates.report.styles import NARROW, TABLE

__all__ = ["Zoomed", "first_unit", "found_rows"]

#: rows of a table, and letters of a part's name
_ROWS, _NAME = 40, 120


@dataclass(frozen=True)
class FoundRow:
    """A part that was found: how it belongs to what keeps the answer, and what is lost without it."""

    part: str
    how: str
    change: str
    share: str


@dataclass(frozen=True)
class SplitRow:
    """A part that was split, why, and into how many."""

    part: str
    why: str
    into: str


@dataclass(frozen=True, kw_only=True)
class Zoomed(Part):
    """What the search of a document found and split, and what it left whole."""

    template = "zoomed.html"
    style = (TABLE, NARROW)

    found: tuple[FoundRow, ...]
    words: tuple[FoundRow, ...]
    splits: tuple[SplitRow, ...]
    more: int
    units: str
    parts: int
    whole: int
    asked: int
    judged: int
    stopped: str
    unit: str
    whose: str

    @classmethod
    def of(cls, zoom: Zoom, judged: int, target: Target, scale: Scale) -> Zoomed:
        """Make it of a search, and the number of questions that were drawn after it."""
        return cls(
            title="How the document was taken apart",
            found=found_rows(zoom, scale)[:_ROWS],
            words=tuple(
                FoundRow(quoted(row.word, _NAME), quoted(row.of), *_numbers(row, scale))
                for row in zoom.words.head(_ROWS).itertuples()
            ),
            splits=tuple(
                SplitRow(quoted(row.part, _NAME), row.why, str(row.into))
                for row in zoom.splits.head(_ROWS).itertuples()
            ),
            more=max(len(zoom.splits) - _ROWS, 0),
            units=f"{zoom.units:,}",
            parts=len(zoom.runs),
            whole=zoom.whole,
            asked=zoom.asked,
            judged=judged,
            stopped=zoom.stopped,
            unit=first_unit(target, scale),
            whose=" to all outputs" if len(target.outputs) > 1 else "",
        )


def first_unit(target: Target, scale: Scale) -> str:
    """The unit of changes, and of several outputs the one that they are of."""
    unit = scale.unit(target.unit)
    return unit if len(target.outputs) == 1 else f"{unit} of {target.outputs[0]}"


def found_rows(zoom: Zoom, scale: Scale) -> tuple[FoundRow, ...]:
    """Write what was found as rows, most decisive first."""
    rows: Sequence[Any] = list(zoom.found.itertuples())
    return tuple(FoundRow(quoted(row.part, _NAME), row.how, *_numbers(row, scale)) for row in rows)


def _numbers(row: Any, scale: Scale) -> tuple[str, str]:
    """Write a change and its share; of what was not answered there is none."""
    return ("not answered", "") if isnan(row.share) else (scale.signed(-row.change), percent(row.share))
