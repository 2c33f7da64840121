"""The Difference: what changed from one model to another around one input, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd

from surrogates.judging.agreement import r2
from surrogates.judging.fidelity import Fidelity
from surrogates.local.explanation import Explanation
from surrogates.results.plain import Damaged
from surrogates.results.result import SavedResult, figure_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Difference"]

#: standard errors of a mean on either side of a 95% interval
_WIDE = 1.96
#: units of raw outputs that are one number a class
_CLASSES = ("logit", "log-odds", "margin", "probability")


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
    names : (str, str)
        What the two models are called.
    """

    kind: ClassVar[str] = "difference"
    named: ClassVar[str] = "a difference"

    before: Explanation
    after: Explanation
    change: Explanation
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
        table["after"] = table["before"] + table["change"]
        return table[["output", "feature", "value", "before", "after", "change", "low", "high"]]

    @property
    def summary(self) -> pd.DataFrame:
        """One row per output: ``output, before, after, change, mean, low, high, typical, spread, by_sides``.

        Both answers for the instance and their difference; the mean change over the questions that judge, with a 95%
        interval where they are a sample; the typical size of a change (root mean square) and, to compare it with, the
        standard deviation of the first model's answers; and the held-out R² of subtracting what the surrogates of the
        two models predict, which may come nearer to the change than its own surrogate, and takes both to read.
        """
        design, y = self.change.answers.design, self.change.y
        start = design.fixed + design.block
        changes, first = y[start:], self.before.y[start:]
        mean, width = changes.mean(axis=0), np.zeros(y.shape[1])
        if not design.exact:
            share = 1 - len(changes) / design.population
            width = _WIDE * changes.std(axis=0, ddof=1) * np.sqrt(share / len(changes))
        return pd.DataFrame(
            {
                "output": list(self.change.target.outputs),
                "before": self.before.y[0],
                "after": self.after.y[0],
                "change": y[0],
                "mean": mean,
                "low": mean - width,
                "high": mean + width,
                "typical": np.sqrt((changes**2).mean(axis=0)),
                "spread": first.std(axis=0),
                "by_sides": r2(changes, self.after.fidelity.predicted - self.before.fidelity.predicted),
            }
        )

    @property
    def flips(self) -> pd.DataFrame:
        """Classes that the models decide for: ``before, after, questions, share`` of the questions that judge.

        Empty where their outputs are no classes.
        """
        start = self.change.answers.design.fixed + self.change.answers.design.block
        first, second = self.before.answers, self.after.answers
        if first.unit not in _CLASSES or first.y.shape[1] < 2:
            return pd.DataFrame({"before": [], "after": [], "questions": [], "share": []})
        names = np.array(first.outputs, dtype=object)
        pairs = pd.DataFrame(
            {"before": names[first.y[start:].argmax(axis=1)], "after": names[second.y[start:].argmax(axis=1)]}
        )
        counts = pairs.value_counts(sort=True).reset_index(name="questions")
        return counts.assign(share=counts["questions"] / len(pairs))

    def plot(self, ax: Axes | None = None, *, output: str | None = None, max_features: int = 15) -> Axes:
        """Draw changes of effects as bars with 95% intervals, largest on top; return the Axes.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw; a new figure by default.
        output : str, optional
            Which output; the first by default.
        max_features : int, default 15

        Raises
        ------
        InputError
            If `output` is not one that is explained.
        """
        return figure_of(self, ax, output=output, max_features=max_features)

    def check_consistent(self) -> None:
        """Check that fields agree with each other, after reading.

        Raises
        ------
        Damaged
        """
        for part in (self.before, self.after, self.change):
            part.check_consistent()
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
