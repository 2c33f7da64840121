"""The Problem: rows, answers and the names that go with them, as every fit and every judgement takes them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from probes.asking.answers import Answers
from probes.cases.out_of_bag import hints
from probes.design import Design
from probes.probe import Feature
from surrogates.judging.background import RowAnswers
from surrogates.judging.crossed import CrossFit

__all__ = ["Problem"]


@dataclass(frozen=True, eq=False)
class Problem:
    """Answers to one design, before a surrogate is fitted to them.

    Attributes
    ----------
    design : Design
        n rows of d features; the fixed ones come first, then the block that is fitted to and never judged.
    y : ndarray ``(n, k)``
        Answers to all rows, in the unit of the target.
    outputs : tuple of k str
    features : sequence of d Feature
    random_state : int
        Assigns rows to folds and shuffles the answers of the control.
    rows : RowAnswers or None
        How answers differ between background rows, where those used are a sample.
    sides : (CrossFit, CrossFit) or None
        Where answers are the change from one model to another: how either was predicted by itself.
    hints : ndarray ``(n, d)`` or None
        What each row says of single features, see :mod:`surrogates.judging.hints`.
    """

    design: Design
    y: np.ndarray
    outputs: tuple[str, ...]
    features: Sequence[Feature]
    random_state: int
    rows: RowAnswers | None = None
    sides: tuple[CrossFit, CrossFit] | None = None
    hints: np.ndarray | None = None

    @classmethod
    def of(
        cls,
        answers: Answers,
        y: np.ndarray,
        outputs: tuple[str, ...],
        features: Sequence[Feature],
        random_state: int,
        rows: RowAnswers | None = None,
    ) -> Problem:
        """Take what raw answers say of single features along with the numbers `y` that are made of them."""
        told = hints(answers, [feature.name for feature in features])
        return cls(answers.design, y, outputs, features, random_state, rows, hints=told)

    @property
    def sampled(self) -> np.ndarray:
        """Answers ``(b + m, k)`` to ``design.sampled``, which surrogates are fitted to."""
        return self.y[self.design.fixed :]

    @property
    def judged(self) -> np.ndarray:
        """Answers ``(m, k)`` to ``design.judged``, which surrogates are judged on."""
        return self.y[self.design.fixed + self.design.block :]

    @property
    def hinted(self) -> np.ndarray | None:
        """Hints ``(b + m, d)`` of ``design.sampled``."""
        return None if self.hints is None else self.hints[self.design.fixed :]

    @property
    def questions(self) -> Hashable:
        """Key that problems share if they can be fitted together: the same rows drawn from the same law."""
        return self.design.digest, *((f.kind, f.loc, f.scale) for f in self.features)

    @staticmethod
    def joined(problems: Sequence[Problem]) -> Problem:
        """Join problems that share their questions into one that has the outputs of all, in order."""
        first = problems[0]
        outputs = tuple(chain.from_iterable(problem.outputs for problem in problems))
        return replace(first, y=np.hstack([problem.y for problem in problems]), outputs=outputs)
