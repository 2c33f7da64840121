"""A surrogate over rows of a table: a sum over columns, and trees for what that leaves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from surrogates.local.column_values import ColumnValues

__all__ = ["RowSurrogate"]

_TREES = 10


class RowSurrogate:
    """Predicts a number from the places of the values that a row holds.

    ŷ(z) = b + wᵀe(z) + t(z): ridge regression on the encoded values e(z), and extremely randomised trees t (Geurts,
    Ernst and Wehenkel 2006) on what it leaves. The first says what lies beyond the rows that were asked, the second
    where an answer jumps.

    Parameters
    ----------
    columns : sequence of p ColumnValues
    seed : int
    """

    def __init__(self, columns: Sequence[ColumnValues], seed: int):
        from sklearn.ensemble import ExtraTreesRegressor  # here: they take long to import
        from sklearn.linear_model import Ridge

        self._encoded = [column.encoded for column in columns]
        self._line = Ridge(alpha=1.0)
        self._trees = ExtraTreesRegressor(_TREES, min_samples_leaf=2, random_state=seed, n_jobs=1)

    def fit(self, Z: np.ndarray, y: np.ndarray) -> RowSurrogate:
        """Fit to places ``(n, p)`` and numbers ``(n,)``."""
        X = self._rows(Z)
        self._line.fit(X, y)
        self._trees.fit(X, y - self._line.predict(X))
        return self

    def predict(self, Z: np.ndarray) -> np.ndarray:
        """Predict the numbers ``(n,)`` of places ``(n, p)``."""
        X = self._rows(Z)
        predicted: np.ndarray = self._line.predict(X) + self._trees.predict(X)
        return predicted

    def _rows(self, Z: np.ndarray) -> np.ndarray:
        return np.hstack([encoded[Z[:, j]] for j, encoded in enumerate(self._encoded)])
