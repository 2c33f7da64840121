"""Parts about effects of features: tables with bars, and the terms of a surrogate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from probes.probe import Feature
from probes.rounding import Scale
from probes.views import View
from surrogates.report.curves import curve_lines
from surrogates.report.names import named
from surrogates.report.part import Bar, Part, bar
from surrogates.report.styles import AXIS, NARROW, STACK, TABLE
from surrogates.surrogate import Surrogate

__all__ = ["Effects", "Terms", "effects_parts"]

#: rows of a table that are shown
ROWS = 60
#: rows without a clear effect from which these are folded away
_FOLDED = 3


_FOLD = """\
.iomap .fold { margin: .5rem 0; }
.iomap tr.top > td:first-child { box-shadow: inset 3px 0 var(--fair); }"""


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
    """Effects of features on one output, strongest first, with bars; those that may be zero are folded away."""

    template = "effects.html"
    style = (TABLE, NARROW, STACK, AXIS, _FOLD)
    at_once = True

    rows: tuple[EffectRow, ...]
    folded: tuple[EffectRow, ...]
    fold: str
    unclear: str
    unit: str
    more: int
    background: bool
    values: bool
    muted: bool
    note: str
    top: int = 0
    what: str = "effect"

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
        names: Mapping[str, str],
        top: int = 0,
        what: str = "effect",
    ) -> Effects:
        """Make it of rows ``feature, value, attribution, low, high``, what replaces features, and names shown.

        The first `top` rows are clearly different from zero; `what` is what the numbers are called.
        """
        reach = float(np.nanmax(np.abs(table[["attribution", "low", "high"]].to_numpy()))) or 1.0

        def row_of(row: Any) -> EffectRow:
            return EffectRow(
                names.get(row.feature, row.feature),
                row.value if row.value != row.feature else "",
                background.get(row.feature, ""),
                scale.signed(row.attribution),
                scale.between(row.low, row.high),
                bar(row.attribution, row.low, row.high, reach),
            )

        unclear = (~((table["low"] > 0) | (table["high"] < 0))).to_numpy()  # nor is one whose interval is not known
        fold = unclear if not unclear.all() and unclear.sum() >= _FOLDED else np.zeros(len(table), dtype=bool)
        shown, folded = table[~fold], table[fold]
        rows = tuple(map(row_of, shown.head(ROWS).itertuples()))
        below = tuple(map(row_of, folded.head(ROWS).itertuples()))
        more, values = len(table) - len(rows) - len(below), any(row.value for row in (*rows, *below))
        return cls(
            title=title,
            rows=rows,
            folded=below,
            fold=_fold_words(folded),
            unclear=_NONE_CLEAR if len(table) > 1 and unclear.all() else "",
            unit=scale.unit(unit),
            more=more,
            background=bool(background),
            values=values,
            muted=muted,
            note=note,
            top=0 if muted else min(top, len(rows)),
            what=what,
        )

    def shortened(self) -> Part:
        """Return what a notebook shows at once: what is folded away is counted only."""
        return Part.shortened(replace(self, folded=()))


#: said where no row's interval is clear of zero
_NONE_CLEAR = "No effect here is clearly different from zero: every interval holds zero."


def _fold_words(folded: pd.DataFrame) -> str:
    """Say what the rows that are folded away have in common."""
    zero = bool((folded[["attribution", "low", "high"]] == 0).all(axis=None))
    return f"{len(folded)} more, {'all zero' if zero else 'none clearly different from zero'}" if len(folded) else ""


def effects_parts(
    effects: pd.DataFrame,
    outputs: Sequence[str],
    unit: str,
    view: View,
    title: str,
    scale: Scale,
    refused: Sequence[bool] = (),
    note: str = "",
    features: Sequence[Feature] = (),
    top: Sequence[int] = (),
    what: str = "effect",
) -> list[Part]:
    """Return a table of effects for every output, of rows ``output, feature, value, attribution, low, high``.

    Those of outputs that are `refused` are muted; `note` is said above that of a single output; of each output the
    first `top` rows are marked as clearly different from zero. `what` is what the numbers are called.
    """
    names = named(features, view) if features else {}
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
            names,
            top[j] if top else 0,
            what,
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
