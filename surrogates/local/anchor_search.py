"""Anchors: which features, once present, settle the answer whatever happens to the others.

An anchor is a conjunction under which the model keeps the answer it gives the instance. Candidates are searched with a
proxy, which costs nothing; the one found is then tested on real answers drawn under it, until its precision is proved
at the stated confidence, or the next candidate's turn comes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from probes.asking.ask import Answers, Cost
from probes.asking.session import Inquiry, as_seed
from probes.design import Design, corners, independent, sample
from probes.errors import InputError, ModelError
from probes.probe import Feature, Probe
from probes.store.store import Store
from surrogates.local.anchor import Anchor, in_words
from surrogates.numerics.sequential_tests import precision_bound
from surrogates.proxy.cube_proxy import CubeProxy
from surrogates.results.provenance import Provenance, cost_data, provenance
from surrogates.terms import Box

__all__ = ["Anchor", "anchor"]

#: half-width of the condition on a real feature, in standard deviations: the middle third of its law
_NEAR = float(stats.norm.ppf(2 / 3))
_BEAM, _FREE, _BLOCK = 8, 512, 16


def anchor(
    model: object,
    probe: Probe | str | pd.Series | pd.DataFrame | Mapping[str, Any],
    *,
    precision: float = 0.95,
    confidence: float = 0.95,
    budget: int | None = None,
    same: Callable[[np.ndarray], Any] | float | None = None,
    max_length: int = 6,
    target: Any = None,
    background: pd.DataFrame | np.ndarray | None = None,
    random_state: int | np.random.Generator | None = 0,
    store: Store | str | Path | None = "default",
    progress: bool | None = None,
) -> Anchor:
    """A short conjunction of the instance's features that keeps the model's answer.

    Parameters
    ----------
    model, probe, background, target, random_state, store, progress
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
    for name, value in (("precision", precision), ("confidence", confidence)):
        if not isinstance(value, Real) or not 0.5 <= value < 1:
            raise InputError(name, "be a number from 0.5 to below 1", value)
    if not isinstance(max_length, Integral) or isinstance(max_length, bool) or max_length < 1:
        raise InputError("max_length", "be a positive integer", max_length)
    if not (same is None or callable(same) or (isinstance(same, Real) and 0 < same < np.inf)):
        raise InputError("same", "be a positive tolerance, a function or None", same)
    seed = as_seed(random_state)
    inquiry = Inquiry(model, probe, background, target, store, progress)
    rows = 512 if budget is None else inquiry.rows(budget)
    if rows < 64 and rows < 2 ** len(inquiry.probe.features):
        least = inquiry.budget_for(64)
        raise InputError("budget", f"be at least {least}: a precision takes dozens of answers to prove", budget)
    found = _Search(inquiry, precision, confidence, rows, same, int(max_length), seed)
    return replace(found.run(), provenance=found.provenance(budget, seed))


class _Search:
    """Candidates from a proxy, tested one after the other."""

    def __init__(
        self, inquiry: Inquiry, precision: float, confidence: float, rows: int, same: Any, max_length: int, seed: int
    ):
        self.inquiry, self.features = inquiry, inquiry.probe.features
        self.precision, self.confidence, self.rows, self.same, self.max_length = (
            precision,
            confidence,
            rows,
            same,
            max_length,
        )
        self.rng = np.random.default_rng(seed)
        self.cost = Cost()
        self.asked: list[np.ndarray] = []
        self.distinct = set[bytes]()
        self.exact = False
        self.kept: list[np.ndarray] = []

    def run(self) -> Anchor:
        design = sample(self.features, max(32, self.rows // 3), self.rng)
        if corners(len(self.features)) <= self.rows and all(f.kind == "binary" for f in self.features):
            design = sample(self.features, self.rows, self.rng)
        ends = self.inquiry.ask(Design(design.Z[:2], 2))
        self._same, self.holds = self._sameness(ends)
        self._learn(ends)
        first = self.inquiry.ask(design)
        self._learn(first)
        self.exact = first.design.exact
        sampled = self.kept[1][first.design.fixed :]
        best: tuple[tuple[int, ...], np.ndarray, float] | None = None
        tried = set[tuple[int, ...]]()
        while self.left >= _BLOCK or best is None or self.exact:
            members = self._candidate(tried)
            if members is None:
                break
            tried.add(members)
            alpha = (1 - self.confidence) * 6 / (np.pi * len(tried)) ** 2
            outcomes, low = self._counted(members) if self.exact else self._test(members, alpha)
            if best is None or low > best[2]:
                best = (members, outcomes, low)
            if low >= self.precision or self.exact:
                break
        assert best is not None
        members, outcomes, low = best
        rule = Box(tuple(self._condition(i) for i in members))
        noisy = self.inquiry.noisy
        notes = list(self.inquiry.probe.notes)
        if noisy:
            notes.append("The model answers the same question differently each time: nothing is proved.")
        return Anchor(
            rule=rule,
            words=" and ".join(in_words(condition, self.features) for condition in rule.conditions) or "always",
            holds=self.holds,
            precision=float(outcomes.mean()),
            low=low,
            coverage=self._coverage(members),
            confidence=self.confidence,
            proved=low >= self.precision and not noisy,
            rows=len(outcomes),
            unconditional=float(sampled.mean()),
            exact=self.exact,
            warnings=tuple(notes),
            cost=cost_data(self.cost),
            asked=float(self.precision),
            features=self.features,
            view=dict(self.inquiry.probe.view()),
            answer=self.inquiry.answer if self.inquiry.generative else None,
        )

    def provenance(self, budget: int | None, seed: int) -> Provenance:
        """Where it comes from; to be called after the search."""
        return provenance(self.inquiry.probe, self.inquiry.identity().id, len(self.distinct), budget, seed, self.cost)

    @property
    def left(self) -> int:
        """Rows that may still be asked; those asked before cost nothing."""
        return self.rows - len(self.distinct)

    def _counted(self, members: tuple[int, ...]) -> tuple[np.ndarray, float]:
        """All answers under a rule, where every one is known."""
        Z, kept = self.asked[1][2:], self.kept[1][2:]
        outcomes = kept[Z[:, list(members)].all(axis=1)]
        return outcomes, float(outcomes.mean())

    def _sameness(self, answers: Answers) -> tuple[Callable[[np.ndarray], np.ndarray], str]:
        """From the answers for the instance and the reference: a test of raw outputs, and what it says in words."""
        y = self.inquiry.y(answers)
        number = self.inquiry.number
        assert number is not None
        name = number.outputs[0]
        if callable(self.same):
            function = self.same

            def own(raw: np.ndarray) -> np.ndarray:
                try:
                    found = np.asarray(function(number(raw)))
                except Exception as error:
                    raise ModelError(f"same raised {type(error).__name__}: {error}") from error
                if found.dtype.kind == "f" and np.isnan(found).any():
                    raise ModelError("same must return truth values; got NaN.")
                if found.shape not in ((len(raw),), (len(raw), 1)):
                    raise ModelError(f"same must return one truth value a row, {len(raw)}; got shape {found.shape}.")
                return found.astype(bool).reshape(len(raw))

            return own, "the answer counts as the same"
        if isinstance(self.same, Real):
            reach, middle = float(self.same), y[0]
            words = f"{name} is within {reach:g} of {y[0, 0]:.4g}"
            return lambda a: (np.abs(number(a) - middle) <= reach).all(axis=1), words
        raw = answers.y
        classes = answers.unit in ("logit", "log-odds", "margin", "probability") and raw.shape[1] > 1
        if classes and not self.inquiry.targeted:
            top = int(np.argmax(raw[0]))
            return lambda a: a.argmax(axis=1) == top, f"the answer is {answers.outputs[top]}"
        if y.shape[1] > 1:
            raise InputError("target", "name one output, or same say what counts as the same", number.outputs)
        if np.isclose(y[0, 0], y[1, 0], rtol=1e-9, atol=0):
            raise InputError(
                "same",
                "be given: the answers for the instance and the reference are equal, none is nearer",
                float(y[0, 0]),
            )
        border, up = (y[0, 0] + y[1, 0]) / 2, y[0, 0] > y[1, 0]
        words = f"{name} is {'above' if up else 'below'} {border:.4g}, nearer to the instance than to the reference"
        return lambda a: (number(a)[:, 0] > border) == up, words

    def _learn(self, answers: Answers) -> np.ndarray:
        kept, Z = self._same(answers.y), answers.design.Z
        if not self.asked and not kept[0]:
            raise InputError("same", "hold for the instance itself", answers.y[0])
        self.cost += answers.cost
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
        for _ in range(min(self.max_length, len(self.features))):
            grown = {tuple(sorted({*b, i})) for b in beam for i in range(len(self.features)) if i not in b}
            scored = sorted(((believed(c), c) for c in grown), reverse=True)
            fresh = [s for s in scored if s[1] not in tried]
            if fresh and (best is None or fresh[0][0] > best[0]):
                best = fresh[0]
            if best is not None and best[0] >= self.precision:
                break
            beam = [c for _, c in scored[:_BEAM]]
        return None if best is None else best[1]

    def _counted_precision(self, members: tuple[int, ...]) -> float:
        return self._counted(members)[1]

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

    def _test(self, members: tuple[int, ...], alpha: float) -> tuple[np.ndarray, float]:
        """Draw answers under the rule until it is proved, hopeless, or the budget is spent."""
        outcomes = np.empty(0, dtype=bool)
        low = 0.0
        while True:
            Z = self._under(members, min(_BLOCK, max(self.left, 1)))
            outcomes = np.concatenate([outcomes, self._learn(self.inquiry.ask(Design(Z, 0)))])
            low = precision_bound(outcomes, alpha, self.precision)
            hopeless = stats.beta.ppf(0.9, outcomes.sum() + 1, max((~outcomes).sum(), 1e-9)) < self.precision
            if low >= self.precision or hopeless or self.left < _BLOCK:
                return outcomes, low


def _within(feature: Feature, m: int, rng: np.random.Generator) -> np.ndarray:
    """m values of a feature under its condition."""
    if feature.kind == "binary":
        return np.ones(m)
    return stats.truncnorm.rvs(-_NEAR, _NEAR, loc=feature.loc, scale=feature.scale, size=m, random_state=rng)
