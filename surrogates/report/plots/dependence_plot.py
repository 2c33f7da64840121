"""Partial dependence: the mean answer over the values of one column, with the curves of single rows behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from surrogates.local.dependence import Dependence
from surrogates.report.plots.drawing import NEGATIVE, POSITIVE, SOFT, bare, shortened
from surrogates.report.plots.kinds import Plot, plotted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["DependenceCurve", "dependence"]

#: curves of single rows that are drawn; labels along the axis, and letters that stand beside each other there
_SINGLE, _LABELS, _LETTERS = 50, 6, 60


@dataclass(frozen=True, kw_only=True)
class DependenceCurve(Plot):
    """A line with its interval, thin ones for single rows, and one for the instance."""

    labels: tuple[str, ...]
    place: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    single: np.ndarray
    instance: np.ndarray
    feature: str
    answer: str

    @property
    def size(self) -> tuple[float, float]:
        return 6.0, 4.0

    def draw(self, ax: Axes) -> None:
        """Draw lines over a line of values; without an order, values stand beside each other."""
        for curve in self.single:
            ax.plot(self.place, curve, linewidth=0.6, alpha=0.5, color=SOFT, zorder=1)
        ax.fill_between(self.place, self.low, self.high, color=POSITIVE, alpha=0.25, linewidth=0, zorder=2)
        marker = "o" if len(self.place) <= 12 else None
        ax.plot(self.place, self.mean, color=POSITIVE, linewidth=2.2, marker=marker, label="mean", zorder=3)
        if len(self.instance):
            ax.plot(self.place, self.instance, color=NEGATIVE, linewidth=1.6, label="this row", zorder=3)
            ax.legend(frameon=False)
        labels = [shortened(label, 16) for label in self.labels]
        ticks = _labelled(self.place, int(np.clip(_LETTERS // (max(map(len, labels)) + 2), 2, _LABELS)))
        ax.set_xticks(self.place[ticks], [labels[i] for i in ticks])
        ax.set_xlabel(shortened(self.feature), loc="right")
        ax.set_ylabel(shortened(self.answer))
        bare(ax)


def _labelled(place: np.ndarray, most: int) -> list[int]:
    """Numbers of the places ``(G,)``, in order, that get a label: both ends, and what is far enough from others."""
    last = len(place) - 1
    gap = 0.8 * (place[last] - place[0]) / (most - 1)
    ticks = [0]
    for i in range(1, last):
        if min(place[i] - place[ticks[-1]], place[last] - place[i]) >= gap:
            ticks.append(i)
    return [*ticks, last] if last else ticks


@plotted("dependence", Dependence, first=True)
def dependence(result: Dependence) -> DependenceCurve:
    """Take the curves of a result, in the order of the values."""
    table = result.table
    place = table["place"].to_numpy(dtype=float) if result.ordered else np.arange(len(table), dtype=float)
    order = np.argsort(place, kind="stable")
    mean, low, high = (table[name].to_numpy(dtype=float)[order] for name in ("mean", "low", "high"))
    return DependenceCurve(
        labels=tuple(table["value"].iloc[order]),
        place=place[order],
        mean=mean,
        low=low,
        high=high,
        single=result.curves[:_SINGLE][:, order],
        instance=result.instance[order] if len(result.instance) else result.instance,
        feature=result.feature,
        answer=f"{result.output} ({result.unit})",
    )
