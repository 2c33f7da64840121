"""The choice of background rows as a source of error: one effect a row, and how much they differ.

A probe may stand for a population of rows of which it uses a few, the same for every question. The effect of a feature
is the average over the population of its effect for each row; that of the rows used is an estimate, whose variance is
seen in how much the rows differ (:class:`~probes.probe.Replication`). It does not shrink with more questions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from probes.asking.answers import Answers
from probes.design import Design
from probes.errors import ModelError
from probes.outputs.target import Target
from probes.probe import Replication

__all__ = ["BackgroundSpread", "RowAnswers", "row_answers", "row_effects"]


@dataclass(frozen=True, eq=False)
class RowAnswers:
    """How the number explained differs between background rows.

    Attributes
    ----------
    deviations : ndarray ``(n, R, k)``
        For every question and row: the number for the row alone less that for all of them.
    drawn : Replication
    """

    deviations: np.ndarray
    drawn: Replication


@dataclass(frozen=True, eq=False)
class BackgroundSpread:
    """How far the background rows used settle the effects for the whole background.

    Attributes
    ----------
    rows, population : int
        Background rows used, and how many there are.
    factor : ndarray ``(k, q, d)``
        For each output the triangular factor A of the covariance AᵀA of the d effects.
    quantiles : tuple of d float
        Standard errors to either side of a 95% interval; NaN where there is none.
    """

    rows: int
    population: int
    factor: np.ndarray
    quantiles: tuple[float, ...]

    @property
    def covariance(self) -> np.ndarray:
        """Covariance of effects due to the choice of background rows, ``(k, d, d)``."""
        return np.einsum("kqi,kqj->kij", self.factor, self.factor)

    @classmethod
    def of(cls, drawn: Replication, effects: np.ndarray) -> BackgroundSpread:
        """Make it of the effects ``(R, k, d)`` of each row."""
        drawn, factors = drawn.seen(effects), drawn.factor(effects).transpose(1, 0, 2)
        small = factors.shape[1] <= factors.shape[2] or not np.isfinite(factors).all()
        factor = factors if small else np.linalg.qr(factors)[1]
        quantiles = tuple(float(q) if np.isfinite(q) else float("nan") for q in drawn.quantiles)
        return cls(len(drawn.stratum), drawn.population, factor, quantiles)


def row_answers(answers: Answers, y: np.ndarray, target: Target, drawn: Replication | None) -> RowAnswers | None:
    """Compute what each background row adds to the number explained ``(n, k)``; None where they are no sample.

    Notes
    -----
    For a number that is no average over rows (log-odds of a mean probability) the jackknife's pseudo-values:
    (1 − w)(y − y₋ᵣ) / w, with y₋ᵣ the number without row r, whose weight is w.
    """
    raw = answers.replicates
    if drawn is None or raw is None:
        return None
    if raw.shape[1] == 1:  # one row says nothing of how rows differ
        return RowAnswers(np.full((len(y), 1, y.shape[1]), np.nan), drawn)
    w = drawn.weights[:, None]
    without = answers.y[:, None] - w / (1 - w) * (raw - answers.y[:, None])
    try:
        numbers = target(without.reshape(-1, raw.shape[2])).reshape(*raw.shape[:2], -1)
    except ModelError:  # a function of the user's that is not defined for fewer rows
        numbers = np.full((*raw.shape[:2], y.shape[1]), np.nan)
    return RowAnswers((1 - w) / w * (y[:, None] - numbers), drawn)


def row_effects(design: Design, rows: RowAnswers, score: np.ndarray) -> np.ndarray:
    """Estimate how each row's average effects differ from those of all, ``(R, k, d)``.

    Parameters
    ----------
    design : Design
    rows : RowAnswers
    score : ndarray ``(m, d)``
        What a judged answer is multiplied by in the estimate of an effect.

    Notes
    -----
    Least squares on the scores and a constant, so that what a row does with one feature is no noise in the effects of
    others; with fewer than two questions a feature the plain mean of products, which has more of it.
    """
    deviations = rows.deviations[design.fixed + design.block :]
    m, replicates, k = deviations.shape
    flat = deviations.reshape(m, -1)
    if design.exact or m < 2 * (score.shape[1] + 1):
        effects = score.T @ flat / m
    else:
        unit = np.sqrt((score**2).mean(axis=0))
        X = np.column_stack([score / unit, np.ones(m)])
        effects = unit[:, None] * np.linalg.lstsq(X, np.nan_to_num(flat), rcond=None)[0][:-1]
        effects[:, np.isnan(flat).any(axis=0)] = np.nan
    return effects.T.reshape(replicates, k, -1)
