"""Anchors: which features, once present, settle the answer whatever happens to the others.

An anchor is a conjunction under which the model keeps the answer it gives the instance. Candidates are searched with a
proxy, which costs nothing; the one found is then tested on real answers drawn under it, until its precision is proved
at the stated confidence, or the next candidate's turn comes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np
import pandas as pd
from scipy import stats

from probes.asking.allowance import Allowance
from probes.asking.question import Question
from probes.asking.session import Reply, Session, StoreLike
from probes.design import Design, corners, independent, random_seed, sample
from probes.errors import InputError, integer, number
from probes.inputs.adapt import ProbeLike
from probes.models.adapt import ModelLike
from probes.outputs.target import TargetLike
from probes.probe import Feature
from surrogates.local.anchor import Anchor, in_words
from surrogates.local.sameness import Same, SameLike, sameness
from surrogates.numerics.sequential_tests import precision_bound
from surrogates.proxy.cube_proxy import CubeProxy
from surrogates.results.provenance import cost_data, provenance
from surrogates.terms import Box

__all__ = ["Anchor", "anchor"]

#: half-width of the condition on a real feature, in standard deviations: the middle third of its law
_NEAR = float(stats.norm.ppf(2 / 3))
_BEAM, _FREE, _BLOCK = 8, 512, 16


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
    random_state: int | np.random.Generator | None = 0,
    store: StoreLike = "default",
    progress: bool | None = None,
) -> Anchor:
    """A short conjunction of the instance's features that keeps the model's answer.

    Parameters
    ----------
    model, probe, background, target, answer, random_state, store, progress
        As for :func:`~surrogates.local.explain.explain`.
    precision : float, default 0.95
        Share of the same answers to prove under the rule.
    confidence : float, default 0.95
        The proof is wrong in at most the rest of runs.
    budget : int, optional
        The most inputs the model may be asked; by default 512 questions, times the probe's replicates.
    same : float or callable, optional
        What counts as the same answer: a tolerance in the unit of the target, or a function of the explained numbers
        ``(n, k)`` that returns a truth value a row. By default the most likely class for classifiers without `target`,
        and for anything else to be nearer to the answer for the instance than to that for the reference.
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
    >>> found = anchor(lambda Z: Z[:, 1] * Z[:, 4] + 0.1 * Z[:, 2], MaskProbe(8), store=None)
    >>> found.words, found.proved, found.coverage
    ('x1 present and x4 present', True, 0.25)
    """
    number("precision", precision, low=0.5, high=1, open_high=True)
    number("confidence", confidence, low=0.5, high=1, open_high=True)
    longest = integer("max_length", max_length, least=1)
    if not (same is None or callable(same) or (isinstance(same, Real) and 0 < same < np.inf)):
        raise InputError("same", "be a positive tolerance, a function or None", same)
    seed = random_seed(random_state)
    session = Session(Question.of(model, probe, background, target, answer), budget, store, progress)
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

    members: tuple[int, ...]
    outcomes: np.ndarray
    low: float


class _Search:
    """Candidates from a proxy, tested one after the other."""

    def __init__(self, session: Session, settings: _Settings):
        self.session, self.settings = session, settings
        self.features = session.question.probe.features
        self.rng = np.random.default_rng(settings.seed)
        self.asked: list[np.ndarray] = []
        self.distinct = set[bytes]()
        self.kept: list[np.ndarray] = []
        self.exact = False

    def run(self) -> tuple[_Tested, str, float]:
        """Search: the best rule, what counts as the same in words, and the share of the same answers without it."""
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
        unconditional = float(self.kept[1][first.design.fixed :].mean())
        tried = set[tuple[int, ...]]()
        best = self._next(tried, same) or _Tested((), np.empty(0, dtype=bool), 0.0)
        while best.low < self.settings.precision and not self.exact and self.left >= _BLOCK:
            tested = self._next(tried, same)
            if tested is None:
                break
            best = max(best, tested, key=lambda t: t.low)
        return best, holds, unconditional

    def _next(self, tried: set[tuple[int, ...]], same: Same) -> _Tested | None:
        """Test the next candidate; None if there is none left."""
        members = self._candidate(tried)
        if members is None:
            return None
        tried.add(members)
        if self.exact:
            return self._counted(members)
        alpha = (1 - self.settings.confidence) * 6 / (np.pi * len(tried)) ** 2
        return self._test(members, alpha, same)

    def anchor(self, best: _Tested, holds: str, unconditional: float) -> Anchor:
        """The best rule as a result."""
        session, settings, probe = self.session, self.settings, self.session.question.probe
        rule = Box(tuple(self._condition(i) for i in best.members))
        notes = list(probe.notes)
        if session.noisy:
            notes.append("The model answers the same question differently each time: nothing is proved.")
        return Anchor(
            rule=rule,
            words=" and ".join(in_words(condition, self.features) for condition in rule.conditions) or "always",
            holds=holds,
            precision=float(best.outcomes.mean()),
            low=best.low,
            coverage=self._coverage(best.members),
            confidence=settings.confidence,
            proved=best.low >= settings.precision and not session.noisy,
            rows=len(best.outcomes),
            unconditional=unconditional,
            exact=self.exact,
            warnings=tuple(notes),
            cost=cost_data(session.cost),
            asked=float(settings.precision),
            features=self.features,
            view=dict(probe.view()),
            answer=session.answer if session.question.generative else None,
            provenance=provenance(
                probe, session.identity.id, len(self.distinct), settings.budget, settings.seed, session.cost
            ),
        )

    @property
    def left(self) -> int:
        """Rows that may still be asked; those asked before cost nothing."""
        return self.settings.rows - len(self.distinct)

    def _counted(self, members: tuple[int, ...]) -> _Tested:
        """All answers under a rule, where every one is known."""
        Z, kept = self.asked[1][2:], self.kept[1][2:]
        outcomes = kept[Z[:, list(members)].all(axis=1)]
        return _Tested(members, outcomes, float(outcomes.mean()))

    def _learn(self, reply: Reply, same: Same) -> np.ndarray:
        """Take note of answers: whether each is the same, ``(n,)``."""
        kept, Z = same(reply.answers.y), reply.design.Z
        if not self.asked and not kept[0]:
            raise InputError("same", "hold for the instance itself", reply.answers.y[0])
        self.asked.append(Z)
        self.distinct.update(row.tobytes() for row in np.ascontiguousarray(Z))
        self.kept.append(kept)
        return kept

    def _condition(self, i: int) -> tuple[int, float, float]:
        feature = self.features[i]
        if feature.kind == "binary":
            return i, 0.5, np.inf
        return i, feature.loc - _NEAR * feature.scale, feature.loc + _NEAR * feature.scale

    def _coverage(self, members: Sequence[int]) -> float:
        return float(np.prod([0.5 if self.features[i].kind == "binary" else 1 / 3 for i in members]))

    def _under(self, members: Sequence[int], m: int) -> np.ndarray:
        """m independent rows of the law under the rule."""
        Z = independent(self.features, m, self.rng)
        for i in members:
            Z[:, i] = _within(self.features[i], m, self.rng)
        return Z

    def _candidate(self, tried: set[tuple[int, ...]]) -> tuple[int, ...] | None:
        """The shortest rule whose precision the proxy believes in; else the best it can find."""
        Z, kept = np.vstack(self.asked), np.concatenate(self.kept)
        if kept.all():
            return () if () not in tried else None
        believed = self._counted_precision if self.exact else self._believed(Z, kept)

        beam: list[tuple[int, ...]] = [()]
        best: tuple[float, tuple[int, ...]] | None = None
        for _ in range(min(self.settings.max_length, len(self.features))):
            grown = {tuple(sorted({*b, i})) for b in beam for i in range(len(self.features)) if i not in b}
            scored = sorted(((believed(c), c) for c in grown), reverse=True)
            fresh = [s for s in scored if s[1] not in tried]
            if fresh and (best is None or fresh[0][0] > best[0]):
                best = fresh[0]
            if best is not None and best[0] >= self.settings.precision:
                break
            beam = [c for _, c in scored[:_BEAM]]
        return None if best is None else best[1]

    def _counted_precision(self, members: tuple[int, ...]) -> float:
        return self._counted(members).low

    def _believed(self, Z: np.ndarray, kept: np.ndarray) -> Callable[[tuple[int, ...]], float]:
        """Precision of a rule as a proxy sees it."""
        proxy = CubeProxy().fit(Z, kept.astype(float))
        free = independent(self.features, _FREE, self.rng)
        near = np.column_stack([_within(f, _FREE, self.rng) for f in self.features])

        def believed(members: tuple[int, ...]) -> float:
            rows = free.copy()
            rows[:, list(members)] = near[:, list(members)]
            return float(np.clip(proxy.predict(rows), 0, 1).mean())

        return believed

    def _test(self, members: tuple[int, ...], alpha: float, same: Same) -> _Tested:
        """Draw answers under the rule until it is proved, hopeless, or the budget is spent."""
        outcomes, precision = np.empty(0, dtype=bool), self.settings.precision
        while True:
            Z = self._under(members, min(_BLOCK, max(self.left, 1)))
            outcomes = np.concatenate([outcomes, self._learn(self.session.ask(Design(Z, 0)), same)])
            low = precision_bound(outcomes, alpha, precision)
            hopeless = stats.beta.ppf(0.9, outcomes.sum() + 1, max((~outcomes).sum(), 1e-9)) < precision
            if low >= precision or hopeless or self.left < _BLOCK:
                return _Tested(members, outcomes, low)


def _within(feature: Feature, m: int, rng: np.random.Generator) -> np.ndarray:
    """m values of a feature under its condition."""
    if feature.kind == "binary":
        return np.ones(m)
    return stats.truncnorm.rvs(-_NEAR, _NEAR, loc=feature.loc, scale=feature.scale, size=m, random_state=rng)
