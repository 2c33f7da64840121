"""The surrogate's tree, from left to right, with the answers in each leaf on an axis at its right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from probes.probe import Feature
from probes.rounding import Scale, percent, rounded
from surrogates.difference.difference import Difference
from surrogates.local.explanation import Explanation
from surrogates.many.global_surrogate import GlobalSurrogate
from surrogates.report.labels import cut, feature_labels
from surrogates.report.plots.caption import number_of
from surrogates.report.plots.drawing import INK, MUTED, POSITIVE, SOFT, literal, shortened
from surrogates.report.plots.kinds import Plot, Unfit, plotted
from surrogates.surrogate import Surrogate
from surrogates.terms import Box

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Branch", "Leaf", "TreePlot", "grown", "tree"]

#: letters of a name at a branch, inches of a level of branches and of the axis of answers
_NAME, _LEVEL, _ANSWERS = 18, 1.75, 2.6
#: half a letter of a name, in levels
_LETTER = 0.022


@dataclass(frozen=True)
class Leaf:
    """A leaf: what the tree says there, and the model's answers there, if they are kept."""

    value: float
    answers: np.ndarray


@dataclass(frozen=True)
class Branch:
    """A question about a feature, with what follows below a threshold and above it."""

    feature: int
    threshold: float
    below: Branch | Leaf
    above: Branch | Leaf


@dataclass(frozen=True, kw_only=True)
class TreePlot(Plot):
    """A tree in words.

    Attributes
    ----------
    root : Branch or Leaf
    names : tuple of str
        Of all features.
    binary : tuple of bool
    path : ndarray or None
        The instance, whose path is drawn strongly.
    answers : int
        How many are kept.
    axis : str
        What the tree says, and its unit.
    """

    root: Branch | Leaf
    names: tuple[str, ...]
    binary: tuple[bool, ...]
    path: np.ndarray | None
    answers: int
    axis: str

    @property
    def size(self) -> tuple[float, float]:
        return 0.6 + _LEVEL * _depth(self.root) + _ANSWERS, 1.3 + 0.46 * len(_leaves(self.root))

    def draw(self, ax: Axes) -> None:
        """Draw branches, then leaves; points are answers of the model, a diamond is what the tree says."""
        leaves, depth = _leaves(self.root), _depth(self.root)
        self._branches(ax, self.root, 0, 0, depth, self.path is not None)
        every = np.concatenate([np.array([leaf.value for leaf in leaves]), *(leaf.answers for leaf in leaves)])
        low, high = float(every.min()), float(every.max())
        room = max(high - low, 1e-300)
        start, width = depth + 0.15, 1.25

        def across(value: np.ndarray) -> np.ndarray:
            return start + width * (value - low) / room

        colour = MUTED if self.muted else POSITIVE
        for place, leaf in enumerate(leaves):
            ax.plot([depth, start + width], [place, place], color="#E5E5E5", linewidth=0.8, zorder=0)
            jitter = 0.24 * (np.arange(len(leaf.answers)) % 5 - 2) / 2
            ax.scatter(across(leaf.answers), place + jitter, s=7, color=SOFT, alpha=0.5, linewidths=0, zorder=2)
            said = across(np.array([leaf.value]))
            ax.scatter(said, [place], s=52, marker="D", color=colour, edgecolors="white", zorder=3)
            share = f"  {percent(len(leaf.answers) / self.answers)}" if self.answers else ""
            ax.text(start + width + 0.1, place, f"{rounded(leaf.value)}{share}", va="center", fontsize=9, color=INK)
        self._axis(ax, low, high, across, len(leaves))

    def _branches(self, ax: Axes, node: Branch | Leaf, level: int, first: int, depth: int, here: bool) -> float:
        """Draw what follows from a node, its leaves from the place `first` on; return the place of the node."""
        if isinstance(node, Leaf):
            self._line(ax, [level, depth], [first, first], here)
            return float(first)
        goes_below = here and self.path is not None and self.path[node.feature] <= node.threshold
        goes_above = here and not goes_below
        below = self._branches(ax, node.below, level + 1, first, depth, goes_below)
        above = self._branches(ax, node.above, level + 1, first + len(_leaves(node.below)), depth, goes_above)
        place, elbow = (below + above) / 2, level + 0.35
        self._line(ax, [level, elbow], [place, place], here)
        name = cut(self.names[node.feature], _NAME)
        beside = elbow + 0.05 + _LETTER * len(name)
        for y, strong, words in zip((below, above), (goes_below, goes_above), self._words(node), strict=True):
            self._line(ax, [elbow, elbow, level + 1], [place, y, y], strong)
            ax.text(beside, y - 0.06, words, fontsize=8, color=SOFT, va="bottom")
        box = {"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": INK if here else MUTED}
        ax.text(elbow, place, shortened(name), fontsize=9, ha="center", va="center", bbox=box, zorder=4)
        return place

    @staticmethod
    def _line(ax: Axes, x: Sequence[float], y: Sequence[float], strong: bool) -> None:
        ax.plot(x, y, color=INK if strong else MUTED, linewidth=2.2 if strong else 1.0, zorder=2 if strong else 1)

    def _words(self, node: Branch) -> tuple[str, str]:
        if self.binary[node.feature]:
            return "absent", "present"
        return f"≤ {rounded(node.threshold)}", f"> {rounded(node.threshold)}"

    def _axis(self, ax: Axes, low: float, high: float, across: object, count: int) -> None:
        from matplotlib.ticker import MaxNLocator

        ticks = np.array([t for t in MaxNLocator(3).tick_values(low, high) if low <= t <= high])
        ax.set_xticks(across(ticks), [rounded(float(t)) for t in ticks])  # type: ignore[operator]
        ax.set_yticks([])
        ax.set_xlim(0, _depth(self.root) + 1.95)
        ax.set_ylim(count - 0.3, -0.75)
        ax.spines[:].set_visible(False)
        ax.set_xlabel(literal(self.axis), loc="right")


def _depth(node: Branch | Leaf) -> int:
    return 0 if isinstance(node, Leaf) else 1 + max(_depth(node.below), _depth(node.above))


def _leaves(node: Branch | Leaf) -> list[Leaf]:
    return [node] if isinstance(node, Leaf) else [*_leaves(node.below), *_leaves(node.above)]


def grown(boxes: Sequence[Box], values: np.ndarray, Z: np.ndarray, y: np.ndarray) -> Branch | Leaf:
    """Grow the tree anew of which boxes are the leaves.

    Parameters
    ----------
    boxes : sequence of t Box
        That part the space by halves.
    values : ndarray ``(t,)``
    Z, y : ndarray ``(m, d)``, ``(m,)``
        Rows and answers, which may be none.

    Raises
    ------
    ValueError
        If no halves leave each box whole.
    """
    if len(boxes) == 1:
        return Leaf(float(values[0]), y)
    bounds = [{i: (low, high) for i, low, high in box.conditions} for box in boxes]
    every = (-np.inf, np.inf)
    for feature, threshold in sorted({(i, v) for b in bounds for i, ends in b.items() for v in ends if np.isfinite(v)}):
        sides = [b.get(feature, every) for b in bounds]
        below = [k for k, (_, high) in enumerate(sides) if high <= threshold]
        above = [k for k, (low, _) in enumerate(sides) if low >= threshold]
        if below and above and len(below) + len(above) == len(boxes):
            half = Z[:, feature] <= threshold
            parts = [
                grown([boxes[k] for k in some], values[some], Z[rows], y[rows])
                for some, rows in ((below, half), (above, ~half))
            ]
            return Branch(feature, threshold, *parts)
    raise ValueError("these boxes are no leaves of one tree")


def _tree(surrogate: Surrogate, j: int, Z: np.ndarray, y: np.ndarray) -> Branch | Leaf:
    terms = surrogate.terms_
    boxes = [term for term in terms if isinstance(term, Box)]
    if not surrogate.partitions or not boxes or len(boxes) < len(terms):
        raise Unfit('a tree with more than one leaf, as family="tree" may grow', type(surrogate).__name__)
    return grown(boxes, np.atleast_2d(surrogate.coef_)[j] + np.atleast_1d(surrogate.intercept_)[j], Z, y)


@plotted("tree", Explanation)
def tree(explanation: Explanation, output: str | None = None) -> TreePlot:
    """Take the tree of an explanation, with the model's answers in its leaves."""
    return _of(explanation, output, explanation.fidelity.refused())


@plotted("tree", Difference)
def tree_of_change(difference: Difference, output: str | None = None) -> TreePlot:
    """Take the tree of a change, with the changes in its leaves."""
    return _of(difference.change, output, difference.fidelity.refused(change=True))


def _of(explanation: Explanation, output: str | None, refused: Sequence[bool]) -> TreePlot:
    target, j = explanation.target, number_of(explanation.target.outputs, output)
    design = explanation.answers.design
    y = explanation.y[design.fixed + design.block :, j]
    scale = Scale.of(y)
    root = _tree(explanation.surrogate, j, design.judged, y)
    names = feature_labels(explanation.features, explanation.view, _NAME)
    return TreePlot(
        root=_scaled(root, scale),
        names=tuple(names[f.name] for f in explanation.features),
        binary=tuple(f.kind == "binary" for f in explanation.features),
        path=design.Z[0],
        answers=len(y),
        axis=f"{target.outputs[j]} ({scale.unit(target.unit)}); strong: this input; %: of the questions",
        muted=refused[j],
    )


@plotted("tree", GlobalSurrogate)
def tree_of_rows(surrogate: GlobalSurrogate) -> TreePlot:
    """Take the tree of a surrogate over rows, which keeps no rows."""
    features: tuple[Feature, ...] = surrogate.features
    root = _tree(surrogate.surrogate, 0, np.empty((0, len(features))), np.empty(0))
    scale = Scale.of([leaf.value for leaf in _leaves(root)])
    return TreePlot(
        root=_scaled(root, scale),
        names=tuple(f.name for f in features),
        binary=tuple(f.kind == "binary" for f in features),
        path=None,
        answers=0,
        axis=f"{surrogate.output} ({scale.unit(surrogate.unit)})",
        muted=surrogate.fidelity.r2_low[0] <= 0,
    )


def _scaled(node: Branch | Leaf, scale: Scale) -> Branch | Leaf:
    if isinstance(node, Leaf):
        return Leaf(float(scale.divided(node.value)), scale.divided(node.answers))
    return Branch(node.feature, node.threshold, _scaled(node.below, scale), _scaled(node.above, scale))
