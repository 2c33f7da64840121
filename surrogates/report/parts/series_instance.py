"""A time series as the instance: its lines, with every stretch or band tinted by its effect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from probes.probe import Feature
from probes.rounding import counted
from probes.views import View
from surrogates.report.drawings import PLOT, Axis, line
from surrogates.report.names import states
from surrogates.report.part import Part
from surrogates.report.parts.instance import shading
from surrogates.report.parts.view_kinds import InstanceEffects, InstanceKept, instance_of, kept_of
from surrogates.report.scripts import script
from surrogates.report.styles import PIECES

__all__ = ["SeriesDrawn"]

#: panels that are drawn at most
_PANELS = 16


@dataclass(frozen=True)
class Mark:
    """A feature on a panel: its name, shade and numbers; its width and the gap before it, in percent."""

    name: str
    sign: str
    strength: str
    tip: str
    gap: str
    width: str


@dataclass(frozen=True)
class Panel:
    """The line of one channel, or of its spectrum, with the ends of its axes."""

    title: str
    path: str
    start: str
    end: str
    low: str
    high: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, kw_only=True)
class SeriesDrawn(Part):
    """A series with its features tinted by effects, faintly where the interval holds zero; or by what a rule keeps."""

    template = "series.html"
    style = (
        PLOT,
        PIECES,
        """\
.iomap .series figure { display: block; margin: .5rem 0; --tall: 7rem; min-width: 0; }
.iomap .series .lane { position: absolute; inset: 0; display: flex; }
.iomap .series .lane mark { flex: none; box-sizing: border-box; padding: 0; border-radius: 0;
  border-right: 1px solid var(--line); }
.iomap .series .lane span { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.iomap .series svg { pointer-events: none; }
.iomap .series .plot path { stroke: var(--ink); stroke-width: 1.5; }""",
    )
    script = script("roving.js", "series.js")
    at_once = True

    panels: tuple[Panel, ...]
    unit: str
    removal: str
    about: str
    share: str = ""
    muted: bool = False

    @classmethod
    def of(
        cls,
        view: View,
        features: Sequence[Feature],
        shade: Callable[[str], tuple[str, str, str]],
        title: str,
        share: str = "",
        muted: bool = False,
    ) -> SeriesDrawn:
        """Make it of a view, and of what shades a feature by its name: sign, strength and numbers."""
        shades = [shade(f.name) for f in features]
        lines, places = view["panels"], view["places"]
        strongest = [
            max((float(s) for p, (_, s, _) in zip(places, shades, strict=True) if i in p["panels"]), default=2.0)
            for i in range(len(lines))
        ]
        shown = sorted(sorted(range(len(lines)), key=lambda i: -strongest[i])[:_PANELS])
        panels = tuple(_panel(i, lines[i], places, features, shades) for i in shown)
        drawn = len(lines[0]["x"])
        about = [f"The series: {view['law']}."]
        if drawn < view["steps"]:
            about.append(f"Lines are drawn by {drawn:,} of {view['steps']:,} steps, the least and the largest of many.")
        if more := len(lines) - len(shown):
            about.append(f"Not drawn: {counted(more, 'more panel')}, with smaller effects.")
        return cls(
            title=title,
            panels=panels,
            unit=view["unit"],
            removal=states(view)[1],
            about=" ".join(about),
            share=share,
            muted=muted,
        )


def _panel(
    number: int, panel: Any, places: Sequence[Any], features: Sequence[Feature], shades: Sequence[tuple[str, str, str]]
) -> Panel:
    """Draw one panel with the features that lie on it."""
    y = np.array([np.nan if v is None else v for v in panel["y"]], dtype=float)
    x, known = np.array(panel["x"], dtype=float), np.isfinite(y)
    across, up = Axis(0.0, 1.0), Axis.over(y, 0.06)
    ends = np.flatnonzero(np.diff(known.astype(int))) + 1
    runs = [run for run in np.split(np.arange(len(y)), ends) if known[run].all()]
    marks, before = [], 0.0
    for place, feature, (sign, strength, tip) in zip(places, features, shades, strict=True):
        if number in place["panels"]:
            gap, width = 100 * (place["start"] - before), 100 * (place["end"] - place["start"])
            said = f"{feature.name}: {tip}" if tip else ""
            marks.append(Mark(feature.name, sign, strength, said, str(max(gap, 0.0)), str(width)))
            before = place["end"]
    path = "".join(line(x[run], y[run], across, up) for run in runs)
    return Panel(panel["title"], path, panel["start"], panel["end"], panel["low"], panel["high"], tuple(marks))


@instance_of("series")
def _tinted(e: InstanceEffects) -> list[Part]:
    """Return the series once for each output."""
    parts: list[Part] = []
    for name, muted in zip(e.outputs, e.refused or (False,) * len(e.outputs), strict=True):
        title, rows = e.title + (f": {name}" if len(e.outputs) > 1 else ""), e.table[e.table["output"] == name]
        shade = shading(rows, e.scale, e.unit)
        parts.append(SeriesDrawn.of(e.view, e.features, shade, title, muted=muted))
    return parts


@kept_of("series")
def _kept(kept: InstanceKept) -> list[Part]:
    def shade(name: str) -> tuple[str, str, str]:
        return ("up", "0.50", "in the rule") if name in kept.names else ("up", "0", "")

    return [SeriesDrawn.of(kept.view, kept.features, shade, "What it rests on", share=kept.precision)]
