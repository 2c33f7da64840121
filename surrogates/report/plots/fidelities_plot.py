"""How held-out R² is spread over many explanations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from surrogates.many.explanation_set import ExplanationSet
from surrogates.report.plots.drawing import POSITIVE, bare
from surrogates.report.plots.kinds import Plot, plotted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Fidelities", "fidelities"]


@dataclass(frozen=True, kw_only=True)
class Fidelities(Plot):
    """Held-out R² of each input and output, ``(n,)``; those below −1 are drawn at −1."""

    scores: np.ndarray

    @property
    def size(self) -> tuple[float, float]:
        return 4.8, 3.4

    def draw(self, ax: Axes) -> None:
        """Draw a histogram."""
        low = float(np.floor(min(self.scores.min(), 0.0) * 10) / 10) if len(self.scores) else 0.0
        ax.hist(self.scores, bins=np.linspace(low, 1.0, 21).tolist(), color=POSITIVE, alpha=0.85)
        ax.set_xlabel("held-out R²")
        ax.set_ylabel("explanations")
        bare(ax)

    @classmethod
    def of(cls, fidelity: pd.DataFrame) -> Fidelities:
        """Take the scores of a table with a column ``r2``."""
        return cls(scores=fidelity["r2"].dropna().clip(lower=-1.0).to_numpy(dtype=float))


@plotted("fidelities", ExplanationSet)
def fidelities(explanations: ExplanationSet) -> Fidelities:
    """Take the held-out R² of all inputs."""
    return Fidelities.of(explanations.fidelity)
