"""Parts about many explanations: fidelity over all, importance of features, failures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from probes.rounding import Scale, percent, score
from surrogates.many.jsonl_file import Failure
from surrogates.report.part import Bar, Part
from surrogates.report.styles import AXIS, NARROW, PICTURE, STACK, TABLE

__all__ = ["Failures", "Importance", "Spread"]

_ROWS = 40


@dataclass(frozen=True)
class SpreadRow:
    """One item and output: held-out R² and the verdict."""

    item: str
    output: str
    r2: str
    verdict: str


@dataclass(frozen=True, kw_only=True)
class Spread(Part):
    """How held-out R² is spread, and the explanations that are trusted least."""

    template = "spread.html"
    style = (PICTURE, TABLE)

    picture: str
    rows: tuple[SpreadRow, ...]

    @classmethod
    def of(cls, fidelity: pd.DataFrame, picture: str) -> Spread:
        """Make it of rows ``item, output, r2, verdict`` and a figure."""
        worst = fidelity.sort_values("r2", kind="stable").head(5)
        rows = tuple(SpreadRow(str(r.item), r.output, score(r.r2), r.verdict) for r in worst.itertuples())
        return cls(title="How far to trust them", picture=picture, rows=rows)


@dataclass(frozen=True)
class ImportanceRow:
    """One feature: items that have it, mean size of its effect with interval and bar, share of items it raises."""

    feature: str
    count: int
    effect: str
    interval: str
    raises: str
    bar: Bar


@dataclass(frozen=True, kw_only=True)
class Importance(Part):
    """Mean sizes of effects on one output, with bars from zero."""

    template = "importance.html"
    style = (TABLE, NARROW, STACK, AXIS)
    at_once = True

    rows: tuple[ImportanceRow, ...]
    more: int
    unit: str

    @classmethod
    def of(cls, table: pd.DataFrame, output: str, unit: str) -> Importance:
        """Make it of rows ``feature, items, importance, low, high, raises``."""
        scale = Scale.of(table["importance"])
        reach = float(np.nanmax(table[["importance", "high"]].to_numpy())) or 1.0
        rows = tuple(
            ImportanceRow(
                str(row.feature),
                row.items,
                scale.rounded(row.importance),
                scale.between(row.low, row.high),
                percent(row.raises),
                Bar(
                    "up",
                    "0",
                    f"{100 * row.importance / reach:.2f}",
                    f"{100 * np.nan_to_num(row.low, nan=row.importance) / reach:.2f}",
                    f"{100 * np.nan_to_num(row.high - row.low) / reach:.2f}",
                ),
            )
            for row in table.head(_ROWS).itertuples()
        )
        more = max(0, len(table) - _ROWS)
        return cls(title=f"Mean size of effects on {output}", rows=rows, more=more, unit=scale.unit(unit))


@dataclass(frozen=True)
class FailureRow:
    """One item, and why it could not be explained."""

    item: str
    error: str


@dataclass(frozen=True, kw_only=True)
class Failures(Part):
    """The items that could not be explained."""

    template = "failures.html"
    style = (TABLE,)

    rows: tuple[FailureRow, ...]

    @classmethod
    def of(cls, failures: Sequence[Failure]) -> Failures:
        """Make it of failures."""
        return cls(title="Failed", rows=tuple(FailureRow(str(f.label), f.error) for f in failures))
