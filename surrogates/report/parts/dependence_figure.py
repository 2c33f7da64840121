"""The part that shows partial dependence: a figure, and its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from probes.rounding import Scale
from surrogates.local.dependence import Dependence
from surrogates.report.part import Part, picture
from surrogates.report.plots.dependence_plot import dependence
from surrogates.report.plots.kinds import draw_into
from surrogates.report.styles import PICTURE, TABLE

__all__ = ["DependenceFigure"]


@dataclass(frozen=True)
class DependenceRow:
    """One value of the column."""

    value: str
    mean: str
    interval: str
    instance: str


@dataclass(frozen=True, kw_only=True)
class DependenceFigure(Part):
    """The figure, and a table of the same numbers."""

    template = "dependence_figure.html"
    style = (PICTURE, TABLE)
    at_once = True

    about: str
    picture: str
    unit: str
    instance: bool
    rows: tuple[DependenceRow, ...]

    @classmethod
    def of(cls, result: Dependence) -> Self:
        """Make it of a result."""
        scale = Scale.of([*result.table["low"], *result.table["high"], *result.instance])
        own = [scale.rounded(v) for v in result.instance] or [""] * len(result.table)
        rows = tuple(
            DependenceRow(row.value, scale.rounded(row.mean), scale.between(row.low, row.high), here)
            for row, here in zip(result.table.itertuples(), own, strict=True)
        )
        plot = dependence(result)
        return cls(
            title=f"{result.output} by {result.feature}",
            about=f"Mean of {result.output} over {len(result.curves)} rows by {result.feature}, and single rows",
            picture=picture(plot, draw_into, plot.size),
            unit=scale.unit(result.unit),
            instance=bool(len(result.instance)),
            rows=rows,
        )
