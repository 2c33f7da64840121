"""How often two models differ where each rule holds, and elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from surrogates.difference.row_difference import RowDifference
from surrogates.report.labels import wrapped
from surrogates.report.plots.caption import number_of
from surrogates.report.plots.drawing import INK, SOFT, VERDICTS, height_of, in_percent, literal, rows
from surrogates.report.plots.kinds import Plot, plotted
from surrogates.report.plots.statements_plot import MARKERS
from surrogates.visible import in_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["RegionShares", "regions"]


@dataclass(frozen=True, kw_only=True)
class RegionShares(Plot):
    """Shares of rows where two models differ, with 95% intervals: under each rule, and last of all rows.

    Attributes
    ----------
    rules : tuple of n str
    verdicts : tuple of n str
    share, low, high : ndarray ``(n + 1,)``
    elsewhere : ndarray ``(n,)``
    """

    rules: tuple[str, ...]
    verdicts: tuple[str, ...]
    share: np.ndarray
    low: np.ndarray
    high: np.ndarray
    elsewhere: np.ndarray

    @property
    def size(self) -> tuple[float, float]:
        return 7.0, height_of(len(self.share), 0.45)

    def draw(self, ax: Axes) -> None:
        """Draw a point for each rule and a stroke for the rows where it does not hold."""
        place = np.arange(len(self.share))[::-1]
        errors = np.nan_to_num(np.abs(np.array([self.low, self.high]) - self.share))
        ax.errorbar(self.share, place, xerr=errors, fmt="none", ecolor=SOFT, elinewidth=1, capsize=3)
        for x, y, verdict in zip(self.share, place, [*self.verdicts, "not testable"], strict=True):
            ax.scatter([x], [y], color=VERDICTS[verdict], marker=MARKERS[verdict], s=36, zorder=3)
        ax.scatter(self.elsewhere, place[:-1], color=INK, marker="|", s=80, zorder=3)
        rows(ax, [*(literal(wrapped(in_line(rule))) for rule in self.rules), "all rows"])
        ax.set_xlim(-0.02, 1.02)
        in_percent(ax)
        ax.set_xlabel("share of rows where the two differ (| elsewhere)", loc="right")


@plotted("rules", RowDifference, first=True)
def regions(difference: RowDifference, output: str | None = None) -> RegionShares:
    """Take the rules of an output that were tested."""
    difference = [*difference.outputs.values()][number_of(tuple(difference.outputs), output)]
    table = difference.rules[np.isfinite(difference.rules["low"].to_numpy(dtype=float))]
    share, low, high = (
        np.append(table[name].to_numpy(dtype=float), whole)
        for name, whole in zip(("precision", "low", "high"), difference.differ, strict=True)
    )
    elsewhere = table["elsewhere"].to_numpy(dtype=float)
    rules, verdicts = tuple(table["rule"]), tuple(table["verdict"])
    return RegionShares(rules=rules, verdicts=verdicts, share=share, low=low, high=high, elsewhere=elsewhere)
