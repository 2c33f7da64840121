"""Parts about effects of features: tables with bars, and the terms of a surrogate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from probes.rounding import Scale
from probes.views import View
from surrogates.report.curves import curve_lines
from surrogates.report.part import Bar, Part, bar
from surrogates.report.styles import AXIS, NARROW, STACK, TABLE
from surrogates.surrogate import Surrogate

__all__ = ["Effects", "Terms", "effects_parts"]

#: rows of a table that are shown
ROWS = 60


@dataclass(frozen=True)
class EffectRow:
    """One feature: its value, what replaces it, its effect with interval and bar."""

    feature: str
    value: str
    background: str
    effect: str
    interval: str
    bar: Bar


@dataclass(frozen=True, kw_only=True)
class Effects(Part):
    """Effects of features on one output, strongest first, with bars."""

    template = "effects.html"
    style = (TABLE, NARROW, STACK, AXIS)
    at_once = True

    rows: tuple[EffectRow, ...]
    unit: str
    more: int
    background: bool
    values: bool
    muted: bool
    note: str

    @classmethod
    def of(
        cls,
        table: pd.DataFrame,
        title: str,
        unit: str,
        background: dict[str, str],
        scale: Scale,
        muted: bool,
        note: str,
    ) -> Effects:
        """Make it of rows ``feature, value, attribution, low, high`` and what replaces features, by their names."""
        reach = float(np.nanmax(np.abs(table[["attribution", "low", "high"]].to_numpy()))) or 1.0
        rows = tuple(
            EffectRow(
                row.feature,
                row.value if row.value != row.feature else "",
                background.get(row.feature, ""),
                scale.signed(row.attribution),
                scale.between(row.low, row.high),
                bar(row.attribution, row.low, row.high, reach),
            )
            for row in table.head(ROWS).itertuples()
        )
        more, values = max(0, len(table) - ROWS), any(row.value for row in rows)
        return cls(
            title=title,
            rows=rows,
            unit=scale.unit(unit),
            more=more,
            background=bool(background),
            values=values,
            muted=muted,
            note=note,
        )


def effects_parts(
    effects: pd.DataFrame,
    outputs: Sequence[str],
    unit: str,
    view: View,
    title: str,
    scale: Scale,
    refused: Sequence[bool] = (),
    note: str = "",
) -> list[Part]:
    """Return a table of effects for every output, of rows ``output, feature, value, attribution, low, high``.

    Those of outputs that are `refused` are muted; `note` is said above that of a single output.
    """
    background = {row["name"]: row["background"] for row in view.get("rows", [])}
    return [
        Effects.of(
            effects[effects["output"] == name],
            f"{title} {name}",
            unit,
            background,
            scale,
            bool(refused) and refused[j],
            note if len(outputs) == 1 else "",
        )
        for j, name in enumerate(outputs)
    ]


@dataclass(frozen=True)
class TermRow:
    """One term in words, and its weight for every output."""

    term: str
    weights: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Terms(Part):
    """A surrogate by its intercepts and terms."""

    template = "terms.html"
    style = (TABLE,)

    rows: tuple[TermRow, ...]
    outputs: tuple[str, ...]
    intercept: tuple[str, ...]
    unit: str
    more: int
    curve: tuple[str, ...]

    @classmethod
    def of(cls, table: pd.DataFrame, outputs: Sequence[str], surrogate: Surrogate) -> Terms:
        """Make it of rows ``term`` and a weight for each output, and of the surrogate."""
        weights, intercept = table[list(outputs)].to_numpy(dtype=float), np.atleast_1d(surrogate.intercept_)
        scale = Scale.of([*weights.flat, *intercept])
        rows = tuple(
            TermRow(row["term"], tuple(scale.signed(row[name]) for name in outputs))
            for _, row in table.head(ROWS).iterrows()
        )
        return cls(
            title="The surrogate itself",
            rows=rows,
            outputs=tuple(outputs),
            intercept=tuple(map(scale.rounded, intercept)),
            unit=scale.unit("").strip(),
            curve=curve_lines(surrogate, outputs),
            more=len(table) - len(rows),
        )
