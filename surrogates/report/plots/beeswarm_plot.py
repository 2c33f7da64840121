"""Effects over many inputs: a point for each input, in rows by feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from probes.errors import InputError
from probes.rounding import Scale
from surrogates.judging.verdict import refuses
from surrogates.many.explanation_set import ExplanationSet
from surrogates.report.plots.caption import number_of
from surrogates.report.plots.drawing import INK, MUTED, POSITIVE, height_of, literal, rows, shortened
from surrogates.report.plots.kinds import Plot, at_least_one, plotted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Beeswarm", "beeswarm", "spread"]

#: bins across the axis in which points are stacked, and the half of a row that they fill
_BINS, _HALF = 60, 0.38


@dataclass(frozen=True, kw_only=True)
class Beeswarm(Plot):
    """Points of effects by feature, most important on top.

    Attributes
    ----------
    labels : tuple of n str
    effects : tuple of n ndarray
        Of each feature, one an input that has it.
    values : tuple of n ndarray
        How high the feature is there among the inputs, 0 to 1; NaN where it is no number.
    refused : tuple of n ndarray
        Whether the verdict on the input's explanation is against using it.
    axis : str
    """

    labels: tuple[str, ...]
    effects: tuple[np.ndarray, ...]
    values: tuple[np.ndarray, ...]
    refused: tuple[np.ndarray, ...]
    axis: str

    @property
    def size(self) -> tuple[float, float]:
        return 7.5, height_of(len(self.labels), 0.42)

    def draw(self, ax: Axes) -> None:
        """Draw points by value from dark (low) to light (high); empty ones are not to be used."""
        reach = [float(f(np.concatenate(self.effects))) for f in (np.min, np.max)]
        shades = None
        for place, effect, value, refused in self._rows():
            y = place + spread(effect, (reach[0], reach[1]))
            use, number = ~refused, np.isfinite(value)
            ax.scatter(effect[refused], y[refused], s=12, facecolors="none", edgecolors=MUTED, linewidths=0.8, zorder=2)
            ax.scatter(effect[use & ~number], y[use & ~number], s=12, color=POSITIVE, linewidths=0, zorder=2)
            some = use & number
            shades = ax.scatter(effect[some], y[some], s=12, c=value[some], cmap="cividis", vmin=0, vmax=1, zorder=2)
        ax.axvline(0, color=INK, linewidth=0.8, zorder=1)
        rows(ax, [shortened(label) for label in self.labels])
        ax.set_xlabel(literal(self.axis), loc="right")
        if shades is not None and any(np.isfinite(v).any() for v in self.values):
            bar = ax.figure.colorbar(shades, cax=ax.inset_axes((1.02, 0.1, 0.015, 0.8)), ticks=[0, 1])
            bar.ax.set_yticklabels(["low", "high"], fontsize=8)
            bar.set_label("value of the feature", fontsize=8)

    def _rows(self) -> list[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
        places = range(len(self.labels) - 1, -1, -1)
        return list(zip(places, self.effects, self.values, self.refused, strict=True))


def spread(effect: np.ndarray, reach: tuple[float, float]) -> np.ndarray:
    """Return heights around 0 that keep points of one row apart: alternately above and below, by bins of the axis."""
    width = max(reach[1] - reach[0], 1e-300) / _BINS
    bins = np.floor((effect - reach[0]) / width).astype(int)
    height = np.zeros(len(effect))
    for one in np.unique(bins):
        here = np.flatnonzero(bins == one)
        steps = np.arange(len(here))
        height[here] = (steps + 1) // 2 * np.where(steps % 2, 1.0, -1.0)
    most = float(np.abs(height).max(initial=0.0))
    return height * min(0.09, _HALF / most) if most else height


@plotted("beeswarm", ExplanationSet)
def beeswarm(explanations: ExplanationSet, output: str | None = None, max_features: int = 12) -> Beeswarm:
    """Take the effects of the most important features on an output, over all inputs."""
    summary, frame = explanations.summary(), explanations.frame
    outputs = summary["output"].unique().tolist()
    if not outputs:
        raise InputError("explanations", "hold at least one", "none")
    name = outputs[number_of(outputs, output)]
    if name in set(frame["output"]):
        frame = frame[frame["output"] == name]
    fits = explanations.fidelity
    against = {(r.item, r.output) for r in fits.itertuples() if refuses(r.verdict)}
    features = summary.loc[summary["output"] == name, "feature"].head(at_least_one(max_features)).tolist()
    parts = [frame[frame["feature"] == feature] for feature in features]
    scale = Scale.of(frame["attribution"])
    return Beeswarm(
        labels=tuple(map(str, features)),
        effects=tuple(scale.divided(part["attribution"].to_numpy(dtype=float)) for part in parts),
        values=tuple(_ranks(part["value"]) for part in parts),
        refused=tuple(
            np.array([pair in against for pair in zip(part["item"], part["output"], strict=True)]) for part in parts
        ),
        axis=f"average effect on {name} ({scale.unit(', '.join(explanations.units))}), a point an input",
    )


def _ranks(values: pd.Series) -> np.ndarray:
    """Return how high numbers are among each other, from 0 to 1; NaN where a value is no number."""
    numbers = pd.to_numeric(values.astype(str).str.replace("−", "-"), errors="coerce")
    ranks = numbers.rank(method="average")
    return ((ranks - 1) / max(float(numbers.notna().sum()) - 1, 1.0)).to_numpy(dtype=float)
