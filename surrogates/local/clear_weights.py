"""Weights of parts in a sparse sum, and the size that they may have by chance."""

from __future__ import annotations

import numpy as np

from surrogates.families.linear import SparseLinear

__all__ = ["clear_weights"]

#: standard errors from which a weight is clear
_CLEAR = 3.0


def clear_weights(Z: np.ndarray, y: np.ndarray, rows: int, drawn: int) -> tuple[np.ndarray, float]:
    """Return sizes of weights ``(d,)`` of a sparse sum, over outputs of variance 1, and the size that chance may make.

    Parameters
    ----------
    Z : ndarray ``(n, d)``
    y : ndarray ``(n, k)``
    rows, drawn : int
        The last `rows` rows are the latest of those `drawn` at random. Either half of them is predicted from all
        others; by these errors σ a weight has the standard error 2 σ / √drawn, being there in half of the rows.

    Examples
    --------
    >>> Z = np.random.default_rng(0).integers(0, 2, (64, 8)).astype(float)
    >>> size, unsure = clear_weights(Z, 3.0 * Z[:, [2]], 32, 64)
    >>> np.flatnonzero(size > unsure).tolist()
    [2]
    """
    spread, size = y.std(axis=0), np.zeros(Z.shape[1])
    varies = spread > 1e-9 * np.abs(y).max()
    if not varies.any():
        return size, 0.0
    u = y[:, varies] / spread[varies]
    fitted = SparseLinear().fit(Z, u)
    for term, weights in zip(fitted.terms_, np.atleast_2d(fitted.coef_).T, strict=True):
        size[term.features[0]] = float(np.sqrt((weights**2).sum()))
    last, errors = np.arange(len(u) - rows, len(u)), 0.0
    for half in (last[::2], last[1::2]):
        others = np.setdiff1d(np.arange(len(u)), half)
        predicted = SparseLinear().fit(Z[others], u[others]).predict(Z[half]).reshape(len(half), -1)
        errors += float(((u[half] - predicted) ** 2).sum())
    return size, float(_CLEAR * 2 * np.sqrt(errors / rows / drawn))
