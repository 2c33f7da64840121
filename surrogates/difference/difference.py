"""The Difference: what changed from one model to another around one input, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd

from surrogates.judging.fidelity import Fidelity
from surrogates.local.explanation import Explanation
from surrogates.results.plain import Columns, Damaged
from surrogates.results.result import SavedResult

__all__ = ["Difference"]

#: share of the largest effect below which a sum of two is rounding
_ROUNDING = 1024 * np.finfo(float).eps


@dataclass(frozen=True)
class Difference(SavedResult):
    """Two models around one input, asked the same questions, and the change from the one to the other.

    Attributes
    ----------
    before, after : Explanation
        Of each model.
    change : Explanation
        Of the answers of the second model less those of the first, question by question: its surrogate predicts the
        change, its fidelity and verdict are of the change, on changes not used to fit.
    summary : DataFrame
        One row per output: ``output, before, after, change, mean, low, high, typical, spread, by_sides``. Both answers
        for the instance and their difference; the mean change over the questions that judge, with its 95% interval; the
        typical size of a change (root mean square) and, to compare it with, the standard deviation of the first model's
        answers; and the held-out R² of subtracting what the surrogates of the two models predict, which may come nearer
        to the change than its own surrogate, and takes both to read.
    flips : DataFrame
        Classes that the models decide for: ``before, after, inputs, share`` of the inputs of the questions that judge.
        Empty where their outputs are no classes.
    names : (str, str)
        What the two models are called.
    """

    kind: ClassVar[str] = "difference"
    named: ClassVar[str] = "a difference"

    before: Explanation
    after: Explanation
    change: Explanation
    summary: Annotated[pd.DataFrame, Columns("output", "before after change mean low high typical spread by_sides")]
    flips: Annotated[pd.DataFrame, Columns("before after", "inputs share")]
    names: tuple[str, str] = ("before", "after")

    @property
    def fidelity(self) -> Fidelity:
        """Held-out agreement of the change's surrogate with the change."""
        return self.change.fidelity

    @property
    def verdicts(self) -> tuple[str, ...]:
        """What may be relied on of the explanation of the change: one sentence per output."""
        return self.change.fidelity.judgement(change=True)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings about the change."""
        return self.change.warnings

    @property
    def attributions(self) -> pd.DataFrame:
        """One row per output and feature: ``output, feature, value, before, after, change, low, high``.

        The average effect of the feature on the first model's answer, as ``before`` has it; the change of it, from
        differences question by question, with its 95% interval; and their sum, the effect on the second model's answer.
        The explanation ``after`` has that of :func:`~surrogates.local.explain.explain`, which differs by what sampling
        leaves open. The largest change comes first.
        """
        table = self.change.attributions.rename(columns={"attribution": "change"})
        effects = self.before.attributions[["output", "feature", "attribution"]]
        table = table.merge(effects.rename(columns={"attribution": "before"}), on=["output", "feature"], how="left")
        after = table["before"] + table["change"]
        size = max(table["before"].abs().max(), table["change"].abs().max())
        table["after"] = after.where(after.abs() > _ROUNDING * size, 0.0)
        return table[["output", "feature", "value", "before", "after", "change", "low", "high"]]

    def check_consistent(self) -> None:
        """Check that fields agree with each other, after reading.

        Raises
        ------
        Damaged
        """
        for part in (self.before, self.after, self.change):
            part.check_consistent()
        if list(self.summary["output"] if len(self.summary) else ()) != list(self.change.target.outputs):
            raise Damaged("summary", "have a row for every output", [*self.summary.columns])
        for name, side in (("before", self.before), ("after", self.after)):
            if side.answers.design.digest != self.change.answers.design.digest:
                raise Damaged(f"{name}.answers", "be to the questions of the change", side.answers.design.digest[:16])
            if [f.name for f in side.features] != [f.name for f in self.change.features]:
                raise Damaged(f"{name}.features", "be those of the change", [f.name for f in side.features][:5])
            if side.target.outputs != self.change.target.outputs:
                raise Damaged(f"{name}.target", "have the outputs of the change", side.target.outputs)
        largest = max(np.abs(self.before.y).max(), np.abs(self.after.y).max())
        if not (np.abs(self.after.y - self.before.y - self.change.y) <= 1e-9 * largest).all():
            raise Damaged("change.y", "be what the two sides differ by", "other numbers")
