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
from surrogates.attribution import average_effects, effect_estimates
from surrogates.base import Surrogate
from surrogates.fidelity import Fidelity, cross_fit, fidelity

__all__ = ["Analysis", "analyse", "compare_families"]


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
    fitted, sampled = y[design.fixed :], y[design.fixed + design.block :]
    surrogate = clone(family).fit(design.sampled, fitted[:, 0] if y.shape[1] == 1 else fitted)
    crossed = cross_fit(family, design.sampled, fitted, random_state, design.block)
    own = average_effects(surrogate.terms_, np.atleast_2d(surrogate.coef_), features)
    effects, errors = effect_estimates(design, sampled, crossed, features)
    rounding = 64 * np.finfo(float).eps * np.abs(sampled).max(axis=0)[:, None]
    for values in (effects, errors, own):
        values[np.abs(values) <= rounding] = 0.0
    width = stats.t.ppf(0.975, len(sampled) - 1) * errors
    found = [_standing(effect, error, len(sampled)) for effect, error in zip(effects, errors, strict=True)]
    frames = [
        pd.DataFrame(
            {
                "output": output,
                "feature": [features[i].name for i in standing.order],
                "value": [features[i].value for i in standing.order],
                "attribution": effects[j, standing.order],
                "low": (effects - width)[j, standing.order],
                "high": (effects + width)[j, standing.order],
                "surrogate": own[j, standing.order],
            }
        )
        for j, (output, standing) in enumerate(zip(outputs, found, strict=True))
    ]
    clear, ordered = tuple(s.clear for s in found), tuple(s.ordered for s in found)
    judged = fidelity(surrogate, design, y, crossed, clear, ordered, outputs, random_state, control)
    return Analysis(surrogate, judged, pd.concat(frames, ignore_index=True))


def compare_families(
    families: dict[str, Surrogate],
    penalty: float,
    design: Design,
    y: np.ndarray,
    outputs: tuple[str, ...],
    features: Sequence[Feature],
    random_state: int,
    control: bool = True,
) -> tuple[Analysis, pd.DataFrame]:
    """Analyse with every family, and choose by mean held-out R² less `penalty` for every term.

    Returns
    -------
    Analysis
        Of the chosen family.
    DataFrame
        One row a family, best first: ``family, terms, r2, r2_low, r2_high, score``.
    """
    found = {
        name: analyse(family, design, y, outputs, features, random_state, control) for name, family in families.items()
    }
    rows = []
    for name, analysis in found.items():
        judged, terms = analysis.fidelity, len(analysis.surrogate.terms_)
        mean, low, high = (float(np.mean(values)) for values in (judged.r2, judged.r2_low, judged.r2_high))
        rows.append((name, terms, mean, low, high, mean - penalty * terms))
    table = pd.DataFrame(rows, columns=["family", "terms", "r2", "r2_low", "r2_high", "score"])
    table = table.sort_values("score", ascending=False, ignore_index=True, kind="stable")
    return found[table.loc[0, "family"]], table


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
