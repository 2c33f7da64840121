"""Predictions of a process for rows it was fitted to, from all others but those of their group, in closed form.

With K the covariance of the answers u and b a group, the rows beside it say of u_b that it is normal with mean
u_b − V α_b and covariance V, where α = K⁻¹ u and V is the inverse of the block (K⁻¹)_bb (Rasmussen and Williams 2006,
eq. 5.12, for single rows).
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_solve

from surrogates.proxy.walsh import Process

__all__ = ["without_groups"]


def without_groups(process: Process, at: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute means ``(m, k)`` of standardised answers and standard deviations ``(m,)`` of the function.

    Parameters
    ----------
    process : Process
    at : ndarray ``(m,)``
        The row of the process that each row is; several may be one.
    groups : ndarray ``(g, s)``
        Row numbers; each row is in one group.
    """
    X, kernel = process.X, process.kernel
    lower = np.tril(process.factor[0])
    answers, inverse = lower @ (lower.T @ process.alpha), cho_solve(process.factor, np.eye(len(X)))
    prior = kernel.constant + kernel.linear * (X**2).mean(axis=1) + kernel.product
    noise = (lower**2).sum(axis=1) - prior
    mean, variance = np.empty((len(at), answers.shape[1])), np.empty(len(at))
    for group in groups:
        rows, place = np.unique(at[group], return_inverse=True)
        spread = np.linalg.inv(inverse[np.ix_(rows, rows)])
        mean[group] = (answers[rows] - spread @ process.alpha[rows])[place]
        variance[group] = (np.diag(spread) - noise[rows])[place]
    return mean, np.sqrt(np.maximum(variance, 0.0))
