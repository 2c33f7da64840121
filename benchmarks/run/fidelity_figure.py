"""The figure of the fidelity benchmark: R² against model calls, one panel a kind of task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from benchmarks.rivals.contenders import OURS, PROXYSPEX

__all__ = ["draw"]

#: drawn thick: contender → colour
SHOWN = {
    "iomap proxy": "#0b5394",
    "iomap interactions": "#3d85c6",
    "iomap tree": "#6aa84f",
    "iomap tree, direct": "#93c47d",
    "iomap linear": "#8e7cc3",
    PROXYSPEX: "#cc0000",
    "pairwise Lasso-CV": "#e69138",
    "Lasso-CV": "#bf9000",
    "Lasso .01 (context-cite)": "#a64d79",
    "weighted ridge (lime)": "#666666",
}
COLUMNS = 4


def draw(groups: dict[str, Any], path: Path) -> Path:
    """Draw every kind with several budgets into one file; the other contenders are thin and grey."""
    rows = pd.DataFrame([line for group in groups.values() for line in group["r2"]])
    several = rows.groupby("kind")["budget"].nunique() > 1
    kinds = [k for k in dict.fromkeys(rows["kind"]) if several[k] or not several.any()]
    height = -(-len(kinds) // COLUMNS)
    figure, axes = plt.subplots(height, COLUMNS, figsize=(3.4 * COLUMNS, 2.7 * height + 0.9), squeeze=False)
    for axis in axes.flat[len(kinds) :]:
        axis.set_visible(False)
    for axis, k in zip(axes.flat, kinds, strict=False):
        _panel(axis, rows[rows["kind"] == k], k)
    handles = [plt.Line2D([], [], color=c, lw=2, ls=_style(name), label=name) for name, c in SHOWN.items()]
    handles.append(plt.Line2D([], [], color="#cccccc", lw=1, label="other rivals"))
    figure.legend(handles=handles, ncols=4, loc="lower center", frameon=False, fontsize=9)
    figure.supylabel("mean R² on questions not asked", fontsize=10)
    figure.tight_layout(rect=(0.01, 0.9 / (2.7 * height + 0.9), 1, 1))
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return path


def _style(contender: str) -> str:
    return "-" if contender in OURS else "--"


def _panel(axis: Axes, rows: pd.DataFrame, title: str) -> None:
    for name, line in rows.sort_values("budget").groupby("contender", sort=False):
        colour = SHOWN.get(str(name))
        axis.plot(
            line["budget"],
            line["mean"],
            marker=".",
            ls=_style(str(name)),
            color=colour or "#cccccc",
            lw=2 if colour else 1,
            zorder=2 if colour else 1,
        )
    budgets = sorted(rows["budget"].unique())
    axis.set_xscale("log", base=2)
    axis.set_xticks(budgets, [str(b) for b in budgets])
    axis.xaxis.set_minor_locator(NullLocator())
    shown = rows[rows["contender"].isin(list(SHOWN))]["mean"]
    # what is worse than a constant by far would flatten everything else
    axis.set_ylim(min(0.0, max(shown.min() - 0.03, -0.25)), max(rows["mean"].max(), 0.0) + 0.03)
    axis.set_title(title.replace("_", " "), fontsize=10)
    axis.set_xlabel("model calls", fontsize=8)
    axis.tick_params(labelsize=8)
    axis.grid(alpha=0.25)
