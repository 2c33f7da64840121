"""Statements stitched together: a small model made of supported statements that predicts single cases.

Each supported statement is one column (a set of cases, or a product of two contrasts); weights are fitted to half of
the entities, and the other half say how well single cases are predicted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from probes.errors import InputError
from surrogates.judge import Judged
from surrogates.statement import RESERVED, Scope, Statement

__all__ = ["Stitched", "stitch"]

_RIDGE = 1.0
_QUANTILES = np.linspace(0.005, 0.995, 100)


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
        Quantiles of what single unseen cases differ by.
    reference : float
        Above it, the model counts as doing the right thing.
    levels : dict
        Known levels of each factor.
    scores : dict
        On unseen entities: ``r2`` against the best constant, ``brier`` of the chance to be right and
        ``brier_constant``, ``calibration`` (mean gap between stated and observed chance), ``coverage`` of 90%
        intervals, ``cases``.
    """

    columns: tuple[tuple[Scope, ...], ...]
    weights: tuple[float, ...]
    intercept: float
    residuals: tuple[float, ...]
    reference: float
    levels: Mapping[str, tuple[str, ...]]
    scores: Mapping[str, float]

    def __call__(self, frame: pd.DataFrame) -> np.ndarray:
        """Expected values of cases, ``(n,)``."""
        return self.intercept + _matrix(self.columns, frame) @ np.array(self.weights)

    def predict(self, levels: Mapping[str, str]) -> dict[str, float]:
        """What the model will do with a prompt of these levels.

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
        frame = pd.DataFrame([{f: levels.get(f) for f in self.levels}])
        value = float(self(frame)[0])
        low, high = np.quantile(self.residuals, [0.05, 0.95])
        return {
            "value": value,
            "low": value + float(low),
            "high": value + float(high),
            "right": float(_chance(np.array([value]), np.array(self.residuals), self.reference)[0]),
        }


def stitch(frame: pd.DataFrame, judged: Sequence[Judged], reference: float, random_state: int = 0) -> Stitched | None:
    """Fit a prediction made of the supported statements; None where none is, or where values do not vary.

    Parameters
    ----------
    frame : DataFrame
        Cases with ``value``; half of the entities fit weights, the others judge them.
    judged : sequence of Judged
    reference : float
    random_state : int
    """
    sets = [_sets(j.statement) for j in judged if j.verdict == "supported"]
    columns = tuple(dict.fromkeys(c for group in sets for c in group if any(s.conditions for s in c)))
    people = sorted(frame["entity"].unique())
    y = frame["value"].to_numpy(dtype=float)
    if len(people) < 4 or np.ptp(y) == 0:
        return None
    rng = np.random.default_rng([random_state, 3])
    fitting = {people[i] for i in rng.permutation(len(people))[: len(people) // 2]}
    train = frame["entity"].isin(fitting).to_numpy()
    X = _matrix(columns, frame)
    intercept, weights = _ridge(X[train], y[train])
    predicted = intercept + X @ weights
    # residuals of cases the weights have not seen would need a third part: halves are swapped
    swapped, other = _ridge(X[~train], y[~train])
    residuals = np.quantile(y[train] - swapped - X[train] @ other, _QUANTILES)
    scores = _scores(y[~train], predicted[~train], y[train], residuals, reference)
    factors = [c for c in frame.columns if c not in RESERVED]
    levels = {f: tuple(sorted(map(str, frame[f].dropna().unique()))) for f in factors}
    return Stitched(columns, _floats(weights), float(intercept), _floats(residuals), reference, levels, scores)


def _sets(s: Statement) -> list[tuple[Scope, ...]]:
    scopes = tuple(scope for _, scope in s.parts)
    if len(scopes) == 4:
        return [(scopes[0],), (scopes[1],), (scopes[2],), scopes]
    return [(scopes[0],)] if s.otherwise else [(scope,) for scope in scopes]


def _matrix(columns: Sequence[tuple[Scope, ...]], frame: pd.DataFrame) -> np.ndarray:
    out = [np.any([s.holds(frame) for s in (c if len(c) < 4 else (c[0], c[3]))], axis=0) for c in columns]
    return np.column_stack(out).astype(float) if out else np.zeros((len(frame), 0))


def _ridge(X: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    centre, level = X.mean(axis=0), y.mean()
    Xc = X - centre
    weights = np.linalg.solve(Xc.T @ Xc + _RIDGE * np.eye(X.shape[1]), Xc.T @ (y - level))
    return float(level - centre @ weights), weights


def _chance(values: np.ndarray, residuals: np.ndarray, reference: float) -> np.ndarray:
    """Chance that a value with one of these residuals is above the reference, kept off 0 and 1."""
    share = (values[:, None] + residuals[None] > reference).mean(axis=1)
    return np.clip(share, 0.005, 0.995)


def _scores(
    truth: np.ndarray, predicted: np.ndarray, fitted: np.ndarray, residuals: np.ndarray, reference: float
) -> dict[str, float]:
    total = float(((truth - fitted.mean()) ** 2).sum())
    right = (truth > reference).astype(float)
    stated = _chance(predicted, residuals, reference)
    bins = np.minimum((stated * 5).astype(int), 4)
    gaps = [abs(stated[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins)]
    low, high = np.quantile(residuals, [0.05, 0.95])
    inside = (predicted + low <= truth) & (truth <= predicted + high)
    return {
        "r2": 1 - float(((truth - predicted) ** 2).sum()) / total if total else float("nan"),
        "brier": float(np.mean((stated - right) ** 2)),
        "brier_constant": float(np.mean((np.mean(fitted > reference) - right) ** 2)),
        "calibration": float(np.sum(gaps)),
        "coverage": float(inside.mean()),
        "cases": float(len(truth)),
    }


def _floats(values: Any) -> tuple[float, ...]:
    return tuple(float(v) for v in values)
