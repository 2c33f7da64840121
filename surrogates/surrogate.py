"""The Surrogate: ŷ = g⁻¹(b + Σ wₖ φₖ(Z)). Prediction and scoring exist once, here, for all families."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from numbers import Integral
from typing import Any, Self, TypeAlias

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from probes.errors import InputError
from probes.rounding import alone
from surrogates.link import IDENTITY, Link, LinkLike, Links, check_link, each, from_line
from surrogates.numerics.merged_rows import by_column, collapse
from surrogates.proxy.distillation import Proxy, fitted_once, rows_of_law
from surrogates.terms import Term, evaluate

__all__ = ["CurvedSurrogate", "Fitted", "FixedTerms", "Surrogate"]

#: terms, coef ``(k, t)``, intercept ``(k,)``
Sum: TypeAlias = tuple[list[Term], np.ndarray, np.ndarray]
#: the same and a link for each output
Fitted: TypeAlias = tuple[list[Term], np.ndarray, np.ndarray, Sequence[Link]]

#: a share of the largest number below which a difference is rounding
_ROUNDING = 64 * np.finfo(float).eps
#: decimals of standardised answers that are fitted to: the last ones depend on the unit, and would break ties by it
_DECIMALS = 12
#: share of the largest difference of answers below which the answer of a leaf is zero: an iterated fit leaves that
_NOTHING = 1e-6


class Surrogate(RegressorMixin, BaseEstimator):
    """ŷ(z) = g⁻¹(b + Σₖ wₖ φₖ(z)): a weighted sum of readable terms, through a curve, fitted to rows and answers.

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
    links_ : tuple of k Link
        The curve g of each output: the identity, unless the family takes a link.
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
    links_: tuple[Link, ...] = ()
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
    def _fit(self, Z: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Sum:
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

    def _fit_offered(self, Z: np.ndarray, y: np.ndarray, weight: np.ndarray, links: Sequence[LinkLike]) -> Fitted:
        """Fit, and choose each output a link of what `links` offers it, in its unit."""
        return *self._fit(Z, y, weight), [IDENTITY] * y.shape[1]

    def _distil(self, proxy: Proxy, law: np.ndarray, y: np.ndarray, links: Sequence[LinkLike]) -> Fitted:
        """Select terms and fit weights to a fitted proxy's answers `y` ``(n, k)`` to rows of the law ``(n, d)``.

        A family that reads its terms off the proxy overrides this.
        """
        return self._fit_offered(law, y, np.ones(len(law)), links)

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
        if _plain(Z, 2) and _plain(y, 1, 2) and len(Z) == len(y) > 1 and not hasattr(self, "feature_names_in_"):
            self.n_features_in_ = Z.shape[1]
        else:
            Z, y = validate_data(self, Z, y, multi_output=True, y_numeric=True, dtype=float, ensure_min_samples=2)
            y = np.asarray(y, dtype=float)
        weight = _check_sample_weight(sample_weight, Z, dtype=float, ensure_non_negative=True)
        merged = collapse(Z, y.reshape(len(y), -1), weight)
        # u = (y − m) / s, m the weighted mean, s = max |y − m|: the unit of the answers means nothing to a family
        level = by_column(merged.y, merged.weight)
        spread = np.abs(merged.y - level).max(axis=0)
        spread = np.where(spread > _ROUNDING * np.abs(merged.y).max(axis=0), spread, 1.0)
        links = each(getattr(self, "link", IDENTITY), len(level))
        offered = [_standardised(link, m, s) for link, m, s in zip(links, level, spread, strict=True)]
        u = ((merged.y - level) / spread).round(_DECIMALS)
        self.terms_, coef, intercept, chosen = self._fit_standardised(merged.Z, u, merged.weight, offered)
        self.links_ = tuple(link.moved(m, s) for link, m, s in zip(chosen, level, spread, strict=True))
        # û = b + Σ wₖ φₖ  ⇒  ŷ = (s b + m) + Σ (s wₖ) φₖ; where a curve lies between, its bounds have moved instead
        curved, shift = np.array([(link.curved, link.shift(s)) for link, s in zip(chosen, spread, strict=True)]).T
        unit, zero = np.where(curved, 1.0, spread), np.where(curved, shift, level)
        coef, intercept = coef * unit[:, None], intercept * unit + zero
        if self.partitions and self.terms_:
            # Σ φₖ = 1  ⇒  b + Σ wₖ φₖ = Σ (b + wₖ) φₖ
            coef, intercept = coef + intercept[:, None], np.zeros_like(intercept)
            coef[np.abs(coef) <= (_NOTHING * spread + _ROUNDING * np.abs(level))[:, None]] = 0.0
        self.coef_, self.intercept_ = (coef[0], float(intercept[0])) if y.ndim == 1 else (coef, intercept)
        return self

    def _fit_standardised(
        self, rows: np.ndarray, y: np.ndarray, weight: np.ndarray, links: Sequence[LinkLike]
    ) -> Fitted:
        """Fit to distinct rows ``(m, d)`` and standardised answers ``(m, k)``, through the proxy if there is one."""
        if self.proxy is None:
            return self._fit_offered(rows, y, weight, links)
        proxy = fitted_once(self._proxy_linked(links), rows, y[:, 0] if y.shape[1] == 1 else y, weight)
        law = rows_of_law(rows, weight)
        return self._distil(proxy, law, y if law is rows else proxy.predict(law).reshape(len(law), -1), links)

    def _proxy_linked(self, links: Sequence[LinkLike]) -> Any:
        """Return the proxy, unfitted; a family that takes its link from the proxy overrides this."""
        return self.proxy

    def predict(self, Z: Any) -> np.ndarray:
        """Predict rows ``(n, d)``: ``(n,)``, or ``(n, k)`` if fitted to k outputs, in the unit of the answers."""
        check_is_fitted(self)
        fits = _plain(Z, 2) and Z.shape[1] == self.n_features_in_ and not hasattr(self, "feature_names_in_")
        Z = Z if fits else validate_data(self, Z, reset=False, dtype=float)
        return from_line(self.links_, evaluate(self.terms_, Z) @ self.coef_.T + self.intercept_)

    @property
    def curved(self) -> bool:
        """Whether the sum of any output passes through a curve, so that weights are not in the unit of the answers."""
        return any(link.curved for link in self.links_)

    def part(self, outputs: slice) -> Self:
        """Select some of several outputs, and the terms that these need.

        The result is what a fit to these outputs alone gives if the family fits each output separately.
        """
        selected, coef = clone(self), np.atleast_2d(self.coef_)[outputs]
        intercept = np.atleast_1d(self.intercept_)[outputs]
        kept = np.flatnonzero(coef.any(axis=0))
        selected.terms_, coef = [self.terms_[i] for i in kept], coef[:, kept]
        selected.coef_, selected.intercept_ = (coef[0], float(intercept[0])) if len(coef) == 1 else (coef, intercept)
        selected.n_features_in_, selected.links_ = self.n_features_in_, self.links_[outputs]
        return selected

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class CurvedSurrogate(Surrogate):
    """A family that takes a link; it fits in ``_fit_linked``.

    Base of these families.

    Parameters
    ----------
    link : {"identity", "auto", "logistic", "log", "learned"} or Link, or one of these for each output, \
default "identity"
        The curve g that the sum passes through, see :class:`~surrogates.Link`. Of a kind given by name the bounds are
        estimated from the answers. "auto" takes a logistic curve where its held-out error is clearly smaller than that
        of the identity. "learned" learns a monotone curve from the answers where held-out ones clearly favour that
        over what "auto" takes, see :mod:`surrogates.numerics.learned_curve`.
    """

    link: Links

    def check(self) -> None:
        super().check()
        check_link(self.link)

    def _fit(self, Z: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Sum:
        return self._fit_linked(Z, y, weight, [IDENTITY] * y.shape[1])[:3]

    def _fit_offered(self, Z: np.ndarray, y: np.ndarray, weight: np.ndarray, links: Sequence[LinkLike]) -> Fitted:
        plain = all(link in (IDENTITY, "identity") for link in links)
        return super()._fit_offered(Z, y, weight, links) if plain else self._fit_linked(Z, y, weight, links)

    @abstractmethod
    def _fit_linked(self, Z: np.ndarray, y: np.ndarray, weight: np.ndarray, links: Sequence[LinkLike]) -> Fitted:
        """Select terms, fit their weights, and choose each output a link of what `links` offers it, in its unit."""


def _plain(values: Any, *axes: int) -> bool:
    """Whether values are what scikit-learn's validation makes of them: its look takes longer than a prediction."""
    numbers = type(values) is np.ndarray and values.dtype == float and values.ndim in axes
    return numbers and bool(values.size) and bool(np.isfinite(values).all())


def _standardised(link: LinkLike, level: float, unit: float) -> LinkLike:
    """Return a link for answers (y − level) / unit, given that for answers y."""
    if not isinstance(link, Link):
        return link
    try:
        return link.moved(-level / unit, 1 / unit)
    except InputError as error:  # bounds that are one number, or none, beside answers of this size
        raise InputError(
            "link", f"have bounds in the unit of the answers, {alone(level)} ± {alone(unit)}", str(link)
        ) from error


class FixedTerms(Surrogate):
    """ŷ = g⁻¹(b + Σ wₖ φₖ) with given terms; cannot be fitted. A user's family comes back from a file as this."""

    proxy = None

    def _fit(self, Z: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Sum:
        raise InputError(
            "family", "be one that this installation knows to be fitted again", "a family read from a file"
        )
