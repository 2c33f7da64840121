"""Families that were compared: held-out R² over the terms to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from surrogates.difference.difference import Difference
from surrogates.local.explanation import Explanation
from surrogates.report.labels import cut
from surrogates.report.plots.drawing import POSITIVE, SOFT, bare, literal
from surrogates.report.plots.kinds import Plot, Unfit, plotted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LONGEST", "Families", "families"]

#: letters of a family's name beside its point: with its settings it may be wider than the Axes
LONGEST = 28


@dataclass(frozen=True, kw_only=True)
class Families(Plot):
    """Families by terms and held-out R² with 95% intervals, the one shown first.

    Attributes
    ----------
    names : tuple of n str
    terms, r2, low, high : ndarray ``(n,)``
    """

    names: tuple[str, ...]
    terms: np.ndarray
    r2: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def size(self) -> tuple[float, float]:
        return 4.8, 3.8

    def draw(self, ax: Axes) -> None:
        """Draw a point for each family; the one shown is filled."""
        errors = np.abs(np.array([self.low, self.high]) - self.r2)
        ax.errorbar(self.terms, self.r2, yerr=errors, fmt="none", ecolor=SOFT, elinewidth=1, capsize=3)
        fill = [POSITIVE, *["white"] * (len(self.names) - 1)]
        ax.scatter(self.terms, self.r2, s=46, color=fill, edgecolors=POSITIVE, zorder=3)
        for name, x, y in zip(self.names, self.terms, self.r2, strict=True):
            ax.annotate(literal(cut(name, LONGEST)), (x, y), xytext=(7, 5), textcoords="offset points", fontsize=9)
        ax.margins(x=0.2)
        ax.set_xlabel("terms to read")
        ax.set_ylabel("held-out R²")
        bare(ax)


@plotted("families", Explanation)
def families(explanation: Explanation) -> Families:
    """Take the families that were compared."""
    table = explanation.comparison
    if len(table) < 2:
        raise Unfit('families that were compared, as family="auto" does', type(explanation.surrogate).__name__)
    columns = {name: table[column].to_numpy(dtype=float) for name, column in _COLUMNS.items()}
    return Families(names=tuple(map(str, table["family"])), **columns)


@plotted("families", Difference)
def families_of_change(difference: Difference) -> Families:
    """Take the families that were compared for the change."""
    return families(difference.change)


_COLUMNS = {"terms": "terms", "r2": "r2", "low": "r2_low", "high": "r2_high"}
