"""Answers → surrogate, fidelity, attributions. Fits and judges; asks nothing, draws nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import pandas as pd

from probes.probe import Feature
from surrogates.judging.agreement import rounding
from surrogates.judging.attribution import average_effects, effect_estimates, scores
from surrogates.judging.background import BackgroundSpread, row_effects
from surrogates.judging.cross_fit import cross_fit
from surrogates.judging.crossed import CrossFit
from surrogates.judging.curve_notes import curve_notes
from surrogates.judging.fidelity import Fidelity, fidelity
from surrogates.judging.hints import fit_to, hint_note
from surrogates.judging.problem import Problem
from surrogates.judging.standing import Standing, standing
from surrogates.judging.uncertainty import Uncertainty
from surrogates.surrogate import Surrogate

__all__ = ["Analysis", "analyse", "analyse_together"]

#: of one output: what an Uncertainty takes of background rows
_ByRows: TypeAlias = tuple[np.ndarray, np.ndarray, int]

#: share of the range of answers below which an effect is what an iterated fit leaves, and zero
_NOTHING = 1e-6
#: share of it below which a standard error is zero; a larger one keeps equal effects, which that leaves apart, tied
_CERTAIN = 1e-10


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
    crossed : CrossFit
        What it was judged by.
    background : BackgroundSpread or None
        How much of the intervals is due to the background rows used, where they are a sample.
    notes : tuple of str
        What the surrogate begins with besides the answers, and warnings about a curve that its sum passes through.
    """

    surrogate: Surrogate
    fidelity: Fidelity
    attributions: pd.DataFrame
    crossed: CrossFit = field(repr=False)
    background: BackgroundSpread | None = None
    notes: tuple[str, ...] = ()


def analyse(family: Surrogate, problem: Problem, control: bool = True) -> Analysis:
    """Fit a family to the answers of a problem and judge it; a `control` fits shuffled answers as well."""
    return analyse_together(family, [problem], control)[0]


def analyse_together(family: Surrogate, problems: Sequence[Problem], control: bool = True) -> list[Analysis]:
    """Analyse several inputs that were asked the same questions; their features differ in name and value alone.

    A family that fits each output separately fits all inputs at once.
    """
    if len(problems) > 1 and not (family.separate and all(problem.hints is None for problem in problems)):
        return [analyse(family, problem, control) for problem in problems]
    joined = Problem.joined(problems)
    answers = joined.sampled
    fitted_to = answers[:, 0] if answers.shape[1] == 1 else answers
    surrogate = fit_to(family, joined.design.sampled, fitted_to, joined.hinted)
    crossed = cross_fit(family, joined, control)
    spreads = [_spread(problem) for problem in problems]
    columns, standings, unsure = _attributions(surrogate, joined, crossed, _uncertain(problems, spreads))
    clear, ordered = tuple(s.clear for s in standings), tuple(s.ordered for s in standings)
    sampled = any(problem.rows is not None for problem in problems)
    judged = fidelity(surrogate, joined, crossed, clear, ordered, unsure if sampled else ())
    ends = np.cumsum([0, *(len(problem.outputs) for problem in problems)])
    analyses = []
    for problem, spread, part in zip(problems, spreads, (slice(*pair) for pair in pairwise(ends)), strict=True):
        one = len(problems) == 1
        shown, folds = (surrogate, crossed) if one else (surrogate.part(part), crossed.part(part))
        some = {name: values[part] for name, values in columns.items()}
        analyses.append(
            Analysis(
                shown,
                judged.part(part),
                _table(problem.outputs, problem.features, standings[part], some),
                folds,
                spread,
                (*hint_note(family, problem), *curve_notes(shown, problem, folds)),
            )
        )
    return analyses


def _spread(problem: Problem) -> BackgroundSpread | None:
    """What the choice of background rows leaves open; None where rows are no sample."""
    if problem.rows is None:
        return None
    effects = row_effects(problem.design, problem.rows, scores(problem.design.judged, problem.features))
    return BackgroundSpread.of(problem.rows.drawn, effects)


def _uncertain(problems: Sequence[Problem], spreads: Sequence[BackgroundSpread | None]) -> list[_ByRows]:
    """For every output of every problem what the choice of background rows leaves open."""
    effects: list[_ByRows] = []
    for problem, spread in zip(problems, spreads, strict=True):
        d, rows = len(problem.features), problem.rows
        if rows is None or spread is None:
            effects += [(np.zeros((0, d)), np.zeros(d), 1)] * len(problem.outputs)
        else:
            effects += [(part, np.array(spread.quantiles), rows.drawn.df) for part in spread.factor]
    return effects


def _attributions(
    surrogate: Surrogate, problem: Problem, crossed: CrossFit, by_rows: list[_ByRows]
) -> tuple[dict[str, np.ndarray], list[Standing], tuple[float, ...]]:
    """Attributions with 95% intervals, and the surrogate's effects, ``(k, d)`` each; per output, which stand out.

    Last, for every output, how much of the size of its clear effects is unsure because of the background rows.
    """
    y = problem.judged
    effects, errors = _effects(problem, crossed)
    shown = average_effects(surrogate, problem.features)
    nothing, certain = (np.maximum(rounding(y), share * np.ptp(y, axis=0))[:, None] for share in (_NOTHING, _CERTAIN))
    for values in (effects, shown):
        values[np.abs(values) <= nothing] = 0.0
    errors[errors <= np.where(effects == 0, nothing, certain)] = 0.0
    unsure = [Uncertainty(error, len(y), *rows) for error, rows in zip(errors, by_rows, strict=True)]
    width = np.array([u.half_widths() for u in unsure])
    columns = {"attribution": effects, "low": effects - width, "high": effects + width, "surrogate": shown}
    standings = [standing(effect, u) for effect, u in zip(effects, unsure, strict=True)]
    shares = [_share(effect, u, s) for effect, u, s in zip(effects, unsure, standings, strict=True)]
    return columns, standings, tuple(shares)


def _effects(problem: Problem, crossed: CrossFit) -> tuple[np.ndarray, np.ndarray]:
    """Estimate average effects, and standard errors, ``(k, d)`` each.

    Those of a change are measured around the predictions that come nearer to it: its own, or what the predictions for
    either model differ by.
    """
    design, y, features = problem.design, problem.judged, problem.features
    effects, errors = effect_estimates(design, y, crossed, features)
    if problem.sides is not None:
        before, after = problem.sides
        own, both = ((y - p) ** 2 for p in (crossed.predicted, after.predicted - before.predicted))
        nearer = both.mean(axis=0) < own.mean(axis=0)
        by_sides = effect_estimates(design, y, after, features, before)
        effects[nearer], errors[nearer] = by_sides[0][nearer], by_sides[1][nearer]
    return effects, errors


def _share(effect: np.ndarray, uncertainty: Uncertainty, stand: Standing) -> float:
    """Half-widths due to background rows as a share of the effects that stand out, root mean squares of both.

    Where none does, of those that would stand out if all rows were used; 1 where nobody knows these half-widths.
    """
    if not stand.clear and len(uncertainty.factor):
        stand = standing(effect, replace(uncertainty, factor=uncertainty.factor[:0]))
    clear = stand.order[: stand.clear]
    size = float(np.sqrt((effect[clear] ** 2).sum()))
    half = float(np.sqrt((uncertainty.background[clear] ** 2).sum()))
    return 0.0 if size == 0 else half / size if np.isfinite(half) else 1.0  # exact: no effect at all


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
