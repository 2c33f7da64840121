"""The average of two estimates by how well each predicts answers left out, and its standard errors."""

from __future__ import annotations

import numpy as np

from surrogates.proxy.averaging import shares

__all__ = ["averaged_values", "doubt"]


def averaged_values(
    values: np.ndarray, se: np.ndarray, beyond: np.ndarray, sampled: np.ndarray | float, left: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Average a first estimate and a second one; return values and standard errors ``(k, t)``.

    With s the second one's share, φ = φ₁ + s (φ₂ − φ₁). The standard error of the first is scaled by how much smaller
    the errors of the average are; what the two differ by is added.

    Parameters
    ----------
    values, se : ndarray ``(k, t)``
        Of the first estimate.
    beyond : ndarray ``(k, t)``
        The second minus the first.
    sampled : ndarray ``(k, t)`` or float
        Standard errors of the second that its distance from the first does not show.
    left : ndarray ``(m, 2, k)``
        Errors of both for answers that were left out, in one unit for each output.
    """
    share = shares(left, np.ones(len(left)))
    first = (left[:, 0] ** 2).sum(axis=0)
    better = (np.tensordot(left, share, (1, 0)) ** 2).sum(axis=0) / np.where(first > 0, first, 1.0)
    variance = se**2 * better[:, None] + share[0] * share[1] * beyond**2 + (share[1] * sampled) ** 2
    return values + share[1] * beyond, np.sqrt(variance)


def doubt(missed: np.ndarray, entered: np.ndarray, n: int) -> np.ndarray:
    """Return standard errors ``(k, n)`` of features that a process left out, the same of each, and 0 of the others.

    All that it misses may be due to them: an effect φ of a feature that is on in half of the rows has a share φ² / 4 of
    the variance of answers.

    Parameters
    ----------
    missed : ndarray ``(m, k)``
        Answers minus what was predicted for each without it.
    entered : ndarray ``(d,)``
        The features that were not left out.
    n : int
    """
    variance = (missed**2).sum(axis=0) / max(len(missed) - len(entered), 1)
    out = np.ones(n)
    out[entered] = 0.0
    return 2 * np.sqrt(variance / max(n - len(entered), 1))[:, None] * out
