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

from probes.design import cube
from probes.errors import InputError
from surrogates.proxy.cube_proxy import CubeProxy
from surrogates.proxy.path_integrals import Subsets
from surrogates.shapley.quadrature import Rule

__all__ = ["ENUMERATED", "PAIRS", "TABLED", "permuted", "switched", "tabled"]

#: features of which all predictions are tabled
ENUMERATED = 13
#: features of a proxy, which is fitted once, of which all predictions are tabled
TABLED = 16
#: pairs of a permutation and its reverse
PAIRS = 256
#: predictions for all sets together, and the most and the fewest rows drawn at a node
_PREDICTIONS, _MOST, _LEAST = 500_000, 256, 4
#: predictions at a time, of a surrogate and of a proxy, which needs as many numbers for each as it has rows
_AT_ONCE, _OF_PROXY = 65_536, 4096

#: predictions ``(n, k)`` for rows of 0/1 ``(n, a)``: which features are on
Game = Callable[[np.ndarray], np.ndarray]


def tabled(proxy: CubeProxy) -> np.ndarray:
    """Predict all rows ``(2ᵃ, k)`` of the features that entered a proxy; bit j of a row number is the j-th of them."""
    on = cube(len(proxy.features_))
    rows = np.zeros((len(on), proxy.n_features_in_))
    rows[:, proxy.features_] = on
    parts = np.array_split(rows, -(-len(rows) // _OF_PROXY))
    return np.concatenate([np.reshape(proxy.predict(part), (len(part), -1)) for part in parts])


def permuted(game: Game, a: int, rng: np.random.Generator, count: int = PAIRS) -> tuple[np.ndarray, np.ndarray]:
    """Estimate Shapley values of a features and their standard errors, ``(k, a)`` each, from pairs of permutations."""
    orders = np.array([rng.permutation(a) for _ in range(count)])
    pairs = []
    for some in np.array_split(orders, -(-2 * count * (a + 1) // _AT_ONCE)):
        both = np.stack([some, some[:, ::-1]])
        # the place of a feature in the order says from which step on it is on
        on = np.arange(a + 1)[:, None] > np.argsort(both, axis=2)[:, :, None, :]
        predicted = game(on.reshape(-1, a).astype(float)).reshape(2, len(some), a + 1, -1)
        steps = np.diff(predicted, axis=2)
        values = np.empty_like(steps)
        np.put_along_axis(values, both[..., None], steps, axis=2)
        pairs.append(values.mean(axis=0))
    each = np.concatenate(pairs)
    return each.mean(axis=0).T, each.std(axis=0, ddof=1).T / np.sqrt(count)


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
    drawn = rng.random((len(quadrature.nodes), each, a)) < quadrature.nodes[:, None, None]
    values, variance = [], []
    for subset in subsets:
        weights = quadrature.weights[len(subset) - 1][:, None]
        change = _difference(game, drawn.reshape(-1, a).astype(float), subset).reshape(*drawn.shape[:2], -1)
        values.append((weights * change.mean(axis=1)).sum(axis=0))
        variance.append((weights**2 * change.var(axis=1, ddof=1) / each).sum(axis=0))
    return subsets, np.array(values).T, np.sqrt(np.array(variance)).T


def _difference(game: Game, rows: np.ndarray, subset: Sequence[int]) -> np.ndarray:
    """Compute the mixed difference of a set of features at rows ``(n, a)``: ``(n, k)``."""
    corners = cube(len(subset))
    both = np.tile(rows, (len(corners), 1, 1))
    both[:, :, list(subset)] = corners[:, None]
    sign = (-1.0) ** (len(subset) - corners.sum(axis=1))
    predicted = game(both.reshape(-1, rows.shape[1])).reshape(len(corners), len(rows), -1)
    return np.tensordot(sign, predicted, axes=1)
