"""The forest plot: effects with their intervals on one axis, a row each, as inline SVG."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from probes.rounding import Scale, between, in_unit, rounded, signed
from surrogates.report.part import Part, placed
from surrogates.report.styles import CLAIM, TAG

__all__ = ["Forest", "Point", "Tick", "round_numbers", "ticks_of"]

#: marks of an axis at most, and rows that a notebook shows at once
_MARKS, _AT_ONCE = 5, 8


@dataclass(frozen=True)
class Point:
    """An effect that is drawn.

    Attributes
    ----------
    label, where : str
        What it is about, and of which behaviour.
    tag, level : str
        What was found, and its class.
    value, low, high : float
    bounds : tuple of float
        What the claim sets it against beside zero: a least size, or both ends of a margin.
    """

    label: str
    where: str
    tag: str
    level: str
    value: float
    low: float
    high: float
    bounds: tuple[float, ...] = ()


@dataclass(frozen=True)
class ForestRow:
    """One effect: its words, and the places of its marks in percent of the axis."""

    label: str
    where: str
    tag: str
    level: str
    size: str
    interval: str
    spoken: str
    at: str
    low: str
    high: str
    zero: str
    bounds: tuple[str, ...]


@dataclass(frozen=True)
class Tick:
    """A mark of the axis."""

    at: str
    label: str
    anchor: str


@dataclass(frozen=True)
class ForestGroup:
    """Effects of one unit, which share an axis."""

    unit: str
    rows: tuple[ForestRow, ...]
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, kw_only=True)
class Forest(Part):
    """Effects with intervals, those of one unit on one axis; a line at zero, and dashed ones at bounds of claims."""

    template = "forest.html"
    style = (
        TAG,
        CLAIM,
        """\
.iomap .forest > div { display: grid; grid-template-columns: minmax(0, 5fr) minmax(0, 6fr) 9rem; column-gap: .8rem;
  border-bottom: 1px solid var(--line); }
.iomap .forest > div:last-child { border: 0; }
.iomap .forest > div > span { align-self: center; padding: .25rem 0; }
.iomap .forest .strip { position: relative; min-height: 1.8rem; }
.iomap .forest svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
.iomap .forest .size { text-align: right; font-variant-numeric: tabular-nums; }
.iomap .forest .size small { white-space: nowrap; display: block; }
.iomap .forest svg text { fill: var(--soft); font-size: .75rem; }
.iomap .forest .zero { stroke: var(--soft); } .iomap .forest .bound { stroke: var(--soft); stroke-dasharray: 3 3; }
.iomap .forest .span { stroke: var(--ink); stroke-width: 1.5; }
.iomap .forest circle { fill: var(--tone); stroke: var(--tone); stroke-width: 1.5; }
.iomap .forest .unsettled circle, .iomap .forest .untested circle { fill: var(--paper); stroke: var(--ink); }
@container (max-width: 44rem) {
  .iomap .forest > div { grid-template-columns: minmax(0, 1fr) max-content; padding: .3rem 0 0; }
  .iomap .forest .strip { grid-column: 1 / -1; order: 1; min-height: 1.5rem; }
  .iomap .forest > div:last-child > span { display: none; } }""",
    )
    at_once = True

    groups: tuple[ForestGroup, ...]
    note: str

    @classmethod
    def of(cls, points: Iterable[tuple[str, Point]], title: str, note: str) -> Forest:
        """Make it of effects, each with its unit; those that are not finite are left out."""
        units: dict[str, list[Point]] = {}
        for unit, point in points:
            if np.isfinite([point.value, point.low, point.high]).all():
                units.setdefault(unit, []).append(point)
        return cls(title=title, groups=tuple(_group(unit, rows) for unit, rows in units.items()), note=note)

    def shortened(self) -> Forest:
        """Return what a notebook shows at once: the first rows of the first unit."""
        first = [replace(group, rows=group.rows[:_AT_ONCE]) for group in self.groups[:1]]
        if sum(len(group.rows) for group in self.groups) == sum(len(group.rows) for group in first):
            return self
        return replace(
            self, groups=tuple(first), note=f"{self.note} The first effects; the others stand below.".strip()
        )


def _group(unit: str, points: Sequence[Point]) -> ForestGroup:
    """Place effects on the axis of their unit."""
    numbers = [0.0, *(v for p in points for v in (p.value, p.low, p.high, *p.bounds))]
    low, high = min(numbers), max(numbers)
    pad = 0.03 * (high - low) or 1.0
    low, high = low - pad, high + pad

    place = partial(placed, low=low, high=high)
    return ForestGroup(unit, tuple(_row(p, unit, place(0.0), place) for p in points), ticks_of(low, high))


def round_numbers(low: float, high: float) -> list[float]:
    """Return three to five numbers between two ends, at steps of 1, 2 or 5 times a power of ten.

    Examples
    --------
    >>> round_numbers(-0.25, 1.1), round_numbers(0.0, 47.0)
    ([0.0, 0.5, 1.0], [0.0, 10.0, 20.0, 30.0, 40.0])
    """
    power = 10.0 ** np.floor(np.log10((high - low) / 5))
    for step in (k * power for k in (1, 2, 5, 10, 20)):
        first, last = int(np.ceil(low / step)), int(np.floor(high / step))
        if last - first < _MARKS:
            break
    return [float(i * step) for i in range(first, last + 1)]


def ticks_of(low: float, high: float, scale: Scale | None = None) -> tuple[Tick, ...]:
    """Return the marks of an axis, numbers on a scale if there is one."""
    shown = signed if scale is None else scale.signed
    return tuple(Tick(placed(v, low, high), shown(v), _anchor(v, low, high)) for v in round_numbers(low, high))


def _anchor(value: float, low: float, high: float) -> str:
    share = (value - low) / (high - low)
    return "start" if share < 0.1 else "end" if share > 0.9 else "middle"


def _row(p: Point, unit: str, zero: str, place: Callable[[float], str]) -> ForestRow:
    span = between(p.low, p.high)
    against = " and ".join(rounded(b) for b in p.bounds)
    spoken = f"{in_unit(signed(p.value), unit)}, 95% interval {span}" + (
        f"; the claim's bound {against}" if against else ""
    )
    marks = tuple(place(b) for b in p.bounds)
    at, low, high = (place(v) for v in (p.value, p.low, p.high))
    return ForestRow(p.label, p.where, p.tag, p.level, signed(p.value), span, spoken, at, low, high, zero, marks)
