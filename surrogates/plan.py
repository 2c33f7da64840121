"""A Plan: everything about one explanation that is settled before the model is asked, and what is made of the answers.

:func:`~surrogates.explain` carries out one plan, :func:`~surrogates.explain_many` many at once.
"""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from probes.design import Design, sample
from probes.errors import InputError
from probes.probe import Probe
from probes.query import Answers
from surrogates.analysis import Analysis, compare_families
from surrogates.base import Surrogate
from surrogates.explanation import Explanation, library_version
from surrogates.families import Auto, candidates, settings_to_json
from surrogates.fidelity import PERMUTED, Fidelity
from surrogates.inquiry import Inquiry
from surrogates.stopping import Certificate

__all__ = ["Plan"]


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

    def material(self, answers: Answers) -> dict[str, Any]:
        """What :func:`~surrogates.analysis.compare_families` needs to study answers, whoever does it."""
        y = self.inquiry.y(answers)
        assert self.inquiry.number is not None
        return {
            "families": self.families,
            "penalty": self.penalty,
            "design": answers.design,
            "y": y,
            "outputs": self.inquiry.number.outputs,
            "features": self.inquiry.probe.features,
            "random_state": self.seed,
        }

    def study(self, answers: Answers, control: bool = True) -> tuple[Analysis, pd.DataFrame]:
        """Fit and judge every family; without `control`, not on shuffled answers as well."""
        return compare_families(**self.material(answers), control=control)

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
            view=region.view(),
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
                f"be at least {rows * inquiry.probe.replicates + inquiry.spare} for family {name!r}, which needs "
                f"{family.least} sampled answers to be fitted and judged by cross-fitting, or cover every question",
                f"{len(design.judged)} sampled answers",
            )


def _warnings(inquiry: Inquiry, answers: Answers, y: np.ndarray, judged: Fidelity) -> tuple[str, ...]:
    notes = list(inquiry.probe.notes)
    if inquiry.noisy:
        most = ", ".join(f"{value:.2f}" for value in inquiry.ceiling(y))
        notes.append(
            "The model answers the same question differently each time: by questions asked twice, its noise leaves "
            f"an R² of about {most} for a perfect surrogate."
        )
    if inquiry.unanswered:
        notes.append(
            f"{inquiry.unanswered} questions were not answered and are left out; if what was asked decides about that, "
            "the rest is no fair sample."
        )
    for j in np.flatnonzero(judged.misses):
        notes.append(
            f"For this input the model says {y[0, j]:.4g} ({judged.outputs[j]}), far from anything the sample led to "
            "expect: an effect that needs many features together is out of sight of random removal."
        )
    m, d = len(answers.design.sampled), len(inquiry.probe.features)
    if not answers.design.exact and m < 2 * d:
        notes.append(
            f"{m} sampled answers for {d} features is few: effects that are left out may be real. Raise budget."
        )
    if any(p > PERMUTED and low <= p for p, low in zip(judged.permuted, judged.r2_low, strict=True)):
        notes.append("The method found structure in shuffled answers, so its fidelity is not to be believed.")
    if (np.ptp(y, axis=0) == 0).any():
        notes.append("The model's answer never changed.")
    return tuple(notes)


def _provenance(plan: Plan, answers: Answers, surrogate: Surrogate, region: Probe, stopped: str) -> dict[str, Any]:
    return {
        "model": answers.model,
        "probe": f"{type(region).__name__} {region.digest[:16]}",
        "design": f"{plan.design} {answers.design.digest[:16]}",
        "questions": len(answers.design),
        "replicates": region.replicates,
        "budget": None if plan.budget is None else int(plan.budget),
        "stopped": stopped,
        "family": type(surrogate).__name__,
        "settings": settings_to_json(surrogate),
        "random_state": plan.seed,
        "cost": asdict(answers.cost),
        "versions": {
            "iomap": library_version(),
            "python": platform.python_version(),
            **dict(_versions()),
        },
    }


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    return tuple((name, version(name)) for name in ("numpy", "scipy", "scikit-learn", "pandas"))
