"""Integrals along the diagonal of the cube of Gaussian processes: means and covariances in closed form.

Switch every feature i of a row z on with probability t_i. The process's covariance with a row z' then factorises:

    E k(z, z') = c + l/n Σ (2 t_i − 1) x'_i + s ∏ g_i,    g_i = ξ_i + (1 − ξ_i) P(z_i = z'_i),   ξ_i = exp(−θ_i),

and a mixed derivative with respect to the t_i of a set replaces their g_i by ±(1 − ξ_i). Between two independent random
rows, on with t and t', the same holds with P(z_i = z'_i) = t t' + (1 − t)(1 − t'). So any weighted sum of derivatives
along the diagonal is a linear functional of the process with known prior covariance, and known covariance with the
answers; its posterior follows as it does for a prediction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import cho_solve, solve_triangular
from scipy.sparse import csr_array

from probes.errors import InputError
from surrogates.numerics.one_thread import one_thread
from surrogates.proxy.kernel import Kernel
from surrogates.proxy.walsh import Process, averaged

if TYPE_CHECKING:
    from surrogates.proxy.cube_proxy import CubeProxy

__all__ = [
    "Subsets",
    "answer_weights",
    "posterior",
    "prior_covariance",
    "prior_variance",
    "squared_weights",
    "with_rows",
]

Subsets = list[tuple[int, ...]]
#: numbers held at once
_CHUNK = 4_000_000


def posterior(
    proxy: CubeProxy,
    nodes: np.ndarray,
    weights: np.ndarray,
    transform: Callable[[Subsets], csr_array] | None = None,
    *,
    covariance: bool = False,
) -> tuple[Subsets, np.ndarray, np.ndarray]:
    """Compute Σ_q w_q ∂_S f(t_q, …, t_q) of a fitted proxy f, for all sets S of up to ``len(weights)`` features.

    Parameters
    ----------
    proxy : CubeProxy
        Fitted to rows of 0/1.
    nodes : ndarray ``(q,)``
    weights : ndarray ``(order, q)``
        Row s − 1 for sets of s features; each sums to one.
    transform : function of subsets to a matrix ``(t, t)``, optional
        Applied to the integrals: for a single node at 1/2, where those of different sets are independent a priori; or
        to add to each feature a multiple of the sum of its pairs, for weights that are alike at t and 1 − t.
    covariance : bool, default False
        Whether to return posterior covariances; the prior's take O(n q² t²) for t sets.

    Returns
    -------
    subsets : list of t tuples
        Screened-out features appear alone; their indices are zero without doubt, and so are those of sets with them.
    mean : ndarray ``(k, t)``
    sd : ndarray ``(k, t)``, or covariances ``(k, t, t)``

    Raises
    ------
    InputError
        If the process was fitted to rows other than 0/1.
    """
    states = proxy.states()
    features = states[0].features
    if not states[0].binary:
        raise InputError("source", "be a proxy fitted to rows of 0 and 1", proxy)
    entered = [s for size in range(1, len(weights) + 1) for s in combinations(range(len(features)), size)]
    matrix = transform(entered) if transform is not None else None
    with one_thread():
        each = [_of_one(state, entered, nodes, weights, matrix, covariance) for state in states]
    mean, spread = averaged(states, *zip(*each, strict=True))
    return _with_screened(features, proxy.n_features_in_, entered, mean, spread if covariance else np.sqrt(spread))


def _of_one(
    state: Process,
    entered: Subsets,
    nodes: np.ndarray,
    weights: np.ndarray,
    matrix: csr_array | None,
    covariance: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Compute means ``(k, t)`` and variances ``(k, t)``, or covariances ``(k, t, t)``, of one process."""
    cross = with_rows(state.kernel, state.X, entered, nodes, weights)
    if covariance:
        prior = prior_covariance(state.kernel, entered, nodes, weights)
        if matrix is not None:
            cross, prior = matrix @ cross, matrix @ prior @ matrix.T
        spread = prior - cross @ cho_solve(state.factor, cross.T)
    else:
        prior = prior_variance(state.kernel, entered, nodes, weights)
        if matrix is not None:
            cross, prior = matrix @ cross, matrix.power(2) @ prior
            if len(nodes) > 1:
                prior += _of_sums(state.kernel, entered, nodes, weights, matrix)
        known = solve_triangular(state.factor[0], cross.T, lower=True)
        spread = np.maximum(prior - np.einsum("it,it->t", known, known), 0.0)
    scale = state.scale.reshape(-1, *(1,) * spread.ndim)
    return state.scale[:, None] * (cross @ state.alpha).T, scale**2 * spread


def _with_screened(
    features: np.ndarray, n: int, entered: Subsets, mean: np.ndarray, spread: np.ndarray
) -> tuple[Subsets, np.ndarray, np.ndarray]:
    """Map back to the numbers of all features, with zeros for those that were screened out."""
    named = [tuple(features[list(s)].tolist()) for s in entered]
    out = [(i,) for i in sorted(set(range(n)) - set(features.tolist()))]
    extra = [(0, 0), (0, len(out))]
    mean = np.pad(mean, extra)
    spread = np.pad(spread, extra if spread.ndim == 2 else [*extra, (0, len(out))])
    order = sorted(range(len(named) + len(out)), key=lambda j: (len((named + out)[j]), (named + out)[j]))
    subsets = [(named + out)[j] for j in order]
    return subsets, mean[:, order], spread[:, order] if spread.ndim == 2 else spread[:, order][:, :, order]


def _by_size(subsets: Subsets) -> Iterator[tuple[int, slice, np.ndarray]]:
    """Yield runs of sets of one size: the size, their place, their members ``(t, size)``."""
    start = 0
    while start < len(subsets):
        size = len(subsets[start])
        stop = next((j for j in range(start, len(subsets)) if len(subsets[j]) != size), len(subsets))
        yield size, slice(start, stop), np.array(subsets[start:stop])
        start = stop


def with_rows(kernel: Kernel, X: np.ndarray, subsets: Subsets, nodes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Compute prior covariance ``(t, m)`` of the integrals with the process at rows ``(m, n)`` of −1/+1."""
    xi, on = np.exp(-kernel.theta), X > 0
    slope = X * -np.expm1(-kernel.theta)
    out = np.zeros((len(subsets), len(X)))
    for t, weight in zip(nodes, weights.T, strict=True):
        line = xi + (1 - xi) * np.where(on, t, 1 - t)
        every, ratio = kernel.product * line.prod(axis=1), (slope / line).T
        for size, place, members in _by_size(subsets):
            part = ratio[members[:, 0]] * (weight[size - 1] * every)
            for column in members.T[1:]:
                part *= ratio[column]
            out[place] += part
    for size, place, members in _by_size(subsets):
        if size == 1:
            out[place] += 2 * kernel.linear / X.shape[1] * X.T[members[:, 0]]
    return out


def prior_variance(kernel: Kernel, subsets: Subsets, nodes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Compute prior variances ``(t,)`` of the integrals."""
    theta = kernel.theta
    xi = np.exp(-theta)
    t, t2 = np.meshgrid(nodes, nodes, indexing="ij")
    both = t * t2 + (1 - t) * (1 - t2)  # chance to agree in a feature, for four pairs of nodes each
    agree, pair = np.unique(both.round(14), return_inverse=True)
    line = xi[:, None] + (1 - xi)[:, None] * agree
    every, ratio = kernel.product * line.prod(axis=0), 2 * (1 - xi)[:, None] / line
    out = np.empty(len(subsets))
    for size, place, members in _by_size(subsets):
        weight = np.bincount(pair.ravel(), np.outer(weights[size - 1], weights[size - 1]).ravel()) * every
        parts = np.array_split(members, 1 + members.size * len(agree) // _CHUNK)
        out[place] = np.concatenate([ratio[part].prod(axis=1) @ weight for part in parts])
        if size == 1:
            out[place] += 4 * kernel.linear / len(theta)
    return out


def _of_sums(kernel: Kernel, subsets: Subsets, nodes: np.ndarray, weights: np.ndarray, matrix: csr_array) -> np.ndarray:
    """Compute what covariances add to the prior variances ``(t,)`` of features with multiples of their pairs' sums.

    The covariance of two pairs {i, j} and {i, k} is Σ w w' s ∏ same · r_i u_j v_k, in the factors of
    :func:`prior_covariance` relative to `same`. That of a feature and a pair is zero: one depends on the odd part of
    the process, the other on the even part, which are independent.
    """
    n, drop = len(kernel.theta), -np.expm1(-kernel.theta)
    pairs = np.array([s for s in subsets if len(s) == 2]).reshape(-1, 2)
    multiple = abs(matrix[[pairs[0, 0]], [n]]).item() if len(pairs) else 0.0
    out = np.zeros(len(subsets))
    t, t2 = (grid.ravel()[:, None] for grid in np.meshgrid(nodes, nodes, indexing="ij"))
    same = 1 - drop + drop * (t * t2 + (1 - t) * (1 - t2))
    r, u, v = 2 * drop / same, drop * (2 * t - 1) / same, drop * (2 * t2 - 1) / same
    both = u * v
    apart = (u.sum(axis=1, keepdims=True) - u) * (v.sum(axis=1, keepdims=True) - v)
    apart -= both.sum(axis=1, keepdims=True) - both
    outer = np.outer(weights[1], weights[1]).ravel() if len(weights) > 1 else np.zeros(len(t))
    out[:n] = multiple**2 * ((outer * kernel.product * same.prod(axis=1)) @ (r * apart))
    return out


def answer_weights(Z: np.ndarray, subsets: Subsets, nodes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Compute by how much each answer counts in the integrals of a game: they are linear in its 2ⁿ answers.

    In ∂_S F(t, …, t) a row with a features on outside of S and b off counts tᵃ (1 − t)ᵇ, with a minus for each feature
    of S that is off.

    Parameters
    ----------
    Z : ndarray of 0/1 ``(m, n)``
    subsets : list of t tuples
    nodes, weights
        As for :func:`posterior`.

    Returns
    -------
    ndarray ``(t, m)``
    """
    on, n = Z.sum(axis=1).astype(int), Z.shape[1]
    out = np.empty((len(subsets), len(Z)))
    for size, place, members in _by_size(subsets):
        inside = Z.T[members].sum(axis=1).astype(int)
        outside = np.arange(n - size + 1)
        counts = nodes ** outside[:, None] * (1 - nodes) ** (n - size - outside)[:, None] @ weights[size - 1]
        out[place] = (-1.0) ** (size - inside) * counts[on - inside]
    return out


def squared_weights(subsets: Subsets, n: int, nodes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Compute the sums ``(t,)`` of the squares of :func:`answer_weights` over all 2ⁿ rows."""
    both = np.outer(nodes, nodes) + np.outer(1 - nodes, 1 - nodes)
    each = [0.0, *(2**s * w @ both ** (n - s) @ w for s, w in enumerate(weights, 1))]
    return np.array([each[len(subset)] for subset in subsets])


def prior_covariance(kernel: Kernel, subsets: Subsets, nodes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Compute prior covariances ``(t, t)`` of the integrals."""
    drop = -np.expm1(-kernel.theta)
    member = np.zeros((len(subsets), len(drop)), dtype=int)
    for row, subset in zip(member, subsets, strict=True):
        row[list(subset)] = 1
    pattern = 2 * member[:, None] + member[None]
    size = member.sum(axis=1)
    out = np.zeros((len(subsets), len(subsets)))
    for q, t in enumerate(nodes):
        for r, t2 in enumerate(nodes):
            # neither set has the feature, the second, the first, both
            same = 1 - drop + drop * (t * t2 + (1 - t) * (1 - t2))
            choices = np.array([same, drop * (2 * t - 1), drop * (2 * t2 - 1), 2 * drop])
            product = np.full(out.shape, kernel.product)
            for i in range(len(drop)):
                product *= choices[pattern[..., i], i]
            out += np.outer(weights[size - 1, q], weights[size - 1, r]) * product
    single = np.flatnonzero(size == 1)
    out[single, single] += 4 * kernel.linear / len(drop)
    return out
