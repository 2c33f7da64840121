"""What a surrogate makes of each real-valued feature: one small picture a feature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from probes.probe import Feature
from probes.rounding import Scale, counted
from surrogates.local.explanation import Explanation
from surrogates.many.global_surrogate import GlobalSurrogate
from surrogates.report.labels import cut
from surrogates.report.plots.caption import number_of
from surrogates.report.plots.drawing import INK, MUTED, POSITIVE, SOFT, bare, literal, shortened
from surrogates.report.plots.kinds import Plot, Unfit, at_least_one, plotted
from surrogates.surrogate import Surrogate
from surrogates.terms import evaluate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Shape", "Shapes", "shapes", "shapes_of_rows"]

#: standard deviations of the law to either side, and points of a line
_REACH, _POINTS = 2.5, 201
#: pictures beside each other
_COLUMNS = 3


@dataclass(frozen=True)
class Shape:
    """What one feature adds to the sum, about its mean.

    Attributes
    ----------
    name : str
    grid, height : ndarray ``(p,)``
    instance : float
        The feature's value there; NaN where there is no instance.
    seen, left : ndarray ``(m,)``
        Its values in the questions, and the height plus what the held-out prediction missed there.
    """

    name: str
    grid: np.ndarray
    height: np.ndarray
    instance: float
    seen: np.ndarray
    left: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Shapes(Plot):
    """Shapes of features, those that move the sum most first, on one scale.

    Attributes
    ----------
    shapes : tuple of Shape
    axis : str
        What is added, and its unit.
    more : str
        What is not shown.
    """

    shapes: tuple[Shape, ...]
    axis: str
    more: str

    @property
    def size(self) -> tuple[float, float]:
        columns = _columns(len(self.shapes))
        return 0.9 + 2.4 * columns, 1.2 + 2.0 * -(-len(self.shapes) // columns)

    def draw(self, ax: Axes) -> None:
        """Draw lines; points around them are the model's held-out answers."""
        columns = _columns(len(self.shapes))
        lines = -(-len(self.shapes) // columns)
        heights = np.concatenate([np.concatenate([s.height, s.left]) for s in self.shapes])
        room = 0.06 * (float(np.ptp(heights)) or 1.0)
        colour = MUTED if self.muted else POSITIVE
        for n, shape in enumerate(self.shapes):
            row, column = divmod(n, columns)
            box = (column / columns + 0.03, 1 - (row + 1) / lines + 0.12 / lines, 0.94 / columns - 0.03, 0.7 / lines)
            small = ax.inset_axes(box)
            small.axhline(0, color=MUTED, linewidth=0.8)
            small.scatter(shape.seen, shape.left, s=5, color=SOFT, alpha=0.35, linewidths=0)
            small.plot(shape.grid, shape.height, color=colour, linewidth=2)
            if np.isfinite(shape.instance):
                small.axvline(shape.instance, color=INK, linewidth=0.8, linestyle=":")
            small.set_ylim(heights.min() - room, heights.max() + room)
            small.set_xlim(shape.grid[0], shape.grid[-1])
            small.set_title(shortened(cut(shape.name, 28)), fontsize=9)
            small.tick_params(labelsize=8)
            small.locator_params(nbins=4)
            if column:
                small.set_yticklabels([])
            bare(small)
        ax.set_xlim(0, 1)
        ax.set_ylim(0, 1)
        ax.set_xticks([])
        ax.set_yticks([])
        ax.spines[:].set_visible(False)
        ax.set_ylabel(literal(self.axis), labelpad=26)
        dotted = "dotted: this input" if any(np.isfinite(s.instance) for s in self.shapes) else ""
        ax.set_xlabel("; ".join(filter(None, ["value of the feature", dotted, self.more])), loc="right")


def _columns(count: int) -> int:
    """Return how many pictures stand beside each other."""
    return 2 if count == 4 else min(count, _COLUMNS)


@plotted("shapes", Explanation)
def shapes(explanation: Explanation, output: str | None = None, max_features: int = 6) -> Shapes:
    """Take what each real-valued feature adds to an output's sum; points are what held-out predictions missed."""
    j, f = number_of(explanation.target.outputs, output), explanation.fidelity
    design, target = explanation.answers.design, explanation.target
    missed = np.full(len(design.judged), np.nan)
    if not explanation.surrogate.links_[j].curved:  # on the line of a curve a miss in the answer has no size
        missed = f.observed[:, j] - f.predicted[:, j]
    return _of(explanation.surrogate, j, explanation.features, target.outputs[j], target.unit, design.judged, missed,
               True, max_features, f.refused()[j])  # fmt: skip


@plotted("shapes", GlobalSurrogate)
def shapes_of_rows(surrogate: GlobalSurrogate, max_features: int = 6) -> Shapes:
    """Take what each column of numbers adds to the sum."""
    Z, missed = np.empty((0, len(surrogate.features))), np.empty(0)
    return _of(surrogate.surrogate, 0, surrogate.features, surrogate.output, surrogate.unit, Z, missed, False,
               max_features, surrogate.fidelity.r2_low[0] <= 0)  # fmt: skip


def _of(
    surrogate: Surrogate,
    j: int,
    features: Sequence[Feature],
    output: str,
    unit: str,
    Z: np.ndarray,
    missed: np.ndarray,
    instance: bool,
    max_features: int,
    muted: bool,
) -> Shapes:
    terms, coef = surrogate.terms_, np.atleast_2d(surrogate.coef_)[j]
    real = [i for i, f in enumerate(features) if f.kind == "real"]
    alone = {i: [k for k, term in enumerate(terms) if term.features == (i,)] for i in real}
    alone = {i: some for i, some in alone.items() if np.abs(coef[some]).sum() > 0}
    if not alone:
        raise Unfit("a surrogate with terms of single real-valued features", type(surrogate).__name__)
    made = []
    for i, some in alone.items():
        law = features[i]
        low, high = law.loc - _REACH * law.scale, law.loc + _REACH * law.scale
        if not instance:  # no law is declared over rows: the axis holds all steps
            edges = [v for k in some for c in getattr(terms[k], "conditions", ()) for v in c[1:] if np.isfinite(v)]
            if not edges:
                continue
            room = 0.15 * (max(edges) - min(edges)) or 1.0
            low, high = min(edges) - room, max(edges) + room
        grid = np.linspace(low, high, _POINTS)

        def height(values: np.ndarray, i: int = i, some: list[int] = some) -> np.ndarray:
            rows = np.zeros((len(values), len(features)))
            rows[:, i] = values
            return evaluate([terms[k] for k in some], rows) @ coef[some]

        weight = np.exp(-0.5 * ((grid - law.loc) / law.scale) ** 2) if instance else np.ones(_POINTS)
        middle = float(np.average(height(grid), weights=weight))
        seen = np.isfinite(missed) & (np.abs(Z[:, i] - law.loc) <= _REACH * law.scale)
        left = height(Z[seen, i]) - middle + missed[seen]
        made.append(Shape(law.name, grid, height(grid) - middle, law.loc if instance else np.nan, Z[seen, i], left))
    if not made:
        raise Unfit("steps of single columns of numbers", type(surrogate).__name__)
    made.sort(key=lambda shape: -float(np.ptp(shape.height)))
    shown = made[: at_least_one(max_features)]
    scale = Scale.of(np.concatenate([s.height for s in shown]))
    line = ", on the line of its curve" if surrogate.links_[j].curved else ""
    others = sum(abs(c) > 0 and len(t.features) > 1 for t, c in zip(terms, coef, strict=True))
    more = [counted(len(made) - len(shown), "more feature")] if len(made) > len(shown) else []
    more += [f"{counted(others, 'term')} of several features not shown"] if others else []
    scaled = [Shape(s.name, s.grid, scale.divided(s.height), s.instance, s.seen, scale.divided(s.left)) for s in shown]
    axis = f"adds to {output} ({scale.unit(unit)}){line}" if not line else f"adds to {output}{line}"
    return Shapes(shapes=tuple(scaled), axis=axis, more="; ".join(more), muted=muted)
