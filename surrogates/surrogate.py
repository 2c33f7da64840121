"""The Surrogate: ŷ = b + Σ wₖ φₖ(Z). Prediction and scoring exist once, here, for all families."""

from __future__ import annotations

from abc import abstractmethod
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from probes.errors import InputError
from surrogates.numerics.merged_rows import by_column, collapse
from surrogates.proxy.distillation import Proxy, fitted_once, rows_of_law
from surrogates.terms import Term, evaluate

__all__ = ["FixedTerms", "Surrogate"]

#: a share of the largest number below which a difference is rounding
_ROUNDING = 64 * np.finfo(float).eps
#: decimals of standardised answers that are fitted to: the last ones depend on the unit, and would break ties by it
_DECIMALS = 12


class Surrogate(RegressorMixin, BaseEstimator):
    """ŷ(z) = b + Σₖ wₖ φₖ(z): a weighted sum of readable terms, fitted to rows and answers.

    Base of all families. A family is one file: it selects terms and fits weights in ``_fit``, and has one line in
    :data:`surrogates.families.registry.KINDS`.

    Parameters
    ----------
    folds : int, default 5
        Of every family: for the cross-validation that chooses whatever it leaves to the data, such as how many terms
        and how much their weights are shrunk.
    random_state : int, default 0
        Of every family: assigns rows to folds, and settles whatever else is drawn or tied.
    proxy : regressor, optional
        Of every family: None fits it to the answers directly; a regressor such as
        :class:`~surrogates.CubeProxy` is fitted to the answers first, and the family learns from it (two stages:
        more fidelity from each answer, at the price of the proxy's fit).

    Attributes
    ----------
    terms_ : list of t terms
    coef_ : ndarray ``(t,)``, or ``(k, t)`` for k outputs
    intercept_ : float, or ndarray ``(k,)``
    n_features_in_ : int
    """

    #: whether exactly one term holds for each row, so that a weight is the prediction itself
    partitions = False
    #: whether the family learns from a proxy where a user gives its name alone
    distilled = False
    proxy: Proxy | None
    terms_: list[Term]
    coef_: np.ndarray
    intercept_: float | np.ndarray
    n_features_in_: int

    @property
    def least(self) -> int:
        """The fewest sampled answers to fit and judge by ten-fold cross-fitting.

        One per fold; two with a proxy, whose shrinkage is cross-validated within each fold.
        """
        return 10 if self.proxy is None else 20

    def check(self) -> None:
        """Check the parameters; a family adds rules for what it adds.

        Raises
        ------
        InputError
        """
        count = getattr(self, "folds", 2)
        if not isinstance(count, Integral) or count < 2:
            raise InputError("folds", "be an integer of at least 2", count)
        seed = getattr(self, "random_state", 0)
        if seed is not None and (not isinstance(seed, Integral) or isinstance(seed, bool) or seed < 0):
            raise InputError("random_state", "be a non-negative integer, or None", seed)
        fits = hasattr(self.proxy, "fit") and hasattr(self.proxy, "predict") and not isinstance(self.proxy, type)
        if self.proxy is not None and not fits:
            raise InputError("proxy", "be a regressor such as CubeProxy(), or None", self.proxy)

    def _check_at_least(self, least: int, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
                raise InputError(name, f"be an integer of at least {least}", value)

    @property
    def separate(self) -> bool:
        """Whether each output is fitted separately, so that fitting several at once saves time and changes nothing."""
        return False

    @abstractmethod
    def _fit(self, Z: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[list[Term], np.ndarray, np.ndarray]:
        """Select terms and fit their weights.

        Parameters
        ----------
        Z : ndarray ``(n, d)``
            Distinct rows.
        y : ndarray ``(n, k)``
            Answers, averaged over equal rows; each output has mean 0 and largest size 1.
        weight : ndarray ``(n,)``
            How many answers a row stands for.

        Returns
        -------
        terms : list of t terms
        coef : ndarray ``(k, t)``
        intercept : ndarray ``(k,)``
        """

    def _distil(self, proxy: Proxy, law: np.ndarray, y: np.ndarray) -> tuple[list[Term], np.ndarray, np.ndarray]:
        """Select terms and fit weights to a fitted proxy's answers `y` ``(n, k)`` to rows of the law ``(n, d)``.

        A family that reads its terms off the proxy overrides this.
        """
        return self._fit(law, y, np.ones(len(law)))

    def fit(self, Z: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to rows and answers; with a `proxy`, fit the proxy to them and learn from it.

        Parameters
        ----------
        Z : array ``(n, d)``
        y : array ``(n,)`` or ``(n, k)``
        sample_weight : array ``(n,)``, optional
            A weight of 2 counts like the row twice, a weight of 0 like its absence.

        Raises
        ------
        InputError
            If a parameter breaks its rule.
        ValueError
            From scikit-learn, if an array has the wrong shape or holds NaN.
        """
        self.check()
        Z, y = validate_data(self, Z, y, multi_output=True, y_numeric=True, dtype=float, ensure_min_samples=2)
        y = np.asarray(y, dtype=float)
        weight = _check_sample_weight(sample_weight, Z, dtype=float, ensure_non_negative=True)
        merged = collapse(Z, y.reshape(len(y), -1), weight)
        # u = (y − m) / s, m the weighted mean, s = max |y − m|: the unit of the answers means nothing to a family
        level = by_column(merged.y, merged.weight)
        spread = np.abs(merged.y - level).max(axis=0)
        spread = np.where(spread > _ROUNDING * np.abs(merged.y).max(axis=0), spread, 1.0)
        u = ((merged.y - level) / spread).round(_DECIMALS)
        self.terms_, coef, intercept = self._fit_standardised(merged.Z, u, merged.weight)
        # û = b + Σ wₖ φₖ  ⇒  ŷ = (s b + m) + Σ (s wₖ) φₖ
        coef, intercept = coef * spread[:, None], intercept * spread + level
        if self.partitions and self.terms_:
            # Σ φₖ = 1  ⇒  b + Σ wₖ φₖ = Σ (b + wₖ) φₖ
            coef, intercept = coef + intercept[:, None], np.zeros_like(intercept)
            coef[np.abs(coef) <= (10.0**-_DECIMALS * spread + _ROUNDING * np.abs(level))[:, None]] = 0.0
        self.coef_, self.intercept_ = (coef[0], float(intercept[0])) if y.ndim == 1 else (coef, intercept)
        return self

    def _fit_standardised(
        self, rows: np.ndarray, y: np.ndarray, weight: np.ndarray
    ) -> tuple[list[Term], np.ndarray, np.ndarray]:
        """Fit to distinct rows ``(m, d)`` and standardised answers ``(m, k)``, through the proxy if there is one."""
        if self.proxy is None:
            return self._fit(rows, y, weight)
        proxy = fitted_once(self.proxy, rows, y[:, 0] if y.shape[1] == 1 else y, weight)
        law = rows_of_law(rows, weight)
        return self._distil(proxy, law, y if law is rows else proxy.predict(law).reshape(len(law), -1))

    def predict(self, Z: Any) -> np.ndarray:
        """Predict rows ``(n, d)``: ``(n,)``, or ``(n, k)`` if fitted to k outputs, in the unit of the answers."""
        check_is_fitted(self)
        Z = validate_data(self, Z, reset=False, dtype=float)
        return evaluate(self.terms_, Z) @ self.coef_.T + self.intercept_

    def part(self, outputs: slice) -> Self:
        """Select some of several outputs, and the terms that these need.

        The result is what a fit to these outputs alone gives if the family fits each output separately.
        """
        selected, coef = clone(self), np.atleast_2d(self.coef_)[outputs]
        intercept = np.atleast_1d(self.intercept_)[outputs]
        kept = np.flatnonzero(coef.any(axis=0))
        selected.terms_, coef = [self.terms_[i] for i in kept], coef[:, kept]
        selected.coef_, selected.intercept_ = (coef[0], float(intercept[0])) if len(coef) == 1 else (coef, intercept)
        selected.n_features_in_ = self.n_features_in_
        return selected

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class FixedTerms(Surrogate):
    """ŷ = b + Σ wₖ φₖ with given terms; cannot be fitted. A user's family comes back from a file as this."""

    proxy = None

    def _fit(self, Z: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[list[Term], np.ndarray, np.ndarray]:
        raise InputError(
            "family", "be one that this installation knows to be fitted again", "a family read from a file"
        )
