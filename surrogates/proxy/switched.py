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
    process = proxy.state()
    kernel, rows, alpha = process.kernel, process.X, process.alpha[:, 0]
    X = 2.0 * Z[:, process.features] - 1
    with one_thread():
        change = kernel.product_part(X, rows) @ (np.expm1(rows * kernel.theta) * alpha[:, None])
    change += 2 * kernel.linear / len(kernel.theta) * (alpha @ rows)
    predicted = np.repeat(proxy.predict(Z)[:, None], Z.shape[1], axis=1)
    predicted[:, process.features] += process.scale[0] * np.where(X < 0, change, 0.0)
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
        self._process = proxy.state()
        self._position = {int(feature): j for j, feature in enumerate(self._process.features)}
        self._start, self._end = proxy.coordinates(Z), proxy.coordinates(values)
        self._factors = dict[int, np.ndarray | None]()

    def __call__(self, members: Sequence[int], added: Sequence[int]) -> np.ndarray:
        """Predict the rows with `members` moved and, column by column ``(m, len(added))``, one more feature."""
        process, X = self._process, self.proxy.coordinates(self._rows(members))
        with one_thread():
            near = process.kernel.product_part(X, process.X)
            predicted = process.mean[0] + process.scale[0] * (process.rest(X) + near @ process.alpha)
            predicted = np.repeat(predicted, len(added), axis=1)
            for column, feature in enumerate(added):
                if feature in members or feature not in self._position:
                    continue
                factor = self._factor(self._position[feature])
                if factor is None:
                    predicted[:, column] = self.proxy.predict(self._rows([*members, feature]))
                else:
                    change = np.einsum("mg,mg->m", near, factor) + self._linear(self._position[feature])
                    predicted[:, column] += process.scale[0] * change
        return predicted

    def _rows(self, members: Sequence[int]) -> np.ndarray:
        rows = self.Z.copy()
        rows[:, list(members)] = self.values[:, list(members)]
        return rows

    def _linear(self, j: int) -> np.ndarray:
        """Return the change of the linear part of standardised answers, ``(m,)``."""
        process, moved = self._process, self._end[:, j] - self._start[:, j]
        return process.kernel.linear / len(process.features) * (process.X[:, j] @ process.alpha[:, 0]) * moved

    def _factor(self, j: int) -> np.ndarray | None:
        """Return exp(…) − 1 times alpha, ``(m, g)``; None where it is too large for the kernel that it multiplies."""
        if j in self._factors:
            return self._factors[j]
        start, end, process = self._start[:, j, None], self._end[:, j, None], self._process
        exponent = (end - start) * (2 * process.X[:, j] - end - start) * (process.kernel.theta[j] / 4)
        factor = np.expm1(exponent) * process.alpha[:, 0] if exponent.max() < _LARGEST else None
        if factor is None or (len(self._factors) + 1) * factor.nbytes <= _KEPT:
            self._factors[j] = factor
        return factor
