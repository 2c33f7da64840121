"""Indices of single features and of pairs, of a model, from answers to few rows: an estimate with standard errors.

The estimate averages two Gaussian processes, one of the answers and one of what becomes of them on a curve, by shares
that minimise the error of answers left out. The first has indices and their posterior in closed form; those of the
second are taken from its predictions for the whole cube, and where that is too large the first is alone. What either
misses of answers counts as they do: near both ends single answers weigh much in Shapley interactions.
"""

from __future__ import annotations

import numpy as np

from probes.errors import InputError
from surrogates.numerics.one_thread import one_thread
from surrogates.proxy.averaging import units
from surrogates.proxy.cube_proxy import CubeProxy
from surrogates.proxy.path_integrals import Subsets, answer_weights, posterior, squared_weights
from surrogates.shapley.averaged_values import averaged_values, doubt
from surrogates.shapley.curved_indices import TABLED, tabled
from surrogates.shapley.indices import Indices, indices
from surrogates.shapley.quadrature import Rule, rule

__all__ = ["KINDS", "from_rows"]

#: the indices of pairs
KINDS = ("k-sii", "shapley", "banzhaf")


def from_rows(Z: np.ndarray, y: np.ndarray, kind: str = "k-sii", noisy: bool = False, order: int = 2) -> Indices:
    """Estimate the indices of a model of all features, and of pairs, from answers to rows.

    Parameters
    ----------
    Z : ndarray ``(m, n)``
        Distinct rows of 0/1, the first all ones, the second all zeros.
    y : ndarray ``(m,)`` or ``(m, k)``
        Answers.
    kind : {"k-sii", "shapley", "banzhaf"}, default "k-sii"
        "shapley": Shapley values, and Shapley interaction indices of pairs. "k-sii": the same pairs, of each of which
        half is taken from either feature's value, so that all add up to the answer for all ones minus that for all
        zeros (Bord and von Luxburg 2023). "banzhaf": Banzhaf values and interaction indices.
    noisy : bool, default False
        Whether the model answers the same question differently, so that not even the whole cube makes them exact.
    order : {1, 2}, default 2
        1: of features alone.

    Returns
    -------
    Indices
        Exact from the whole cube. Pairs with a feature that the process left out are missing; they count as zero. What
        it misses of answers is doubt about these features, the same of each. But for Banzhaf indices the sum is exact:
        Shapley values, or with "k-sii" all, add up to the difference.

    Raises
    ------
    InputError

    Examples
    --------
    >>> from probes.design import by_size
    >>> Z = by_size(6, 40, np.random.default_rng(0))
    >>> found = from_rows(Z, 3 * Z[:, 1] - 2 * Z[:, 4] * Z[:, 5])
    >>> dict(zip(found.subsets, found.values[0].round(1) + 0.0))[4, 5]
    np.float64(-2.0)
    """
    if kind not in KINDS:
        raise InputError("kind", f"be one of {', '.join(KINDS)}", kind)
    Z, y = np.asarray(Z, dtype=float), np.asarray(y, dtype=float)
    y, n = y.reshape(len(y), -1), Z.shape[1]
    if len(Z) == 2**n and not noisy:
        table = np.empty_like(y)
        table[(Z @ (1 << np.arange(n))).astype(int)] = y
        return indices(table, kind, order)
    with one_thread():
        subsets, values, se = _averaged(Z, y, kind, order, noisy)
    if kind != "banzhaf":
        values += _missing(subsets, values, se, y[0] - y[1], kind)
    return Indices(kind, subsets, values, se)


def _averaged(
    Z: np.ndarray, y: np.ndarray, kind: str, order: int, noisy: bool
) -> tuple[Subsets, np.ndarray, np.ndarray]:
    """Average the indices ``(k, t)`` of the process of the answers and of that on a curve, where there is one."""
    plain, quadrature = CubeProxy().fit(Z, y), rule(kind, order, Z.shape[1])
    subsets, values, se = posterior(plain, quadrature.nodes, quadrature.weights, quadrature.transform)
    alone = np.arange(len(Z))[:, None]
    left = plain.left_out(Z, alone) - y
    apart = doubt(left, plain.features_, Z.shape[1])[:, [s[0] for s in subsets]]
    se = np.where(_screened(subsets, plain.features_), apart, se)
    counts, unasked = (
        (np.zeros((len(subsets), len(y))), np.zeros(len(subsets))) if noisy else _own(Z, subsets, quadrature)
    )
    values = values + _missed(plain, Z, y) @ counts.T
    se = np.sqrt(se**2 + np.outer(plain.noise_, unasked))
    if len(plain.features_) > TABLED:
        return subsets, values, se
    curved = CubeProxy(link="auto").fit(Z, y)
    if not any(link.curved for link in curved.links_):
        return subsets, values, se
    both = np.stack([left, curved.left_out(Z, alone) - y], axis=1) / units(y, np.ones(len(y)))
    beside = _of_predictions(curved, kind, order, subsets) + _missed(curved, Z, y) @ counts.T
    values = np.stack([values, beside])
    return subsets, *averaged_values(values, se, np.zeros_like(values), both)


def _missed(proxy: CubeProxy, Z: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Compute what a proxy misses of the answers that it was fitted to, ``(k, m)``."""
    return (y - np.reshape(proxy.predict(Z), y.shape)).T


def _own(Z: np.ndarray, subsets: Subsets, quadrature: Rule) -> tuple[np.ndarray, np.ndarray]:
    """Return how much each answer counts in indices ``(t, m)``, and the sum of squares ``(t,)`` over rows not asked.

    What a process takes for noise is a model's own where it repeats itself. At rows that were asked it is known; at
    others it is independent a priori, with the variance of the noise.
    """
    counts = answer_weights(Z, subsets, quadrature.nodes, quadrature.weights)
    squares = squared_weights(subsets, Z.shape[1], quadrature.nodes, quadrature.weights) - (counts**2).sum(axis=1)
    if quadrature.transform is not None:
        matrix = quadrature.transform(subsets)
        counts, squares = matrix @ counts, matrix.power(2) @ squares
    return counts, np.maximum(squares, 0.0)


def _screened(subsets: Subsets, entered: np.ndarray) -> np.ndarray:
    """Find the features among subsets ``(t,)`` that the process left out."""
    known = set(entered.tolist())
    return np.array([len(s) == 1 and s[0] not in known for s in subsets])


def _of_predictions(proxy: CubeProxy, kind: str, order: int, subsets: Subsets) -> np.ndarray:
    """Compute indices ``(k, t)`` of what a proxy predicts; features that did not enter have none."""
    entered, found = proxy.features_, indices(tabled(proxy), kind, order)
    place = {tuple(entered[list(s)].tolist()): j for j, s in enumerate(found.subsets)}
    values = np.zeros((len(found.values), len(subsets)))
    for j, subset in enumerate(subsets):
        if subset in place:
            values[:, j] = found.values[:, place[subset]]
    return values


def _missing(subsets: Subsets, values: np.ndarray, se: np.ndarray, due: np.ndarray, kind: str) -> np.ndarray:
    """Share out what values ``(k, t)`` lack of the sum that is due, among features, most to the least sure ones."""
    single = np.array([len(s) == 1 for s in subsets])
    counted = values if kind == "k-sii" else values[:, single]
    unsure = np.where(single, se**2, 0.0)
    total = unsure.sum(axis=1, keepdims=True)
    part = np.where(total > 0, unsure / np.where(total > 0, total, 1.0), single / single.sum())
    return part * (due - counted.sum(axis=1))[:, None]
