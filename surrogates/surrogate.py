"""The Surrogate: ŷ = g⁻¹(b + Σ wₖ φₖ(Z)). Prediction and scoring exist once, here, for all families."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from copy import copy
from numbers import Integral
from typing import Any, NamedTuple, Self, TypeAlias

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from probes.errors import InputError
from surrogates.link import IDENTITY, Link, from_line
from surrogates.numerics.merged_rows import Rows, by_column, collapse
from surrogates.offer import LinkLike, Links, check_link, each, in_unit
from surrogates.proxy.distillation import Proxy, fitted_once, rows_of_law
from surrogates.terms import Term, evaluate

__all__ = [
    "CurvedSurrogate",
    "Fitted",
    "FixedTerms",
    "Standardised",
    "Surrogate",
    "joint_terms",
    "predict_each",
    "sharing",
]

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


class Standardised(NamedTuple):
    """Distinct rows, their answers u = (y − level) / spread ``(m, k)``, and the links offered for these."""

    rows: Rows
    u: np.ndarray
    level: np.ndarray
    spread: np.ndarray
    links: list[LinkLike]


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
    #: whether main effects are terms like others, so that a fit may begin with some: :mod:`surrogates.judging.hints`
    sums_effects = False
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
        if not (_plain(Z, 2) and _plain(y, 1, 2) and len(Z) == len(y) > 1) or hasattr(self, "feature_names_in_"):
            Z, y = validate_data(self, Z, y, multi_output=True, y_numeric=True, dtype=float, ensure_min_samples=2)
            y = np.asarray(y, dtype=float)
        weight = _check_sample_weight(sample_weight, Z, dtype=float, ensure_non_negative=True)
        problem = self._standardise(collapse(Z, y.reshape(len(y), -1), weight))
        fitted = self._fit_standardised(problem.rows.Z, problem.u, problem.rows.weight, problem.links)
        return self._keep(problem, fitted, y.ndim == 1)

    def fit_each(self, Z: np.ndarray, y: np.ndarray, parts: Sequence[np.ndarray]) -> list[Self]:
        """Fit a copy to each of several selections of rows; a family may do so at once.

        Parameters
        ----------
        Z : ndarray ``(n, d)``
        y : ndarray ``(n, k)``
        parts : sequence of ndarray of int
            Numbers of rows.
        """
        return [clone(self).fit(Z[rows], y[rows]) for rows in parts]

    def _standardise(self, rows: Rows) -> Standardised:
        """Put answers on a scale on which their unit means nothing to a family."""
        # u = (y − m) / s, m the weighted mean, s = max |y − m|
        level = by_column(rows.y, rows.weight)
        away = rows.y - level
        spread = np.abs(away).max(axis=0)
        spread = np.where(spread > _ROUNDING * np.abs(rows.y).max(axis=0), spread, 1.0)
        links = each(getattr(self, "link", IDENTITY), len(level))
        offered = [in_unit(*of) for of in zip(links, rows.y.T, level.tolist(), spread.tolist(), strict=True)]
        return Standardised(rows, (away / spread).round(_DECIMALS), level, spread, offered)

    def _keep(self, problem: Standardised, fitted: Fitted, one: bool) -> Self:
        """Keep what was fitted, in the unit of the answers, of `one` output without an axis for it."""
        level, spread = problem.level, problem.spread
        self.terms_, coef, intercept, chosen = fitted
        self.n_features_in_ = problem.rows.Z.shape[1]
        self.links_ = tuple(link.moved(m, s) for link, m, s in zip(chosen, level, spread, strict=True))
        # û = b + Σ wₖ φₖ  ⇒  ŷ = (s b + m) + Σ (s wₖ) φₖ; where a curve lies between, its bounds have moved instead
        curved, shift = np.array([(link.curved, link.shift(s)) for link, s in zip(chosen, spread, strict=True)]).T
        unit, zero = np.where(curved, 1.0, spread), np.where(curved, shift, level)
        coef, intercept = coef * unit[:, None], intercept * unit + zero
        if self.partitions and self.terms_:
            # Σ φₖ = 1  ⇒  b + Σ wₖ φₖ = Σ (b + wₖ) φₖ
            coef, intercept = coef + intercept[:, None], np.zeros_like(intercept)
            coef[np.abs(coef) <= (_NOTHING * spread + _ROUNDING * np.abs(level))[:, None]] = 0.0
        self.coef_, self.intercept_ = (coef[0], float(intercept[0])) if one else (coef, intercept)
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
        selected, coef = copy(self), np.atleast_2d(self.coef_)[outputs]
        intercept = np.atleast_1d(self.intercept_)[outputs]
        kept = np.flatnonzero(coef.any(axis=0))
        selected.terms_, coef = [self.terms_[i] for i in kept], coef[:, kept]
        selected.coef_, selected.intercept_ = (coef[0], float(intercept[0])) if len(coef) == 1 else (coef, intercept)
        selected.links_ = self.links_[outputs]
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
        of the identity: between estimated bounds, or 0 and 1 (−1 and 1) where all answers lie there. "learned" learns a
        monotone curve from the answers where held-out ones clearly favour that over what "auto" takes, see
        :mod:`surrogates.numerics.learned_curve`.
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


def joint_terms(surrogates: Sequence[Surrogate]) -> tuple[list[Term], np.ndarray]:
    """Return the t terms of any of f surrogates, and their weights ``(f, k, t)``, 0 for a term that one lacks."""
    places: dict[Term, int] = {}
    for surrogate in surrogates:
        for term in surrogate.terms_:
            places.setdefault(term, len(places))
    coef = np.zeros((len(surrogates), len(np.atleast_2d(surrogates[0].coef_)), len(places)))
    for weights, surrogate in zip(coef, surrogates, strict=True):
        where = np.array([places[term] for term in surrogate.terms_], dtype=int)
        np.add.at(weights.T, where, np.atleast_2d(surrogate.coef_).T)
    return list(places), coef


def sharing(surrogates: Sequence[Surrogate]) -> list[Sequence[Surrogate]]:
    """Group surrogates: all together where they share most of their terms, else each by itself."""
    most = max(len(surrogate.terms_) for surrogate in surrogates)
    together = len({term for surrogate in surrogates for term in surrogate.terms_}) <= 2 * most
    return [surrogates] if together else [[surrogate] for surrogate in surrogates]


def predict_each(surrogates: Sequence[Surrogate], Z: np.ndarray) -> np.ndarray:
    """Predict rows ``(n, d)`` by f surrogates, ``(f, n, k)``; a term that several have is evaluated once."""
    if any(type(one).predict is not Surrogate.predict for one in surrogates):
        return np.stack([one.predict(Z).reshape(len(Z), -1) for one in surrogates])
    answers = []
    for some in sharing(surrogates):
        terms, coef = joint_terms(some)
        f, k, t = coef.shape
        line = evaluate(terms, Z) @ coef.reshape(f * k, t).T
        for lines, one in zip(line.reshape(len(Z), f, k).swapaxes(0, 1), some, strict=True):
            answers.append(from_line(one.links_, lines + one.intercept_))
    return np.stack(answers)


def _plain(values: Any, *axes: int) -> bool:
    """Whether values are what scikit-learn's validation makes of them: its look takes longer than a prediction."""
    numbers = type(values) is np.ndarray and values.dtype == float and values.ndim in axes
    return numbers and bool(values.size) and bool(np.isfinite(values).all())


class FixedTerms(Surrogate):
    """ŷ = g⁻¹(b + Σ wₖ φₖ) with given terms; cannot be fitted. A user's family comes back from a file as this."""

    proxy = None

    def _fit(self, Z: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Sum:
        raise InputError(
            "family", "be one that this installation knows to be fitted again", "a family read from a file"
        )
