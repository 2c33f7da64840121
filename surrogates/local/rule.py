"""A Rule: which questions are drawn, and when enough of them are answered.

The one here asks everything; those that stop earlier are in :mod:`surrogates.local.stopping`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd

from probes.asking.question import Question
from probes.asking.session import Reply
from probes.design import Design, sample
from probes.errors import InputError
from probes.probe import Feature
from surrogates.judging.analysis import Analysis
from surrogates.judging.notes import below
from surrogates.local.certificate import Certificate

__all__ = ["EVERYTHING", "EXACT", "Everything", "OneLook", "Outcome", "Rule", "Study", "Watch", "as_rule"]

#: why the asking stopped where no question was left
EXACT = "every possible question was asked"


@dataclass(frozen=True)
class Outcome:
    """What an explanation is made of, once enough is known.

    Attributes
    ----------
    reply : Reply
        Every answer it rests on.
    analysis : Analysis
    comparison : DataFrame
        The families that were compared.
    reason : str
        Why the asking stopped before the last question; empty if it did not.
    certificate : Certificate or None
    notes : tuple of str
        Warnings.
    """

    reply: Reply
    analysis: Analysis
    comparison: pd.DataFrame
    reason: str = ""
    certificate: Certificate | None = None
    notes: tuple[str, ...] = ()


#: fits and judges a reply; its second argument says whether shuffled answers are fitted as well
Study: TypeAlias = Callable[[Reply, bool], tuple[Analysis, pd.DataFrame]]


class Rule(ABC):
    """Which questions are drawn, and when enough of them are answered."""

    def check(self, question: Question) -> None:  # noqa: B027 - most rules suit every question
        """Refuse a question that the rule does not suit, before anything is asked.

        Raises
        ------
        InputError
        """

    def design(self, features: Sequence[Feature], rows: int, rng: np.random.Generator, method: str) -> Design:
        """Draw the questions; see :func:`probes.design.sample`."""
        return sample(features, rows, rng, method)

    @abstractmethod
    def watch(self, design: Design) -> Watch:
        """Start to watch the answers to a design."""


class Watch(ABC):
    """A rule at work on one design.

    Parameters
    ----------
    design : Design
    """

    def __init__(self, design: Design):
        self.questions = design

    @abstractmethod
    def looks(self) -> Iterator[int]:
        """Return numbers of leading rows that must be answered before each look; the last one is all of them."""

    @abstractmethod
    def done(self, reply: Reply, study: Study) -> Outcome | None:
        """Return the outcome if the rows of the present look are enough, or are all there are; else None."""


class Everything(Rule):
    """Ask every question of the design."""

    def watch(self, design: Design) -> Watch:
        return OneLook(design)


EVERYTHING = Everything()


class OneLook(Watch):
    """One look, at all answers.

    Parameters
    ----------
    design : Design
    reason : str
        Why the asking stopped.
    certified : float
        R² below which, if it is exact, the outcome has a note.
    """

    def __init__(self, design: Design, reason: str = "", certified: float = -np.inf):
        super().__init__(design)
        self.reason, self.certified = reason, certified

    def looks(self) -> Iterator[int]:
        yield len(self.questions)

    def done(self, reply: Reply, study: Study) -> Outcome:
        analysis, comparison = study(reply, True)
        missed = [float(r2) for r2 in analysis.fidelity.r2 if analysis.fidelity.exact and r2 < self.certified]
        notes = (below(self.certified, min(missed)),) if missed else ()
        return Outcome(reply, analysis, comparison, self.reason, notes=notes)


def as_rule(until: Rule | None) -> Rule:
    """Return the rule that `until` means; None asks everything.

    Raises
    ------
    InputError
    """
    if until is None:
        return EVERYTHING
    if not isinstance(until, Rule):
        raise InputError("until", "be Width(...), StableOrder(...), Certified(...) or None", until)
    return until
