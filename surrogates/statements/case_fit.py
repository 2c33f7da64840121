"""Fitting a predictor of single cases: a small model of a model, made of its supported statements.

Each supported statement is one column (a set of cases, or a product of two contrasts). Levels of the factors, singly
and in pairs, fill in what statements leave open, shrunken as far as that helps with unseen entities; how much the
statements predict alone is reported beside it. Intervals are split-conformal by entity (Vovk et al. 2005; Lei et al.
2018; the scale that depends on the case is theirs): quantiles of the residuals of entities that the weights have not
seen, relative to how wide residuals are at such levels, and widened for how few independent ones there are.

Predictions are judged on entities that had no part in them: without each fifth of the entities the statements are
tested again, everything is fitted again, and the fifth is predicted. Entities on which statements were discovered are
never predicted, only learnt from. The yardstick is the best constant: the variance between cases of different
entities, which needs no mean to be fitted (a mean of few entities is a poor constant, and flatters whatever is
compared with it).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from probes.cases.case import RESERVED
from surrogates.statements.case_columns import claimed_columns, indicators, level_columns
from surrogates.statements.case_predictor import INTERVAL, CasePredictor, chance_above
from surrogates.statements.grouped_ridge import (
    CLAIMED,
    LEVEL,
    LinearFit,
    effective_count,
    entity_variance,
    fit_log_scale,
    folds_of,
    grouped_ridge,
)
from surrogates.statements.scope import Scope
from surrogates.statements.statement import Statement
from surrogates.statements.verdicts import Judged, supported

__all__ = ["fit_case_predictor"]

_QUANTILES = np.linspace(0.005, 0.995, 100)
#: entities without which nothing is predicted
_FEWEST_ENTITIES = 4
#: folds of entities that judge predictions
_OUTER_FOLDS = 5
#: cases of a level whose coverage is reported
_LEVEL_CASES = 30


def fit_case_predictor(
    frame: pd.DataFrame,
    judged: Sequence[Judged],
    reference: float,
    random_state: int = 0,
    *,
    control: Judged | None = None,
    others: Mapping[str, pd.DataFrame] | None = None,
) -> CasePredictor | None:
    """Fit a predictor of single cases; None where values do not vary or entities are too few.

    Parameters
    ----------
    frame : DataFrame
        Cases with ``value``. Where statements were found, a column ``part`` says which cases they were found on
        (``discovery``).
    judged : sequence of Judged
    reference : float
    random_state : int
        Draws the folds of entities.
    control : Judged, optional
        The positive control, without which nothing counts as supported.
    others : dict of str to DataFrame, optional
        By metric: the same cases, for statements about another metric than that of `frame`.
    """
    cases = _Cases.of(frame, reference)
    retest = _Retest(frame, tuple(judged), control, others or {})
    if len(set(cases.entity[retest.fresh])) < _FEWEST_ENTITIES or np.ptp(cases.y) == 0:
        return None
    claimed = claimed_columns([j.statement for j in judged if j.verdict == "supported"])
    columns, kinds = (*claimed, *cases.columns), np.append(np.full(len(claimed), CLAIMED), cases.kinds)
    rng = np.random.default_rng([random_state, 3])
    fit = _fit(indicators(columns, frame), cases.y, kinds, cases.entity, rng)
    scores = _scores(cases, retest, rng)
    spreads = np.zeros(len(columns))
    spreads[kinds == LEVEL] = fit.log_scale.weights
    used = (np.abs(fit.mean.weights) > 1e-8) | (spreads != 0) | (kinds == CLAIMED)
    return CasePredictor(
        tuple(c for c, u in zip(columns, used, strict=True) if u),
        _floats(fit.mean.weights[used]),
        fit.mean.intercept,
        _floats(np.quantile(fit.residuals, _QUANTILES)),
        reference,
        cases.levels,
        scores,
        len(claimed),
        fit.log_scale.intercept,
        _floats(spreads[used]),
    )


@dataclass(frozen=True)
class _Cases:
    """Cases, and the columns that levels give.

    Attributes
    ----------
    frame : DataFrame
        n cases.
    y : ndarray ``(n,)``
    entity : ndarray ``(n,)`` of labels
    levels : dict
        Known levels of each factor.
    columns : tuple of tuple of Scope
        Single levels and pairs of levels.
    kinds : ndarray of int ``(p,)``
    reference : float
    """

    frame: pd.DataFrame
    y: np.ndarray
    entity: np.ndarray
    levels: Mapping[str, tuple[str, ...]]
    columns: tuple[tuple[Scope, ...], ...]
    kinds: np.ndarray
    reference: float

    @classmethod
    def of(cls, frame: pd.DataFrame, reference: float) -> _Cases:
        levels = {f: tuple(sorted(map(str, frame[f].dropna().unique()))) for f in frame.columns if f not in RESERVED}
        y, entity = frame["value"].to_numpy(dtype=float), frame["entity"].to_numpy()
        return cls(frame, y, entity, levels, *level_columns(levels, frame), reference)


@dataclass(frozen=True)
class _Retest:
    """Statements that can be tested again on some of the entities."""

    frame: pd.DataFrame
    judged: tuple[Judged, ...]
    control: Judged | None
    others: Mapping[str, pd.DataFrame]

    @property
    def fresh(self) -> np.ndarray:
        """Cases that no statement was found on, ``(n,)``."""
        if "part" not in self.frame.columns or not any(j.discovered for j in self.judged):
            return np.ones(len(self.frame), dtype=bool)
        return (self.frame["part"] != "discovery").to_numpy()

    def supported(self, entities: np.ndarray) -> list[Statement]:
        """Return statements that the cases of these entities support, tested as they were on all entities."""

        @cache
        def cases(metric: str, discovered: bool) -> pd.DataFrame:
            table = self.others.get(metric, self.frame)
            part = table[table["entity"].isin(entities)]
            if "part" not in part.columns:
                return part
            return part[part["part"] != "discovery"] if discovered else part.drop(columns="part")

        def holds(judged: Sequence[Judged]) -> list[bool]:
            return supported([j.statement for j in judged], [cases(j.metric, j.discovered) for j in judged])

        if self.control is not None and not holds([self.control])[0]:
            return []
        held = holds(self.judged)
        return [j.statement for j, yes in zip(self.judged, held, strict=True) if yes]


@dataclass(frozen=True)
class _Fit:
    """Models of the mean and the log scale of a case; residuals over their scale, widened for how few there are."""

    mean: LinearFit
    log_scale: LinearFit
    residuals: np.ndarray


def _fit(X: np.ndarray, y: np.ndarray, kinds: np.ndarray, entity: np.ndarray, rng: np.random.Generator) -> _Fit:
    mean = grouped_ridge(X, y, kinds, entity, rng)
    log_scale = fit_log_scale(X[:, kinds == LEVEL], mean.residuals, entity, rng)
    size = np.abs(log_scale.residuals)
    # the quantile that n residuals must be asked for, so that the next one lies below it with the chance stated
    level = min(INTERVAL * (1 + 1 / effective_count(size, entity)), 1.0)
    nominal = float(np.quantile(size, INTERVAL))
    wider = float(np.quantile(size, level)) / nominal if nominal > 0 else 1.0
    return _Fit(mean, log_scale, log_scale.residuals * wider)


@dataclass(frozen=True)
class _HeldOut:
    """Predictions for n cases by models that have not seen their entities, each ``(n,)``; NaN where there is none.

    Attributes
    ----------
    value : ndarray
        Expected values.
    by_statements : ndarray
        Expected values by the supported statements alone.
    right : ndarray
        Chances that the value is above its reference.
    inside : ndarray of bool
        Whether the 90% interval held the case.
    """

    value: np.ndarray
    by_statements: np.ndarray
    right: np.ndarray
    inside: np.ndarray


def _held_out(cases: _Cases, retest: _Retest, rng: np.random.Generator) -> _HeldOut:
    """Leave out each fifth of the entities, test statements and fit everything again, and predict the fifth."""
    y, entity = cases.y, cases.entity
    level_part = indicators(cases.columns, cases.frame)
    fold = np.full(len(y), -1)
    fold[retest.fresh] = folds_of(entity[retest.fresh], _OUTER_FOLDS, rng)
    value, by_statements, right = (np.full(len(y), np.nan) for _ in range(3))
    out = _HeldOut(value, by_statements, right, np.zeros(len(y), dtype=bool))
    for k in np.unique(fold[retest.fresh]):
        new, old = fold == k, fold != k
        claimed = claimed_columns(retest.supported(np.unique(entity[old])))
        X = np.column_stack([indicators(claimed, cases.frame), level_part])
        kinds = np.append(np.full(len(claimed), CLAIMED), cases.kinds)
        claims = grouped_ridge(X[old], y[old], kinds, entity[old], rng, more=False)
        out.by_statements[new] = claims.intercept + X[new] @ claims.weights
        fit = _fit(X[old], y[old], kinds, entity[old], rng)
        mean = fit.mean.intercept + X[new] @ fit.mean.weights
        scale = np.exp(fit.log_scale.intercept + X[new][:, kinds == LEVEL] @ fit.log_scale.weights)
        low, high = np.quantile(fit.residuals, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2])
        out.value[new] = mean
        out.inside[new] = (mean + scale * low <= y[new]) & (y[new] <= mean + scale * high)
        out.right[new] = chance_above(mean, scale, np.quantile(fit.residuals, _QUANTILES), cases.reference)
    return out


def _scores(cases: _Cases, retest: _Retest, rng: np.random.Generator) -> dict[str, float]:
    """Return scores of held-out predictions, see :class:`~surrogates.statements.case_predictor.CasePredictor`."""
    held_out, seen = _held_out(cases, retest, rng), retest.fresh
    y, entity, factors = cases.y[seen], cases.entity[seen], cases.frame[list(cases.levels)][seen]
    stated, inside = held_out.right[seen], held_out.inside[seen]
    right = (y > cases.reference).astype(float)
    total = entity_variance(y, entity)
    bins = np.minimum((stated * 5).astype(int), 4)
    gaps = [abs(stated[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins)]
    by_level = [inside[m] for f in factors for v in factors[f].unique() if (m := factors[f] == v).sum() >= _LEVEL_CASES]
    return {
        "r2": 1 - float(np.mean((y - held_out.value[seen]) ** 2)) / total if total else float("nan"),
        "r2_statements": 1 - float(np.mean((y - held_out.by_statements[seen]) ** 2)) / total if total else float("nan"),
        "brier": float(np.mean((stated - right) ** 2)),
        "brier_constant": entity_variance(right, entity),
        "calibration": float(np.sum(gaps)),
        "coverage": float(inside.mean()),
        "coverage_least": float(min((part.mean() for part in by_level), default=inside.mean())),
        "cases": float(len(y)),
    }


def _floats(values: Any) -> tuple[float, ...]:
    return tuple(float(v) for v in values)
