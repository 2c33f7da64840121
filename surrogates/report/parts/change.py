"""Parts about what changed from one model to another: both sides' numbers, and effects side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from probes.rounding import Scale, percent, score
from surrogates.report.part import Bar, Part, bar
from surrogates.report.parts.effects import ROWS
from surrogates.report.styles import AXIS, NARROW, STACK, TABLE

__all__ = ["BothSides", "Changes", "Flips"]


@dataclass(frozen=True)
class SideRow:
    """One output: both answers for the instance, their difference, the mean and the typical change."""

    output: str
    before: str
    after: str
    change: str
    fitted: str
    mean: str
    interval: str
    typical: str
    spread: str
    by_sides: str


@dataclass(frozen=True, kw_only=True)
class BothSides(Part):
    """What both models say, and how far apart they are over the questions asked."""

    template = "both_sides.html"
    # names of models may be long: on a phone they are broken, and the change stays in sight
    style = (
        TABLE,
        ".iomap table.both th:not(:last-child) { overflow-wrap: anywhere; }",
        ".iomap table.both th.n { min-width: 3.5rem; }",
    )
    at_once = True

    rows: tuple[SideRow, ...]
    names: tuple[str, str]
    verdicts: tuple[str, str]
    unit: str

    @classmethod
    def of(
        cls,
        table: pd.DataFrame,
        names: tuple[str, str],
        verdicts: tuple[str, str],
        unit: str,
        scale: Scale,
        fitted: np.ndarray,
    ) -> BothSides:
        """Make it of a difference's summary, the verdict on either side, and the surrogate's change."""
        rows = tuple(
            SideRow(
                row.output,
                scale.rounded(row.before),
                scale.rounded(row.after),
                scale.signed(row.change),
                scale.signed(fitted[j]),
                scale.signed(row.mean),
                scale.between(row.low, row.high) if row.low < row.high else "",
                scale.rounded(row.typical),
                scale.rounded(row.spread),
                score(row.by_sides, ""),
            )
            for j, row in enumerate(table.itertuples())
        )
        return cls(title="What both say", rows=rows, names=names, verdicts=verdicts, unit=scale.unit(unit))


@dataclass(frozen=True, kw_only=True)
class Flips(Part):
    """How often the two decide for other classes."""

    template = "flips.html"
    style = (TABLE,)

    rows: tuple[tuple[str, str, str], ...]
    names: tuple[str, str]
    share: str

    @classmethod
    def of(cls, table: pd.DataFrame, names: tuple[str, str]) -> Flips:
        """Make it of a difference's flips, with one row at least."""
        flipped = table[table["before"] != table["after"]]
        rows = tuple((str(r.before), str(r.after), percent(r.share)) for r in flipped.itertuples())
        share = percent(float(flipped["share"].sum()))
        return cls(title="Decisions that differ", rows=rows, names=names, share=share)


@dataclass(frozen=True)
class ChangeRow:
    """One feature: its value, its effect on either model, and the change with interval and bar."""

    feature: str
    value: str
    before: str
    after: str
    change: str
    interval: str
    bar: Bar


@dataclass(frozen=True, kw_only=True)
class Changes(Part):
    """Effects of features on both models and on the change, the largest change first."""

    template = "changes.html"
    style = (TABLE, NARROW, STACK, AXIS)
    at_once = True

    rows: tuple[ChangeRow, ...]
    names: tuple[str, str]
    unit: str
    more: int
    values: bool
    muted: bool
    note: str

    @classmethod
    def of(
        cls, table: pd.DataFrame, title: str, unit: str, names: Sequence[str], scale: Scale, muted: bool, note: str
    ) -> Changes:
        """Make it of one output's rows ``feature, value, before, after, change, low, high``."""
        reach = float(np.nanmax(np.abs(table[["change", "low", "high"]].to_numpy()))) or 1.0
        rows = tuple(
            ChangeRow(
                row.feature,
                row.value if row.value != row.feature else "",
                scale.signed(row.before),
                scale.signed(row.after),
                scale.signed(row.change),
                scale.between(row.low, row.high),
                bar(row.change, row.low, row.high, reach),
            )
            for row in table.head(ROWS).itertuples()
        )
        more, values = max(0, len(table) - ROWS), any(row.value for row in rows)
        return cls(
            title=title,
            rows=rows,
            names=(names[0], names[1]),
            unit=scale.unit(unit),
            more=more,
            values=values,
            muted=muted,
            note=note,
        )
