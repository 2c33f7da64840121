"""TreeSurrogate: a small decision tree, its leaves as terms."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

from probes.errors import InputError
from surrogates.link import IDENTITY
from surrogates.numerics.column_units import in_units, units_of
from surrogates.numerics.folds import folds
from surrogates.numerics.merged_rows import by_column
from surrogates.offer import LinkLike
from surrogates.proxy.distillation import Proxy
from surrogates.surrogate import Fitted, Surrogate
from surrogates.terms import Box, Term

if TYPE_CHECKING:
    from sklearn.tree import DecisionTreeRegressor

__all__ = ["TreeSurrogate", "leaves"]

#: share of the variation below which splits of a proxy's answers mean nothing
_RIPPLES = 1e-6


class TreeSurrogate(Surrogate):
    """ŷ(z) = Σₗ wₗ 1[z in leaf l], minimising Σᵢ vᵢ (yᵢ − ŷ(zᵢ))² greedily over axis-parallel splits.

    The number of leaves is chosen by cross-validation. From rows ``(n, d)`` and answers ``(n,)`` or ``(n, k)`` come t
    leaves, ``coef_`` ``(t,)`` or ``(k, t)``.

    Parameters
    ----------
    max_leaves : int, default 16
        The most leaves; 2, 4, 8, … up to it are tried. A tree that learns from a proxy has this many.
    min_leaf : float, default 0.02
        The least share of the total weight in a leaf.
    folds, random_state, proxy
        As for every family, see :class:`~surrogates.surrogate.Surrogate`.

    Examples
    --------
    >>> Z = np.random.default_rng(0).integers(0, 2, (64, 5))
    >>> fitted = TreeSurrogate().fit(Z, Z[:, 0] * Z[:, 1])
    >>> len(fitted.terms_), fitted.score(Z, Z[:, 0] * Z[:, 1])
    (3, 1.0)

    Notes
    -----
    Breiman et al. (1984), as implemented by scikit-learn; leaves become conjunctions, so that prediction and Shapley
    values come from the one representation that all families share.
    """

    partitions = True
    distilled = True

    def __init__(
        self,
        max_leaves: int = 16,
        min_leaf: float = 0.02,
        folds: int = 5,
        random_state: int = 0,
        proxy: Proxy | None = None,
    ):
        self.max_leaves = max_leaves
        self.min_leaf = min_leaf
        self.folds = folds
        self.random_state = random_state
        self.proxy = proxy

    def _fit(self, Z: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[list[Term], np.ndarray, np.ndarray]:
        sizes = [2**i for i in range(1, int(self.max_leaves).bit_length())]
        return self._best(Z, y, weight, [*sizes, *([] if sizes[-1] == self.max_leaves else [int(self.max_leaves)])])

    def _distil(self, proxy: Proxy, law: np.ndarray, y: np.ndarray, links: Sequence[LinkLike]) -> Fitted:
        # a proxy's answers hold no noise to overfit: as many leaves as are allowed, but none for its ripples
        return *self._best(law, y, np.ones(len(law)), [int(self.max_leaves)], _RIPPLES), [IDENTITY] * y.shape[1]

    def check(self) -> None:
        super().check()
        self._check_at_least(2, "max_leaves")
        if not isinstance(self.min_leaf, Real) or not 0 <= self.min_leaf <= 0.5:
            raise InputError("min_leaf", "be a share between 0 and 0.5", self.min_leaf)

    def _best(
        self, Z: np.ndarray, y: np.ndarray, weight: np.ndarray, sizes: list[int], least: float = 0.0
    ) -> tuple[list[Term], np.ndarray, np.ndarray]:
        """Grow the tree of the size with the least cross-validated error: terms, weights and intercepts."""
        spread = np.sqrt(by_column((y - by_column(y, weight)) ** 2, weight))
        # u = y / s: the outputs of one tree have equal weight in the choice of splits
        scaled = y / np.where(spread > 0, spread, 1.0)
        units, errors = units_of(Z, weight), np.zeros(len(sizes))
        # scikit-learn keeps half the digits of a number, and takes differences below 1e-7 for none
        Z = in_units(Z, units)
        for train, test in folds(len(Z), self.folds, self.random_state) if len(sizes) > 1 else ():
            for j, size in enumerate(sizes):
                tree = self._grow(Z[train], scaled[train], weight[train], size)
                predicted = tree.predict(Z[test]).reshape(len(test), -1)
                errors[j] += ((scaled[test] - predicted) ** 2 * weight[test, None]).sum()
        tree = self._grow(Z, scaled, weight, sizes[int(np.argmin(errors.round(12)))])
        terms, values = leaves(tree, units, least)
        # û = wₗ on leaf l  ⇒  ŷ = s wₗ
        coef = values.T * np.where(spread > 0, spread, 1.0)[:, None]
        if len(terms) == 1:
            return [], np.zeros((y.shape[1], 0)), coef[:, 0]
        return terms, coef, np.zeros(y.shape[1])

    def _grow(self, Z: np.ndarray, y: np.ndarray, weight: np.ndarray, size: int) -> DecisionTreeRegressor:
        from sklearn.tree import DecisionTreeRegressor

        tree = DecisionTreeRegressor(
            max_leaf_nodes=size, min_weight_fraction_leaf=self.min_leaf, random_state=self.random_state
        )
        return tree.fit(Z, y, sample_weight=weight)


def leaves(tree: DecisionTreeRegressor, units: np.ndarray, least: float = 0.0) -> tuple[list[Term], np.ndarray]:
    """Read the leaves off a fitted tree, as conjunctions, and their values ``(leaves, k)``.

    Neighbours of equal value are one leaf, and so are those below a split that explains at most a share of `least` of
    the variation.
    """
    nodes = tree.tree_
    close = 1e-9 * (1 + np.abs(nodes.value).max())
    error = nodes.impurity * nodes.weighted_n_node_samples
    left_over = error.copy()  # summed over the leaves below a node; children have higher numbers than their parents
    for node in np.flatnonzero(nodes.children_left >= 0)[::-1]:
        left_over[node] = left_over[nodes.children_left[node]] + left_over[nodes.children_right[node]]
    idle = error - left_over <= least * error[0]

    def walk(node: int, bounds: dict[int, tuple[float, float]]) -> list[tuple[Term, np.ndarray]]:
        value = nodes.value[node].ravel()
        here: list[tuple[Term, np.ndarray]] = [(Box(tuple((i, *bounds[i]) for i in sorted(bounds))), value)]
        if nodes.children_left[node] < 0 or (least and idle[node]):
            return here
        feature = int(nodes.feature[node])
        threshold = float(units[0, feature] + units[1, feature] * nodes.threshold[node])
        low, high = bounds.get(feature, (-np.inf, np.inf))
        left = walk(nodes.children_left[node], {**bounds, feature: (low, min(high, threshold))})
        right = walk(nodes.children_right[node], {**bounds, feature: (max(low, threshold), high)})
        if len(left) == len(right) == 1 and np.abs(left[0][1] - right[0][1]).max() <= close:
            return here
        return [*left, *right]

    terms, values = zip(*walk(0, {}), strict=True)
    return list(terms), np.array(values)
