"""The average of estimates by how well each predicts answers left out, and its standard errors."""

from __future__ import annotations

import numpy as np

from surrogates.proxy.averaging import shares

__all__ = ["averaged_values", "doubt"]


def averaged_values(
    values: np.ndarray, se: np.ndarray, hidden: np.ndarray, left: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Average s estimates of t values of k outputs; return values and standard errors ``(k, t)``.

    The standard error of the first is scaled by how much smaller the errors of the average are; what the estimates
    differ by is added.

    Parameters
    ----------
    values : ndarray ``(s, k, t)``
    se : ndarray ``(k, t)``
        Standard errors of the first estimate.
    hidden : ndarray ``(s, k, t)``
        Standard errors of each that its distance from the others does not show.
    left : ndarray ``(m, s, k)``
        Errors of each for answers that were left out, in one unit for each output.
    """
    share = shares(left, np.ones(len(left)))
    first = (left[:, 0] ** 2).sum(axis=0)
    better = (np.tensordot(left, share, (1, 0)) ** 2).sum(axis=0) / np.where(first > 0, first, 1.0)
    mean = np.tensordot(share, values, 1)
    apart = np.tensordot(share, (values - mean) ** 2, 1)
    return mean, np.sqrt(se**2 * better[:, None] + apart + np.tensordot(share, hidden, 1) ** 2)


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
