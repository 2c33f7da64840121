"""Which pairs of rows to ask next: those that leave the least doubt about Shapley values.

The process for the odd part (:mod:`surrogates.shapley.odd_process`) knows, before a pair is asked, by how much its
answer would narrow the posterior of all Shapley values: by Σᵢ cov(φᵢ, g(x))² / (var g(x) + noise). So pairs are picked
one after the other where that is most, each time allowing for those picked before (Bayesian experimental design;
ShaplEIG, arXiv 2606.02247, does so for single rows).
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import solve_triangular

from probes.design import paired
from surrogates.numerics.one_thread import one_thread
from surrogates.shapley.odd_process import OddProcess

__all__ = ["next_pairs"]

#: pull of length-scales to their mean: of few answers
_SHRINKAGE = 4.0
#: pairs to choose from
_POOL = 4000


def next_pairs(
    asked: np.ndarray, known: tuple[np.ndarray, np.ndarray] | None, count: int, rng: np.random.Generator
) -> np.ndarray:
    """Choose pairs to ask after those that were asked.

    Parameters
    ----------
    asked : ndarray of 0/1 ``(m, n)``
    known : pair of ndarray ``(g, n)`` and ``(g, k)``, or None
        Rows as −1/+1 and odd parts of pairs that were answered, see
        :func:`~surrogates.shapley.paired_estimate.odd_parts`; without any, pairs are drawn.
    count : int
        How many pairs.
    rng : numpy.random.Generator
        Draws the pairs that are chosen from, of sizes as in :func:`probes.design.paired`.

    Returns
    -------
    ndarray of 0/1 ``(p, n)``
        One row of each pair, none of which was asked; fewer than `count` only where the cube has no more.
    """
    taken = {row.tobytes() for row in asked > 0.5}
    drawn = paired(asked.shape[1], 2 * _POOL + 2, rng)[2::2]
    pool = drawn[[row.tobytes() not in taken for row in drawn > 0.5]]
    if known is None:
        return pool[:count]
    X, y = known
    scale = np.sqrt((y**2).mean(axis=0))
    with one_thread():
        process, _ = OddProcess.fit(X, y / np.where(scale > 0, scale, 1.0), _SHRINKAGE, None)
        return pool[_greedy(process, 2 * pool - 1, min(count, len(pool)))]


def _greedy(process: OddProcess, pool: np.ndarray, count: int) -> list[int]:
    """Pick rows of a pool ``(p, n)`` one by one, by what each tells of the Shapley values after those before it."""
    factor = process.factor[0]
    white = solve_triangular(factor, process.covariance(process.X, pool), lower=True)
    values = solve_triangular(factor, process.values_with(process.X).T, lower=True)
    cross = process.values_with(pool) - values.T @ white  # posterior covariance of values and odd parts
    kernel = process.kernel
    prior = kernel.linear + kernel.product / 2 * -np.expm1(-kernel.theta.sum())
    variance, noise = np.maximum(prior - (white**2).sum(axis=0), 0.0), process.noise(pool)
    white, picked = np.vstack([white, np.empty((count, len(pool)))]), list[int]()
    for used in range(len(process.X), len(white)):
        gain = (cross**2).sum(axis=0) / np.maximum(variance + noise, 1e-9)
        gain[picked] = -1.0
        j = int((gain / gain.max()).round(6).argmax())  # of pairs alike the first, whatever sums a processor makes
        picked.append(j)
        # a further row of the whitened covariances, as of one more answer
        column = process.covariance(pool[[j]], pool)[0] - white[:used, j] @ white[:used]
        size = max(float(variance[j] + noise[j]), 1e-9)
        white[used] = column / np.sqrt(size)
        cross -= np.outer(cross[:, j], column) / size
        variance = np.maximum(variance - column**2 / size, 0.0)
    return picked
