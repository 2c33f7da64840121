"""How often the answer stays the same with an anchor's rule, and without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from surrogates.local.anchor import Anchor
from surrogates.report.names import rule_words
from surrogates.report.plots.drawing import INK, MUTED, POSITIVE, bars, in_percent
from surrogates.report.plots.kinds import Plot, plotted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PrecisionBars", "precision"]


@dataclass(frozen=True, kw_only=True)
class PrecisionBars(Plot):
    """Shares of the same answers: with the rule, down to what is certain, and without; and the share asked for."""

    rule: str
    precision: float
    low: float
    without: float
    asked: float

    @property
    def size(self) -> tuple[float, float]:
        return 7.0, 2.3

    def draw(self, ax: Axes) -> None:
        """Draw two bars; a line marks the precision asked for."""
        value = np.array([self.precision, self.without])
        low = np.array([self.low, np.nan])
        colours = [MUTED if self.muted else POSITIVE, MUTED]
        bars(ax, (self.rule, "without the rule"), value, low, np.array([self.precision, np.nan]), colours)
        ax.axvline(self.asked, color=INK, linewidth=0.8, linestyle="--")
        ax.set_xlim(0, 1.02)
        in_percent(ax)
        ax.set_xlabel("share of the same answers (dashed: asked for)", loc="right")


@plotted("precision", Anchor, first=True)
def precision(anchor: Anchor) -> PrecisionBars:
    """Take the shares of an anchor."""
    low = anchor.precision if anchor.exact else anchor.low
    shares = {"precision": anchor.precision, "low": low, "without": anchor.unconditional, "asked": anchor.asked}
    return PrecisionBars(rule=rule_words(anchor), muted=not anchor.proved, **shares)
