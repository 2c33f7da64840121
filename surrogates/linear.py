"""SparseLinear: a few main effects."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from sklearn import config_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import lasso_path

from probes.errors import InputError
from surrogates.base import Surrogate, folds
from surrogates.terms import Product, Term

__all__ = ["SparseLinear"]

_ALPHAS = np.geomspace(1, 3e-3, 20)


class SparseLinear(Surrogate):
    """Main effects chosen by a cross-validated lasso, weights refitted by ridge on the chosen ones.

    Parameters
    ----------
    max_terms : int, optional
        The most features with a weight; the lasso's first ones are kept. None sets no limit.
    folds : int, default 5
        For choosing how many features, and how much to shrink their weights.
    random_state : int, default 0
        Assigns folds.
    proxy : regressor, optional
        Fitted first and distilled (see :class:`~surrogates.base.Surrogate`).

    Examples
    --------
    >>> Z = np.random.default_rng(0).integers(0, 2, (64, 8))
    >>> fitted = SparseLinear().fit(Z, 3 * Z[:, 2] - Z[:, 5])
    >>> [term.features for term in fitted.terms_], fitted.coef_.round(2)
    ([(2,), (5,)], array([ 3., -1.]))

    Notes
    -----
    Lasso: Tibshirani (1996). Refitting: the relaxed lasso (Meinshausen 2007), with a ridge penalty in place of none.
    """

    def __init__(self, max_terms: int | None = None, folds: int = 5, random_state: int = 0, proxy: Any = None):
        self.max_terms = max_terms
        self.folds = folds
        self.random_state = random_state
        self.proxy = proxy

    def check(self) -> None:
        super().check()
        if self.max_terms is not None and (not isinstance(self.max_terms, Integral) or self.max_terms < 1):
            raise InputError("max_terms", "be a positive integer or None", self.max_terms)

    def _fit(self, Z: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[list[Term], np.ndarray, np.ndarray]:
        chosen, coef, intercept = self.select(Z, y, weight)
        return [Product((int(i),)) for i in chosen], coef, intercept

    def select(self, Z: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The same for the columns of any matrix, such as another family's terms evaluated on distinct rows.

        Parameters
        ----------
        Z : ndarray ``(n, c)``
        y : ndarray ``(n, k)``
        weight : ndarray ``(n,)``

        Returns
        -------
        columns : ndarray ``(t,)``
            Numbers of the columns kept.
        coef : ndarray ``(k, t)``
        intercept : ndarray ``(k,)``
        """
        coef = np.vstack([self._coefficients(Z, column, weight) for column in y.T])
        chosen = np.flatnonzero(coef.any(axis=0))
        coef = coef[:, chosen]
        intercept = np.average(y, axis=0, weights=weight) - coef @ np.average(Z[:, chosen], axis=0, weights=weight)
        return chosen, coef, intercept

    def _coefficients(self, Z: np.ndarray, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Weights ``(d,)`` of one output, zero where a feature is left out."""
        center = np.average(Z, axis=0, weights=weight)
        scale = np.sqrt(np.average((Z - center) ** 2, axis=0, weights=weight))
        varies = scale > 1e-12 * (1 + np.abs(center))
        level = np.average(y, weights=weight)
        spread = np.sqrt(np.average((y - level) ** 2, weights=weight))
        if not varies.any() or spread <= 1e-12 * (1 + abs(level)):
            return np.zeros(Z.shape[1])
        X = ((Z - center) / np.where(varies, scale, 1.0))[:, varies]
        t = (y - level) / spread
        standardised = self._choose(X, t, weight)
        out = np.zeros(Z.shape[1])
        out[varies] = standardised / scale[varies] * spread
        return out

    def _choose(self, X: np.ndarray, t: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Standardised weights ``(d,)`` at the lasso penalty and ridge penalty with the least cross-validated error."""
        ridges = np.array([0.0, 0.01, 0.03, 0.1, 0.3])
        errors = np.zeros((len(_ALPHAS), len(ridges)))
        for train, test in folds(len(X), self.folds, self.random_state):
            path = self._path(X[train], t[train], weight[train])
            known = _Moments.of(X[train], t[train], weight[train])
            loss = np.zeros(len(ridges))
            for j, support in enumerate(path):
                if j == 0 or not np.array_equal(support, path[j - 1]):
                    level, coef = known.ridge(support, ridges)
                    predicted = X[test][:, support] @ coef.T + level
                    loss = weight[test] @ (t[test, None] - predicted) ** 2
                errors[j] += loss
        best, r = np.unravel_index(np.argmin(errors.round(12)), errors.shape)
        support = self._path(X, t, weight)[best]
        out = np.zeros(X.shape[1])
        out[support] = _Moments.of(X, t, weight).ridge(support, ridges[[r]])[1][0]
        return out

    def _path(self, X: np.ndarray, t: np.ndarray, weight: np.ndarray) -> list[np.ndarray]:
        """Features the lasso keeps at each penalty of the grid (relative to the least penalty that keeps none)."""
        root = np.sqrt(weight * len(weight) / weight.sum())[:, None]
        Xw = root * (X - np.average(X, axis=0, weights=weight))
        tw = root[:, 0] * (t - np.average(t, weights=weight))
        top = np.abs(Xw.T @ tw).max() / len(tw)
        if top <= 0:
            return [np.empty(0, dtype=int)] * len(_ALPHAS)
        with config_context(assume_finite=True, skip_parameter_validation=True), warnings.catch_warnings():
            # the path only proposes supports, which cross-validation chooses from: a loose end does no harm
            warnings.simplefilter("ignore", ConvergenceWarning)
            # checking the input takes longer than the path itself; it is known to be finite and of the right layout
            Xw, tw = np.asfortranarray(Xw), np.ascontiguousarray(tw)
            _, coefs, _ = lasso_path(Xw, tw, alphas=top * _ALPHAS, tol=1e-4, check_input=False)
        kept = []
        for column in coefs.T:
            support = np.flatnonzero(column)
            if self.max_terms is not None and len(support) > self.max_terms:
                support = np.sort(support[np.argsort(-np.abs(column[support]), kind="stable")[: self.max_terms]])
            kept.append(support)
        return kept


@dataclass(frozen=True)
class _Moments:
    """All that ridge regression with an intercept sees of weighted rows: means, Gram matrix, covariances with t."""

    center: np.ndarray
    level: float
    gram: np.ndarray
    cross: np.ndarray

    @classmethod
    def of(cls, X: np.ndarray, t: np.ndarray, weight: np.ndarray) -> _Moments:
        w = weight / weight.sum()
        center, level = w @ X, w @ t
        weighted = (X - center) * w[:, None]
        return cls(center, float(level), weighted.T @ (X - center), weighted.T @ (t - level))

    def ridge(self, support: np.ndarray, penalties: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Fits on `support` ``(s,)`` with free intercept, one a penalty: intercepts ``(p,)``, weights ``(p, s)``.

        The Gram matrix is decomposed once for all penalties; directions without variance get no weight.
        """
        values, vectors = np.linalg.eigh(self.gram[support[:, None], support])
        moment = vectors.T @ self.cross[support]
        usable = values > 1e-10 * max(1.0, values.max(initial=0.0))
        shrunk = np.where(usable, moment / np.where(usable, values + penalties[:, None], 1.0), 0.0)
        coef = shrunk @ vectors.T
        return self.level - coef @ self.center[support], coef
