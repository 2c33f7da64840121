"""CasePredictor: supported statements put together to predict single cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np
import pandas as pd

from probes.errors import InputError
from probes.rounding import percent, score
from surrogates.statements.case_columns import indicators
from surrogates.statements.scope import Scope

__all__ = ["INTERVAL", "CasePredictor", "chance_above"]

#: coverage of the intervals
INTERVAL = 0.9
#: most combinations of levels over which a prediction is averaged
_MOST = 1024


@dataclass(frozen=True)
class CasePredictor:
    """ŷ = b + Σⱼ wⱼ 1[case in set j], for any combination of known levels, with an interval for a single case.

    Attributes
    ----------
    columns : tuple of tuple of Scope
        The sets that enter: one set, or the four of an interaction.
    weights : tuple of float
    intercept : float
    residuals : tuple of float
        Quantiles of the residuals of single cases of unseen entities, over the scale of the case.
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
        How many of the columns, the first ones, come from supported statements.
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
        """Predict the expected values of cases, ``(n,)``."""
        return self.intercept + indicators(self.columns, frame) @ np.array(self.weights)

    def predict(self, levels: Mapping[str, str]) -> dict[str, float]:
        """Predict the model's answer to a prompt of these levels, averaged over factors that are left open.

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
        X = indicators(self.columns, self._completed(levels))
        values, scale = self.intercept + X @ np.array(self.weights), np.ones(len(X))
        if self.spreads:
            scale = np.exp(self.spread + X @ np.array(self.spreads))
        residuals = np.array(self.residuals)
        low, high = np.quantile(values[:, None] + scale[:, None] * residuals, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2])
        return {
            "value": float(values.mean()),
            "low": float(low),
            "high": float(high),
            "right": float(chance_above(values, scale, residuals, self.reference).mean()),
        }

    def summary(self) -> str:
        """Say in one line how well single cases are predicted."""
        s = self.scores
        alone = f" ({score(s['r2_statements'])} by the supported statements alone)" if "r2_statements" in s else ""
        if not self.claimed:
            alone = " (by levels: no statement is supported)"
        least = f" (at least {percent(s['coverage_least'])} in each level)" if "coverage_least" in s else ""
        held = f"90% intervals held {percent(s['coverage'])}{least}"
        return f"predicts cases of unseen entities with R² {score(s['r2'])}{alone}; {held}"

    def _completed(self, levels: Mapping[str, str]) -> pd.DataFrame:
        """Combine the given levels with all levels of the other factors; a fixed sample where these are too many."""
        choices = [(levels[f],) if f in levels else known for f, known in self.levels.items()]
        if prod(map(len, choices)) <= _MOST:
            return pd.DataFrame(list(product(*choices)), columns=list(self.levels), index=None)
        rng = np.random.default_rng(0)
        return pd.DataFrame({f: rng.choice(c, _MOST) for f, c in zip(self.levels, choices, strict=True)})


def chance_above(values: np.ndarray, scale: np.ndarray, residuals: np.ndarray, reference: float) -> np.ndarray:
    """Return the chance ``(n,)`` that value + scale · residual is above the reference, kept off 0 and 1."""
    share = (values[:, None] + scale[:, None] * residuals > reference).mean(axis=1)
    return np.clip(share, 0.005, 0.995)
