"""Effects on any run of tokens of an answer, from the answers alone: a linear map, so that no phrase needs a new fit.

The estimate is that of :mod:`surrogates.judging.attribution`, effects of a prediction plus the correlation of features
with its held-out errors, and has the same expectation whatever the prediction. Here the prediction is a kernel ridge
regression with one setting for all tokens, f(z) = μ + K(z, Z) (K(Z, Z) + I)⁻¹ (y − μ), its kernel K a linear and a
pairwise part. It is linear in the answers y: what holds for the mean over some tokens is the mean of what holds for
each. Errors add up as well, so intervals of any phrase are as good as a token's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from scipy import stats

from probes.asking.answers import Answers
from probes.design import Design
from probes.errors import InputError
from probes.probe import Feature
from surrogates.judging.attribution import scores, steps
from surrogates.numerics.folds import folds
from surrogates.numerics.merged_rows import distinct_rows

__all__ = ["TokenEffects", "token_effects"]

_FOLDS = 10
#: sizes of the linear and of the pairwise part of the kernel, beside a penalty of 1, that are tried
_LINEAR = 10.0 ** np.arange(-1.0, 7.0)
_PAIRS = (0.0, *10.0 ** np.arange(-1.0, 5.0))
#: rows that they are tried on
_TRIED = 400
#: share of the variance of a token's answers below which no leave-one-out error counts
_LEAST = 1e-6
#: below this share of the largest answer an effect is rounding
_ROUNDING = 1024 * np.finfo(float).eps


@dataclass(frozen=True, eq=False)
class TokenEffects:
    """Average effects on any tokens of an answer, each with a 95% interval.

    Attributes
    ----------
    tokens : tuple of T str
        Pieces of the answer's text.
    features : tuple of d str
        Names of features.
    answers : ndarray ``(n, T)``
        Log-probabilities of tokens (nats) for every question sampled.
    weights : ndarray ``(d, n)``
        Effects are ``weights @ y`` for answers y ``(n,)``: of one token, or the mean of some.
    errors : ndarray ``(m, n)``
        Held-out errors are ``errors @ y``; no rows where every possible question was asked.
    scores : ndarray ``(m, d)``
        What errors are multiplied by for the standard error.
    quantile : float
        How many standard deviations of these products are to either side of an interval.
    """

    tokens: tuple[str, ...]
    features: tuple[str, ...]
    answers: np.ndarray
    weights: np.ndarray
    errors: np.ndarray
    scores: np.ndarray
    quantile: float

    def of(self, first: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Compute effects on the mean log-probability of tokens first … stop − 1, and half-widths, ``(d,)`` each.

        Raises
        ------
        InputError
            If there are no such tokens.
        """
        if not 0 <= first < stop <= len(self.tokens):
            raise InputError("tokens", f"be a range within 0 and {len(self.tokens)}", (first, stop))
        y = self.answers[:, first:stop].mean(axis=1)
        effects, rounding = self.weights @ y, _ROUNDING * np.abs(y).max()
        half = np.zeros(len(effects))
        if len(self.errors):
            half = self.quantile * ((self.errors @ y)[:, None] * self.scores).std(axis=0, ddof=1)
        return np.where(np.abs(effects) <= rounding, 0.0, effects), np.where(half <= rounding, 0.0, half)

    def table(self, first: int, stop: int) -> pd.DataFrame:
        """Return the same as a table, strongest first: ``feature, attribution, low, high``."""
        effects, half = self.of(first, stop)
        columns = {"feature": self.features, "attribution": effects, "low": effects - half, "high": effects + half}
        return pd.DataFrame(columns).iloc[np.argsort(-np.abs(effects), kind="stable")].reset_index(drop=True)


def token_effects(answers: Answers, features: Sequence[Feature], random_state: int) -> TokenEffects:
    """Find the linear map from answers to effects.

    Parameters
    ----------
    answers : Answers
        Of a language model: an output for each token.
    features : sequence of d Feature
        Present or absent.
    random_state : int
        Assigns rows to folds.
    """
    design, y = answers.design, answers.y[answers.design.fixed :]
    score = scores(design.judged, features)
    m = len(score)
    if design.exact:
        weights, errors, left = score.T / m, np.empty((0, len(y))), 0.0
    else:
        weights, errors = _maps(design, y, score, features, random_state)
        left = max(0.0, 1 - m / design.population)
    quantile = float(stats.t.ppf(0.975, m - 1) * np.sqrt(left / m))
    return TokenEffects(answers.outputs, tuple(f.name for f in features), y, weights, errors, score, quantile)


def _maps(
    design: Design, y: np.ndarray, score: np.ndarray, features: Sequence[Feature], random_state: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the maps from answers ``(n,)`` to effects ``(d, n)``, and to held-out errors ``(m, n)``."""
    loc, scale = (np.array([getattr(f, name) for f in features]) for name in ("loc", "scale"))
    X = (design.sampled - loc) / scale
    linear, pairs = _chosen(X[:_TRIED], y[:_TRIED])
    kernel = linear * _linear(X) + pairs * _pairwise(X)
    n, m = len(X), len(score)
    errors, slopes = np.zeros((m, n)), np.zeros((X.shape[1], n))
    errors[:, n - m :] = np.eye(m)
    first, place = distinct_rows(design.judged)
    group = None if len(first) == m else place  # equal rows share a fold
    for train, test in folds(m, _FOLDS, random_state, group):
        rows = np.concatenate([np.arange(n - m), n - m + train])
        alpha, level = _regression(kernel[np.ix_(rows, rows)])
        errors[np.ix_(test, rows)] -= kernel[np.ix_(n - m + test, rows)] @ alpha + level
        slopes[:, rows] += len(test) / m * linear / X.shape[1] * X[rows].T @ alpha
    return steps(features)[:, None] / scale[:, None] * slopes + score.T @ errors / m, errors


def _chosen(X: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Choose the sizes of the linear and the pairwise part by leave-one-out errors.

    That with the least geometric mean over all tokens that vary: of how wide intervals are, but for a constant.
    """
    main, pairwise = _linear(X), _pairwise(X)
    varying = y[:, y.std(axis=0) > _ROUNDING * np.abs(y).max(axis=0)]
    u = (varying - varying.mean(axis=0)) / varying.std(axis=0) if varying.size else np.zeros((len(X), 1))
    best = np.inf, 1.0, 0.0
    for linear, pairs in product(_LINEAR, _PAIRS):
        alpha, _ = _regression(linear * main + pairs * pairwise)
        left = alpha @ u / np.diag(alpha)[:, None]
        error = float(np.log(np.maximum((left**2).mean(axis=0), _LEAST)).mean())
        if error < best[0]:
            best = error, float(linear), float(pairs)
    return best[1:]


def _regression(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return α ``(n, n)`` and μ ``(n,)``: the prediction is K(z, Z) α y + μ y, of least squares with a level."""
    inverse = np.linalg.inv(kernel + np.eye(len(kernel)))
    level = inverse.sum(axis=0) / inverse.sum()
    return inverse - np.outer(inverse.sum(axis=1), level), level


def _linear(X: np.ndarray) -> np.ndarray:
    """Return Σ x_i x'_i over features for rows of ±1 ``(n, d)``, at most 1: ``(n, n)``."""
    product: np.ndarray = X @ X.T / X.shape[1]
    return product


def _pairwise(X: np.ndarray) -> np.ndarray:
    """Return Σ x_i x_j x'_i x'_j over pairs of features, which is ((x·x')² − d) / 2, at most 1: ``(n, n)``."""
    d = X.shape[1]
    product: np.ndarray = ((X @ X.T) ** 2 - d) / max(d * (d - 1), 1)
    return product
