"""The figure of how cost grows: seconds beyond the model's own, on logarithmic axes, one panel for what is varied."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

__all__ = ["draw_growth"]

#: contender → colour; others are grey
COLOURS = {
    "iomap linear": "#8e7cc3",
    "iomap interactions": "#3d85c6",
    "LimeTabular, LimeText (lime)": "#666666",
    "KernelExplainer (shap)": "#cc0000",
    "KernelShap (captum)": "#6aa84f",
    "Lime (captum)": "#93c47d",
    "Lasso .01 (context-cite)": "#a64d79",
}
HEADINGS = {"questions": "questions", "features": "features", "words": "words of the text"}


def draw_growth(rows: Sequence[dict[str, Any]], path: Path) -> Path:
    """Draw seconds against questions, features and words into one file."""
    frame = pd.DataFrame(rows)
    axes_shown = list(dict.fromkeys(frame["axis"]))
    figure, panels = plt.subplots(1, len(axes_shown), figsize=(4.0 * len(axes_shown), 4.0), squeeze=False, sharey=True)
    for panel, axis in zip(panels.flat, axes_shown, strict=True):
        _panel(panel, frame[frame["axis"] == axis], HEADINGS[axis])
    panels.flat[0].set_ylabel("processor seconds beyond the model's own", fontsize=9)
    names = list(dict.fromkeys(frame["contender"]))
    handles = [plt.Line2D([], [], color=COLOURS.get(n, "#cccccc"), ls=_style(n), marker=".", label=n) for n in names]
    figure.legend(handles=handles, ncols=4, loc="lower center", frameon=False, fontsize=8)
    figure.tight_layout(rect=(0, 0.12, 1, 1))
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return path


def _style(contender: str) -> str:
    return "-" if contender.startswith("iomap") else "--"


def _panel(axis: Axes, rows: pd.DataFrame, heading: str) -> None:
    for name, line in rows.sort_values("x").groupby("contender", sort=False):
        style = _style(str(name))
        axis.plot(line["x"], line["seconds"], marker=".", ls=style, color=COLOURS.get(str(name), "#cccccc"))
    ticks = sorted(rows["x"].unique())
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    axis.set_xticks(ticks, [str(tick) for tick in ticks])
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_xlabel(heading, fontsize=9)
    axis.tick_params(labelsize=8)
    axis.grid(alpha=0.25)
