"""Shapley values of a model from few answers to paired questions: an estimate with standard errors.

The estimate is an average of three, by shares that minimise the error of odd parts left out: that of a process for the
odd part of the game (:mod:`surrogates.shapley.odd_process`); that of the proxy, which sees each answer by itself and
may pass its sum through a curve; and the latter with such a process of what the proxy misses.
"""

from __future__ import annotations

import numpy as np

from probes.design import cube
from probes.errors import InputError
from surrogates.numerics.one_thread import one_thread
from surrogates.proxy.cube_proxy import CubeProxy
from surrogates.shapley.averaged_values import averaged_values, doubt
from surrogates.shapley.curved_indices import PAIRS, TABLED, permuted, tabled
from surrogates.shapley.indices import Indices, indices
from surrogates.shapley.odd_process import OddFit, fit_odd, singles

__all__ = ["from_pairs", "odd_parts"]

#: answers above which the odd part's process is alone: the proxy takes ten times as long
_MOST = 600
#: predictions of sampled permutations, and the fewest pairs of these
_PREDICTIONS, _FEWEST = 16_384, 16


def from_pairs(Z: np.ndarray, y: np.ndarray, noisy: bool = False) -> Indices:
    """Estimate the Shapley values of a model from answers to pairs of rows.

    Parameters
    ----------
    Z : ndarray ``(m, n)``
        Rows of 0/1 as :func:`probes.design.paired` gives them, in any order: both endpoints, and with each row its
        complement.
    y : ndarray ``(m,)`` or ``(m, k)``
        Answers. Those to the two endpoints are taken as free of noise; the noise of others is estimated.
    noisy : bool, default False
        Whether the model answers the same question differently, so that not even the whole cube makes values exact.

    Returns
    -------
    Indices
        Of the model. For each output they add up to the answer with all features minus that with none, exactly. From
        the whole cube they are exact and their standard errors 0; else these are posterior standard deviations, whose
        95% intervals are checked by ``python -m benchmarks shapley``.

    Raises
    ------
    InputError
        If an endpoint or a complement is missing, or a row is there twice.

    Examples
    --------
    >>> from probes.design import paired
    >>> Z = paired(8, 40, np.random.default_rng(0))
    >>> estimate = from_pairs(Z, 3 * Z[:, 1] - Z[:, 4] * Z[:, 5])
    >>> estimate.values.round(1) + 0.0
    array([[ 0. ,  3. ,  0. ,  0. , -0.5, -0.5,  0. ,  0. ]])
    """
    Z, y = np.asarray(Z, dtype=float), np.asarray(y, dtype=float)
    y = y.reshape(len(y), -1)
    n, place = Z.shape[1], _places(Z, y)
    if len(Z) == 2**n and not noisy:
        return indices(y[[place[row.tobytes()] for row in cube(n) > 0.5]])
    pairs, halved = _odd_parts(Z, y, place)
    if not _varies(halved, y):
        return Indices("shapley", singles(n), np.zeros((y.shape[1], n)), np.zeros((y.shape[1], n)))
    with one_thread():
        fit = fit_odd(2 * Z[pairs[:, 0]] - 1, halved)
        values, se = _averaged(fit, Z, y, pairs) if len(Z) <= _MOST else (fit.values, fit.se)
    values += (2 * halved[0] - values.sum(axis=1))[:, None] / n  # rounding and jitter
    return Indices("shapley", singles(n), values, se)


def odd_parts(Z: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return one row of each pair ``(g, n)`` as −1/+1, the one of all +1 first, and odd parts ``(g, k)``.

    Raises
    ------
    InputError
        As for :func:`from_pairs`.
    """
    pairs, halved = _odd_parts(Z, y, _places(Z, y))
    return 2 * Z[pairs[:, 0]] - 1, halved


def _varies(halved: np.ndarray, y: np.ndarray) -> bool:
    """Whether odd parts are more than what rounding leaves of answers."""
    return bool(np.abs(halved).max() > 64 * np.finfo(float).eps * np.abs(y).max())


def _odd_parts(Z: np.ndarray, y: np.ndarray, place: dict[bytes, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers of rows and of their complements ``(g, 2)``, the endpoints first, and odd parts."""
    ones = np.flatnonzero(Z[:, 0] > 0.5)
    ones = ones[np.argsort(-Z[ones].sum(axis=1), kind="stable")]
    pairs = np.column_stack([ones, [place[(Z[j] < 0.5).tobytes()] for j in ones]])
    return pairs, _odd(y, pairs)


def _averaged(fit: OddFit, Z: np.ndarray, y: np.ndarray, pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Average the values of the odd part's process, the proxy's, and these with what a process adds to them.

    That process is one of the odd parts that the proxy misses of pairs left out, and of both ends, which it knows.
    """
    n, proxy = Z.shape[1], CubeProxy(link="auto").fit(Z, y)
    predicted = proxy.left_out(Z, pairs)
    apart = doubt(y - predicted, proxy.features_, n)
    missed = _odd(y - predicted, pairs)
    beyond, sampled = _beyond(proxy, fit, n)
    ends = _odd(y[pairs[0]] - np.reshape(proxy.predict(Z[pairs[0]]), (2, -1)), np.array([[0, 1]]))
    added = fit_odd(2 * Z[pairs[:, 0]] - 1, np.vstack([ends, missed[1:]]))
    values = np.stack([fit.values, fit.values + beyond, fit.values + beyond + added.values])
    hidden = np.stack([np.zeros_like(sampled), np.hypot(sampled, apart), sampled])
    left = np.stack([fit.left, missed, added.left], axis=1)[1:] / np.where(fit.scale > 0, fit.scale, 1.0)
    return averaged_values(values, fit.se, hidden, left)


def _odd(answers: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Return odd parts ``(g, k)`` of answers ``(m, k)`` to pairs ``(g, 2)``."""
    return (answers[pairs[:, 0]] - answers[pairs[:, 1]]) / 2


def _beyond(proxy: CubeProxy, fit: OddFit, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Compute Shapley values of what the proxy predicts beyond the odd part's process, and errors of sampling them."""
    if not any(link.curved for link in proxy.links_):
        return indices(proxy).values - fit.values, np.zeros_like(fit.values)
    if len(proxy.features_) <= TABLED:
        values = np.zeros_like(fit.values)
        values[:, proxy.features_] = indices(tabled(proxy)).values
        return values - fit.values, np.zeros_like(fit.values)

    def game(rows: np.ndarray) -> np.ndarray:
        return np.reshape(proxy.predict(rows), (len(rows), -1)) - fit.predict(2 * rows - 1)

    count = max(_FEWEST, min(PAIRS, _PREDICTIONS // (2 * (n + 1))))
    return permuted(game, n, np.random.default_rng(0), count)


def _places(Z: np.ndarray, y: np.ndarray) -> dict[bytes, int]:
    """Return row numbers by content, of a design that holds both endpoints and every complement."""
    if Z.ndim != 2 or len(Z) != len(y) or not np.isin(Z, (0.0, 1.0)).all():
        raise InputError("Z", f"be rows of 0 and 1, one for each of {len(y)} answers", Z)
    if not np.isfinite(y).all():
        raise InputError("y", "be finite", y)
    place = {row.tobytes(): j for j, row in enumerate(Z > 0.5)}
    if len(place) < len(Z):
        raise InputError("Z", "hold no row twice", f"{len(Z) - len(place)} repeated rows")
    if np.ones(Z.shape[1], dtype=bool).tobytes() not in place or any(row.tobytes() not in place for row in Z < 0.5):
        raise InputError("Z", "hold both endpoints, and with each row its complement", Z)
    return place
