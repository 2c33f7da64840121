"""Lines in a box of 100 by 100, as paths of SVG: what parts draw without a picture's file and without a script."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from probes.rounding import alone

__all__ = ["PLOT", "Axis", "Spot", "dots", "length", "line", "spot"]

#: a box with axes at its left and below, and spots in it; lines keep their width however it is stretched
PLOT = """\
.iomap .plot { display: grid; grid-template-columns: max-content minmax(0, 1fr); column-gap: .4rem;
  font-size: .78rem; color: var(--soft); font-variant-numeric: tabular-nums; }
.iomap .plot .y { display: flex; flex-direction: column; justify-content: space-between; text-align: right; }
.iomap .plot .x { grid-column: 2; display: flex; justify-content: space-between; gap: .5rem; padding-top: .15rem; }
.iomap .plot .box { position: relative; height: var(--tall, 10rem); border: solid var(--line);
  border-width: 0 0 1px 1px; }
.iomap .plot svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
.iomap .plot path { fill: none; stroke: rgb(var(--up)); stroke-width: 2; vector-effect: non-scaling-stroke; }
.iomap .plot path.points { stroke: var(--ink); stroke-width: 4; stroke-linecap: round; opacity: .3; }
.iomap .plot path.guide { stroke: var(--line); stroke-width: 1; }
.iomap .plot b { position: absolute; width: .7rem; height: .7rem; margin: -.35rem; border-radius: 50%;
  background: rgb(var(--down)); border: 2px solid var(--paper); box-sizing: border-box; }
.iomap .plot b.ring { background: var(--paper); border-color: rgb(var(--down)); }
.iomap .dot { display: inline-block; width: .6rem; height: .6rem; border-radius: 50%; background: rgb(var(--down)); }
.iomap .dot.ring { background: none; border: 2px solid rgb(var(--down)); box-sizing: border-box; }
.iomap .muted .plot path, .iomap .muted.plot path { stroke: var(--soft); }"""


@dataclass(frozen=True)
class Spot:
    """A place in the box, in percent from its left and from its top."""

    left: str
    top: str


@dataclass(frozen=True)
class Axis:
    """The ends of one axis of the box."""

    low: float
    high: float

    @classmethod
    def over(cls, values: Iterable[float], beyond: float = 0.0) -> Axis:
        """Make an axis that all values lie on, and a share of their range more at either end."""
        known = np.array([v for v in values if np.isfinite(v)] or [0.0], dtype=float)
        low, high = float(known.min()), float(known.max())
        room = (high - low) * beyond if high > low else 0.5 * abs(low) or 0.5
        return cls(low - room, high + room)

    def at(self, values: np.ndarray | float) -> np.ndarray:
        """Return where values lie, from 0 to 100; those beyond the ends at the ends."""
        return 100 * np.clip((np.asarray(values, dtype=float) - self.low) / (self.high - self.low), 0.0, 1.0)

    @property
    def ends(self) -> tuple[str, str]:
        """The ends as labels."""
        return alone(self.low), alone(self.high)


def length(value: float) -> str:
    """Write a place or a length of a drawing, to a tenth.

    Examples
    --------
    >>> length(12.345), length(50.0)
    ('12.3', '50')
    """
    return f"{float(value):.1f}".removesuffix(".0")


def spot(x: float, y: float, across: Axis, up: Axis) -> Spot:
    """Return the place of a point.

    Examples
    --------
    >>> spot(1.0, 0.0, Axis(0.0, 4.0), Axis(0.0, 1.0))
    Spot(left='25', top='100')
    """
    return Spot(length(float(across.at(x))), length(100 - float(up.at(y))))


def line(x: np.ndarray, y: np.ndarray, across: Axis, up: Axis) -> str:
    """Draw points ``(n,)`` as one line.

    Examples
    --------
    >>> line(np.array([0.0, 1.0]), np.array([0.0, 1.0]), Axis(0.0, 1.0), Axis(0.0, 2.0))
    'M0 100L100 50'
    """
    return "M" + "L".join(f"{a} {b}" for a, b in _places(x, y, across, up))


def dots(x: np.ndarray, y: np.ndarray, across: Axis, up: Axis) -> str:
    """Draw points ``(n,)`` as one path of lines without length; places that look alike are one."""
    return "".join(f"M{a} {b}h0" for a, b in dict.fromkeys(_places(x, y, across, up)))


def _places(x: np.ndarray, y: np.ndarray, across: Axis, up: Axis) -> list[tuple[str, str]]:
    left, top = across.at(x), 100 - up.at(y)
    return [(length(a), length(b)) for a, b in zip(left, top, strict=True)]
