"""Answers → surrogate, fidelity, attributions. Fits and judges; asks nothing, shows nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.base import clone

from probes.design import Design
from probes.probe import Feature
from surrogates.judging.attribution import average_effects, effect_estimates
from surrogates.judging.fidelity import Fidelity, cross_fit, fidelity
from surrogates.surrogate import Surrogate

__all__ = ["Analysis", "analyse", "analyse_together", "compare_families"]


@dataclass(frozen=True)
class Analysis:
    """What was made of the answers.

    Attributes
    ----------
    surrogate : Surrogate
        Fitted to all sampled rows.
    fidelity : Fidelity
    attributions : DataFrame
        One row an output and feature, strongest first: ``output, feature, value, attribution, low, high, surrogate``.
        The attribution is the estimate for the model, ``surrogate`` the same effect of the surrogate shown.
    """

    surrogate: Surrogate
    fidelity: Fidelity
    attributions: pd.DataFrame


def analyse(
    family: Surrogate,
    design: Design,
    y: np.ndarray,
    outputs: tuple[str, ...],
    features: Sequence[Feature],
    random_state: int,
    control: bool = True,
) -> Analysis:
    """Fit a family to answers ``(n, k)`` and judge it; without `control`, shuffled answers are not fitted as well."""
    return analyse_together(family, design, [y], [outputs], [features], random_state, control)[0]


def analyse_together(
    family: Surrogate,
    design: Design,
    ys: Sequence[np.ndarray],
    outputs: Sequence[tuple[str, ...]],
    features: Sequence[Sequence[Feature]],
    random_state: int,
    control: bool = True,
) -> list[Analysis]:
    """The same for several inputs that were asked the same questions, whose features differ in name and value alone.

    A family that fits each output by itself fits all inputs at once.
    """
    if len(ys) > 1 and not family.separate:
        return [
            analyse(family, design, y, names, own, random_state, control)
            for y, names, own in zip(ys, outputs, features, strict=True)
        ]
    y = np.hstack(ys)
    fitted, sampled = y[design.fixed :], y[design.fixed + design.block :]
    surrogate = clone(family).fit(design.sampled, fitted[:, 0] if y.shape[1] == 1 else fitted)
    crossed = cross_fit(family, design.sampled, fitted, random_state, design.block, control)
    own = average_effects(surrogate.terms_, np.atleast_2d(surrogate.coef_), features[0])
    effects, errors = effect_estimates(design, sampled, crossed, features[0])
    rounding = 64 * np.finfo(float).eps * np.abs(sampled).max(axis=0)[:, None]
    for values in (effects, errors, own):
        values[np.abs(values) <= rounding] = 0.0
    width = stats.t.ppf(0.975, len(sampled) - 1) * errors
    found = [_standing(effect, error, len(sampled)) for effect, error in zip(effects, errors, strict=True)]
    clear, ordered = tuple(s.clear for s in found), tuple(s.ordered for s in found)
    every = tuple(name for names in outputs for name in names)
    judged = fidelity(surrogate, design, y, crossed, clear, ordered, every, random_state)
    columns = {"attribution": effects, "low": effects - width, "high": effects + width, "surrogate": own}
    ends = np.cumsum([0, *(len(names) for names in outputs)])
    parts = [slice(*pair) for pair in pairwise(ends)]
    return [
        Analysis(
            surrogate if len(ys) == 1 else surrogate.part(part),
            judged.part(part),
            _table(names, its, found[part], {name: values[part] for name, values in columns.items()}),
        )
        for part, names, its in zip(parts, outputs, features, strict=True)
    ]


def _table(
    outputs: tuple[str, ...],
    features: Sequence[Feature],
    found: Sequence[_Standing],
    columns: dict[str, np.ndarray],
) -> pd.DataFrame:
    """Attributions as a table, strongest first."""
    order = np.concatenate([standing.order for standing in found])
    output = np.repeat(np.arange(len(outputs)), len(features))
    return pd.DataFrame(
        {
            "output": [outputs[j] for j in output],
            "feature": [features[i].name for i in order],
            "value": [features[i].value for i in order],
            **{name: values[output, order] for name, values in columns.items()},
        }
    )


def compare_families(
    families: dict[str, Surrogate],
    penalty: float,
    design: Design,
    ys: Sequence[np.ndarray],
    outputs: Sequence[tuple[str, ...]],
    features: Sequence[Sequence[Feature]],
    random_state: int,
    control: bool = True,
) -> list[tuple[Analysis, pd.DataFrame]]:
    """Analyse several inputs as :func:`analyse_together` does, with every family.

    For each the family is chosen by its mean held-out R², over outputs that vary, less `penalty` for every term.

    Returns
    -------
    list of (Analysis, DataFrame)
        One an input: of the chosen family; and one row a family, best first: ``family, terms, r2, r2_low, r2_high,
        score``.
    """
    found = {
        name: analyse_together(family, design, ys, outputs, features, random_state, control)
        for name, family in families.items()
    }
    return [_best({name: each[i] for name, each in found.items()}, penalty) for i in range(len(ys))]


def _best(found: dict[str, Analysis], penalty: float) -> tuple[Analysis, pd.DataFrame]:
    rows = []
    for name, analysis in found.items():
        judged, terms = analysis.fidelity, len(analysis.surrogate.terms_)
        told = np.array([judged.r2, judged.r2_low, judged.r2_high])
        told = told[:, ~np.isnan(told[0])]  # an output that never changes says nothing about a family
        mean, low, high = told.mean(axis=1) if told.size else (np.nan,) * 3
        rows.append((name, terms, mean, low, high, mean - penalty * terms))
    rows.sort(key=lambda row: -np.nan_to_num(row[-1], nan=-np.inf))
    table = pd.DataFrame(rows, columns=["family", "terms", "r2", "r2_low", "r2_high", "score"])
    return found[rows[0][0]], table


@dataclass(frozen=True)
class _Standing:
    """Which effects stand out: their order, how many are not zero, how many leading places are certain."""

    order: np.ndarray
    clear: int
    ordered: int


def _standing(effect: np.ndarray, error: np.ndarray, m: int) -> _Standing:
    """Effects that differ from zero first, strongest first; all tests at 95% together (Bonferroni)."""
    size = np.abs(effect)
    bound = stats.t.ppf(1 - 0.025 / len(effect), m - 1)
    apart = size > bound * error
    order = np.lexsort((-size, ~apart))
    clear = int(apart.sum())
    ordered = 0
    for this, following in islice(pairwise(order), clear):
        gap = bound * np.hypot(error[this], error[following])
        if size[this] - size[following] <= max(gap, 1e-12 * size[this]):
            break
        ordered += 1
    return _Standing(order, clear, ordered)
