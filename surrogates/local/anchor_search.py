"""Anchors: which features, once present, settle the answer whatever happens to the others.

An anchor is a conjunction under which the model keeps the answer it gives the instance. A proxy proposes candidates,
which costs nothing (:mod:`surrogates.local.anchor_candidates`); here the model is asked, and the candidate is tested on
answers drawn under it, until its precision is proved at the stated confidence, or the next candidate's turn comes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np
import pandas as pd
from scipy import stats

from probes.asking.allowance import Allowance
from probes.asking.question import Question
from probes.asking.session import Reply, Session, StoreLike
from probes.design import Design, corners, cube, random_seed, sample
from probes.errors import InputError, integer, number
from probes.inputs.adapt import ProbeLike, RowSettings
from probes.inputs.locality import Law
from probes.models.adapt import ModelLike
from probes.outputs.target import TargetLike
from surrogates.judging.notes import one_by_one
from surrogates.local.anchor import Anchor, Said, in_words
from surrogates.local.anchor_candidates import (
    Members,
    Precisions,
    condition,
    counted,
    coverage,
    estimated,
    proposed,
    rows_under,
)
from surrogates.local.sameness import Same, SameLike, said_of, sameness
from surrogates.numerics.sequential_tests import precision_bound
from surrogates.results.provenance import cost_data, provenance
from surrogates.terms import Box

__all__ = ["Anchor", "anchor"]

#: rows that are asked at a time under a candidate
_BLOCK = 16


def anchor(
    model: ModelLike,
    probe: ProbeLike,
    *,
    precision: float = 0.95,
    confidence: float = 0.95,
    budget: int | None = None,
    same: SameLike = None,
    max_length: int = 6,
    target: TargetLike = None,
    answer: str | None = None,
    background: pd.DataFrame | np.ndarray | None = None,
    background_rows: int | None = None,
    law: Law | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    feature_names: Sequence[str] | None = None,
    ignore: Sequence[str] | None = None,
    random_state: int | np.random.Generator | None = 0,
    store: StoreLike = "default",
    progress: bool | None = None,
) -> Anchor:
    """Find a short conjunction of the instance's features that keeps the model's answer.

    Parameters
    ----------
    model, probe, target, answer, random_state, store, progress
        As for :func:`~surrogates.local.explain.explain`.
    background, background_rows, law, groups, feature_names, ignore
        For a row, as there.
    precision : float, default 0.95
        Share of the same answers to prove under the rule.
    confidence : float, default 0.95
        The proof is wrong in at most the rest of runs.
    budget : int, optional
        The most inputs the model may be asked; by default 512 questions, times the probe's replicates.
    same : float or callable, optional
        What counts as the same answer: a tolerance in the unit of the target, or a function of the explained numbers
        ``(n, k)`` that returns a truth value a row. By default, without `target`, the most likely class
        for classifiers and for functions whose numbers add up to 1 as probabilities do, and for anything else to be
        nearer to the answer for the instance than to that for the reference.
    max_length : int, default 6
        The most conditions.

    Returns
    -------
    Anchor

    Raises
    ------
    InputError
        For a parameter that breaks its rule, or if the instance itself does not count as the same.

    Notes
    -----
    The question is that of Ribeiro, Singh and Guestrin (2018). Their search spends real answers on every candidate;
    here a Gaussian process ranks candidates, and only the chosen one is tested, by betting (Waudby-Smith and Ramdas
    2024). Conditions on real features are the middle third of the feature's law around the instance.

    Examples
    --------
    >>> from probes import MaskProbe
    >>> rule = anchor(lambda Z: Z[:, 1] * Z[:, 4] + 0.1 * Z[:, 2], MaskProbe(8), store=None)
    >>> rule.words, rule.proved, rule.coverage
    ('x1 present and x4 present', True, 0.25)
    """
    number("precision", precision, low=0.5, high=1, open_high=True)
    number("confidence", confidence, low=0.5, high=1, open_high=True)
    longest = integer("max_length", max_length, least=1)
    if not (same is None or callable(same) or (isinstance(same, Real) and 0 < same < np.inf)):
        raise InputError("same", "be a positive tolerance, a function or None", same)
    seed = random_seed(random_state)
    row = RowSettings(background, background_rows, law, groups, feature_names, ignore, seed)
    session = Session(Question.of(model, probe, row, target, answer), budget, store, progress)
    rows = 512 if budget is None else session.allowance.rows
    if rows < 64 and rows < 2 ** len(session.question.probe.features):
        least = Allowance.budget_for(session.question, 64)
        raise InputError("budget", f"be at least {least}: a precision takes dozens of answers to prove", budget)
    search = _Search(session, _Settings(precision, confidence, rows, same, longest, seed, budget))
    return search.anchor(*search.run())


@dataclass(frozen=True)
class _Settings:
    """What is searched for, and how far.

    Attributes
    ----------
    precision, confidence, same, max_length
        As for :func:`anchor`.
    rows : int
        The most rows that are asked.
    seed : int
    budget : int or None
        As the user gave it.
    """

    precision: float
    confidence: float
    rows: int
    same: SameLike
    max_length: int
    seed: int
    budget: int | None


@dataclass(frozen=True)
class _Tested:
    """A rule, with what was answered under it.

    Attributes
    ----------
    members : tuple of int
        Features that have a condition.
    outcomes : ndarray ``(n,)``
        Whether each answer was the same.
    low : float
        Lower confidence bound of the precision.
    """

    members: Members
    outcomes: np.ndarray
    low: float


class _Search:
    """Candidates, tested one after the other on the model's answers."""

    def __init__(self, session: Session, settings: _Settings):
        self.session, self.settings = session, settings
        self.features = session.question.probe.features
        self.rng = np.random.default_rng(settings.seed)
        self.asked: list[np.ndarray] = []
        self.distinct = set[bytes]()
        self.kept: list[np.ndarray] = []
        self.exact, self.unconditional = False, 0.0

    def run(self) -> tuple[_Tested, str, float, Said]:
        """Search: the best rule, what counts as the same in words, the share of the same without it, both ends."""
        rows, features = self.settings.rows, self.features
        design = sample(features, max(32, rows // 3), self.rng)
        if corners(len(features)) <= rows and all(f.kind == "binary" for f in features):
            design = sample(features, rows, self.rng)
        ends = self.session.ask(Design(design.Z[:2], 2))
        same, holds = sameness(ends, self.settings.same, self.session.question.targeted)
        self._learn(ends, same)
        first = self.session.ask(design)
        self._learn(first, same)
        self.exact = first.design.exact
        self.unconditional = float(self.kept[1][first.design.fixed :].mean())
        tried = set[Members]()
        best = self._next(tried, same) or _Tested((), np.empty(0, dtype=bool), 0.0)
        while best.low < self.settings.precision and not self.exact and self.left >= _BLOCK:
            tested = self._next(tried, same)
            if tested is None:
                break
            best = max(best, tested, key=lambda t: t.low)
        return best, holds, self.unconditional, said_of(ends, self.settings.same, self.session.question.targeted)

    def _next(self, tried: set[Members], same: Same) -> _Tested | None:
        """Test the next candidate; None if there is none left."""
        members = self._candidate(tried)
        if members is None:
            return None
        tried.add(members)
        if self.exact:
            return self._counted(members)
        alpha = (1 - self.settings.confidence) * 6 / (np.pi * len(tried)) ** 2
        return self._test(members, alpha, same)

    def anchor(self, best: _Tested, holds: str, unconditional: float, said: Said) -> Anchor:
        """Return the best rule as a result."""
        session, settings, probe = self.session, self.settings, self.session.question.probe
        rule = Box(tuple(condition(self.features, i) for i in best.members))
        notes = list(probe.notes)
        if why := session.scorer.neighbours:
            notes.append(one_by_one(why))
        if session.noisy:
            notes.append("The model answers the same question differently each time: nothing is proved.")
        return Anchor(
            rule=rule,
            words=" and ".join(in_words(c, self.features) for c in rule.conditions) or "always",
            holds=holds,
            precision=float(best.outcomes.mean()),
            low=best.low,
            coverage=coverage(self.features, best.members),
            confidence=settings.confidence,
            proved=best.low >= settings.precision and not session.noisy,
            rows=len(best.outcomes),
            unconditional=unconditional,
            exact=self.exact,
            warnings=tuple(notes),
            cost=cost_data(session.cost),
            asked=float(settings.precision),
            features=self.features,
            view={**probe.view(), "said": said},
            answer=session.answer if session.question.generative else None,
            provenance=provenance(
                probe, session.identity.id, len(self.distinct), settings.budget, settings.seed, session.cost
            ),
        )

    @property
    def left(self) -> int:
        """Rows that may still be asked; those asked before cost nothing."""
        return self.settings.rows - len(self.distinct)

    def _counted(self, members: Members) -> _Tested:
        """Return a rule with all answers under it, where every one is known."""
        outcomes = counted(self.asked[1][2:], self.kept[1][2:], members)
        return _Tested(members, outcomes, float(outcomes.mean()))

    def _precisions(self, members: Members, added: Sequence[int]) -> np.ndarray:
        """Count the precisions of a rule with each feature added, where every answer is known."""
        return np.array([self._counted((*members, i)).low for i in added])

    def _learn(self, reply: Reply, same: Same) -> np.ndarray:
        """Take note of answers: whether each is the same, ``(n,)``."""
        kept, Z = same(reply.answers.y), reply.design.Z
        if not self.asked and not kept[0]:
            raise InputError("same", "hold for the instance itself", reply.answers.y[0])
        self.asked.append(Z)
        self.distinct.update(row.tobytes() for row in np.ascontiguousarray(Z))
        self.kept.append(kept)
        return kept

    def _candidate(self, tried: set[Members]) -> Members | None:
        """Return the next rule to test; None if there is none left."""
        Z, kept = np.vstack(self.asked), np.concatenate(self.kept)
        if () not in tried and self.unconditional >= self.settings.precision:
            return ()
        if kept.all():
            return None
        precisions: Precisions = self._precisions if self.exact else estimated(self.features, Z, kept, self.rng)
        return proposed(precisions, len(self.features), tried, self.settings.precision, self.settings.max_length)

    def _test(self, members: Members, alpha: float, same: Same) -> _Tested:
        """Draw answers under the rule until it is proved, hopeless, or the budget is spent; count a few corners."""
        outcomes, precision = np.empty(0, dtype=bool), self.settings.precision
        free = [i for i in range(len(self.features)) if i not in members]
        if corners(len(free)) <= _BLOCK and all(f.kind == "binary" for f in self.features):
            table = cube(len(free))
            Z = np.ones((len(table), len(self.features)))
            Z[:, free] = table
            outcomes = self._learn(self.session.ask(Design(Z, 0)), same)
            return _Tested(members, outcomes, float(outcomes.mean()))
        while True:
            Z = rows_under(self.features, members, min(_BLOCK, max(self.left, 1)), self.rng)
            outcomes = np.concatenate([outcomes, self._learn(self.session.ask(Design(Z, 0)), same)])
            low = precision_bound(outcomes, alpha, precision)
            hopeless = stats.beta.ppf(0.9, outcomes.sum() + 1, max((~outcomes).sum(), 1e-9)) < precision
            # draws of what is known cost nothing, and could go on for ever
            if low >= precision or hopeless or self.left < _BLOCK or len(outcomes) >= self.settings.rows:
                return _Tested(members, outcomes, low)
