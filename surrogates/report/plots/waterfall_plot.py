"""From the reference's answer to the instance's, feature by feature: Shapley values, which add up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from probes.rounding import Scale
from surrogates.local.explanation import Explanation
from surrogates.local.shapley_values import ShapleyValues
from surrogates.report.labels import feature_labels
from surrogates.report.parts.instance import reference_in_words
from surrogates.report.plots.caption import number_of
from surrogates.report.plots.drawing import INK, SOFT, height_of, literal, rows, shortened, sign_colours
from surrogates.report.plots.kinds import Plot, at_least_one, plotted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Waterfall", "waterfall", "waterfall_of_values"]

#: quantile of a normal interval of 95%
_NORMAL = 1.959964
#: share of the largest step below which one is not seen
_SEEN = 0.005


@dataclass(frozen=True, kw_only=True)
class Waterfall(Plot):
    """Steps that add up to what an instance's answer differs from the reference's by, largest first.

    Attributes
    ----------
    labels : tuple of n str
    steps : ndarray ``(n,)``
    error : ndarray ``(n,)``
        Half-widths of 95% intervals; 0 where a step is exact.
    start : float
        The answer for the reference.
    ends : (str, str)
        What the first and the last answer are of.
    axis : str
        What is drawn, and its unit.
    scale : Scale
    said : float or None
        The model's answer, where the steps are those of a surrogate.
    """

    labels: tuple[str, ...]
    steps: np.ndarray
    error: np.ndarray
    start: float
    ends: tuple[str, str]
    axis: str
    scale: Scale
    said: float | None = None

    @property
    def size(self) -> tuple[float, float]:
        return 7.5, height_of(len(self.labels) + 2, 0.36)

    def draw(self, ax: Axes) -> None:
        """Draw a bar from where the one above ends; what lowers the answer is hatched."""
        after = self.scale.divided(self.start + np.cumsum(self.steps))
        before = np.concatenate([[self.scale.divided(self.start)], after[:-1]])
        place = np.arange(len(self.steps), 0, -1)
        colours = sign_colours(self.steps, self.muted)
        hatch = ["" if step >= 0 else "////" for step in self.steps]
        ax.barh(place, after - before, left=before, color=colours, height=0.62, hatch=hatch, edgecolor="white")
        error = self.scale.divided(self.error)
        if error.any():
            ax.errorbar(after, place, xerr=error, fmt="none", ecolor=INK, elinewidth=1, capsize=2)
        for x, y in zip([before[0], *after], [len(place) + 1, *place], strict=True):
            ax.plot([x, x], [y + (0.3 if y > len(place) else -0.31), y - 1 + 0.31], color=SOFT, linewidth=0.8)
        self._name(ax, before, after, error)

    def _name(self, ax: Axes, before: np.ndarray, after: np.ndarray, error: np.ndarray) -> None:
        """Write steps beside their bars, and both answers on their rows."""
        n, last = len(self.steps), after[-1] if len(after) else before[0]
        texts = [
            (max(a, b) + e, n - i, self.scale.signed(step))
            for i, (a, b, e, step) in enumerate(zip(before, after, error, self.steps, strict=True))
        ]
        model = "" if self.said is None else f" (the model: {self.scale.rounded(self.said)})"
        texts += [(before[0], n + 1, self.scale.rounded(self.start)), (last, 0, self.scale.rounded(self.total) + model)]
        for x, y, text in texts:
            ax.annotate(text, (x, y), xytext=(5, 0), textcoords="offset points", va="center", fontsize=9, color=INK)
        ax.scatter([before[0], last], [n + 1, 0], color=INK, s=24, zorder=3)
        rows(ax, [shortened(label) for label in (self.ends[0], *self.labels, self.ends[1])])
        left, right = min(before.min(), last), max(before.max(), last)
        ax.set_xlim(left - 0.03 * (right - left), right + 0.2 * (right - left))
        ax.set_xlabel(literal(self.axis), loc="right")

    @property
    def total(self) -> float:
        """Where the steps end."""
        return float(self.start + self.steps.sum())

    @classmethod
    def of(
        cls,
        values: Mapping[str, float],
        error: Mapping[str, float],
        max_features: int,
        **more: object,
    ) -> Waterfall:
        """Take the largest steps; the rest, and those that nobody would see, are one step.

        Its interval is that of a sum of independent errors.
        """
        order = sorted(values, key=lambda label: -abs(values[label]))
        seen = [label for label in order if abs(values[label]) > _SEEN * abs(values[order[0]])]
        most = at_least_one(max_features)
        shown = order if len(order) == len(seen) <= most else seen[: max(most - 1, 1)]
        rest = order[len(shown) :]
        labels, steps, wide = [*shown], [values[x] for x in shown], [error[x] for x in shown]
        if rest:
            labels.append(f"{len(rest)} others")
            steps.append(sum(values[x] for x in rest))
            wide.append(float(np.sqrt(sum(error[x] ** 2 for x in rest))))
        return cls(labels=tuple(labels), steps=np.array(steps), error=np.array(wide), **more)  # type: ignore[arg-type]


@plotted("waterfall", ShapleyValues)
def waterfall_of_values(values: ShapleyValues, output: str | None = None, max_features: int = 15) -> Waterfall:
    """Take a model's Shapley values of an output."""
    j = number_of(values.outputs, output)
    labels = feature_labels(values.features, values.view)
    steps = {labels[f.name]: float(v) for f, v in zip(values.features, values.values[j], strict=True)}
    wide = {labels[f.name]: _NORMAL * float(v) for f, v in zip(values.features, values.se[j], strict=True)}
    start, unit = float(values.base[j]), values.unit
    scale = Scale.of([start, start + sum(steps.values())])
    ends = reference_in_words(values.features, values.view), "this input"
    axis = f"{values.outputs[j]} ({scale.unit(unit)}), Shapley values of the model"
    return Waterfall.of(steps, wide, max_features, start=start, ends=ends, axis=axis, scale=scale)


@plotted("waterfall", Explanation)
def waterfall(explanation: Explanation, output: str | None = None, max_features: int = 15) -> Waterfall:
    """Take the surrogate's Shapley values of an output, which are exact for it."""
    target, j = explanation.target, number_of(explanation.target.outputs, output)
    labels = feature_labels(explanation.features, explanation.view)
    values = explanation.shapley()[j]
    steps = {labels[f.name]: float(v) for f, v in zip(explanation.features, values, strict=True)}
    reference = np.array([[f.reference for f in explanation.features]])
    start = float(explanation.predict(reference).reshape(-1)[j])
    said, scale = float(explanation.y[0, j]), Scale.of([start, start + values.sum(), explanation.y[0, j]])
    ends = reference_in_words(explanation.features, explanation.view), "this input"
    axis = f"{target.outputs[j]} ({scale.unit(target.unit)}), Shapley values of the surrogate"
    exact = dict.fromkeys(steps, 0.0)
    muted = explanation.fidelity.refused()[j]
    return Waterfall.of(
        steps, exact, max_features, start=start, ends=ends, axis=axis, scale=scale, said=said, muted=muted
    )
