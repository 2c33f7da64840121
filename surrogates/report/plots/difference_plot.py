"""Changes of effects from one model to another, with both effects beside each bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from probes.rounding import Scale
from surrogates.difference.difference import Difference
from surrogates.report.labels import feature_labels
from surrogates.report.plots.attributions_plot import EffectBars, effect_bars
from surrogates.report.plots.caption import number_of
from surrogates.report.plots.drawing import SOFT, literal
from surrogates.report.plots.kinds import Plot, plotted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ChangeBars", "changes"]


@dataclass(frozen=True, kw_only=True)
class ChangeBars(Plot):
    """Changes of effects as bars, and the effect on either model in numbers.

    Attributes
    ----------
    bars : EffectBars
    effects : tuple of (str, str)
        On the first and on the second model, for each bar.
    """

    bars: EffectBars
    effects: tuple[tuple[str, str], ...]

    @property
    def size(self) -> tuple[float, float]:
        width, height = self.bars.size
        return width + 1.0, height + 0.3

    def draw(self, ax: Axes) -> None:
        """Draw the bars, and the effects to their right."""
        self.bars.draw(ax)
        count = len(self.effects)
        rows = [(count - 0.1, "before → after"), *((count - 1 - i, " → ".join(e)) for i, e in enumerate(self.effects))]
        for place, text in rows:
            ax.annotate(
                text,
                xy=(1, place),
                xycoords=ax.get_yaxis_transform(),
                xytext=(8, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
                color=SOFT,
                annotation_clip=False,
            )


@plotted("difference", Difference, first=True)
def changes(difference: Difference, output: str | None = None, max_features: int = 15) -> ChangeBars:
    """Take the changes of the average effects on an output."""
    target, j = difference.change.target, number_of(difference.change.target.outputs, output)
    name, (before, after) = target.outputs[j], difference.names
    named = feature_labels(difference.change.features, difference.change.view)
    table = difference.attributions.rename(columns={"change": "effect"})
    table = table.assign(label=[named[feature] for feature in table["feature"]])
    what = f"change from {before} to {after}: average effect on {name}"
    muted = difference.fidelity.refused(change=True)[j]
    drawn = effect_bars(table, name, what, target.unit, max_features, muted)
    rows, scale = table[table["output"] == name], Scale.of(table["effect"])
    effects = zip(map(scale.signed, rows["before"]), map(scale.signed, rows["after"]), strict=True)
    return ChangeBars(bars=drawn, effects=tuple((literal(a), literal(b)) for a, b in effects)[: len(drawn.labels)])
