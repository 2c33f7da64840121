"""From the reference's answer to the instance's, feature by feature: Shapley values, which add up."""

from __future__ import annotations

from collections.abc import Sequence
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
from surrogates.shapley.indices import indices

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
        cls, labels: Sequence[str], values: np.ndarray, se: np.ndarray, max_features: int, **more: object
    ) -> Waterfall:
        """Take the largest steps; the rest, and those that nobody would see, are one step.

        Its interval is that of a sum of independent errors.
        """
        order = np.argsort(-np.abs(values), kind="stable")
        seen = order[np.abs(values[order]) > _SEEN * np.abs(values).max()]
        most = at_least_one(max_features)
        shown = order if len(order) == len(seen) <= most else seen[: max(most - 1, 1)]
        rest = np.setdiff1d(order, shown)
        names, steps, errors = [labels[i] for i in shown], [*values[shown]], [*se[shown]]
        if len(rest):
            names.append(f"{len(rest)} other{'s' if len(rest) > 1 else ''}")
            steps.append(values[rest].sum())
            errors.append(np.sqrt((se[rest] ** 2).sum()))
        return cls(labels=tuple(names), steps=np.array(steps), error=_NORMAL * np.array(errors), **more)  # type: ignore[arg-type]


@plotted("waterfall", ShapleyValues)
def waterfall_of_values(values: ShapleyValues, output: str | None = None, max_features: int = 15) -> Waterfall:
    """Take a model's Shapley values of an output."""
    j = number_of(values.outputs, output)
    named = feature_labels(values.features, values.view)
    start, steps = float(values.base[j]), values.values[j]
    scale = Scale.of([start, start + steps.sum()])
    return Waterfall.of(
        [named[f.name] for f in values.features],
        steps,
        values.se[j],
        max_features,
        start=start,
        ends=(reference_in_words(values.features, values.view), "this input"),
        axis=f"{values.outputs[j]} ({scale.unit(values.unit)}), Shapley values of the model",
        scale=scale,
    )


@plotted("waterfall", Explanation)
def waterfall(explanation: Explanation, output: str | None = None, max_features: int = 15) -> Waterfall:
    """Take the surrogate's Shapley values of an output; intervals are there where they are sampled."""
    target, j = explanation.target, number_of(explanation.target.outputs, output)
    features, view = explanation.features, explanation.view
    here, there = (np.array([getattr(f, name) for f in features]) for name in ("instance", "reference"))
    found = indices(explanation.surrogate, instance=here, reference=there)
    named, said = feature_labels(features, view), float(explanation.y[0, j])
    start, steps = float(explanation.predict(there[None]).reshape(-1)[j]), found.values[j]
    scale = Scale.of([start, start + steps.sum(), said])
    return Waterfall.of(
        [named[f.name] for f in features],
        steps,
        found.se[j],
        max_features,
        start=start,
        ends=(reference_in_words(features, view), "this input"),
        axis=f"{target.outputs[j]} ({scale.unit(target.unit)}), Shapley values of the surrogate",
        scale=scale,
        said=said,
        muted=explanation.fidelity.refused()[j],
    )
