"""Answers → surrogate, fidelity, attributions. Fits and judges; asks nothing, draws nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.base import clone

from probes.probe import Feature
from surrogates.judging.attribution import average_effects, effect_estimates
from surrogates.judging.cross_fit import CrossFit, cross_fit
from surrogates.judging.fidelity import Fidelity, fidelity
from surrogates.judging.problem import Problem
from surrogates.judging.standing import Standing, standing
from surrogates.surrogate import Surrogate

__all__ = ["Analysis", "analyse", "analyse_together"]


@dataclass(frozen=True)
class Analysis:
    """A surrogate fitted to a problem, and how it was judged.

    Attributes
    ----------
    surrogate : Surrogate
        Fitted to all sampled rows.
    fidelity : Fidelity
    attributions : DataFrame
        One row per output and feature, strongest first: ``output, feature, value, attribution, low, high, surrogate``.
        The attribution is the estimate for the model, ``surrogate`` the same effect of the surrogate shown.
    """

    surrogate: Surrogate
    fidelity: Fidelity
    attributions: pd.DataFrame


def analyse(family: Surrogate, problem: Problem, control: bool = True) -> Analysis:
    """Fit a family to the answers of a problem and judge it; a `control` fits shuffled answers as well."""
    return analyse_together(family, [problem], control)[0]


def analyse_together(family: Surrogate, problems: Sequence[Problem], control: bool = True) -> list[Analysis]:
    """Analyse several inputs that were asked the same questions; their features differ in name and value alone.

    A family that fits each output separately fits all inputs at once.
    """
    if len(problems) > 1 and not family.separate:
        return [analyse(family, problem, control) for problem in problems]
    joined = Problem.joined(problems)
    answers = joined.sampled
    surrogate = clone(family).fit(joined.design.sampled, answers[:, 0] if answers.shape[1] == 1 else answers)
    crossed = cross_fit(family, joined, control)
    columns, standings = _attributions(surrogate, joined, crossed)
    clear, ordered = tuple(s.clear for s in standings), tuple(s.ordered for s in standings)
    judged = fidelity(surrogate, joined, crossed, clear, ordered)
    ends = np.cumsum([0, *(len(problem.outputs) for problem in problems)])
    return [
        Analysis(
            surrogate if len(problems) == 1 else surrogate.part(part),
            judged.part(part),
            _table(problem.outputs, problem.features, standings[part], {name: v[part] for name, v in columns.items()}),
        )
        for problem, part in zip(problems, (slice(*pair) for pair in pairwise(ends)), strict=True)
    ]


def _attributions(
    surrogate: Surrogate, problem: Problem, crossed: CrossFit
) -> tuple[dict[str, np.ndarray], list[Standing]]:
    """Attribute with 95% intervals; the surrogate's effects, ``(k, d)`` each; per output, which stand out."""
    y = problem.judged
    effects, errors = effect_estimates(problem.design, y, crossed, problem.features)
    shown = average_effects(surrogate.terms_, np.atleast_2d(surrogate.coef_), problem.features)
    rounding = 64 * np.finfo(float).eps * np.abs(y).max(axis=0)[:, None]
    for values in (effects, errors, shown):
        values[np.abs(values) <= rounding] = 0.0
    width = stats.t.ppf(0.975, len(y) - 1) * errors
    columns = {"attribution": effects, "low": effects - width, "high": effects + width, "surrogate": shown}
    return columns, [standing(effect, error, len(y)) for effect, error in zip(effects, errors, strict=True)]


def _table(
    outputs: tuple[str, ...], features: Sequence[Feature], standings: Sequence[Standing], columns: dict[str, np.ndarray]
) -> pd.DataFrame:
    """Return attributions as a table, strongest first."""
    order = np.concatenate([s.order for s in standings])
    output = np.repeat(np.arange(len(outputs)), len(features))
    return pd.DataFrame(
        {
            "output": [outputs[j] for j in output],
            "feature": [features[i].name for i in order],
            "value": [features[i].value for i in order],
            **{name: values[output, order] for name, values in columns.items()},
        }
    )
