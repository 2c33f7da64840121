"""How well predictions agree with answers: R² and rank correlation per output, with their intervals."""

from __future__ import annotations

import numpy as np
from scipy import stats
from scipy.special import ndtri, stdtrit

__all__ = ["r2", "r2_interval", "rank_correlation", "rank_interval", "rounding", "varies"]


def r2(y: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Compute 1 − Σ(y−ŷ)² / Σ(y−ȳ)² per column, ``(n, k)`` → ``(k,)``; never clamped, NaN where y does not vary.

    Examples
    --------
    >>> r2(np.array([[0.0], [1.0]]), np.array([[1.0], [0.0]]))
    array([-3.])
    """
    total = ((y - y.mean(axis=0)) ** 2).sum(axis=0)
    error = ((y - predicted) ** 2).sum(axis=0)
    moves = varies(y)
    return np.where(moves, 1 - error / np.where(moves, total, 1.0), np.nan)


def varies(y: np.ndarray) -> np.ndarray:
    """Return whether each column of ``(n, k)`` varies by more than rounding, ``(k,)``."""
    return np.ptp(y, axis=0) > rounding(y)


def rounding(y: np.ndarray) -> np.ndarray:
    """Return the size up to which differences between answers ``(n, k)`` are rounding, ``(k,)``: of long sums, too."""
    return 1024 * np.finfo(float).eps * np.abs(y).max(axis=0)


def r2_interval(
    score: np.ndarray, y: np.ndarray, predicted: np.ndarray, by_fold: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the 95% interval of held-out R², log-normal for 1 − R².

    Parameters
    ----------
    score : ndarray ``(k,)``
        R² of the predictions.
    y, predicted : ndarray ``(m, k)``
        Answers, and held-out predictions for them.
    by_fold : ndarray ``(f, m, k)``
        Predictions for all rows by the surrogate of each fold.

    Returns
    -------
    low, high : ndarray ``(k,)``

    Notes
    -----
    Three sources of error add up: the sampling of the held-out rows (delta method on the ratio of two means); that
    rows with large errors may be missing from the sample, judged by the largest that is there (heavy tails); and that
    the surrogate shown is not one of those judged, which grows with how much the folds' surrogates differ (the
    jackknife variance of the fit relative to its error). The weights of the last two, 3/m² and 10/m, were set on games
    of real models (``python -m benchmarks coverage``). No interval knows of changes so rare that none was sampled.
    """
    m = len(y)
    error, total = (y - predicted) ** 2, (y - y.mean(axis=0)) ** 2
    scale = np.maximum(error.mean(axis=0), 1e-300)
    share = error / scale - total / np.maximum(total.mean(axis=0), 1e-300)
    unstable = (len(by_fold) - 1) * by_fold.var(axis=0).mean(axis=0) / scale
    largest = np.abs(share).max(axis=0)
    variance = share.var(axis=0, ddof=1) / m + 3 * (largest / m) ** 2 + 10 / m * np.minimum(unstable, 10.0)
    factor = np.exp(stdtrit(m - 1, 0.975) * np.sqrt(variance))
    return 1 - (1 - score) * factor, 1 - (1 - score) / factor


def rank_correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Compute Spearman's correlation of the columns of ``(n, k)``, ``(k,)``; NaN where one does not vary.

    Values closer than 1e-5 of the range of `a` are ties: no plot sets them apart.
    """
    width = np.ptp(a, axis=0)
    unit = np.where(width > 0, 1e-5 * np.maximum(width, 1e-300), 1.0)
    a, b = (stats.rankdata(np.round(values / unit), axis=0) - (len(values) + 1) / 2 for values in (a, b))
    size = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    return np.where(size > 0, (a * b).sum(axis=0) / np.where(size > 0, size, 1.0), np.nan)


def rank_interval(rank: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Compute 95% intervals of rank correlations ``(k,)`` over m rows: Fisher's z, standard error 1.03 / √(m − 3)."""
    width = ndtri(0.975) * 1.03 / np.sqrt(max(rows - 3, 1))
    z = np.arctanh(np.clip(rank, -0.999999, 0.999999))
    return np.tanh(z - width), np.tanh(z + width)
