"""Which features change each other's effect: pairs as lines between points on a circle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from probes.rounding import Scale
from surrogates.local.explanation import Explanation
from surrogates.report.labels import cut, feature_labels
from surrogates.report.plots.caption import number_of
from surrogates.report.plots.drawing import INK, MUTED, NEGATIVE, POSITIVE, literal, shortened, sign_colours
from surrogates.report.plots.kinds import Plot, Unfit, at_least_one, plotted
from surrogates.shapley.indices import indices

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Network", "network"]

#: share of the largest number below which one is rounding
_ROUNDING = 1e-9
#: share of the strongest interaction below which a line is not seen
_SEEN = 0.03
#: letters of a name on the circle; width of the strongest line and size of the strongest point
_NAME, _WIDTH, _SIZE = 24, 7.0, 420.0
#: strongest lines that have their number
_NUMBERS = 4


@dataclass(frozen=True, kw_only=True)
class Network(Plot):
    """Features, and the pairs that interact.

    Attributes
    ----------
    labels : tuple of n str
    effects : ndarray ``(n,)``
        Of each feature alone.
    pairs : tuple of (int, int)
    interactions : ndarray
        Of each pair: what both together add beyond their sum, weakest first.
    axis : str
        What the numbers are, and their unit.
    scale : Scale
    """

    labels: tuple[str, ...]
    effects: np.ndarray
    pairs: tuple[tuple[int, int], ...]
    interactions: np.ndarray
    axis: str
    scale: Scale

    @property
    def size(self) -> tuple[float, float]:
        return 6.4, 6.0

    def draw(self, ax: Axes) -> None:
        """Draw lines as wide as interactions, dashed where these are negative, and the number on the strongest."""
        angle = np.pi / 2 - 2 * np.pi * np.arange(len(self.labels)) / len(self.labels)
        at = np.column_stack([np.cos(angle), np.sin(angle)])
        largest = float(np.abs(self.interactions).max())
        colours = sign_colours(self.interactions, self.muted)
        for (a, b), value, colour in zip(self.pairs, self.interactions, colours, strict=True):
            share = abs(value) / largest
            style = "solid" if value >= 0 else (0, (2.0, 1.0))
            ax.plot(*at[[a, b]].T, color=colour, linewidth=0.6 + _WIDTH * share, linestyle=style, alpha=0.75, zorder=1)
        taken: list[np.ndarray] = []  # places of numbers, which must not lie on each other
        for (a, b), value in list(zip(self.pairs, self.interactions, strict=True))[: -_NUMBERS - 1 : -1]:
            x, y = middle = at[[a, b]].mean(axis=0)
            if any(np.abs(middle - other).max() < 0.3 for other in taken):
                continue
            taken.append(middle)
            box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
            ax.text(x, y, self.scale.signed(value), fontsize=8, ha="center", va="center", color=INK, bbox=box, zorder=4)
        size = np.abs(self.effects) / max(float(np.abs(self.effects).max()), 1e-300)
        colours = sign_colours(self.effects, self.muted)
        ax.scatter(at[:, 0], at[:, 1], s=30 + _SIZE * size, color=colours, edgecolors="white", zorder=3)
        for (x, y), label in zip(at, self.labels, strict=True):
            side = "center" if abs(x) < 0.2 else "left" if x > 0 else "right"
            ax.text(1.17 * x, 1.15 * y, shortened(cut(label, _NAME)), ha=side, va="center", fontsize=9)
        self._frame(ax)

    def _frame(self, ax: Axes) -> None:
        """Leave the axes aside, and say what lines and points are."""
        from matplotlib.lines import Line2D

        up, down = (MUTED, MUTED) if self.muted else (POSITIVE, NEGATIVE)
        lines = [Line2D([], [], color=up, lw=3), Line2D([], [], color=down, lw=3, linestyle=(0, (2.0, 1.0)))]
        ax.legend(lines, ["together more", "together less"], loc="upper left", fontsize=8, frameon=False)
        ax.set_aspect("equal")
        ax.set_xlim(-1.75, 1.75)
        ax.set_ylim(-1.35, 1.45)
        ax.set_xticks([])
        ax.set_yticks([])
        ax.spines[:].set_visible(False)
        ax.set_xlabel(literal(self.axis), loc="right")


@plotted("network", Explanation)
def network(explanation: Explanation, output: str | None = None, max_features: int = 12) -> Network:
    """Take the surrogate's average interactions of pairs (Banzhaf), in closed form, those of the strongest features."""
    target, j = explanation.target, number_of(explanation.target.outputs, output)
    at_least_one(max_features)
    features = explanation.features
    here, there = (np.array([getattr(f, name) for f in features]) for name in ("instance", "reference"))
    found = indices(explanation.surrogate, "banzhaf", 2, instance=here, reference=there)
    known = dict(zip(found.subsets, found.values[j], strict=True))
    most = max(map(abs, known.values()))
    pairs = {s: v for s, v in known.items() if len(s) == 2 and abs(v) > _ROUNDING * most}
    if not pairs:
        needs = 'a surrogate in which features interact, such as family="interactions" or "tree"'
        raise Unfit(needs, f"{type(explanation.surrogate).__name__} without interactions")
    strongest, every = max(map(abs, pairs.values())), len(pairs)
    pairs = {s: v for s, v in pairs.items() if abs(v) >= _SEEN * strongest}
    strength = np.zeros(len(features))
    for (a, b), value in pairs.items():
        strength[[a, b]] += abs(value)
    shown = sorted(np.argsort(-strength, kind="stable")[: max(max_features, 2)][: np.count_nonzero(strength)].tolist())
    place = {i: k for k, i in enumerate(shown)}
    kept = sorted((s for s in pairs if set(s) <= set(shown)), key=lambda s: abs(pairs[s]))
    more = f", {len(kept)} of {every} pairs" if len(kept) < every else ""
    named = feature_labels(features, explanation.view)
    effects = np.array([known[(i,)] for i in shown])
    scale = Scale.of([*effects, *pairs.values()])
    return Network(
        labels=tuple(named[features[i].name] for i in shown),
        effects=effects,
        pairs=tuple((place[a], place[b]) for a, b in kept),
        interactions=np.array([pairs[s] for s in kept]),
        axis=f"average interactions on {target.outputs[j]} ({scale.unit(target.unit)}); of the surrogate{more}",
        scale=scale,
        muted=explanation.fidelity.refused()[j],
    )
