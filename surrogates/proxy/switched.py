"""Predictions of a fitted proxy for rows with one feature changed, for all features at once.

To switch feature i on in a row x with x_i = -1 multiplies the product kernel with a training row t by exp(t_i theta_i)
and adds 2 l t_i / n to the linear part, so with alpha = K^-1 u one matrix product gives the change for every feature:

    u(x + i) - u(x) = sum_t k_s(x, t) (exp(t_i theta_i) - 1) alpha_t + 2 l/n sum_t t_i alpha_t.

To move feature i of a row of real numbers from x_i to v_i multiplies it by
exp((v_i - x_i) (2 t_i - v_i - x_i) theta_i / 4) and adds l (v_i - x_i) t_i / n to the linear part. These factors are
the same whatever else of the row is moved.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from surrogates.numerics.one_thread import one_thread
from surrogates.proxy.cube_proxy import CubeProxy
from surrogates.proxy.walsh import Process

__all__ = ["Moved", "switched_on"]

#: bytes of factors that are kept, and the largest exponent whose product with a kernel that underflowed is as good as 0
_KEPT, _LARGEST = 2**26, 600.0


def switched_on(proxy: CubeProxy, Z: np.ndarray) -> np.ndarray:
    """Predict rows of 0/1 ``(m, n)`` with each feature in turn switched on.

    Parameters
    ----------
    proxy : CubeProxy
        Fitted to rows of 0/1 and one output.
    Z : ndarray of 0/1 ``(m, n)``

    Returns
    -------
    ndarray ``(m, n)``
        Posterior means: column i for the rows with feature i present.

    Examples
    --------
    >>> Z = np.random.default_rng(0).integers(0, 2, (64, 5))
    >>> proxy = CubeProxy().fit(Z, 3.0 * Z[:, 2] + 1)
    >>> switched_on(proxy, np.zeros((1, 5))).round(1) + 0.0
    array([[1., 1., 4., 1., 1.]])
    """
    states = proxy.states()
    features, rows = states[0].features, states[0].X
    X = 2.0 * Z[:, features] - 1
    predicted = np.repeat(proxy.predict(Z)[:, None], Z.shape[1], axis=1)
    for process in states:
        kernel, alpha = process.kernel, process.share * process.scale[0] * process.alpha[:, 0]
        with one_thread():
            change = kernel.product_part(X, rows) @ (np.expm1(rows * kernel.theta) * alpha[:, None])
        change += 2 * kernel.linear / len(kernel.theta) * (alpha @ rows)
        predicted[:, features] += np.where(X < 0, change, 0.0)
    return predicted


class Moved:
    """Predictions for rows of which some features are moved to other values.

    Parameters
    ----------
    proxy : CubeProxy
        Fitted to one output.
    Z, values : ndarray ``(m, n)``
        The rows, and where each of their features may be moved.

    Examples
    --------
    >>> Z = np.random.default_rng(0).normal(size=(64, 3))
    >>> proxy = CubeProxy().fit(Z, 3.0 * Z[:, 2] + 1)
    >>> Moved(proxy, np.zeros((1, 3)), np.ones((1, 3)))((0,), [1, 2]).round(1)
    array([[1., 4.]])
    """

    def __init__(self, proxy: CubeProxy, Z: np.ndarray, values: np.ndarray):
        self.proxy, self.Z, self.values = proxy, Z, values
        start, end = proxy.coordinates(Z), proxy.coordinates(values)
        self._changes = [_Change(process, start, end) for process in proxy.states()]
        self._position = {int(feature): j for j, feature in enumerate(proxy.features_)}

    def __call__(self, members: Sequence[int], added: Sequence[int]) -> np.ndarray:
        """Predict the rows with `members` moved and, column by column ``(m, len(added))``, one more feature."""
        X = self.proxy.coordinates(self._rows(members))
        with one_thread():
            near = [change.process.kernel.product_part(X, change.process.X) for change in self._changes]
            level = [change.level(X, part) for change, part in zip(self._changes, near, strict=True)]
            predicted = np.repeat(sum(level, np.zeros((1, 1))), len(added), axis=1)
            for column, feature in enumerate(added):
                if feature in members or feature not in self._position:
                    continue
                j = self._position[feature]
                moved = [change(j, part) for change, part in zip(self._changes, near, strict=True)]
                known = [part for part in moved if part is not None]
                if len(known) < len(moved):
                    predicted[:, column] = self.proxy.predict(self._rows([*members, feature]))
                else:
                    predicted[:, column] += np.sum(known, axis=0)
        return predicted

    def _rows(self, members: Sequence[int]) -> np.ndarray:
        rows = self.Z.copy()
        rows[:, list(members)] = self.values[:, list(members)]
        return rows


class _Change:
    """The share of one process in predictions, and what moving a feature from `start` to `end` ``(m, d)`` adds."""

    def __init__(self, process: Process, start: np.ndarray, end: np.ndarray):
        self.process, self._start, self._end = process, start, end
        self._alpha = process.share * process.scale[0] * process.alpha[:, 0]
        self._factors = dict[int, np.ndarray | None]()

    def level(self, X: np.ndarray, near: np.ndarray) -> np.ndarray:
        """Return its share in predictions ``(m, 1)`` for rows ``(m, d)``."""
        process = self.process
        mean, rest = process.share * process.mean[0], process.rest(X)[:, :1]
        return mean + process.share * process.scale[0] * rest + near @ self._alpha[:, None]

    def __call__(self, j: int, near: np.ndarray) -> np.ndarray | None:
        """Return what moving feature j adds ``(m,)``, given the product kernel; None where that is too much for it."""
        factor, process = self._factor(j), self.process
        if factor is None:
            return None
        linear = process.kernel.linear / process.X.shape[1] * (process.X[:, j] @ self._alpha)
        return np.einsum("mg,mg->m", near, factor) + linear * (self._end[:, j] - self._start[:, j])

    def _factor(self, j: int) -> np.ndarray | None:
        """Return exp(…) − 1 times alpha, ``(m, g)``; None where it is too large for the kernel that it multiplies."""
        if j in self._factors:
            return self._factors[j]
        start, end, process = self._start[:, j, None], self._end[:, j, None], self.process
        exponent = (end - start) * (2 * process.X[:, j] - end - start) * (process.kernel.theta[j] / 4)
        factor = np.expm1(exponent) * self._alpha if exponent.max() < _LARGEST else None
        if factor is None or (len(self._factors) + 1) * factor.nbytes <= _KEPT:
            self._factors[j] = factor
        return factor
