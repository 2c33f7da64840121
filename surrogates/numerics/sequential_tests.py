"""Tests by betting: conclusions that hold at whatever time one stops to look.

A gambler bets against a hypothesis; if the hypothesis is true the wealth is a test martingale, and exceeds 1/α at
any time with probability at most α (Ville's inequality; Waudby-Smith and Ramdas 2024).
"""

from __future__ import annotations

import numpy as np

__all__ = ["precision_bound", "r2_wealth"]


def r2_wealth(y: np.ndarray, predicted: np.ndarray, r2: float, clip: float) -> np.ndarray:
    """Compute a gambler's wealth ∏ₜ (1 + λₜ gₜ) against "R² ≤ r2" after each pair of rows, ``(m,)`` → ``(m // 2,)``.

    If the hypothesis is true the wealth exceeds 1/α at any time with probability at most α.

    Parameters
    ----------
    y, predicted : ndarray ``(m,)``
        Answers to independent rows, in the order asked, and a frozen surrogate's predictions for them.
    r2 : float
    clip : float
        Larger errors count as errors of this size.
    """
    m = len(y) // 2 * 2
    error = np.minimum((y[:m] - predicted[:m]) ** 2, clip**2).reshape(-1, 2).mean(axis=1)
    spread = (y[:m:2] - y[1:m:2]) ** 2 / 2
    gain = ((1 - r2) * spread - error) / clip**2  # at least −1
    # stakes from what went before, begun with one pair of no gain; never nearly all that can be lost
    count = np.arange(1, len(gain) + 1)
    mean = np.concatenate([[0.0], np.cumsum(gain)[:-1]]) / count
    square = np.concatenate([[0.25], 0.25 + np.cumsum(gain**2)[:-1]]) / count
    stake = np.clip(mean / square, 0.0, 0.9)
    stake[:1] = 0.25
    return np.exp(np.cumsum(np.log1p(stake * gain)))


def precision_bound(outcomes: np.ndarray, alpha: float, wanted: float = 0.95) -> float:
    """Compute a lower bound of a probability that holds at all times at once with probability 1 − alpha.

    Parameters
    ----------
    outcomes : ndarray of bool ``(m,)``
        Independent trials in the order they were made.
    alpha : float
    wanted : float
        A level to look at besides a grid from .005 to .9999.

    Notes
    -----
    The largest τ below which, at every level, bets that the probability is above it, spread evenly over all higher
    ones, have ever made 1/alpha of their stake (a test martingale and Ville's inequality).

    Examples
    --------
    >>> round(precision_bound(np.ones(60, dtype=bool), 0.05), 3)
    0.925
    """
    levels = np.unique([*np.linspace(0.005, 0.995, 199), *(1 - np.geomspace(1e-4, 4e-3, 8)), wanted])
    # a win raises the wealth and a loss lowers it, so that it is highest after the last win of a run
    outcomes = np.asarray(outcomes, dtype=bool)
    last = np.flatnonzero(outcomes & ~np.append(outcomes[1:], False))
    if not len(last):
        return 0.0
    won = np.cumsum(outcomes)[last, None, None]
    lost = last[:, None, None] + 1 - won
    bets = levels[:, None] + (1 - levels[:, None]) * (np.arange(20) + 0.5) / 20
    wealth = won * np.log(bets / levels[:, None]) + lost * np.log((1 - bets) / (1 - levels[:, None]))
    peak = np.logaddexp.reduce(wealth, axis=2).max(axis=0) - np.log(20)
    proved = int(np.cumprod(peak >= -np.log(alpha)).sum())
    return float(levels[proved - 1]) if proved else 0.0
