"""What all plots share: colours, labels that fit, rows of bars, Axes of a size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from surrogates.report.labels import LABEL, cut
from surrogates.visible import in_line, visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "INK",
    "MUTED",
    "NEGATIVE",
    "POSITIVE",
    "SOFT",
    "VERDICTS",
    "bare",
    "bars",
    "height_of",
    "in_percent",
    "literal",
    "new_axes",
    "root_of",
    "rows",
    "shortened",
    "sign_colours",
]

#: blue raises the output, vermilion lowers it (Okabe and Ito's colours, told apart by colour-blind readers)
POSITIVE, NEGATIVE = "#0072B2", "#D55E00"
#: of what a verdict says not to use
MUTED = "#BBBBBB"
#: of lines and letters, and of what stands back
INK, SOFT = "#333333", "#777777"
#: verdicts of statements, in the same palette
VERDICTS = {"supported": "#1F5A96", "refuted": "#7A3F98", "inconclusive": "#999999", "not testable": "#999999"}


def shortened(label: object, longest: int = LABEL) -> str:
    """Cut a label so that it fits, and write it as it is."""
    return literal(cut(in_line(str(label)), longest))


def literal(text: str) -> str:
    """Write a text so that all of it is seen and none of it taken for mathematics."""
    return visible(text).replace("$", r"\$")


def sign_colours(values: np.ndarray, muted: bool = False) -> list[str]:
    """Return the colour of each number by its sign; grey where none is to be used."""
    return [MUTED if muted else POSITIVE if value >= 0 else NEGATIVE for value in values]


def height_of(rows: int, each: float = 0.32) -> float:
    """Return the height in inches of a figure with rows."""
    return 1.5 + each * max(rows, 1)


def bars(
    ax: Axes, labels: Sequence[str], value: np.ndarray, low: np.ndarray, high: np.ndarray, colours: Sequence[str]
) -> None:
    """Draw numbers as horizontal bars with intervals, the first on top."""
    place = np.arange(len(labels))[::-1]
    errors = np.nan_to_num(np.abs(np.array([low, high]) - value))
    ax.barh(place, value, color=list(colours), height=0.62, alpha=0.85)
    ax.errorbar(value, place, xerr=errors, fmt="none", ecolor=INK, elinewidth=1, capsize=2)
    rows(ax, [shortened(label) for label in labels])


def root_of(ax: Axes) -> Figure | None:
    """Return the whole figure that Axes lie in; ``get_figure(root=True)``, which older releases of matplotlib lack."""
    return None if ax.figure is None else ax.figure.figure


def rows(ax: Axes, labels: Sequence[str]) -> None:
    """Name rows, the first on top, in letters that fit between each other, and leave the frame aside."""
    figure = root_of(ax)
    points = 72 * ax.get_position().height * (figure.get_size_inches()[1] if figure else 1.0) / max(len(labels), 1)
    ax.set_yticks(np.arange(len(labels))[::-1], list(labels), fontsize=float(np.clip(0.8 * points, 5.0, 10.0)))
    ax.set_ylim(-0.6, max(len(labels), 1) - 0.4)
    bare(ax, "left")
    ax.tick_params(axis="y", length=0)


def bare(ax: Axes, *also: str) -> None:
    """Leave the upper and the right side of the frame aside, and others."""
    ax.spines[["top", "right", *also]].set_visible(False)


def in_percent(ax: Axes) -> None:
    """Write shares along the horizontal axis in percent."""
    from matplotlib.ticker import PercentFormatter

    ax.xaxis.set_major_formatter(PercentFormatter(1.0))


def new_axes(width: float, height: float) -> Axes:
    """Make a figure of a size in inches, and return its Axes."""
    import matplotlib.pyplot as plt

    axes: Any = plt.subplots(figsize=(width, height), layout="constrained")[1]
    return axes
