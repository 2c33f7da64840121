"""Two-stage fits: a proxy is fitted to the answers, and answers as many more questions as a family wants for free."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Any, Protocol, Self, TypeVar

import numpy as np
from sklearn.base import clone

from probes.design import cube

__all__ = ["Proxy", "fitted_once", "independent_rows", "rows_of_law"]

#: rows of free proxy answers that a family learns from
LAW_ROWS = 8192
#: fitted proxies kept: those of one cross-fit and its control
_REMEMBERED = 24

_FITTED: OrderedDict[str, Any] = OrderedDict()


class Proxy(Protocol):
    """A regressor as of scikit-learn, from which a family learns."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters of the constructor."""

    def fit(self, Z: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None) -> Self:
        """Fit to rows ``(m, n)`` and answers ``(m,)`` or ``(m, k)``."""

    def predict(self, Z: np.ndarray) -> np.ndarray:
        """Predict answers to rows, in the shape of those that it was fitted to."""


_Proxy = TypeVar("_Proxy", bound=Proxy)


def fitted_once(proxy: _Proxy, rows: np.ndarray, y: np.ndarray, weight: np.ndarray) -> _Proxy:
    """Fit a copy of `proxy`, or return the one fitted to these data before.

    The last few are remembered, so that families compared on one cross-fit share them.

    Parameters
    ----------
    proxy : regressor
    rows : ndarray ``(m, n)``
    y : ndarray ``(m,)`` or ``(m, k)``
    weight : ndarray ``(m,)``
    """
    digest = hashlib.sha256(repr((type(proxy), proxy.get_params(), rows.shape, y.shape)).encode())
    for part in (rows, y, weight):
        digest.update(np.ascontiguousarray(part).tobytes())
    key = digest.hexdigest()
    if key not in _FITTED:
        _FITTED[key] = clone(proxy).fit(rows, y, weight)
        while len(_FITTED) > _REMEMBERED:
            _FITTED.popitem(last=False)
    fitted: _Proxy = _FITTED[key]
    return fitted


def rows_of_law(rows: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return rows of the law that `rows` ``(m, n)`` were drawn from, with independent features.

    They are the cube if that is small (`rows` themselves if they hold it already), else a sample of 8192.
    """
    d = rows.shape[1]
    if 2**d <= LAW_ROWS and np.isin(rows, (0.0, 1.0)).all():
        return rows if len(rows) == 2**d else cube(d)
    return independent_rows(rows, weight, LAW_ROWS)


def independent_rows(rows: np.ndarray, weight: np.ndarray, count: int) -> np.ndarray:
    """Draw so many rows, each feature for itself from its column of `rows` ``(m, n)``; always the same ones."""
    rng, share = np.random.default_rng(0), weight / weight.sum()
    return np.column_stack([rng.choice(column, count, p=share) for column in rows.T])
