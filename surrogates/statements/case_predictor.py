"""Statements stitched together: a small model of a model that predicts single cases.

Each supported statement is one column (a set of cases, or a product of two contrasts). What statements leave open is
filled from the levels of the factors, singly and in pairs, shrunken as far as it helps with unseen entities; how much
the statements say by themselves is shown beside it. Intervals are split-conformal by entity (Vovk et al. 2005; Lei et
al. 2018; the scale that depends on the case is theirs): quantiles of the residuals of entities that the weights have
not seen, relative to how wide residuals are at such levels, and widened for how few independent ones there are.

How good predictions are is measured on entities that had no part in them: without each fifth of the entities the
statements are tested anew, everything is fitted anew, and the fifth is predicted. Entities on which statements were
found are never predicted, only learnt from. The yardstick is the best constant of all: the variance between cases of
different entities, which needs no mean to be fitted (a mean of few entities is a poor constant, and flatters whatever
is compared with it).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import prod
from typing import Any

import numpy as np
import pandas as pd

from probes.errors import InputError
from surrogates.statements.grouped_ridge import (
    CLAIMED,
    LEVEL,
    PAIR,
    Weighed,
    effective,
    folds_of,
    shrunken,
    spread_of,
    variance,
)
from surrogates.statements.statement import RESERVED, Scope, Statement
from surrogates.statements.verdicts import Judged, supported

__all__ = ["Stitched", "stitch"]

_QUANTILES = np.linspace(0.005, 0.995, 100)
_LEVEL = 0.9
_FEWEST = 4  # entities without which nothing is predicted
_OUTER = 5  # folds of entities that judge predictions
_COMBINATIONS = 1024  # most ways in which open factors are filled
_ENOUGH = 30  # cases of a level whose coverage is looked at by itself


@dataclass(frozen=True)
class Stitched:
    """A prediction for any combination of known levels.

    Attributes
    ----------
    columns : tuple of tuple of Scope
        The sets that enter: one set, or the four of an interaction.
    weights : tuple of float
    intercept : float
    residuals : tuple of float
        Quantiles of what single cases of unseen entities differ by, over their scale.
    reference : float
        Above it, the model counts as doing the right thing.
    levels : dict
        Known levels of each factor.
    scores : dict
        On entities that statements, weights and intervals have not seen (five folds): ``r2`` against the best constant
        there could be, ``r2_statements`` of the supported statements alone, ``brier`` of the chance to be right and
        ``brier_constant``, ``calibration`` (mean gap between stated and observed chance), ``coverage`` of 90%
        intervals, ``coverage_least`` in the level where it is lowest, ``cases`` that were predicted.
    claimed : int
        How many of the columns, the first ones, are what supported statements say.
    spread : float
    spreads : tuple of float
        The log of a case's scale: ``spread`` and a weight of each column; no weights for a scale of 1.
    """

    columns: tuple[tuple[Scope, ...], ...]
    weights: tuple[float, ...]
    intercept: float
    residuals: tuple[float, ...]
    reference: float
    levels: Mapping[str, tuple[str, ...]]
    scores: Mapping[str, float]
    claimed: int = 0
    spread: float = 0.0
    spreads: tuple[float, ...] = ()

    def __call__(self, frame: pd.DataFrame) -> np.ndarray:
        """Expected values of cases, ``(n,)``."""
        return self.intercept + _matrix(self.columns, frame) @ np.array(self.weights)

    def predict(self, levels: Mapping[str, str]) -> dict[str, float]:
        """What the model will do with a prompt of these levels; over factors that are left open it is averaged.

        Returns
        -------
        dict
            ``value`` (unit of the metric), ``low`` and ``high`` (90% for a single case), ``right`` (the chance that the
            value is above its reference).

        Raises
        ------
        InputError
            For a level that was never seen.
        """
        for factor, level in levels.items():
            if level not in self.levels.get(factor, ()):
                known = "; ".join(f"{f}: {', '.join(v)}" for f, v in self.levels.items())
                raise InputError("levels", f"be known ({known})", {factor: level})
        frame = self._completed(levels)
        values, scale = self(frame), np.ones(len(frame))
        if self.spreads:
            scale = np.exp(self.spread + _matrix(self.columns, frame) @ np.array(self.spreads))
        residuals = np.array(self.residuals)
        low, high = np.quantile(values[:, None] + scale[:, None] * residuals, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
        return {
            "value": float(values.mean()),
            "low": float(low),
            "high": float(high),
            "right": float(_chance(values, scale, residuals, self.reference).mean()),
        }

    def told(self) -> str:
        """How well single cases are predicted, in a line."""
        s = self.scores
        alone = f" ({s['r2_statements']:.2f} by the supported statements alone)" if "r2_statements" in s else ""
        if not self.claimed:
            alone = " (by levels: no statement is supported)"
        least = f" (at least {s['coverage_least']:.0%} in each level)" if "coverage_least" in s else ""
        line = f"predicts cases of unseen entities with R² {s['r2']:.2f}{alone}; 90% intervals held {s['coverage']:.0%}"
        return (line + least).replace("-", "−")

    def _completed(self, levels: Mapping[str, str]) -> pd.DataFrame:
        """Every combination of the levels of factors that are left open; a fixed sample where they are too many."""
        choices = [(levels[f],) if f in levels else known for f, known in self.levels.items()]
        if prod(map(len, choices)) <= _COMBINATIONS:
            return pd.DataFrame(list(product(*choices)), columns=list(self.levels), index=None)
        rng = np.random.default_rng(0)
        return pd.DataFrame({f: rng.choice(c, _COMBINATIONS) for f, c in zip(self.levels, choices, strict=True)})


def stitch(
    frame: pd.DataFrame,
    judged: Sequence[Judged],
    reference: float,
    random_state: int = 0,
    *,
    control: Judged | None = None,
    others: Mapping[str, pd.DataFrame] | None = None,
) -> Stitched | None:
    """Fit a prediction made of the supported statements; None where values do not vary or entities are too few.

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
    y, entity = frame["value"].to_numpy(dtype=float), frame["entity"].to_numpy()
    again = _Again(frame, tuple(judged), control, others or {})
    if len(set(entity[again.fresh])) < _FEWEST or np.ptp(y) == 0:
        return None
    factors = [c for c in frame.columns if c not in RESERVED]
    levels = {f: tuple(sorted(map(str, frame[f].dropna().unique()))) for f in factors}
    claimed = _claimed([j.statement for j in judged if j.verdict == "supported"])
    more, rest = _filling(levels, frame)
    columns, kinds = (*claimed, *more), np.append(np.full(len(claimed), CLAIMED), rest)
    X, filling = _matrix(columns, frame), _matrix(more, frame)
    rng = np.random.default_rng([random_state, 3])
    told = _told(X, y, kinds, entity, rng)
    scores = _scores(again, filling, rest, y, entity, reference, frame[factors], rng)
    spreads = np.zeros(len(columns))
    spreads[kinds == LEVEL] = told.spread.weights
    used = (np.abs(told.weights.weights) > 1e-8) | (spreads != 0) | (kinds == CLAIMED)
    return Stitched(
        tuple(c for c, u in zip(columns, used, strict=True) if u),
        _floats(told.weights.weights[used]),
        told.weights.intercept,
        _floats(np.quantile(told.residuals, _QUANTILES)),
        reference,
        levels,
        scores,
        len(claimed),
        told.spread.intercept,
        _floats(spreads[used]),
    )


@dataclass(frozen=True)
class _Again:
    """The statements, ready to be tested anew on some of the entities."""

    frame: pd.DataFrame
    judged: tuple[Judged, ...]
    control: Judged | None
    others: Mapping[str, pd.DataFrame]

    @property
    def fresh(self) -> np.ndarray:
        """Cases that no statement was found on, ``(n,)``."""
        if "part" not in self.frame.columns or not any(j.found for j in self.judged):
            return np.ones(len(self.frame), dtype=bool)
        return (self.frame["part"] != "discovery").to_numpy()

    def supported(self, old: np.ndarray) -> list[Statement]:
        """What cases of these entities support, tested as the statements were."""

        def cases(j: Judged) -> pd.DataFrame:
            table = self.others.get(j.metric, self.frame)
            part = table[table["entity"].isin(old)]
            if "part" not in part.columns:
                return part
            return part[part["part"] != "discovery"] if j.found else part.drop(columns="part")

        if self.control is not None and not supported([self.control.statement], [cases(self.control)])[0]:
            return []
        held = supported([j.statement for j in self.judged], [cases(j) for j in self.judged])
        return [j.statement for j, yes in zip(self.judged, held, strict=True) if yes]


@dataclass(frozen=True)
class _Told:
    """Weights, the model of the scale, and residuals over their scale, widened for how few there are."""

    weights: Weighed
    spread: Weighed
    residuals: np.ndarray


def _told(X: np.ndarray, y: np.ndarray, kinds: np.ndarray, entity: np.ndarray, rng: np.random.Generator) -> _Told:
    weights = shrunken(X, y, kinds, entity, rng)
    spread = spread_of(X[:, kinds == LEVEL], weights.residuals, entity, rng)
    size = np.abs(spread.residuals)
    # the quantile that n residuals must be asked for, so that the next one lies below it with the chance stated
    level = min(_LEVEL * (1 + 1 / effective(size, entity)), 1.0)
    nominal = float(np.quantile(size, _LEVEL))
    wider = float(np.quantile(size, level)) / nominal if nominal > 0 else 1.0
    return _Told(weights, spread, spread.residuals * wider)


def _claimed(statements: Sequence[Statement]) -> tuple[tuple[Scope, ...], ...]:
    """The sets of cases that statements are about."""
    return tuple(dict.fromkeys(c for s in statements for c in _sets(s) if any(scope.conditions for scope in c)))


def _filling(
    levels: Mapping[str, tuple[str, ...]], frame: pd.DataFrame
) -> tuple[tuple[tuple[Scope, ...], ...], np.ndarray]:
    """Single levels, then pairs of levels that occur together, and which is which."""
    single = [Scope(((f, (v,)),)) for f, known in levels.items() if len(known) > 1 for v in known]
    both = [a.and_(b) for a, b in combinations(single, 2) if a.conditions[0][0] != b.conditions[0][0]]
    occurs = _matrix([(s,) for s in both], frame).sum(axis=0)
    pairs = [s for s, count in zip(both, occurs, strict=True) if count > 0]
    return tuple((s,) for s in (*single, *pairs)), np.array([LEVEL] * len(single) + [PAIR] * len(pairs), dtype=int)


def _sets(s: Statement) -> list[tuple[Scope, ...]]:
    scopes = tuple(scope for _, scope in s.parts)
    if len(scopes) == 4:
        return [(scopes[0],), (scopes[1],), (scopes[2],), scopes]
    return [(scopes[0],)] if s.otherwise else [(scope,) for scope in scopes]


def _matrix(columns: Sequence[tuple[Scope, ...]], frame: pd.DataFrame) -> np.ndarray:
    """Columns as 0 and 1, ``(n, p)``; every condition is looked up once."""
    known: dict[Any, np.ndarray] = {}

    def holds(scope: Scope) -> np.ndarray:
        inside = np.ones(len(frame), dtype=bool)
        for pair in scope.conditions:
            if pair not in known:
                known[pair] = Scope((pair,)).holds(frame)
            inside &= known[pair]
        return inside

    out = [np.any([holds(s) for s in (c if len(c) < 4 else (c[0], c[3]))], axis=0) for c in columns]
    return np.column_stack(out).astype(float) if out else np.zeros((len(frame), 0))


def _chance(values: np.ndarray, scale: np.ndarray, residuals: np.ndarray, reference: float) -> np.ndarray:
    """Chance that a value with one of these residuals is above the reference, kept off 0 and 1."""
    share = (values[:, None] + scale[:, None] * residuals > reference).mean(axis=1)
    return np.clip(share, 0.005, 0.995)


def _scores(
    again: _Again,
    filling: np.ndarray,
    rest: np.ndarray,
    y: np.ndarray,
    entity: np.ndarray,
    reference: float,
    factors: pd.DataFrame,
    rng: np.random.Generator,
) -> dict[str, float]:
    """Statements tested and everything fitted anew without each fifth of the entities, and judged on it."""
    fold = np.full(len(y), -1)
    fold[again.fresh] = folds_of(entity[again.fresh], _OUTER, rng)
    alone, predicted, stated = (np.full(len(y), np.nan) for _ in range(3))
    inside = np.zeros(len(y), dtype=bool)
    right = (y > reference).astype(float)
    for k in np.unique(fold[again.fresh]):
        new, old = fold == k, fold != k
        claimed = _claimed(again.supported(np.unique(entity[old])))
        X = np.column_stack([_matrix(claimed, again.frame), filling])
        kinds = np.append(np.full(len(claimed), CLAIMED), rest)
        claims = shrunken(X[old], y[old], kinds, entity[old], rng, more=False)
        alone[new] = claims.intercept + X[new] @ claims.weights
        told = _told(X[old], y[old], kinds, entity[old], rng)
        predicted[new] = told.weights.intercept + X[new] @ told.weights.weights
        scale = np.exp(told.spread.intercept + X[new][:, kinds == LEVEL] @ told.spread.weights)
        low, high = np.quantile(told.residuals, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
        inside[new] = (predicted[new] + scale * low <= y[new]) & (y[new] <= predicted[new] + scale * high)
        stated[new] = _chance(predicted[new], scale, np.quantile(told.residuals, _QUANTILES), reference)
    seen = again.fresh
    y, entity, right, stated, inside = y[seen], entity[seen], right[seen], stated[seen], inside[seen]
    predicted, alone, factors = predicted[seen], alone[seen], factors[seen]
    total = variance(y, entity)
    bins = np.minimum((stated * 5).astype(int), 4)
    gaps = [abs(stated[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins)]
    by_level = [inside[m] for f in factors for v in factors[f].unique() if (m := factors[f] == v).sum() >= _ENOUGH]
    return {
        "r2": 1 - float(np.mean((y - predicted) ** 2)) / total if total else float("nan"),
        "r2_statements": 1 - float(np.mean((y - alone) ** 2)) / total if total else float("nan"),
        "brier": float(np.mean((stated - right) ** 2)),
        "brier_constant": variance(right, entity),
        "calibration": float(np.sum(gaps)),
        "coverage": float(inside.mean()),
        "coverage_least": float(min((part.mean() for part in by_level), default=inside.mean())),
        "cases": float(len(y)),
    }


def _floats(values: Any) -> tuple[float, ...]:
    return tuple(float(v) for v in values)
