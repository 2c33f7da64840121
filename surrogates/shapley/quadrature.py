"""The weights by which one index differs from another: quadratures over the diagonal of the cube.

Shapley and its interaction index    w = 1
Banzhaf and its interaction index    a point mass at 1/2
leave-one-out                        a point mass at 1
Faith-Shap                           a polynomial, see :func:`_faith_shap`
k-SII, Faith-Banzhaf                 sums of Shapley or Banzhaf interactions, see :data:`INDICES`
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from math import isqrt, prod
from numbers import Integral

import numpy as np
from scipy.sparse import csr_array

from probes.errors import InputError
from surrogates.proxy.path_integrals import Subsets

__all__ = ["INDICES", "Rule", "check_kind", "rule"]

#: the most features in an interaction; of k-SII more have no standard errors of a proxy in closed form
_ORDER, _ORDERS = 3, {"leave-one-out": 1, "k-sii": 2}


@dataclass(frozen=True)
class Rule:
    """w(t) over the diagonal as a quadrature, Σ_q w_q δ(t − t_q), exact for a game of n features.

    Attributes
    ----------
    nodes : ndarray ``(q,)``
        Points between 0 (reference) and 1 (instance).
    weights : ndarray ``(order, q)``
        Row s − 1 is for sets of s features.
    above : tuple of float
        For an index that sums integrals: the multiple of that of the set itself, and of those of sets with one, two, …
        features more.
    """

    nodes: np.ndarray
    weights: np.ndarray
    above: tuple[float, ...] = ()

    @property
    def transform(self) -> Callable[[Subsets], csr_array] | None:
        """The map from sets to the matrix ``(t, t)`` that makes indices of integrals; None where these are indices."""
        return partial(_with_supersets, above=self.above) if self.above else None


def _uniform(order: int, n: int, above: tuple[float, ...] = ()) -> Rule:
    """Return the uniform measure, w = 1."""
    nodes, weights = _legendre(order, n)
    return Rule(nodes, np.tile(weights, (order, 1)), above)


def _point(t: float, above: tuple[float, ...] = ()) -> Callable[[int, int], Rule]:
    """Return the point mass at t."""
    return lambda order, n: Rule(np.array([t]), np.ones((order, 1)), above)


def _faith_shap(order: int, n: int) -> Rule:
    """Return the weights of Faith-Shap of this order k.

    The Möbius coefficient of a set of τ features adds to the index of its subset of s the multiple

        g(τ) = const · ∏_{r=s+1..k} (τ − r) / ∏_{q=0..k−1} (τ + q),    g(s) = 1

    (Tsai, Yeh and Ravikumar 2023, theorem 19, cancelled down). In partial fractions g(τ) = Σ c_q / (τ + q), and since
    ∂_S F(t) holds that coefficient with t^(τ−s), the weight is w(t) = Σ c_q t^(q+s−1).
    """
    nodes, weights = _legendre(2 * order, n)
    rows = []
    for s in range(1, order + 1):
        const = prod(s + q for q in range(order)) / prod(s - r for r in range(s + 1, order + 1))
        shape = np.zeros_like(nodes)
        for q in range(order):
            above = prod(-q - r for r in range(s + 1, order + 1))
            below = prod(p - q for p in range(order) if p != q)
            shape += const * above / below * nodes ** (q + s - 1)
        rows.append(weights * shape)
    return Rule(nodes, np.array(rows))


def _legendre(extra: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes and weights on [0, 1] for polynomials of degree n + extra.

    They are exact up to some hundred features. With more, every tᵃ(1 − t)ᵇ is integrated to ten digits by 24 + 4 √n
    nodes: its peak is at least 1/√n wide in the middle, and at the ends the nodes lie closer together.
    """
    nodes, weights = np.polynomial.legendre.leggauss(min((n + extra) // 2 + 1, 24 + 4 * isqrt(n + extra)))
    return (nodes + 1) / 2, weights / 2


#: multiples of interactions of supersets. k-SII takes half of every pair from either feature, so that all add up (Bord
#: and von Luxburg 2023). Faith-Banzhaf, the best fit over the uniform cube, keeps the Walsh coefficients of at most its
#: order; written in presence and absence again, a superset of one feature more has −1/2 (Tsai, Yeh and Ravikumar 2023;
#: Hammer and Holzman 1992)
_SHARED, _HALVES = (1.0, -1 / 2), (1.0, -1 / 2, 1 / 4)
#: the indices by name: the quadrature for an order and a number of features
INDICES: dict[str, Callable[[int, int], Rule]] = {
    "shapley": _uniform,
    "k-sii": partial(_uniform, above=_SHARED),
    "banzhaf": _point(0.5),
    "leave-one-out": _point(1.0),
    "faith-shapley": _faith_shap,
    "faith-banzhaf": _point(0.5, above=_HALVES),
}


def check_kind(kind: str, order: int) -> None:
    """Check that there is such an index of such an order.

    Raises
    ------
    InputError
    """
    if not isinstance(kind, str) or kind not in INDICES:
        raise InputError("kind", f"be one of {', '.join(INDICES)}", kind)
    most = _ORDERS.get(kind, _ORDER)
    if not isinstance(order, Integral) or isinstance(order, bool) or not 1 <= order <= most:
        raise InputError(
            "order", f"be an integer from 1 to {most} for {kind}" if most > 1 else f"be 1 for {kind}", order
        )


def rule(kind: str, order: int, n: int) -> Rule:
    """Return the quadrature of an index of this order over `n` features.

    Examples
    --------
    >>> rule("shapley", 1, 3).weights.sum().round(12)
    np.float64(1.0)
    """
    check_kind(kind, order)
    return INDICES[kind](int(order), n)


def _with_supersets(subsets: Subsets, above: tuple[float, ...]) -> csr_array:
    """Return the sparse matrix ``(t, t)`` that adds to each set's integral multiples of those of its supersets."""
    place = {s: j for j, s in enumerate(subsets)}
    entries = [
        (place[subset], column, above[len(superset) - size])
        for superset, column in place.items()
        for size in range(1, len(superset) + 1)
        for subset in combinations(superset, size)
    ]
    rows, columns, values = zip(*entries, strict=True)
    return csr_array((values, (rows, columns)), shape=(len(subsets), len(subsets)))
