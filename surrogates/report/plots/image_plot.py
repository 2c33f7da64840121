"""The image itself, grey, its segments tinted by their effects; the strongest clear ones with outline and number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from probes.probe import Feature
from probes.rounding import Scale
from probes.views import View
from surrogates.difference.difference import Difference
from surrogates.local.explanation import Explanation
from surrogates.local.shapley_values import ShapleyValues
from surrogates.report.plots.caption import number_of
from surrogates.report.plots.drawing import INK, MUTED, NEGATIVE, POSITIVE, SOFT, literal
from surrogates.report.plots.kinds import Plot, Unfit, plotted
from surrogates.report.shown_image import ShownImage

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["Overlay", "overlay"]

#: the longer side in inches; how opaque the strongest tint is; segments that have an outline and a number
_INCHES, _OPAQUE, _NUMBERED = 5.0, 0.8, 8
#: strength of a tint where the interval holds zero, as a share of what it would be else
_UNSURE = 0.3


@dataclass(frozen=True, kw_only=True, eq=False)
class Overlay(Plot):
    """An image whose segments are tinted.

    Attributes
    ----------
    image : ShownImage
    shades : ndarray ``(d,)``
        Effects of the segments, in units of the largest; weaker where the interval holds zero.
    numbers : dict of int to str
        What is written on a segment, by its number.
    axis : str
        What the numbers are, and their unit.
    """

    image: ShownImage
    shades: np.ndarray
    numbers: dict[int, str]
    axis: str

    @property
    def size(self) -> tuple[float, float]:
        height, width = self.image.labels.shape
        scale = _INCHES / max(height, width)
        return max(width * scale, 3.0) + 0.4, height * scale + 1.2

    def draw(self, ax: Axes) -> None:
        """Draw the tinted image; a full outline raises the output, a dashed one lowers it."""
        from matplotlib.colors import to_rgb

        grey = self.image.pixels.mean(axis=2)
        ax.imshow(grey, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        colours = MUTED if self.muted else POSITIVE, MUTED if self.muted else NEGATIVE
        up, down = (to_rgb(colour) for colour in colours)
        tints = np.column_stack([np.where(self.shades[:, None] >= 0, up, down), _OPAQUE * np.abs(self.shades)])
        ax.imshow(tints[self.image.labels], interpolation="nearest")
        for i, number in self.numbers.items():
            self._outlined(ax, i, number)
        ax.set_xticks([])
        ax.set_yticks([])
        ax.spines[:].set_visible(False)
        ax.set_xlabel(literal(self.axis), fontsize=9, color=SOFT, wrap=True)

    def _outlined(self, ax: Axes, i: int, number: str) -> None:
        """Draw the outline of a segment, and its number at the pixel of it that is nearest to its middle."""
        from matplotlib.patheffects import withStroke

        inside = self.image.labels == i
        if not inside.any():
            return
        framed = np.pad(inside.astype(float), 1)
        x, y = np.arange(framed.shape[1]) - 1, np.arange(framed.shape[0]) - 1
        style = "solid" if self.shades[i] > 0 else "dashed"
        ax.contour(x, y, framed, [0.5], colors=["white"], linestyles=[style], linewidths=[1.6])
        ys, xs = np.nonzero(inside)
        nearest = np.argmin((ys - ys.mean()) ** 2 + (xs - xs.mean()) ** 2)
        halo = [withStroke(linewidth=2.5, foreground="white")]
        place = xs[nearest], ys[nearest]
        ax.text(*place, number, path_effects=halo, ha="center", va="center", fontsize=8, color=INK)


@plotted("image", Explanation)
def overlay(explanation: Explanation, output: str | None = None) -> Overlay:
    """Take the image of an explanation with the average effects on an output."""
    return _of(explanation, output, "average effect on", explanation.fidelity.refused())


@plotted("image", ShapleyValues)
def overlay_of_values(values: ShapleyValues, output: str | None = None) -> Overlay:
    """Take the image of Shapley values with those of an output."""
    name = values.outputs[number_of(values.outputs, output)]
    table = values.table.rename(columns={"features": "feature", "index": "attribution"})
    return _overlay(table, name, values.features, values.view, f"Shapley value for {name}", values.unit)


@plotted("image", Difference)
def changed_overlay(difference: Difference, output: str | None = None) -> Overlay:
    """Take the image of a difference with the changes of average effects on an output."""
    before, after = difference.names
    refused = difference.fidelity.refused(change=True)
    return _of(difference.change, output, f"change from {before} to {after}: average effect on", refused)


def _of(explanation: Explanation, output: str | None, what: str, refused: Sequence[bool]) -> Overlay:
    j, target = number_of(explanation.target.outputs, output), explanation.target
    name, known = target.outputs[j], explanation.attributions
    return _overlay(known, name, explanation.features, explanation.view, f"{what} {name}", target.unit, refused[j])


def _overlay(
    table: pd.DataFrame, name: str, features: Sequence[Feature], view: View, what: str, unit: str, muted: bool = False
) -> Overlay:
    if view.get("kind") != "image":
        raise Unfit("an image", f"an input of the kind {view.get('kind')!r}")
    rows = table[table["output"] == name].set_index("feature").loc[[feature.name for feature in features]]
    effects, scale = rows["attribution"].to_numpy(), Scale.of(rows["attribution"])
    clear = (rows["low"].to_numpy() > 0) | (rows["high"].to_numpy() < 0)
    shades = effects / (np.abs(effects).max() or 1.0) * np.where(clear, 1.0, _UNSURE)
    strongest = [int(i) for i in np.argsort(-np.abs(effects), kind="stable") if clear[i] and effects[i]][:_NUMBERED]
    axis = f"{what} ({scale.unit(unit)}); faint: not clearly different from zero"
    numbers = {i: scale.signed(effects[i]) for i in strongest}
    return Overlay(image=ShownImage.of(view, len(features)), shades=shades, numbers=numbers, axis=axis, muted=muted)
