"""Mean sizes of effects over many inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from probes.errors import InputError
from probes.rounding import Scale
from surrogates.many.explanation_set import ExplanationSet
from surrogates.report.plots.attributions_plot import EffectBars
from surrogates.report.plots.caption import number_of
from surrogates.report.plots.drawing import MUTED, POSITIVE, bars, literal
from surrogates.report.plots.kinds import at_least_one, plotted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ImportanceBars", "importance"]


@dataclass(frozen=True, kw_only=True)
class ImportanceBars(EffectBars):
    """Mean sizes of effects with 95% intervals over inputs, largest on top; sizes have no sign."""

    def draw(self, ax: Axes) -> None:
        """Draw bars of one colour."""
        colours = [MUTED if self.muted else POSITIVE] * len(self.labels)
        bars(ax, self.labels, self.values, self.low, self.high, colours)
        ax.set_xlabel(literal(self.axis), loc="right")


@plotted("importance", ExplanationSet, first=True)
def importance(explanations: ExplanationSet, output: str | None = None, max_features: int = 15) -> ImportanceBars:
    """Take the mean sizes of effects on an output, the first by default."""
    table = explanations.summary()
    outputs = table["output"].unique().tolist()
    if not outputs:
        raise InputError("explanations", "hold at least one", "none")
    name = outputs[number_of(outputs, output)]
    table = table[table["output"] == name]
    part, scale = table.head(at_least_one(max_features)), Scale.of(table["importance"])
    value, low, high = (scale.divided(part[c].to_numpy(dtype=float)) for c in ("importance", "low", "high"))
    shown = f", {len(part)} of {len(table)} features" if len(part) < len(table) else ""
    axis = f"mean size of the effect on {name} ({scale.unit(', '.join(explanations.units))}){shown}"
    return ImportanceBars(labels=tuple(map(str, part["feature"])), values=value, low=low, high=high, axis=axis)
