"""Predictions of a fitted proxy for rows with one feature more, for all features at once.

To switch feature i on in a row x with x_i = -1 multiplies the product kernel with a training row t by exp(t_i theta_i)
and adds 2 l t_i / n to the linear part, so with alpha = K^-1 u one matrix product gives the change for every feature:

    u(x + i) - u(x) = sum_t k_s(x, t) (exp(t_i theta_i) - 1) alpha_t + 2 l/n sum_t t_i alpha_t.
"""

from __future__ import annotations

import numpy as np

from surrogates.numerics.one_thread import one_thread
from surrogates.proxy.cube_proxy import CubeProxy

__all__ = ["switched_on"]


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
