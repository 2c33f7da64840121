"""Attribution indices, all of them from one formula: Shapley, Banzhaf, leave-one-out, and their interactions.

Let F be the multilinear extension of a game: features that are switched on with probabilities t_1, ..., t_n between the
reference (all off) and the instance (all on). Every index of a set S of features is an average of its mixed derivative
along the diagonal, with a weight that is all one index differs from another by (Owen 1972; Grabisch and Roubens 1999):

    index(S) = ∫ w(t) ∂_S F(t, ..., t) dt.

    Shapley and its interaction index    w = 1
    Banzhaf and its interaction index    a point mass at 1/2
    leave-one-out                        a point mass at 1
    Faith-Shap                           a polynomial, see :func:`_faith_shap`
    Faith-Banzhaf                        sums of Banzhaf interactions, see :func:`_truncate`

The integrand is a polynomial in t, so Gauss-Legendre quadrature is exact. A family's terms and a proxy's kernel are
products of one-feature functions, whose derivatives are products as well; a whole table is averaged axis by axis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod
from numbers import Integral

import numpy as np
from scipy.sparse import csr_array
from sklearn.utils.validation import check_is_fitted

from probes.errors import InputError
from surrogates.proxy.cube_proxy import CubeProxy
from surrogates.proxy.path_integrals import Subsets, posterior
from surrogates.surrogate import Surrogate
from surrogates.terms import Term, factors

__all__ = ["INDICES", "Indices", "Rule", "check_kind", "indices", "rule"]

#: features of a whole table; 2²⁰ answers take a few seconds
_TABLE = 20
#: the most features in an interaction
_ORDER = 3


@dataclass(frozen=True)
class Rule:
    """A weight over the diagonal, as a quadrature that is exact for the game at hand.

    Attributes
    ----------
    nodes : ndarray ``(q,)``
        Points between 0 (reference) and 1 (instance).
    weights : ndarray ``(order, q)``
        Row s − 1 is for sets of s features.
    truncated : bool
        Whether the integrals are Banzhaf interactions that have yet to be summed to Faith-Banzhaf ones.
    """

    nodes: np.ndarray
    weights: np.ndarray
    truncated: bool = False


@dataclass(frozen=True)
class Indices:
    """Indices of sets of features.

    Attributes
    ----------
    kind : str
    subsets : list of tuple of int
        Feature numbers, increasing.
    values : ndarray ``(k, t)``
        For k outputs and t subsets, in the unit of the answers.
    se : ndarray ``(k, t)``
        Posterior standard deviations for a proxy; 0 for a table or a surrogate, of which the values are exact.
    """

    kind: str
    subsets: Subsets
    values: np.ndarray
    se: np.ndarray


def _uniform(order: int, n: int) -> Rule:
    nodes, weights = _legendre(order, n)
    return Rule(nodes, np.tile(weights, (order, 1)))


def _point(t: float, truncated: bool = False) -> Callable[[int, int], Rule]:
    return lambda order, n: Rule(np.array([t]), np.ones((order, 1)), truncated)


def _faith_shap(order: int, n: int) -> Rule:
    """The weights of Faith-Shap of this order k.

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
    """Nodes and weights on [0, 1], exact for polynomials of degree n + extra."""
    nodes, weights = np.polynomial.legendre.leggauss((n + extra) // 2 + 1)
    return (nodes + 1) / 2, weights / 2


#: the indices by name: the quadrature for an order and a number of features
INDICES: dict[str, Callable[[int, int], Rule]] = {
    "shapley": _uniform,
    "banzhaf": _point(0.5),
    "leave-one-out": _point(1.0),
    "faith-shapley": _faith_shap,
    "faith-banzhaf": _point(0.5, truncated=True),
}


def check_kind(kind: str, order: int) -> None:
    """Raise InputError unless there is such an index of such an order."""
    if kind not in INDICES:
        raise InputError("kind", f"be one of {', '.join(INDICES)}", kind)
    most = 1 if kind == "leave-one-out" else _ORDER
    if not isinstance(order, Integral) or isinstance(order, bool) or not 1 <= order <= most:
        raise InputError(
            "order", f"be an integer from 1 to {most} for {kind}" if most > 1 else f"be 1 for {kind}", order
        )


def rule(kind: str, order: int, n: int) -> Rule:
    """The quadrature of an index over `n` features.

    Examples
    --------
    >>> rule("shapley", 1, 3).weights.sum().round(12)
    np.float64(1.0)
    """
    check_kind(kind, order)
    return INDICES[kind](int(order), n)


def indices(
    source: np.ndarray | Surrogate | CubeProxy,
    kind: str = "shapley",
    order: int = 1,
    *,
    instance: np.ndarray | None = None,
    reference: np.ndarray | None = None,
) -> Indices:
    """Indices of all sets of up to `order` features.

    Parameters
    ----------
    source : ndarray, Surrogate or CubeProxy
        A table of all 2ⁿ answers, ``(2ⁿ,)`` or ``(2ⁿ, k)``, bit j of the row number being feature j, n at most 20: the
        model's own indices. A fitted surrogate of any family: exact for it. A fitted proxy: posterior means and
        standard deviations.
    kind : {"shapley", "banzhaf", "leave-one-out", "faith-shapley", "faith-banzhaf"}
        With an order above one, "shapley" and "banzhaf" are the interaction indices of these names, in which the index
        of one feature stays the same whatever the order; the faithful ones are the best fit by a polynomial of that
        order, whose parts all depend on it.
    order : int, default 1
        The most features in a set, at most 3; 1 for leave-one-out.
    instance, reference : ndarray ``(d,)``, optional
        For a surrogate: the rows that features switch between, by default ones and zeros. A set of features that is on
        takes its values from the instance, all others from the reference (interventional).

    Returns
    -------
    Indices
        All features, and all sets of more; of a surrogate only those that share a term, since the others are zero.

    Raises
    ------
    InputError
    NotFittedError
        For a surrogate or a proxy that is not fitted.

    Examples
    --------
    >>> table = np.array([0.0, 1.0, 2.0, 5.0])  # nothing, feature 0, feature 1, both
    >>> found = indices(table, "shapley", 2)
    >>> found.subsets, found.values.round(12)
    ([(0,), (1,), (0, 1)], array([[2., 3., 2.]]))
    """
    check_kind(kind, order)
    order = int(order)
    if isinstance(source, (CubeProxy, Surrogate)):
        check_is_fitted(source)
    if isinstance(source, CubeProxy):
        quadrature = rule(kind, order, source.n_features_in_)
        subsets, values, se = posterior(source, quadrature.nodes, quadrature.weights, _truncation(quadrature))
        return Indices(kind, subsets, values, se)
    if isinstance(source, Surrogate):
        d = source.n_features_in_
        x = _row("instance", np.ones(d) if instance is None else instance, d)
        x0 = _row("reference", np.zeros(d) if reference is None else reference, d)
        subsets, values = _of_terms(source.terms_, np.atleast_2d(source.coef_), x, x0, rule(kind, order, d))
    elif isinstance(source, np.ndarray):
        subsets, values = _of_table(source, kind, order)
    else:
        raise InputError("source", "be a table of all answers, a fitted surrogate or a CubeProxy", source)
    return Indices(kind, subsets, values, np.zeros_like(values))


def _row(name: str, row: np.ndarray, d: int) -> np.ndarray:
    values = np.asarray(row, dtype=float)
    if values.shape != (d,) or not np.isfinite(values).all():
        raise InputError(name, f"be a row of {d} finite numbers", row)
    return values


def _of_table(table: np.ndarray, kind: str, order: int) -> tuple[Subsets, np.ndarray]:
    n = max(len(table), 1).bit_length() - 1
    if table.ndim not in (1, 2) or len(table) != 2**n or not 1 <= n <= _TABLE:
        raise InputError("source", f"be a table of 2ⁿ rows for n from 1 to {_TABLE}", table)
    if not np.isfinite(table).all():
        raise InputError("source", "hold finite numbers", f"{int((~np.isfinite(table)).sum())} that are not")
    quadrature = rule(kind, order, n)
    subsets = [s for size in range(1, order + 1) for s in combinations(range(n), size)]
    place = np.array([sum(1 << i for i in s) for s in subsets])
    size = np.array([len(s) for s in subsets])
    total = np.zeros((table.reshape(2**n, -1).shape[1], len(subsets)))
    for t, weights in zip(quadrature.nodes, quadrature.weights.T, strict=True):
        total += weights[size - 1] * _derivatives(table.reshape(2**n, -1).T.astype(float), n, t)[:, place]
    return subsets, _finish(subsets, total, quadrature)


def _derivatives(table: np.ndarray, n: int, t: float) -> np.ndarray:
    """∂_S F(t, …, t) for all S at once, from answers ``(k, 2ⁿ)``; bit j of the column number is feature j."""
    for j in range(n):
        axes = table.reshape(len(table), -1, 2, 2**j)
        off, on = axes[:, :, 0], axes[:, :, 1]
        table = np.stack([off + t * (on - off), on - off], axis=2)
    return table.reshape(len(table), -1)


def _of_terms(
    terms: Sequence[Term], coef: np.ndarray, x: np.ndarray, reference: np.ndarray, quadrature: Rule
) -> tuple[Subsets, np.ndarray]:
    """A term is a product of factors a + b t: its derivative drops t from some of them and leaves their b."""
    order = len(quadrature.weights)
    found: dict[tuple[int, ...], np.ndarray] = {(i,): np.zeros(len(coef)) for i in range(len(x))}
    for term, weight in zip(terms, coef.T, strict=True):
        members, start, step = factors(term, x, reference)
        lines = start[:, None] + step[:, None] * quadrature.nodes
        active = np.flatnonzero(step)
        for size in range(1, min(order, len(active)) + 1):
            for chosen in combinations(active.tolist(), size):
                rest = np.delete(lines, chosen, axis=0).prod(axis=0)
                share = float(quadrature.weights[size - 1] @ rest * step[list(chosen)].prod())
                key = tuple(sorted(members[i] for i in chosen))
                found[key] = found.get(key, 0.0) + share * weight
    subsets = sorted(found, key=lambda s: (len(s), s))
    return subsets, _finish(subsets, np.column_stack([found[s] for s in subsets]), quadrature)


def _finish(subsets: Subsets, values: np.ndarray, quadrature: Rule) -> np.ndarray:
    transform = _truncation(quadrature)
    return values if transform is None else values @ transform(subsets).T


def _truncation(quadrature: Rule) -> Callable[[Subsets], csr_array] | None:
    return _truncate if quadrature.truncated else None


def _truncate(subsets: Subsets) -> csr_array:
    """Sparse matrix ``(t, t)`` from Banzhaf interactions to Faith-Banzhaf ones of the same largest order.

    The best fit over the uniform cube keeps the Walsh coefficients of at most that order; written in presence and
    absence again, FBII(S) = Σ_{U ⊇ S} (−1/2)^(|U|−|S|) BII(U) (Tsai, Yeh and Ravikumar 2023; Hammer and Holzman 1992).
    """
    place = {s: j for j, s in enumerate(subsets)}
    entries = [
        (place[part], column, (-0.5) ** (len(whole) - size))
        for whole, column in place.items()
        for size in range(1, len(whole) + 1)
        for part in combinations(whole, size)
    ]
    rows, columns, values = zip(*entries, strict=True)
    return csr_array((values, (rows, columns)), shape=(len(subsets), len(subsets)))
