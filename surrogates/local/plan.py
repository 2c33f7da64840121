"""A Plan: everything about one explanation that is settled before the model is asked, and what is made of the answers.

:func:`~surrogates.explain` carries out one plan, :func:`~surrogates.explain_many` many at once.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from probes.asking.ask import Answers
from probes.asking.session import Inquiry
from probes.design import Design, sample
from probes.errors import InputError
from probes.probe import Probe
from surrogates.families.registry import Auto, candidates, settings_to_json
from surrogates.judging.analysis import Analysis
from surrogates.judging.comparison import compare_families
from surrogates.judging.fidelity import Fidelity
from surrogates.judging.notes import cautions, noisy
from surrogates.judging.problem import Problem
from surrogates.local.explanation import Explanation
from surrogates.local.stopping import Certificate
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
    inquiry : Inquiry
        What is asked of whom.
    families : dict of str to Surrogate
        Unfitted; more than one are compared.
    penalty : float
        R² that one more term must earn, where families are compared.
    questions : Design
    seed : int
    budget : int or None
    design : str
        Name of the way in which questions were drawn.
    """

    inquiry: Inquiry
    families: dict[str, Surrogate]
    penalty: float
    questions: Design
    seed: int
    budget: int | None
    design: str

    @classmethod
    def of(
        cls,
        inquiry: Inquiry,
        family: str | Surrogate | Auto,
        budget: int | None,
        design: str,
        seed: int,
        rng: np.random.Generator | None = None,
    ) -> Plan:
        """Check what the user asks for, and draw the questions.

        Raises
        ------
        InputError
        """
        families, penalty = candidates(family)
        rng = np.random.default_rng(seed) if rng is None else rng
        questions = sample(inquiry.probe.features, inquiry.rows(budget), rng, design)
        _check_budget(families, questions, inquiry)
        return cls(inquiry, families, penalty, questions, seed, budget, design)

    @property
    def least(self) -> int:
        """Judged rows that every family needs."""
        return max(family.least for family in self.families.values())

    def material(self, answers: Answers) -> Material:
        """All that is needed to study answers, whoever does it."""
        y = self.inquiry.y(answers)
        assert self.inquiry.number is not None
        outputs, features = self.inquiry.number.outputs, self.inquiry.probe.features
        return Material(self.families, self.penalty, Problem(answers.design, y, outputs, features, self.seed))

    def study(self, answers: Answers, control: bool = True) -> tuple[Analysis, pd.DataFrame]:
        """Fit and judge every family; without `control`, not on shuffled answers as well."""
        return studied([self.material(answers)], control)[0]

    def explanation(
        self,
        answers: Answers,
        analysis: Analysis,
        comparison: pd.DataFrame,
        stopped: str = "",
        certificate: Certificate | None = None,
        notes: tuple[str, ...] = (),
    ) -> Explanation:
        """The result, from what was studied."""
        inquiry, region = self.inquiry, self.inquiry.probe
        y = inquiry.y(answers)
        assert inquiry.number is not None
        return Explanation(
            surrogate=analysis.surrogate,
            fidelity=replace(analysis.fidelity, ceiling=inquiry.ceiling(y)),
            attributions=analysis.attributions,
            features=region.features,
            target=inquiry.number,
            answers=answers,
            y=y,
            view=dict(region.view()),
            answer=inquiry.answer if inquiry.generative else None,
            warnings=(*notes, *_warnings(inquiry, answers, y, analysis.fidelity)),
            comparison=comparison,
            certificate=certificate,
            provenance=_provenance(self, answers, analysis.surrogate, region, stopped),
        )


def _check_budget(families: dict[str, Surrogate], design: Design, inquiry: Inquiry) -> None:
    """Whether every family gets the answers it needs, before any is paid for."""
    for name, family in families.items():
        if not design.exact and len(design.judged) < family.least:
            rows = len(design) - len(design.judged) + family.least
            raise InputError(
                "budget",
                f"be at least {inquiry.budget_for(rows)} for family {name!r}, which needs "
                f"{family.least} sampled answers to be fitted and judged by cross-fitting, or cover every question",
                f"{len(design.judged)} sampled answers",
            )


def _warnings(inquiry: Inquiry, answers: Answers, y: np.ndarray, judged: Fidelity) -> tuple[str, ...]:
    notes = list(inquiry.probe.notes)
    if inquiry.noisy:
        notes.append(noisy(inquiry.ceiling(y)))
    if inquiry.unanswered:
        notes.append(
            f"{inquiry.unanswered} questions were not answered and are left out; if what was asked decides about that, "
            "the rest is no fair sample."
        )
    m, d = len(answers.design.sampled), len(inquiry.probe.features)
    if not answers.design.exact and m < 2 * d:
        notes.append(
            f"{m} sampled answers for {d} features is few: effects that are left out may be real. Raise budget."
        )
    return (*notes, *cautions(y, judged))


def _provenance(plan: Plan, answers: Answers, surrogate: Surrogate, region: Probe, stopped: str) -> Provenance:
    return {
        **provenance(region, answers.model, len(answers.design), plan.budget, plan.seed, answers.cost),
        "design": f"{plan.design} {answers.design.digest[:16]}",
        "stopped": stopped,
        "family": type(surrogate).__name__,
        "settings": settings_to_json(surrogate),
    }
