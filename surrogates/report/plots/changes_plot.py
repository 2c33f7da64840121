"""Counterfactuals: how far each changed column is from the row's own value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from probes.errors import InputError
from surrogates.local.counterfactual_set import Counterfactuals
from surrogates.report.plots.drawing import MUTED, POSITIVE, bars, height_of
from surrogates.report.plots.kinds import Plot, plotted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ChangeBars", "changes"]


@dataclass(frozen=True, kw_only=True)
class ChangeBars(Plot):
    """A bar for every changed column of some counterfactuals, each with its values before and after."""

    labels: tuple[str, ...]
    distance: np.ndarray
    wanted: str

    @property
    def size(self) -> tuple[float, float]:
        return 7.0, height_of(len(self.labels))

    def draw(self, ax: Axes) -> None:
        """Draw them from the first counterfactual down."""
        none = np.full(len(self.labels), np.nan)
        bars(ax, self.labels, self.distance, none, none, [MUTED if self.muted else POSITIVE] * len(self.labels))
        ax.set_xlabel("distance (median absolute deviations; 1 for another value without an order)", loc="right")
        ax.set_title(self.wanted, loc="left", fontsize=10)


@plotted("changes", Counterfactuals, first=True)
def changes(found: Counterfactuals, number: int | None = None) -> ChangeBars:
    """Take the changes of all counterfactuals, or of one by its number from 1."""
    if number is not None and number not in set(found.answers["counterfactual"]):
        raise InputError("number", f"be one of the {len(found)} counterfactuals, from 1", number)
    table = found.changes if number is None else found.changed(number)
    several = number is None and len(found) > 1
    labels = tuple(
        f"{f'{row.counterfactual}. ' if several else ''}{row.column}: {row.before} → {row.after}"
        for row in table.itertuples()
    )
    if not labels:
        return ChangeBars(labels=("none was found",), distance=np.zeros(1), wanted=found.wanted, muted=True)
    return ChangeBars(labels=labels, distance=table["distance"].to_numpy(dtype=float), wanted=found.wanted)
