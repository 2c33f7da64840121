"""compare(): the same questions to two models, and what changed between them explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from sklearn.base import clone

from probes.asking.answers import Interrupted
from probes.asking.question import Question
from probes.asking.session import Reply, Session, StoreLike
from probes.design import Design, random_seed
from probes.inputs.adapt import ProbeLike, RowSettings
from probes.inputs.locality import Law
from probes.model import Generator, Model
from probes.models.adapt import ModelLike, check_order
from probes.outputs.target import TargetLike
from probes.rounding import alone
from surrogates.difference.difference import Difference
from surrogates.difference.overall import flips_of, summary_of
from surrogates.difference.paired import Change, change, paired
from surrogates.difference.two_models import alike, check_known, check_names, check_same, model_of, said_of
from surrogates.families.registry import FAMILIES, FamilyLike, candidates
from surrogates.judging.fidelity import Fidelity
from surrogates.judging.notes import cautions
from surrogates.local.plan import Material, Plan
from surrogates.local.rule import Outcome, Rule, as_rule
from surrogates.surrogate import Surrogate

__all__ = ["compare"]

#: typical change, as a share of how much the first model's answers vary, below which it is called small
_SMALL = 0.01


def compare(
    before: ModelLike,
    after: ModelLike,
    probe: ProbeLike,
    family: FamilyLike = "linear",
    *,
    names: tuple[str, str] = ("before", "after"),
    budget: int | None = None,
    until: Rule | None = None,
    design: str = "uniform",
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
) -> Difference:
    """Explain what changed from one model to another around one input.

    Both are asked the same questions, about the same number: by default the class that the first gives the instance, or
    the answer that the first writes.

    Parameters
    ----------
    before, after : object
        Anything :func:`probes.as_model` takes, twice: two releases, a model and its fine-tune, two checkpoints, two
        endpoints. They must have the same outputs, in name and unit; language models the same tokens of the answer.
    probe, family, design, target, answer, background, background_rows, law, groups, feature_names, ignore
        As of :func:`~surrogates.local.explain.explain`. The surrogate of the change is a plain sum where the family is
        given by name, without a curve.
    names : (str, str), default ("before", "after")
        What the two are called in reports.
    budget : int, optional
        The most inputs each of the two may be asked.
    until : Width, StableOrder or Certified, optional
        Stop as soon as this is reached for the change.
    random_state, store, progress
        As of :func:`~surrogates.local.explain.explain`; answers of the two never mix in the store.

    Returns
    -------
    Difference

    Raises
    ------
    InputError
        For a parameter that breaks its rule, or models whose outputs differ, after no more than one question to each.
    ModelError
        If a model fails. Earlier answers stay in the store.
    StoreError
        If answers cannot be kept.

    Notes
    -----
    Attributions of the change are estimated from differences question by question, so what the two models have in
    common is no noise in them. Ctrl-C returns the difference by what both answered until then, if that is enough to
    judge it by.

    Examples
    --------
    >>> from probes import MaskProbe
    >>> d = compare(lambda Z: 2 * Z[:, 0] - Z[:, 3], lambda Z: 2 * Z[:, 0] + Z[:, 2], MaskProbe(5), store=None)
    >>> d.attributions[["feature", "before", "after", "change"]].head(3)
      feature  before  after  change
    0      x2     0.0    1.0     1.0
    1      x3    -1.0    0.0     1.0
    2      x0     2.0    2.0     0.0
    """
    rule, seed = as_rule(until), random_seed(random_state)
    candidates(family)
    check_names(names)
    check_order(after, probe)
    row = RowSettings(background, background_rows, law, groups, feature_names, ignore, seed)
    question = Question.of(before, probe, row, target, answer)
    second_model = model_of(after, "after")
    question = replace(question, probe=question.probe.read_by(second_model))
    other = question.probe.asked_of(second_model)
    check_known(question.model, other)
    first = Session(question, budget, store, progress)
    plan = Plan.of(first, family, budget, design, seed, rule)
    begun = first.settle(plan.questions)
    second = Session(
        replace(question, model=other, target=begun.target, answer=first.answer), budget, first.store, progress
    )
    second.outputs = begun.answers.outputs
    rule.check(second.question)
    _check_tokens(first, other)
    with said_of(names[1]):
        told = second.instance(plan.questions)
    check_same(begun.answers.outputs, told.outputs, begun.answers.unit, told.unit)
    second.reply(told)
    changed = _ChangePlan(
        first,
        _plain_sums(plan.families),
        plan.penalty,
        plan.questions,
        seed,
        budget,
        design,
        rule=rule,
        sides=(plan, replace(plan, session=second)),
    )
    with said_of(names[1]):
        sides, outcome = _asked(changed, rule)
    notes = [*alike(before, after, (first.identity.id, second.identity.id)), *_small(sides[0].reply, outcome.reply)]
    outcome = replace(outcome, notes=(*outcome.notes, *notes))
    explained = [
        side.explanation(replace(done, reason=outcome.reason)) for side, done in zip(changed.sides, sides, strict=True)
    ]
    drawn, replies = question.probe.replication, (sides[0].reply, sides[1].reply)
    crossed = sides[0].analysis.crossed, sides[1].analysis.crossed
    return Difference(
        explained[0],
        explained[1],
        changed.explanation(outcome),
        summary_of(*replies, outcome.reply, crossed, drawn),
        flips_of(*replies, drawn),
        (names[0], names[1]),
    )


def _check_tokens(first: Session, other: Model) -> None:
    """Refuse a language model that splits the answer into other tokens, before the target is looked for in them."""
    if isinstance(other, Generator) and first.scorer.outputs is not None and first.answer is not None:
        probe = first.question.probe
        theirs = other.scoring(first.answer, probe.render(probe.instance[None])[0])
        if theirs.outputs is not None:
            check_same(first.scorer.outputs, theirs.outputs, first.scorer.unit, theirs.unit)


@dataclass(frozen=True)
class _ChangePlan(Plan):
    """A plan whose numbers are changes from one model's answers to another's.

    Attributes
    ----------
    sides : (Plan, Plan)
        Of either model by itself; `session` asks the first.
    """

    sides: tuple[Plan, Plan]

    @property
    def noisy(self) -> bool:
        return any(side.noisy for side in self.sides)

    @property
    def unanswered(self) -> int:
        return len(set.union(*(side.session.run.unanswered for side in self.sides)))

    @property
    def answer(self) -> None:
        """Of no model: each token's log-probability is known for either side, not for the change."""

    def ceiling(self, reply: Reply) -> tuple[float, ...]:
        """Return the R² that the noise of both models leaves for a perfect surrogate of the change."""
        sessions = [side.session for side in self.sides if side.noisy]
        left = [s.repeats.ceiling(s.target, reply.y) for s in sessions if s.repeats and s.target]
        return tuple(1 - sum(1 - value for value in each) for each in zip(*left, strict=True))

    def cautions(self, reply: Reply, fidelity: Fidelity) -> tuple[str, ...]:
        return cautions(reply.y, fidelity, change=True)

    def material(self, reply: Reply) -> Material:
        made = super().material(reply)
        return replace(made, problem=replace(made.problem, sides=reply.sides)) if isinstance(reply, Change) else made

    def settled(self, before: Reply, after: Reply) -> tuple[list[Outcome], Change]:
        """Study both models by themselves; return that, and the change between them."""
        pair = paired(before, after)
        studied = [side.study(reply) for side, reply in zip(self.sides, pair, strict=True)]
        sides = [Outcome(reply, *study) for reply, study in zip(pair, studied, strict=True)]
        crossed = studied[0][0].crossed, studied[1][0].crossed
        return sides, change(*pair, crossed, self.session.question.probe.replication)


def _asked(changed: _ChangePlan, rule: Rule) -> tuple[list[Outcome], Outcome]:
    """Ask both models until the rule is content with the change; Ctrl-C leaves what both answered."""
    watch = rule.watch(changed.questions)
    pair: tuple[Reply, Reply] | None = None
    for rows in watch.looks():
        questions = changed.questions.head(rows)
        pair, broken_off = _of_both(changed, questions, pair)
        sides, reply = changed.settled(*pair)
        if broken_off:
            note = f"Interrupted: it rests on {len(reply.design)} of {len(changed.questions)} questions."
            return sides, Outcome(reply, *changed.study(reply), "interrupted", notes=(note,))
        outcome = watch.done(reply, changed.study)
        if outcome is not None:
            return sides, outcome
    raise RuntimeError(f"{type(rule).__name__} came to no outcome after its last look")


def _of_both(
    changed: _ChangePlan, questions: Design, earlier: tuple[Reply, Reply] | None
) -> tuple[tuple[Reply, Reply], bool]:
    """Ask both models; return their replies, and whether Ctrl-C left what both had answered until then.

    Raises
    ------
    Interrupted
        Where that is too little to fit and judge anything.
    """
    first, second = (side.session for side in changed.sides)
    try:
        here = first.ask(questions)
    except Interrupted:
        if earlier is None:
            raise
        return earlier, True
    try:
        return (here, second.ask(questions)), False
    except Interrupted as stop:
        if stop.answers is None or len(stop.answers.design.judged) < changed.least:
            raise
        return (here, second.reply(stop.answers)), True


def _plain_sums(families: Mapping[str, Surrogate]) -> dict[str, Surrogate]:
    """Return families to fit to changes: those given by name without a curve, since changes do not saturate."""
    plain = {}
    for name, family in families.items():
        links = [p for p in family.get_params() if p.split("__")[-1] == "link"] if name in FAMILIES else []
        plain[name] = clone(family).set_params(**dict.fromkeys(links, "identity"))
    return plain


def _small(before: Reply, changed: Reply) -> list[str]:
    """Say of which outputs the change is small beside how much the first model's answers vary."""
    start = changed.design.fixed + changed.design.block
    typical, spread = np.sqrt((changed.y[start:] ** 2).mean(axis=0)), before.y[start:].std(axis=0)
    return [
        f"Changes of {name} are small: typically {alone(size)}, where the first model's answers vary by {alone(sd)}."
        for name, size, sd in zip(changed.target.outputs, typical, spread, strict=True)
        if 0 < size < _SMALL * sd
    ]
