"""A Plan: everything about one explanation that is settled before the model is asked, and what is made of the answers.

:func:`~surrogates.explain` carries out one plan, :func:`~surrogates.explain_many` many at once.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass, replace

import numpy as np
import pandas as pd

from probes.asking.allowance import Allowance
from probes.asking.answers import Interrupted
from probes.asking.session import Reply, Session
from probes.design import Design
from probes.errors import InputError
from probes.rounding import counted
from surrogates.families.registry import FamilyLike, candidates, settings_to_json
from surrogates.judging.analysis import Analysis
from surrogates.judging.background import row_answers
from surrogates.judging.comparison import compare_families
from surrogates.judging.fidelity import Fidelity
from surrogates.judging.notes import cautions, covered, labels, noisy, one_by_one, short_of_all
from surrogates.judging.problem import Problem
from surrogates.judging.region_notes import correlated_note, cut_note
from surrogates.local.explanation import Explanation
from surrogates.local.rule import EVERYTHING, Outcome, Rule
from surrogates.results.plain import plain
from surrogates.results.provenance import Provenance, provenance
from surrogates.surrogate import Surrogate

__all__ = ["Material", "Plan", "studied"]


@dataclass(frozen=True)
class Material:
    """One explanation after it is answered and before it is fitted: the problem, and the families to compare."""

    families: dict[str, Surrogate]
    penalty: float
    problem: Problem

    @property
    def questions(self) -> Hashable:
        """What several must share to be fitted together, families and seed aside: the same rows of the same law."""
        return self.problem.questions


def studied(materials: Sequence[Material], control: bool = True) -> list[tuple[Analysis, pd.DataFrame]]:
    """Fit and judge every family for materials that share their questions; see `compare_families`."""
    first = materials[0]
    return compare_families(first.families, first.penalty, [m.problem for m in materials], control)


@dataclass(frozen=True)
class Plan:
    """One explanation before it is paid for.

    Attributes
    ----------
    session : Session
        Asks the model.
    families : dict of str to Surrogate
        Unfitted; more than one are compared.
    penalty : float
        R² that one more term must earn, where families are compared.
    questions : Design
    seed : int
    budget : int or None
    design : str
        Name of the way in which questions were drawn.
    rule : Rule
        When asking stops.
    """

    session: Session
    families: dict[str, Surrogate]
    penalty: float
    questions: Design
    seed: int
    budget: int | None
    design: str
    rule: Rule = field(default=EVERYTHING, kw_only=True)

    @classmethod
    def of(
        cls,
        session: Session,
        family: FamilyLike,
        budget: int | None,
        design: str,
        seed: int,
        rule: Rule = EVERYTHING,
    ) -> Plan:
        """Check what the user asks for, and draw the questions that the stopping rule needs.

        Raises
        ------
        InputError
        """
        families, penalty = candidates(family)
        rule.check(session.question)
        features, rng = session.question.probe.features, np.random.default_rng(seed)
        questions = rule.design(features, session.allowance.rows, rng, design)
        _check_budget(families, questions, session)
        return cls(session, families, penalty, questions, seed, budget, design, rule=rule)

    @property
    def least(self) -> int:
        """Judged rows that every family needs."""
        return max(family.least for family in self.families.values())

    def material(self, reply: Reply) -> Material:
        """All that is needed to study a reply, whoever does it."""
        probe = self.session.question.probe
        rows = row_answers(reply.answers, reply.y, reply.target, probe.replication)
        problem = Problem.of(reply.answers, reply.y, reply.target.outputs, probe.features, self.seed, rows)
        return Material(self.families, self.penalty, problem)

    def study(self, reply: Reply, control: bool = True) -> tuple[Analysis, pd.DataFrame]:
        """Fit and judge every family; without `control`, not on shuffled answers as well."""
        return studied([self.material(reply)], control)[0]

    @property
    def noisy(self) -> bool:
        """Whether the same question was seen to be answered differently."""
        return self.session.noisy

    @property
    def unanswered(self) -> int:
        """Distinct model inputs that were not answered."""
        return self.session.unanswered

    @property
    def answer(self) -> str | None:
        """The continuation that is explained, of a language model."""
        return self.session.answer if self.session.question.generative else None

    def ceiling(self, reply: Reply) -> tuple[float, ...]:
        """Return the R² that noise leaves for a perfect surrogate; empty for a model that repeats itself."""
        repeats = self.session.repeats
        return repeats.ceiling(reply.target, reply.y) if repeats is not None and self.noisy else ()

    def cautions(self, reply: Reply, fidelity: Fidelity) -> tuple[str, ...]:
        """Warn about the numbers explained."""
        return cautions(reply.y, fidelity, replicates=reply.answers.replicates)

    def interrupted(self, stop: Interrupted) -> Outcome:
        """Return what Ctrl-C leaves if that is enough to judge by; else raise it again."""
        answers, design = stop.answers, self.questions
        if answers is None or len(answers.design.judged) < self.least:
            raise stop
        reply = self.session.reply(answers)
        note = f"Interrupted: it rests on {len(reply.design)} of {len(design)} questions."
        if late := reply.design.block - design.block:
            note += (
                f" {late} of them came in an order that goes by what is in them: they are fitted to, and judge nothing."
            )
        analysis, comparison = self.study(reply)
        return Outcome(reply, analysis, comparison, "interrupted", notes=(note,))

    def explanation(self, outcome: Outcome) -> Explanation:
        """Return the result, from what was asked and studied."""
        reply, analysis, ceiling = outcome.reply, outcome.analysis, self.ceiling(outcome.reply)
        probe = self.session.question.probe
        return Explanation(
            surrogate=analysis.surrogate,
            fidelity=replace(analysis.fidelity, ceiling=ceiling),
            attributions=analysis.attributions,
            features=probe.features,
            target=reply.target,
            answers=reply.answers,
            y=reply.y,
            view=dict(probe.view()),
            answer=self.answer,
            warnings=(*outcome.notes, *_warnings(self, reply, analysis, ceiling)),
            comparison=outcome.comparison,
            certificate=outcome.certificate,
            background=analysis.background,
            provenance=_provenance(self, reply, analysis.surrogate, outcome.reason),
        )


def _check_budget(families: dict[str, Surrogate], design: Design, session: Session) -> None:
    """Check that every family gets the answers it needs, before any is paid for."""
    for name, family in families.items():
        if not design.exact and len(design.judged) < family.least:
            rows = len(design) - len(design.judged) + family.least
            raise InputError(
                "budget",
                f"be at least {Allowance.budget_for(session.question, rows)} for family {name!r}, which needs "
                f"{family.least} sampled answers to be fitted and judged by cross-fitting, or cover every question",
                counted(len(design.judged), "sampled answer"),
            )


def _warnings(plan: Plan, reply: Reply, analysis: Analysis, ceiling: tuple[float, ...]) -> tuple[str, ...]:
    probe, effects = plan.session.question.probe, analysis.attributions
    known = analysis.background.quantiles if analysis.background else (0.0,) * len(probe.features)
    unknown = [f.name for f, q in zip(probe.features, known, strict=True) if np.isnan(q)]
    notes = covered(probe.notes, probe.replicates, probe.replication, unknown)
    if reply.answers.neighbours:
        notes.append(one_by_one(reply.answers.neighbours))
    if plan.noisy:
        notes.append(noisy(ceiling))
    if plan.unanswered:
        notes.append(
            f"{counted(plan.unanswered, 'question')} {'was' if plan.unanswered == 1 else 'were'} not answered and left "
            "out; if what was asked decides about that, the rest is no fair sample."
        )
    instance = probe.render(probe.instance[None])
    if isinstance(instance, list) and (unread := plan.session.scorer.unread(instance[0])):
        notes.append(unread)
    if short := _short(plan):
        notes.append(short)
    m, d = len(reply.design.sampled), len(probe.features)
    if not reply.design.exact and m < 2 * d:
        notes.append(
            f"{m} sampled answers for {d} features is few: effects that are left out may be real. Raise budget."
        )
    if not plan.noisy:
        notes += cut_note(probe.view(), [f.name for f in probe.features], reply.design, reply.y, effects)
    notes += correlated_note(probe.correlated, effects)
    return (*notes, *analysis.notes, *labels(reply.answers), *plan.cautions(reply, analysis.fidelity))


def _short(plan: Plan) -> str:
    """Say that what else a budget pays for leaves some of all possible questions unasked; empty where it does not."""
    question, design = plan.session.question, plan.questions
    inputs = design.population * question.probe.replicates
    if plan.budget is None or design.exact or inputs > plan.budget:
        return ""
    enough = Allowance.budget_for(question, int(design.population))
    return short_of_all(plan.budget, int(inputs), enough)


def _kept(rule: Rule) -> dict[str, object]:
    """Return a stopping rule as plain data: its class, and its parameters where it declares them."""
    parameters: dict[str, object] = asdict(rule) if is_dataclass(rule) and not isinstance(rule, type) else {}
    return {"rule": type(rule).__name__, **plain(parameters)}


def _provenance(plan: Plan, reply: Reply, surrogate: Surrogate, stopped: str) -> Provenance:
    answers, design = reply.answers, reply.design
    probe = plan.session.question.probe
    kept: Provenance = {
        **provenance(probe, answers.model, len(design), plan.budget, plan.seed, answers.cost),
        "design": f"{plan.design} {design.digest[:16]}",
        "stopped": stopped,
        "family": type(surrogate).__name__,
        "settings": settings_to_json(surrogate),
    }
    if plan.rule is not EVERYTHING:
        kept["until"] = _kept(plan.rule)
    if (text := plan.session.wrote()) is not None:
        kept["wrote"] = text
    return kept
