"""Measured: one number for each case, with the scores that it was made from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from probes.asking.cost import Cost
from probes.cases.metrics import Metric
from probes.rounding import counted, in_unit, rounded

__all__ = ["Measured"]


@dataclass(frozen=True, repr=False)
class Measured:
    """Numbers for cases.

    Attributes
    ----------
    frame : DataFrame
        One row a case: ``case_id, entity, template``, its factors, ``value``, ``chance``, ``prompt``, ``target``,
        ``answer`` (the likeliest of the listed answers, or the text that was written). Where answers were scored
        without a prompt also ``unconditional``, the same metric of the answers alone, and ``unconditional_chance``.
    metric : Metric
    model : str
        Identity of the model.
    cost : Cost
    scores : tuple of ndarray
        Log-probabilities of each case's answers, where they were scored.
    unanswered : int
        Cases that a fallible model did not answer; they are left out.
    neighbours : str
        How answers were seen to depend on what else is in a batch, in words; then cases were asked one by one.
    """

    frame: pd.DataFrame
    metric: Metric
    model: str
    cost: Cost = field(default_factory=Cost)
    scores: tuple[np.ndarray, ...] = ()
    unanswered: int = 0
    neighbours: str = ""

    def __repr__(self) -> str:
        frame, unit = self.frame, self.metric.unit
        value, chance = (in_unit(rounded(float(frame[c].mean()), "not known"), unit) for c in ("value", "chance"))
        missing = f", {self.unanswered:,} not answered" if self.unanswered else ""
        return (
            f"{self.metric.name} of {counted(len(frame), 'case')}{missing}: {value} on average, {chance} at chance; "
            f".frame has a row a case: {', '.join(frame)}"
        )
