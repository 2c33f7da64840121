"""Attribution indices, all of them from one formula: Shapley, Banzhaf, leave-one-out, and their interactions.

Let F be the multilinear extension of a game: features switched on with probabilities t_1, ..., t_n between the
reference (all off) and the instance (all on). Every index of a set S of features is an average of its mixed derivative
along the diagonal, with a weight that is all one index differs from another by (Owen 1972; Grabisch and Roubens 1999):

    index(S) = ∫ w(t) ∂_S F(t, ..., t) dt,    w as in :mod:`surrogates.shapley.quadrature`.

The integrand is a polynomial in t, so Gauss-Legendre quadrature is exact. A family's terms and a proxy's kernel are
products of one-feature functions, whose derivatives are products as well; a table is averaged axis by axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from sklearn.utils.validation import check_is_fitted

from probes.design import cube
from probes.errors import InputError
from surrogates.proxy.cube_proxy import CubeProxy
from surrogates.proxy.path_integrals import Subsets, posterior
from surrogates.shapley.curved_indices import ENUMERATED, permuted, switched
from surrogates.shapley.quadrature import Rule, check_kind, rule
from surrogates.surrogate import Surrogate
from surrogates.terms import Term, factors

__all__ = ["Indices", "indices"]

#: the most features of a table of all answers; 2²⁰ answers take a few seconds
_TABLE = 20
#: times features and the largest answer: what sums of answers differ from zero by where there is nothing
_ROUNDING = 4 * np.finfo(float).eps


@dataclass(frozen=True)
class Indices:
    """index(S) of sets S of features, see :func:`indices`.

    Attributes
    ----------
    kind : str
    subsets : list of tuple of int
        Feature numbers, increasing.
    values : ndarray ``(k, t)``
        For k outputs and t subsets, in the unit of the answers, or of the line where that was asked for.
    se : ndarray ``(k, t)``
        Posterior standard deviations for a proxy; 0 for a table or a surrogate, of which the values are exact, unless
        its sum passes through a curve and more than 13 features are at work: then standard errors of a sample.
    sampled : bool
        Whether that is so.
    """

    kind: str
    subsets: Subsets
    values: np.ndarray
    se: np.ndarray
    sampled: bool = False


def indices(
    source: np.ndarray | Surrogate | CubeProxy,
    kind: str = "shapley",
    order: int = 1,
    *,
    instance: np.ndarray | None = None,
    reference: np.ndarray | None = None,
    unit: str = "answers",
) -> Indices:
    """Compute the indices of all sets of up to `order` features.

    Parameters
    ----------
    source : ndarray, Surrogate or CubeProxy
        A table of all 2ⁿ answers, ``(2ⁿ,)`` or ``(2ⁿ, k)``, bit j of the row number being feature j, n at most 20: the
        model's own indices. A fitted surrogate of any family: exact for it. A fitted proxy: posterior means and
        standard deviations.
    kind : str, default "shapley"
        A name in :data:`~surrogates.shapley.quadrature.INDICES`. With an order above one, "shapley" and "banzhaf" are
        the interaction indices of these names, in which the index of one feature stays the same whatever the order;
        "k-sii" takes half of every pair from the value of either feature, so that all sets add up; the faithful ones
        are the best fit by a polynomial of that order. Their parts depend on it.
    order : int, default 1
        The most features in a set, at most 3; 1 for leave-one-out, 2 for k-SII.
    instance, reference : ndarray ``(d,)``, optional
        For a surrogate: the rows that features switch between, by default ones and zeros. A set of features that is on
        takes its values from the instance, all others from the reference (interventional).
    unit : {"answers", "link"}, default "answers"
        Of what, for a surrogate or a proxy with a link: of the answers, or of the sum before it passes through the
        curve, in closed form. Interactions depend on the scale: what adds up on the line interacts in the answers.

    Returns
    -------
    Indices
        All features, and all sets of more; of a surrogate only those that share a term, since the others are zero.

    Raises
    ------
    InputError
        Also for a proxy with a link and ``unit="answers"``: its mean through the curve has no closed form.
    NotFittedError
        For a surrogate or a proxy that is not fitted.

    Examples
    --------
    >>> table = np.array([0.0, 1.0, 2.0, 5.0])  # nothing, feature 0, feature 1, both
    >>> result = indices(table, "shapley", 2)
    >>> result.subsets, result.values.round(12)
    ([(0,), (1,), (0, 1)], array([[2., 3., 2.]]))
    """
    check_kind(kind, order)
    order = int(order)
    if unit not in ("answers", "link"):
        raise InputError("unit", "be answers or link", unit)
    if isinstance(source, (CubeProxy, Surrogate)):
        check_is_fitted(source)
    if isinstance(source, CubeProxy):
        if unit == "answers" and any(link.curved for link in source.links_):
            raise InputError("source", "be a proxy without a link, or unit='link'", source)
        quadrature = rule(kind, order, source.n_features_in_)
        subsets, values, se = posterior(source, quadrature.nodes, quadrature.weights, quadrature.transform)
        return Indices(kind, subsets, values, se)
    if isinstance(source, Surrogate):
        d = source.n_features_in_
        x = _row("instance", np.ones(d) if instance is None else instance, d)
        x0 = _row("reference", np.zeros(d) if reference is None else reference, d)
        if unit == "answers" and source.curved:
            subsets, values, se = _of_curved(source, kind, order, x, x0)
            return Indices(kind, subsets, values, se, bool(se.any()))
        subsets, values = _of_terms(source.terms_, np.atleast_2d(source.coef_), x, x0, rule(kind, order, d))
    elif isinstance(source, np.ndarray):
        subsets, values = _of_table(source, kind, order)
    else:
        raise InputError("source", "be a table of all answers, a fitted surrogate or a CubeProxy", source)
    return Indices(kind, subsets, values, np.zeros_like(values))


def _of_curved(
    surrogate: Surrogate, kind: str, order: int, x: np.ndarray, reference: np.ndarray
) -> tuple[Subsets, np.ndarray, np.ndarray]:
    """Return indices and standard errors ``(k, t)`` of a surrogate through a curve; features at work alone have any."""
    active = sorted({i for t in surrogate.terms_ for i in t.features if x[i] != reference[i]})
    a, k = len(active), len(np.atleast_2d(surrogate.coef_))

    def game(on: np.ndarray) -> np.ndarray:
        Z = np.tile(reference, (len(on), 1))
        Z[:, active] = np.where(on > 0, x[active], reference[active])
        return surrogate.predict(Z).reshape(len(on), -1)

    if a == 0:
        found: Subsets = []
        values = se = np.zeros((k, 0))
    elif a <= ENUMERATED:
        found, values = _of_table(game(cube(a)), kind, min(order, a))
        se = np.zeros_like(values)
    elif kind == "shapley" and order == 1:
        found = [(i,) for i in range(a)]
        values, se = permuted(game, a, np.random.default_rng(0))
    else:
        quadrature = rule(kind, order, a)
        found, values, se = switched(game, a, order, quadrature, np.random.default_rng(0))
        values, transform = _finish(found, values, quadrature), quadrature.transform
        se = se if transform is None else np.sqrt(se**2 @ transform(found).power(2).T)
    place = {tuple(active[i] for i in s): j for j, s in enumerate(found)}
    subsets = sorted({*place, *((i,) for i in range(len(x)))}, key=lambda s: (len(s), s))
    both = np.zeros((2, k, len(subsets)))
    for to, subset in enumerate(subsets):
        if subset in place:
            both[0, :, to], both[1, :, to] = values[:, place[subset]], se[:, place[subset]]
    return subsets, both[0], both[1]


def _row(name: str, row: np.ndarray, d: int) -> np.ndarray:
    """Check a row of d finite numbers."""
    values = np.asarray(row, dtype=float)
    if values.shape != (d,) or not np.isfinite(values).all():
        raise InputError(name, f"be a row of {d} finite numbers", row)
    return values


def _of_table(table: np.ndarray, kind: str, order: int) -> tuple[Subsets, np.ndarray]:
    """Return indices ``(k, t)`` of a table of all answers ``(2ⁿ,)`` or ``(2ⁿ, k)``."""
    n = max(len(table), 1).bit_length() - 1
    if table.ndim not in (1, 2) or len(table) != 2**n or not 1 <= n <= _TABLE:
        raise InputError("source", f"be a table of 2ⁿ rows for n from 1 to {_TABLE}", table)
    if table.dtype.kind not in "biuf":
        raise InputError("source", "hold real numbers", table)
    if not np.isfinite(table).all():
        raise InputError("source", "hold finite numbers", f"{int((~np.isfinite(table)).sum())} that are not")
    quadrature = rule(kind, order, n)
    subsets = [s for size in range(1, order + 1) for s in combinations(range(n), size)]
    place = np.array([sum(1 << i for i in s) for s in subsets])
    size = np.array([len(s) for s in subsets])
    total = np.zeros((table.reshape(2**n, -1).shape[1], len(subsets)))
    for t, weights in zip(quadrature.nodes, quadrature.weights.T, strict=True):
        total += weights[size - 1] * _derivatives(table.reshape(2**n, -1).T.astype(float), n, t)[:, place]
    values = _finish(subsets, total, quadrature)
    nothing = _ROUNDING * n * np.abs(table.reshape(2**n, -1)).max(axis=0)[:, None]
    return subsets, np.where(np.abs(values) > nothing, values, 0.0)


def _derivatives(table: np.ndarray, n: int, t: float) -> np.ndarray:
    """Compute ∂_S F(t, …, t) for all S at once, from answers ``(k, 2ⁿ)``; bit j of the column number is feature j."""
    for j in range(n):
        axes = table.reshape(len(table), -1, 2, 2**j)
        off, on = axes[:, :, 0], axes[:, :, 1]
        table = np.stack([off + t * (on - off), on - off], axis=2)
    return table.reshape(len(table), -1)


def _of_terms(
    terms: Sequence[Term], coef: np.ndarray, x: np.ndarray, reference: np.ndarray, quadrature: Rule
) -> tuple[Subsets, np.ndarray]:
    """Return indices ``(k, t)`` of Σ wₖ φₖ between two rows.

    On the diagonal φ = ∏ᵢ (aᵢ + bᵢ t), so ∂_S φ = ∏_{i∈S} bᵢ ∏_{i∉S} (aᵢ + bᵢ t).
    """
    order = len(quadrature.weights)
    values: dict[tuple[int, ...], np.ndarray] = {(i,): np.zeros(len(coef)) for i in range(len(x))}
    for term, weight in zip(terms, coef.T, strict=True):
        members, start, step = factors(term, x, reference)
        lines = start[:, None] + step[:, None] * quadrature.nodes
        active = np.flatnonzero(step)
        for size in range(1, min(order, len(active)) + 1):
            for chosen in combinations(active.tolist(), size):
                rest = np.delete(lines, chosen, axis=0).prod(axis=0)
                share = float(quadrature.weights[size - 1] @ rest * step[list(chosen)].prod())
                key = tuple(sorted(members[i] for i in chosen))
                values[key] = values.get(key, 0.0) + share * weight
    subsets = sorted(values, key=lambda s: (len(s), s))
    return subsets, _finish(subsets, np.column_stack([values[s] for s in subsets]), quadrature)


def _finish(subsets: Subsets, values: np.ndarray, quadrature: Rule) -> np.ndarray:
    """Turn integrals ``(k, t)`` into indices."""
    return values if quadrature.transform is None else values @ quadrature.transform(subsets).T
