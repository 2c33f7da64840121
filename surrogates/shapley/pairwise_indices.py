"""Indices of single features and of pairs, of a model, from answers to few rows: an estimate with standard errors.

The estimate averages two Gaussian processes, one of the answers and one of what becomes of them on a curve, by shares
that minimise the error of answers left out. The first has indices and their posterior in closed form; those of the
second are taken from its predictions for the whole cube, and where that is too large the first is alone.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from probes.design import cube
from probes.errors import InputError
from surrogates.numerics.one_thread import one_thread
from surrogates.proxy.averaging import units
from surrogates.proxy.cube_proxy import CubeProxy
from surrogates.proxy.path_integrals import Subsets, posterior
from surrogates.shapley.averaged_values import averaged_values, doubt
from surrogates.shapley.indices import Indices, indices
from surrogates.shapley.quadrature import rule

__all__ = ["KINDS", "aggregation", "from_rows"]

#: the indices of pairs, and how each of them weighs the rest of the features
KINDS = {"k-sii": "shapley", "shapley": "shapley", "banzhaf": "banzhaf"}
#: features at work of which all predictions on a curve are tabled, and predictions at a time
_TABLED, _AT_ONCE = 16, 4096


def from_rows(Z: np.ndarray, y: np.ndarray, kind: str = "k-sii", noisy: bool = False) -> Indices:
    """Estimate the indices of a model of all features and pairs from answers to rows.

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
        return _of_table(table, kind)
    with one_thread():
        subsets, values, se = _averaged(Z, y, kind)
    if kind != "banzhaf":
        values += _missing(subsets, values, se, y[0] - y[1], kind)
    return Indices(kind, subsets, values, se)


def _averaged(Z: np.ndarray, y: np.ndarray, kind: str) -> tuple[Subsets, np.ndarray, np.ndarray]:
    """Average the indices ``(k, t)`` of the process of the answers and of that on a curve, where there is one."""
    plain, quadrature = CubeProxy().fit(Z, y), rule(KINDS[kind], 2, Z.shape[1])
    transform = aggregation if kind == "k-sii" else None
    subsets, values, se = posterior(plain, quadrature.nodes, quadrature.weights, transform)
    alone = np.arange(len(Z))[:, None]
    left = plain.left_out(Z, alone) - y
    apart = doubt(left, plain.features_, Z.shape[1])[:, [s[0] for s in subsets]]
    se = np.where(_screened(subsets, plain.features_), apart, se)
    if len(plain.features_) > _TABLED:
        return subsets, values, se
    curved = CubeProxy(link="auto").fit(Z, y)
    if not any(link.curved for link in curved.links_):
        return subsets, values, se
    both = np.stack([left, curved.left_out(Z, alone) - y], axis=1) / units(y, np.ones(len(y)))
    beyond = _of_predictions(curved, kind, subsets) - values
    return subsets, *averaged_values(values, se, beyond, 0.0, both)


def _screened(subsets: Subsets, entered: np.ndarray) -> np.ndarray:
    """Find the features among subsets ``(t,)`` that the process left out."""
    known = set(entered.tolist())
    return np.array([len(s) == 1 and s[0] not in known for s in subsets])


def _of_predictions(proxy: CubeProxy, kind: str, subsets: Subsets) -> np.ndarray:
    """Compute indices ``(k, t)`` of what a proxy predicts; features that did not enter have none."""
    entered = proxy.features_
    on = cube(len(entered))
    rows = np.zeros((len(on), proxy.n_features_in_))
    rows[:, entered] = on
    parts = np.array_split(rows, -(-len(rows) // _AT_ONCE))
    found = _of_table(np.concatenate([np.reshape(proxy.predict(part), (len(part), -1)) for part in parts]), kind)
    place = {tuple(entered[list(s)].tolist()): j for j, s in enumerate(found.subsets)}
    values = np.zeros((len(found.values), len(subsets)))
    for j, subset in enumerate(subsets):
        if subset in place:
            values[:, j] = found.values[:, place[subset]]
    return values


def _of_table(table: np.ndarray, kind: str) -> Indices:
    """Compute indices of a table of all answers ``(2ⁿ, k)``."""
    found = indices(table, KINDS[kind], 2)
    values = found.values @ aggregation(found.subsets).T if kind == "k-sii" else found.values
    return Indices(kind, found.subsets, values, np.zeros_like(values))


def aggregation(subsets: Subsets) -> csr_array:
    """Return the sparse matrix ``(t, t)`` that takes half of every pair from the value of either of its features."""
    place = {s: j for j, s in enumerate(subsets)}
    halves = [(place[i,], column) for s, column in place.items() if len(s) == 2 for i in s]
    rows, columns = np.array([*((j, j) for j in range(len(subsets))), *halves]).T
    weights = np.concatenate([np.ones(len(subsets)), np.full(len(halves), -0.5)])
    return csr_array((weights, (rows, columns)), shape=(len(subsets), len(subsets)))


def _missing(subsets: Subsets, values: np.ndarray, se: np.ndarray, due: np.ndarray, kind: str) -> np.ndarray:
    """Share out what values ``(k, t)`` lack of the sum that is due, among features, most to the least sure ones."""
    single = np.array([len(s) == 1 for s in subsets])
    counted = values if kind == "k-sii" else values[:, single]
    unsure = np.where(single, se**2, 0.0)
    total = unsure.sum(axis=1, keepdims=True)
    part = np.where(total > 0, unsure / np.where(total > 0, total, 1.0), single / single.sum())
    return part * (due - counted.sum(axis=1))[:, None]
