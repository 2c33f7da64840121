"""Held-out answers against what the surrogate predicted for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from probes.rounding import Scale
from surrogates.difference.difference import Difference
from surrogates.judging.fidelity import Fidelity
from surrogates.local.explanation import Explanation
from surrogates.many.global_surrogate import GlobalSurrogate
from surrogates.report.plots.caption import number_of
from surrogates.report.plots.drawing import MUTED, POSITIVE, SOFT, bare, literal, shortened
from surrogates.report.plots.kinds import Plot, plotted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Predictions", "predictions"]


@dataclass(frozen=True, kw_only=True)
class Predictions(Plot):
    """Answers that were not fitted to, over predictions of them; a perfect surrogate lies on the line.

    Attributes
    ----------
    predicted, observed : ndarray ``(m,)``
    what : str
        What was observed, and its unit.
    name : str
        Of the output, where there are several.
    exact : bool
        Whether all questions were asked and fitted to, so that none is held out.
    """

    predicted: np.ndarray
    observed: np.ndarray
    what: str
    name: str = ""
    exact: bool = False

    @property
    def size(self) -> tuple[float, float]:
        return 4.6, 4.8

    def draw(self, ax: Axes) -> None:
        """Draw a point for each answer, and the line y = x."""
        both = np.concatenate([self.predicted, self.observed])
        ends = [both.min(), both.max()]
        ax.plot(ends, ends, color=SOFT, linewidth=1)
        colour = MUTED if self.muted else POSITIVE
        ax.scatter(self.predicted, self.observed, s=14, color=colour, alpha=0.6, linewidths=0)
        ax.set_xlabel(f"surrogate's prediction, {'all questions' if self.exact else 'held out'}")
        ax.set_ylabel(literal(self.what))
        if self.name:
            ax.set_title(shortened(self.name), fontsize=10)
        bare(ax)

    @classmethod
    def of(
        cls, fidelity: Fidelity, output: str | None, unit: str, what: str = "model's answer", change: bool = False
    ) -> Predictions:
        """Take the held-out numbers of one output, the first by default; `what` they are."""
        j = number_of(fidelity.outputs, output)
        scale = Scale.of(fidelity.observed[:, j])
        return cls(
            predicted=scale.divided(fidelity.predicted[:, j]),
            observed=scale.divided(fidelity.observed[:, j]),
            what=f"{what} ({scale.unit(unit)})",
            name=fidelity.outputs[j] if len(fidelity.outputs) > 1 else "",
            exact=fidelity.exact,
            muted=fidelity.refused(change)[j],
        )


@plotted("predictions", Explanation)
def predictions(explanation: Explanation, output: str | None = None) -> Predictions:
    """Take the held-out answers of an explanation."""
    return Predictions.of(explanation.fidelity, output, explanation.target.unit)


@plotted("predictions", Difference)
def predicted_changes(difference: Difference, output: str | None = None) -> Predictions:
    """Take the held-out changes of a difference."""
    return Predictions.of(difference.fidelity, output, difference.change.target.unit, "change", change=True)


@plotted("predictions", GlobalSurrogate, first=True)
def predicted_rows(surrogate: GlobalSurrogate) -> Predictions:
    """Take the held-out answers for rows of a table."""
    return replace(Predictions.of(surrogate.fidelity, None, surrogate.unit), muted=surrogate.fidelity.r2_low[0] <= 0)
