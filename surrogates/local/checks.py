"""Checks: does an explanation survive what should not matter, and fail where it should?

Every check is one comparison, asked for after the explanation is made, with its own cost. It returns a sentence and the
numbers behind it; nothing is hidden where a check cannot be made.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from probes.asking.answers import Answers
from probes.asking.question import Question
from probes.asking.session import Session, StoreLike
from probes.design import Design, corners, independent, random_seed, sample, uniform
from probes.errors import InputError, ModelError, UnavailableError, integer
from probes.inputs.adapt import ProbeLike, RowSettings
from probes.inputs.locality import Law
from probes.models.adapt import ModelLike, as_model
from probes.rounding import between, counted, rounded, score
from surrogates.judging.agreement import r2
from surrogates.judging.analysis import Analysis, analyse
from surrogates.judging.background import RowAnswers, row_answers
from surrogates.judging.problem import Problem
from surrogates.judging.verdict import PERMUTED
from surrogates.local.compared import resized_features, size_of, turned_features
from surrogates.local.explanation import Explanation
from surrogates.local.finding import Finding
from surrogates.results.provenance import cost_data

__all__ = ["CHECKS", "check", "fresh_interval"]

log = logging.getLogger(__name__)

_TOP = 5
#: agreement from which two explanations count as the same
_AGREE = 0.8
#: difference of R² that nobody sees in two digits
_SAME = 0.01
#: fewest answers that are judged by
LEAST = 24


@dataclass(frozen=True)
class _Case:
    """What a check works with."""

    explanation: Explanation
    session: Session
    model: ModelLike
    questions: int
    seeds: int
    seed: int

    def study(self, session: Session, design: Design) -> Analysis:
        """Ask a design and fit the explanation's family to the answers."""
        reply = session.ask(design)
        rows = row_answers(reply.answers, reply.y, reply.target, session.question.probe.replication)
        return self._analysed(reply.answers, reply.y, rows)

    def baseline(self) -> Analysis:
        """Explain the explanation's answers to :meth:`part`; nothing is asked."""
        design, y = self.explanation.answers.design, self.explanation.y
        start = design.fixed + design.block
        part = self.part()
        kept = np.r_[0:2, start : start + len(part.sampled)]
        answers, drawn = self.explanation.answers, self.session.question.probe.replication
        rows = row_answers(answers, y, self.explanation.target, drawn)
        if rows is not None:
            rows = replace(rows, deviations=rows.deviations[kept])
        return self._analysed(replace(answers, design=part, y=answers.y[kept]), y[kept], rows)

    def _analysed(self, answers: Answers, y: np.ndarray, rows: RowAnswers | None) -> Analysis:
        ex = self.explanation
        problem = Problem.of(answers, y, ex.target.outputs, ex.features, self.seed, rows)
        return analyse(ex.surrogate, problem, control=False)

    def part(self) -> Design:
        """Return the instance, the reference and the first judged rows of the explanation's design."""
        design = self.explanation.answers.design
        rows = len(design.judged) if design.exact else self.questions
        return Design(np.vstack([design.Z[:2], design.judged[:rows]]), 2, population=design.population)

    def too_few(self) -> bool:
        """Return whether the explanation's answers are too few to compare with others."""
        part = self.part()
        return not part.exact and len(part.sampled) < max(LEAST, self.explanation.surrogate.least)


def _fresh(case: _Case) -> Finding:
    """Measure the R² of the surrogate on questions drawn anew."""
    ex = case.explanation
    if ex.fidelity.exact:
        return Finding("fresh", None, "Every possible question was asked: there are no fresh ones.")
    design, rng = ex.answers.design, np.random.default_rng([case.seed, 2])
    rows = case.questions
    if all(f.kind == "binary" for f in ex.features) and not ex.answers.noisy:
        d = len(ex.features)
        rows = int(min(rows, corners(d) - len(np.unique(design.Z, axis=0))))
        if rows < LEAST:
            return Finding("fresh", None, f"Too few are left to judge by: {counted(rows, 'question')} not asked yet.")
        Z = uniform(d, rows, rng, but=design.Z)
    else:
        Z = independent(ex.features, rows, rng)
    reply = case.session.ask(Design(Z, 0))
    y, Z = reply.y, reply.design.Z
    predicted = ex.predict(Z).reshape(len(Z), -1)
    reached, (low, high) = r2(y, predicted), fresh_interval(y, predicted)
    fits = (low <= np.array(ex.fidelity.r2_high) + _SAME) & (high >= np.array(ex.fidelity.r2_low) - _SAME)
    numbers = {
        f"{name}: {what}": float(values[j])
        for j, name in enumerate(ex.target.outputs)
        for what, values in {"R²": reached, "low": low, "high": high}.items()
    }
    if np.isnan(reached).all():
        return Finding("fresh", None, "The model's answer does not vary.")
    j = int(np.nanargmin(reached))
    said = (
        f"On {len(Z)} fresh questions R² is {score(reached[j])} {between(low[j], high[j], score)}; "
        f"reported were {ex.fidelity.scored(j)}."
    )
    return Finding("fresh", bool(np.all(fits | np.isnan(reached))), said, numbers)


def fresh_interval(y: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute the 95% interval of R² on independent rows, ``(k,)`` each end: delta method, log-normal for 1 − R²."""
    m = len(y)
    error, total = (y - predicted) ** 2, (y - y.mean(axis=0)) ** 2
    scale = np.maximum(error.mean(axis=0), 1e-300)
    share = error / scale - total / np.maximum(total.mean(axis=0), 1e-300)
    factor = np.exp(stats.t.ppf(0.975, m - 1) * share.std(axis=0, ddof=1) / np.sqrt(m))
    lost = 1 - r2(y, predicted)
    return 1 - lost * factor, 1 - lost / factor


def _removal(case: _Case) -> Finding:
    """Ask the same questions with absent features taken away in another manner."""
    variants = case.session.question.probe.variants()
    if not variants:
        return Finding("removal", None, "There is only one way to take a feature of this probe away.")
    if case.too_few():
        return Finding("removal", None, "The explanation has too few sampled answers to compare with others.")
    design, baseline = case.part(), case.baseline()
    worst, lines, numbers = 1.0, [], dict[str, float]()
    for name, probe in variants.items():
        other = case.study(case.session.at(probe), design)
        concordance, rank, shared, top = _agreement(baseline, other)
        turned, resized, size = (
            turned_features(baseline, other),
            resized_features(baseline, other),
            size_of(baseline, other),
        )
        worst = min(worst, concordance if not turned and not resized else 0.0)
        numbers |= {
            f"{name}: concordance": concordance,
            f"{name}: rank agreement": rank,
            f"{name}: shared of top {top}": shared,
            f"{name}: turned": float(len(turned)),
            f"{name}: size": size,
            f"{name}: resized": float(len(resized)),
        }
        against = f"; opposite and clear in both: {', '.join(turned[:3])}" if turned else ""
        against += f"; of another size, beyond their intervals: {', '.join(resized[:3])}" if resized else ""
        said = f"effects agree {score(concordance)} and are {rounded(size)} times the size"
        lines.append(f"{name}: {said}, {shared:.0f} of the top {top} shared{against}")
    meaning = f" {said}" if (said := case.session.question.probe.between_variants) else ""
    sentence = f"Other ways to take features away: {'; '.join(lines)}.{meaning}"
    return Finding("removal", worst >= _AGREE, sentence, numbers)


def _stability(case: _Case) -> Finding:
    """Explain with other seeds: other questions, as many."""
    ex = case.explanation
    if ex.fidelity.exact:
        return Finding("stability", None, "Every possible question was asked: another seed changes nothing.")
    rows = max(min(case.questions, len(ex.answers.design)), LEAST + 2)
    seeds = [np.random.default_rng([case.seed, 3, j]) for j in range(case.seeds)]
    analyses = [case.study(case.session, sample(ex.features, rows, rng)) for rng in seeds]
    pairs = np.array([_agreement(a, b) for a, b in combinations(analyses, 2)])
    concordance, rank, shared, top = (float(v) for v in pairs.mean(axis=0))
    said = (
        f"Over {case.seeds} seeds of {rows} questions each, effects agree {score(concordance)} (ranks {score(rank)}) "
        f"and {rounded(shared)} of the top {rounded(top)} are shared, on average over pairs."
    )
    numbers = {"concordance": concordance, "rank agreement": rank, f"shared of top {rounded(top)}": shared}
    return Finding("stability", concordance >= _AGREE, said, numbers)


def _permuted(case: _Case) -> Finding:
    """Explain shuffled answers; no new question."""
    values = [v for v in case.explanation.fidelity.permuted if np.isfinite(v)]
    if not values:
        return Finding("permuted", None, "The answers do not vary: there is nothing to shuffle.")
    worst = max(values)
    said = f"Fitted to shuffled answers, the method reaches a held-out R² of {score(worst)}; it should find nothing."
    return Finding("permuted", worst <= PERMUTED, said, {"R²": worst})


def _randomised(case: _Case) -> Finding:
    """Explain a model of the same build that has learnt nothing: it should be explained differently."""
    adapted = case.session.question.probe.asked_of(as_model(case.model))
    rng = np.random.default_rng([case.seed, 4])
    other = adapted.randomised(rng, case.session.question.probe.typical())
    if other is None:
        return Finding("randomised", None, "What this model has learnt cannot be taken from it: it is opaque.")
    names = list(dict.fromkeys(case.explanation.attributions["feature"]))
    if len(names) < 6 or case.too_few():
        return Finding("randomised", None, "Fewer than six features or too few answers: agreement would mean nothing.")
    baseline, empty = case.baseline(), case.study(case.session.put_to(other), case.part())
    pairs = [
        (np.abs(_effects(baseline, o, names)), np.abs(_effects(empty, o, names)))
        for o in case.explanation.target.outputs
    ]
    still = [bool(np.ptp(b) <= 1e-9 * max(np.ptp(a), 1e-300)) for a, b in pairs]
    if all(still):
        return Finding("randomised", True, "The randomised model's answer does not depend on the features at all.")
    worst = max(float(stats.spearmanr(a, b).statistic) for (a, b), flat in zip(pairs, still, strict=True) if not flat)
    meaning = (
        "the explanation says more of the input than of what the model learnt"
        if worst >= _AGREE
        else "no close agreement, as it should be"
    )
    said = (
        f"Against a model of the same build that has learnt nothing, the sizes of effects agree {score(worst)} (rank "
        f"correlation over {len(names)} features): {meaning}."
    )
    return Finding("randomised", worst < _AGREE, said, {"rank agreement": worst})


def _effects(analysis: Analysis, output: str, names: Sequence[str]) -> np.ndarray:
    table = analysis.attributions
    return table[table["output"] == output].set_index("feature").loc[names, "attribution"].to_numpy(dtype=float)


def _agreement(one: Analysis, other: Analysis) -> tuple[float, float, float, int]:
    """Compare attributions: concordance, rank correlation, shared of the top k, and k; of the worst output.

    Concordance is 2Σab / (Σa² + Σb²): 1 only where the effects are equal, not where they are merely proportional. It
    decides, because ranks of effects near zero are noise.
    """
    names = list(dict.fromkeys(one.attributions["feature"]))
    most = min(_TOP, max(1, len(names) // 2))
    agreements = []
    for output in dict.fromkeys(one.attributions["output"]):
        a, b = (_effects(x, output, names) for x in (one, other))
        # effects of exactly zero are no leading ones
        top = min(most, max(1, int(np.count_nonzero(a)), int(np.count_nonzero(b))))
        leading = [set(np.argsort(-np.abs(v), kind="stable")[: min(top, np.count_nonzero(v))]) for v in (a, b)]
        size = float(a @ a + b @ b)
        concordance = 2 * float(a @ b) / size if size > 0 else 1.0
        flat = min(np.ptp(a), np.ptp(b)) <= 1e-9 * max(np.ptp(a), np.ptp(b), 1e-300)
        rank = concordance if flat else float(stats.spearmanr(a, b).statistic)
        agreements.append((concordance, rank, float(len(leading[0] & leading[1])), top))
    return min(agreements)


#: what can be checked, by name
CHECKS: dict[str, Callable[[_Case], Finding]] = {
    "fresh": _fresh,
    "removal": _removal,
    "stability": _stability,
    "permuted": _permuted,
    "randomised": _randomised,
}


def check(
    explanation: Explanation,
    model: ModelLike,
    probe: ProbeLike,
    checks: Sequence[str] = ("fresh", "removal", "permuted", "randomised"),
    *,
    questions: int = 64,
    seeds: int = 10,
    target: Callable[[np.ndarray], Any] | None = None,
    background: pd.DataFrame | np.ndarray | None = None,
    background_rows: int | None = None,
    law: Law | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    feature_names: Sequence[str] | None = None,
    ignore: Sequence[str] | None = None,
    random_state: int = 0,
    store: StoreLike = "default",
    progress: bool | None = None,
) -> Explanation:
    """Return the explanation with findings on how well it stands up.

    Parameters
    ----------
    explanation : Explanation
    model, probe, background, background_rows, law, groups, feature_names, ignore
        Those it was made with; for a document it may be as it was before it was taken apart.
    checks : sequence of str
        Names of ``CHECKS``: "fresh" judges the surrogate shown on questions drawn anew; "removal" takes absent features
        away in another manner (deleted, masked, other background rows) and compares; "stability" compares `seeds`
        explanations with questions of their own; "permuted" is its control on shuffled answers; "randomised"
        explains a model of the same build that has learnt nothing (shuffled weights or labels), where it can be made.
    questions : int, default 64
        Questions each comparison asks; "stability" asks as many `seeds` times. All but "permuted" cost model calls.
    seeds : int, default 10
    target : callable, optional
        The target function, if the explanation was made with one of the user's own.
    random_state, store, progress
        As for :func:`~surrogates.local.explain.explain`.

    Returns
    -------
    Explanation
        The same, with ``checks``.

    Raises
    ------
    InputError
        If the model or probe is not the explanation's, or a check is unknown.

    Examples
    --------
    >>> from probes import MaskProbe
    >>> from surrogates import explain
    >>> f = lambda Z: 2 * Z[:, 0] - Z[:, 3] + Z[:, 1] * Z[:, 2]
    >>> ex = explain(f, MaskProbe(10), budget=100, store=None)
    >>> checked = check(ex, f, MaskProbe(10), ("fresh", "permuted"), store=None)
    >>> [(finding.name, finding.passed) for finding in checked.checks]
    [('fresh', True), ('permuted', True)]
    """
    if not isinstance(explanation, Explanation):
        raise InputError("explanation", "be an Explanation", explanation)
    wanted = [checks] if isinstance(checks, str) or not isinstance(checks, Iterable) else list(checks)
    if not wanted or (unknown := [name for name in wanted if not isinstance(name, str) or name not in CHECKS]):
        raise InputError("checks", f"name at least one of {', '.join(CHECKS)}", unknown if wanted else wanted)
    questions, seeds = integer("questions", questions, least=LEAST), integer("seeds", seeds, least=2)
    if (explanation.target.unit == "target") != callable(target) or not (target is None or callable(target)):
        raise InputError("target", "be the function that the explanation was made with, and only that", target)
    wanted_target = explanation.target if target is None else target
    seed = explanation.provenance["random_state"]
    row = RowSettings(background, background_rows, law, groups, feature_names, ignore, seed)
    given = probe if explanation.zoom is None else explanation.zoom.probe(probe)
    question = Question.of(model, given, row, wanted_target)
    if question.generative and explanation.answer is not None:
        question = replace(question, answer=explanation.answer)
    session = Session(question, store=store, progress=progress)
    if question.probe.digest != explanation.answers.probe:
        raise InputError("probe", "be the one the explanation was made with", question.probe)
    _same_model(explanation, session)
    case = _Case(explanation, session, model, questions, seeds, random_seed(random_state))
    findings: list[Finding] = []
    for name in wanted:
        before = session.cost
        try:
            finding = CHECKS[name](case)
        except UnavailableError as error:  # nor can those that follow
            findings += [Finding(left, None, f"It could not be made: {error}") for left in wanted[len(findings) :]]
            break
        except ModelError as error:
            finding = Finding(name, None, f"It could not be made: {error}")
        except KeyboardInterrupt:
            if not findings:
                raise
            log.warning("interrupted: %s and what follows was not checked", name)
            break
        findings.append(replace(finding, cost=dict(cost_data(session.cost - before))))
    done = {f.name for f in findings}
    kept = tuple(f for f in explanation.checks if f.name not in done)
    return replace(explanation, checks=(*kept, *findings))


def _same_model(explanation: Explanation, session: Session) -> None:
    """Return whether the model is the explanation's: by its identity, or without one by its answer to the instance."""
    identity, rule = session.identity, "be the one the explanation was made with"
    if identity.persistent:
        if identity.id != explanation.answers.model:
            raise InputError("model", rule, identity.id)
        return
    reply = session.ask(Design(explanation.answers.design.Z[:1], 0))
    known, now = explanation.answers.y, reply.answers.y[0]
    if explanation.answers.unit == "target":  # a file that kept the numbers explained in place of raw answers
        known, now = explanation.y, reply.y[0]
    before, scale = known[0], float(np.ptp(known))
    if not explanation.answers.noisy and (
        before.shape != now.shape or not np.allclose(before, now, rtol=1e-4, atol=1e-4 * scale)
    ):
        raise InputError("model", f"{rule}: for the instance it answered {before.tolist()}", now.tolist())
