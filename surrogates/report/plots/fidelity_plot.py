"""How fidelity grows with the number of answers that a surrogate is fitted to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from probes.errors import InputError
from probes.rounding import rounded
from surrogates.local.explanation import Explanation
from surrogates.report.plots.caption import number_of
from surrogates.report.plots.drawing import POSITIVE, SOFT, bare, literal
from surrogates.report.plots.kinds import Plot, Unfit, plotted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FidelityCurve", "fidelity_curve"]

#: R² below which the axis does not reach
_FLOOR = -0.5


@dataclass(frozen=True, kw_only=True)
class FidelityCurve(Plot):
    """Held-out R² with 95% intervals over numbers of answers, each ``(p,)``.

    Attributes
    ----------
    answers, r2, low, high, terms : ndarray
        ``terms`` is how many terms a surrogate had on average.
    name : str
        Of the output, where there are several.
    """

    answers: np.ndarray
    r2: np.ndarray
    low: np.ndarray
    high: np.ndarray
    terms: np.ndarray
    name: str = ""

    @property
    def size(self) -> tuple[float, float]:
        return 5.6, 4.2

    def draw(self, ax: Axes) -> None:
        """Draw a line with a band; below each point stands how many terms there are to read."""
        ax.fill_between(self.answers, self.low, self.high, color=POSITIVE, alpha=0.18, linewidth=0)
        ax.plot(self.answers, self.r2, color=POSITIVE, linewidth=2, marker="o", markersize=5)
        ax.axhline(0, color=SOFT, linewidth=0.8)
        bottom = max(_FLOOR, min(0.0, float(np.nanmin(self.low))))
        ax.set_ylim(bottom - 0.03, 1.03)
        ax.set_xscale("log")
        labels = [f"{int(n):,}\n{rounded(t)} terms" for n, t in zip(self.answers, self.terms, strict=True)]
        ax.set_xticks(self.answers, labels)
        ax.minorticks_off()
        ax.set_xlabel("answers fitted to, and terms on average")
        ax.set_ylabel(literal("R² on answers not fitted to"))
        if self.name:
            ax.set_title(literal(self.name), fontsize=10)
        bare(ax)


@plotted("fidelity", Explanation)
def fidelity_curve(
    explanation: Explanation, output: str | None = None, curve: pd.DataFrame | None = None
) -> FidelityCurve:
    """Take what :meth:`Explanation.fidelity_curve` computed."""
    if curve is None:
        raise Unfit("what explanation.fidelity_curve() computes, as curve=", "nothing")
    due = ["output", "answers", "terms", "r2", "r2_low", "r2_high"]
    if not isinstance(curve, pd.DataFrame) or not set(due) <= set(curve.columns):
        raise InputError("curve", "be what explanation.fidelity_curve() returns", curve)
    outputs = explanation.target.outputs
    name = outputs[number_of(outputs, output)]
    part = curve[curve["output"] == name]
    answers, terms, r2, low, high = (part[column].to_numpy(dtype=float) for column in due[1:])
    shown = name if len(outputs) > 1 else ""
    return FidelityCurve(answers=answers, r2=r2, low=low, high=high, terms=terms, name=shown)
