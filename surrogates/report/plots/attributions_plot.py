"""Effects of features as bars with intervals: average effects, Shapley values, changes of effects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from probes.rounding import Scale
from surrogates.local.explanation import Explanation
from surrogates.local.pairwise_interactions import INDEX_NAMES, PairwiseInteractions
from surrogates.local.shapley_values import ShapleyValues
from surrogates.report.labels import feature_labels
from surrogates.report.pairwise_interactions import set_labels
from surrogates.report.plots.caption import number_of
from surrogates.report.plots.drawing import INK, bars, height_of, literal, sign_colours
from surrogates.report.plots.kinds import Plot, at_least_one, plotted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["EffectBars", "attributions", "effect_bars", "shapley_bars"]


@dataclass(frozen=True, kw_only=True)
class EffectBars(Plot):
    """Effects with 95% intervals, strongest on top.

    Attributes
    ----------
    labels : tuple of n str
    values, low, high : ndarray ``(n,)``
    axis : str
        What the numbers are, and their unit.
    """

    labels: tuple[str, ...]
    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    axis: str

    @property
    def size(self) -> tuple[float, float]:
        return 7.0, height_of(len(self.labels))

    def draw(self, ax: Axes) -> None:
        """Draw bars to the right of zero for what raises the output, to the left for what lowers it."""
        bars(ax, self.labels, self.values, self.low, self.high, sign_colours(self.values, self.muted))
        ax.axvline(0, color=INK, linewidth=0.8)
        ax.set_xlabel(literal(self.axis), loc="right")


@plotted("attributions", Explanation, first=True)
def attributions(explanation: Explanation, output: str | None = None, max_features: int = 15) -> EffectBars:
    """Take the average effects of features on an output."""
    target, j = explanation.target, number_of(explanation.target.outputs, output)
    table = explanation.attributions.rename(columns={"attribution": "effect"})
    named = feature_labels(explanation.features, explanation.view)
    table = table.assign(label=[named[feature] for feature in table["feature"]])
    what = f"average effect on {target.outputs[j]}"
    return effect_bars(table, target.outputs[j], what, target.unit, max_features, explanation.fidelity.refused()[j])


@plotted("attributions", ShapleyValues, first=True)
def shapley_bars(values: ShapleyValues, output: str | None = None, max_features: int = 15) -> EffectBars:
    """Take the Shapley values of an output."""
    name = values.outputs[number_of(values.outputs, output)]
    named = feature_labels(values.features, values.view)
    table = values.table.rename(columns={"index": "effect"})
    table = table.assign(label=[named.get(feature, feature) for feature in table["features"]])
    return effect_bars(table, name, f"Shapley value for {name}", values.unit, max_features)


@plotted("attributions", PairwiseInteractions, first=True)
def interaction_bars(found: PairwiseInteractions, output: str | None = None, max_features: int = 15) -> EffectBars:
    """Take the indices of features and pairs for an output."""
    name = found.outputs[number_of(found.outputs, output)]
    labels = set_labels(found, feature_labels(found.features, found.view))
    table = found.table.rename(columns={"index": "effect"})
    table = table.assign(label=[labels.get(features, features) for features in table["features"]])
    return effect_bars(table, name, f"{INDEX_NAMES[found.index][0]} for {name}", found.unit, max_features)


def effect_bars(
    table: pd.DataFrame, output: str, what: str, unit: str, max_features: int, muted: bool = False
) -> EffectBars:
    """Take the first rows ``output, label, effect, low, high`` of one output."""
    table = table[table["output"] == output]
    part, scale = table.head(at_least_one(max_features)), Scale.of(table["effect"])
    value, low, high = (scale.divided(part[name].to_numpy()) for name in ("effect", "low", "high"))
    shown = f", {len(part)} of {len(table)} features" if len(part) < len(table) else ""
    axis = f"{what} ({scale.unit(unit)}){shown}"
    return EffectBars(labels=tuple(part["label"]), values=value, low=low, high=high, axis=axis, muted=muted)
