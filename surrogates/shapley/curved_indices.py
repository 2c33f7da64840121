"""Indices of a surrogate whose sum passes through a curve, in the unit of the answers.

With a curve every feature interacts with every other, so that indices have no closed form. Of up to 13 features they
are those of the table of all predictions, exact. Of more they are sampled: Shapley values from permutations, whose
differences add up to the prediction for the instance minus that for the reference exactly; others from features
switched on at random at every node of their quadrature.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np

from probes.errors import InputError
from surrogates.proxy.path_integrals import Subsets
from surrogates.shapley.quadrature import Rule

__all__ = ["ENUMERATED", "permuted", "switched"]

#: features of which all predictions are tabled
ENUMERATED = 13
#: pairs of a permutation and its reverse
_PAIRS = 256
#: predictions for all sets together, and the most and the fewest rows drawn at a node
_PREDICTIONS, _MOST, _LEAST = 2_000_000, 256, 4
#: predictions at a time
_AT_ONCE = 65_536

#: predictions ``(n, k)`` for rows of 0/1 ``(n, a)``: which features are on
Game = Callable[[np.ndarray], np.ndarray]


def permuted(game: Game, a: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Estimate Shapley values of a features and their standard errors, ``(k, a)`` each."""
    pairs = []
    for _ in range(_PAIRS):
        order = rng.permutation(a)
        both = []
        for sequence in (order, order[::-1]):
            rows = np.zeros((a + 1, a))
            for step, i in enumerate(sequence):
                rows[step + 1 :, i] = 1
            steps = np.diff(game(rows), axis=0)
            values = np.empty_like(steps)
            values[sequence] = steps
            both.append(values.T)
        pairs.append((both[0] + both[1]) / 2)
    return np.mean(pairs, axis=0), np.std(pairs, axis=0, ddof=1) / np.sqrt(_PAIRS)


def switched(
    game: Game, a: int, order: int, quadrature: Rule, rng: np.random.Generator
) -> tuple[Subsets, np.ndarray, np.ndarray]:
    """Estimate Σ_q w_q ∂_S F(t_q, …, t_q) of all sets S of up to `order` features, and standard errors.

    Returns
    -------
    subsets : list of t tuples
    values, se : ndarray ``(k, t)``

    Raises
    ------
    InputError
        If there are more sets than can be worked on.
    """
    subsets = [s for size in range(1, order + 1) for s in combinations(range(a), size)]
    corners = sum(2 ** len(s) for s in subsets)
    each = min(_MOST, _PREDICTIONS // (corners * len(quadrature.nodes)))
    if each < _LEAST:
        rule = f"have a lower order, or unit='link', which has a closed form: {len(subsets)} sets of {a} features"
        raise InputError("indices", f"{rule} are too many to sample", order)
    total, variance = [], []
    for subset in subsets:
        value, spread = 0.0, 0.0
        for t, weight in zip(quadrature.nodes, quadrature.weights[len(subset) - 1], strict=True):
            rows = (rng.random((each, a)) < t).astype(float)
            change = _difference(game, rows, subset)
            value = value + weight * change.mean(axis=0)
            spread = spread + weight**2 * change.var(axis=0, ddof=1) / each
        total.append(value)
        variance.append(spread)
    return subsets, np.array(total).T, np.sqrt(np.array(variance)).T


def _difference(game: Game, rows: np.ndarray, subset: Sequence[int]) -> np.ndarray:
    """Compute the mixed difference of a set of features at rows ``(n, a)``: ``(n, k)``."""
    total: np.ndarray | float = 0.0
    for size in range(len(subset) + 1):
        for on in combinations(subset, size):
            corner = rows.copy()
            corner[:, list(subset)] = 0
            corner[:, list(on)] = 1
            total = total + (-1) ** (len(subset) - size) * game(corner)
    return np.asarray(total)
