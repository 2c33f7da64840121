"""What a budget of model inputs pays for: rows of a design, questions that are asked twice, a generated answer."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

import numpy as np

from probes.asking.question import Question
from probes.design import MINIMUM, corners
from probes.errors import InputError, integer

__all__ = ["QUESTIONS", "Allowance"]

#: rows without a budget
QUESTIONS = 256
#: questions that are asked twice of a model that may not repeat itself, at most one in 32
REPEATS = 8
_ONE_IN = 32


@dataclass(frozen=True)
class Allowance:
    """Rows and repeats that one question gets.

    Attributes
    ----------
    rows : int
        Rows of a design.
    repeats : int
        Rows that are asked twice, where the model may answer differently.
    beside : bool
        Whether that is a check besides the budget, which would ask every possible row but for it.
    """

    rows: int = QUESTIONS
    repeats: int = REPEATS
    beside: bool = False

    @classmethod
    def of(cls, question: Question, budget: int | None) -> Allowance:
        """Return what a budget of model inputs pays for.

        Raises
        ------
        InputError
            If the rows are too few to fit and judge anything.
        """
        if budget is None:
            return cls()
        allowed = cls._within(question, integer("budget", budget, least=1))
        least = min(MINIMUM + 2, 2 ** len(question.probe.features))
        if allowed.rows < least:
            each, spare = question.probe.replicates, allowed.spare(question)
            how = f" of {each} model inputs each" if each > 1 else ""
            extra = f", and {spare} more" if spare else ""
            enough = cls.budget_for(question, least)
            raise InputError("budget", f"be at least {enough} ({least} questions{how}{extra})", budget)
        return allowed

    @classmethod
    def _within(cls, question: Question, budget: int) -> Allowance:
        each = question.probe.replicates
        allowed = cls(0, max(1, min(REPEATS, budget // (_ONE_IN * each))))
        rows, most = (budget - allowed.spare(question)) // each, (budget - question.generates) // each
        if rows < (every := _every(question)) <= most:
            return cls(int(every), max(1, int(most - every)), most <= every)
        return cls(rows, allowed.repeats)

    @classmethod
    def budget_for(cls, question: Question, rows: int) -> int:
        """Return the smallest budget of model inputs that pays for so many rows."""
        return next(b for b in count(rows * question.probe.replicates) if cls._within(question, b).rows >= rows)

    def spare(self, question: Question) -> int:
        """Return model inputs besides the rows of a design: a generated answer, rows asked twice."""
        repeats = question.probe.replicates * self.repeats * question.varies
        return int(question.generates) + repeats * (not self.beside)


def _every(question: Question) -> float:
    """Count the rows that there are; infinity where they cannot be listed."""
    features = question.probe.features
    return corners(len(features)) if all(f.kind == "binary" for f in features) else np.inf
