"""A time series as lines, a panel a channel: stretches and bands tinted by effects, clear ones with their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from probes.probe import Feature
from probes.rounding import Scale, counted
from probes.views import View
from surrogates.difference.difference import Difference
from surrogates.local.explanation import Explanation
from surrogates.local.shapley_values import ShapleyValues
from surrogates.report.plots.caption import number_of
from surrogates.report.plots.drawing import INK, MUTED, NEGATIVE, POSITIVE, SOFT, bare, shortened
from surrogates.report.plots.kinds import Plot, Unfit, plotted

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["Line", "SeriesLines", "Stretch", "changed_series", "series", "series_of_values"]

#: panels that are drawn
_PANELS = 8
#: strength of a tint where the interval holds zero; share of the width from which a number is written
_UNSURE, _WIDE = 0.3, 0.055


@dataclass(frozen=True)
class Stretch:
    """A feature on a line: its ends from 0 to 1, its effect in units of the largest, its number where that is clear."""

    start: float
    end: float
    shade: float
    number: str


@dataclass(frozen=True)
class Line:
    """One panel: places ``(p,)`` from 0 to 1 and values, NaN where one is missing."""

    title: str
    ends: tuple[str, str]
    x: np.ndarray
    y: np.ndarray
    stretches: tuple[Stretch, ...]


@dataclass(frozen=True, kw_only=True)
class SeriesLines(Plot):
    """Lines one below the other, tinted by effects.

    Attributes
    ----------
    lines : tuple of Line
    axis : str
        What the numbers are, and their unit.
    """

    lines: tuple[Line, ...]
    axis: str

    @property
    def size(self) -> tuple[float, float]:
        return 7.5, 1.1 + 1.35 * len(self.lines)

    def draw(self, ax: Axes) -> None:
        """Draw lines over tints; a full line below a stretch raises the output, a dashed one lowers it."""
        each = 1 / len(self.lines)
        for n, line in enumerate(self.lines):
            small = ax.inset_axes((0.06, 1 - (n + 1) * each + 0.2 * each, 0.94, 0.62 * each))
            known = line.y[np.isfinite(line.y)]
            room = 0.08 * (float(np.ptp(known)) or 1.0)
            small.set_xlim(0, 1)
            small.set_ylim(known.min() - room, known.max() + room)
            for stretch in line.stretches:
                _tint(small, stretch, MUTED if self.muted else POSITIVE if stretch.shade > 0 else NEGATIVE)
            small.plot(line.x, line.y, color=INK, linewidth=1.2)
            small.set_xticks([0, 1], [shortened(end) for end in line.ends], fontsize=8)
            small.tick_params(labelsize=8)
            small.locator_params(axis="y", nbins=3)
            if line.title:
                small.set_title(shortened(line.title), fontsize=9, loc="left", pad=12)
            first, last = small.get_xticklabels()
            first.set_horizontalalignment("left")
            last.set_horizontalalignment("right")
            bare(small)
        ax.set_xlim(0, 1)
        ax.set_ylim(0, 1)
        ax.set_xticks([])
        ax.set_yticks([])
        ax.spines[:].set_visible(False)
        ax.set_xlabel(shortened(self.axis, 110), loc="right", fontsize=9, color=SOFT)


def _tint(small: Axes, stretch: Stretch, colour: str) -> None:
    """Tint a stretch, and write its number above it."""
    small.axvspan(stretch.start, stretch.end, color=colour, alpha=0.6 * abs(stretch.shade), linewidth=0)
    if not stretch.number:
        return
    style: Any = "solid" if stretch.shade > 0 else (0, (1.5, 1.0))
    transform = small.get_xaxis_transform()
    small.plot([stretch.start, stretch.end], [0.015] * 2, color=colour, lw=2, linestyle=style, transform=transform)
    if stretch.end - stretch.start >= _WIDE:
        middle = (stretch.start + stretch.end) / 2
        small.text(middle, 1.02, stretch.number, fontsize=7.5, ha="center", color=INK, transform=transform)


@plotted("series", Explanation)
def series(explanation: Explanation, output: str | None = None) -> SeriesLines:
    """Take the series of an explanation with the average effects on an output."""
    return _of(explanation, output, "average effect on", explanation.fidelity.refused())


@plotted("series", ShapleyValues)
def series_of_values(values: ShapleyValues, output: str | None = None) -> SeriesLines:
    """Take the series of Shapley values with those of an output."""
    name = values.outputs[number_of(values.outputs, output)]
    table = values.table.rename(columns={"features": "feature", "index": "attribution"})
    return _lines(table, name, values.features, values.view, f"Shapley value for {name}", values.unit)


@plotted("series", Difference)
def changed_series(difference: Difference, output: str | None = None) -> SeriesLines:
    """Take the series of a difference with the changes of average effects on an output."""
    before, after = difference.names
    refused = difference.fidelity.refused(change=True)
    return _of(difference.change, output, f"change from {before} to {after}: average effect on", refused)


def _of(explanation: Explanation, output: str | None, what: str, refused: Sequence[bool]) -> SeriesLines:
    j, target = number_of(explanation.target.outputs, output), explanation.target
    name, known = target.outputs[j], explanation.attributions
    return _lines(known, name, explanation.features, explanation.view, f"{what} {name}", target.unit, refused[j])


def _lines(
    table: pd.DataFrame, name: str, features: Sequence[Feature], view: View, what: str, unit: str, muted: bool = False
) -> SeriesLines:
    if view.get("kind") != "series":
        raise Unfit("a time series", f"an input of the kind {view.get('kind')!r}")
    table = table[table["output"] == name].set_index("feature")
    scale, largest = Scale.of(table["attribution"]), float(table["attribution"].abs().max()) or 1.0
    stretches: dict[int, list[Stretch]] = {}
    for place, feature in zip(view["places"], features, strict=True):
        row = table.loc[feature.name]
        clear = row["low"] > 0 or row["high"] < 0
        shade = float(row["attribution"]) / largest * (1.0 if clear else _UNSURE)
        number = scale.signed(row["attribution"]) if clear else ""
        for panel in place["panels"]:
            stretches.setdefault(panel, []).append(Stretch(place["start"], place["end"], shade, number))
    panels = view["panels"]
    strength = [max((abs(s.shade) for s in stretches.get(i, [])), default=2.0) for i in range(len(panels))]
    shown = sorted(sorted(range(len(panels)), key=lambda i: -strength[i])[:_PANELS])
    lines = tuple(
        Line(
            panels[i]["title"],
            (panels[i]["start"], panels[i]["end"]),
            np.array(panels[i]["x"], dtype=float),
            np.array([np.nan if v is None else v for v in panels[i]["y"]], dtype=float),
            tuple(stretches.get(i, [])),
        )
        for i in shown
    )
    more = (
        f"; {counted(len(panels) - len(shown), 'more panel')}, with smaller effects" if len(panels) > len(shown) else ""
    )
    return SeriesLines(lines=lines, axis=f"{what} ({scale.unit(unit)}); faint: not clear{more}", muted=muted)
