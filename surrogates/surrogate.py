"""The Surrogate: ŷ = b + Σ wₖ φₖ(Z). Prediction, scoring and display exist once, here, for all families."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Iterator
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from probes.design import cube
from probes.errors import InputError
from surrogates.numerics.merged_rows import by_column, collapse
from surrogates.terms import Term, evaluate

__all__ = ["FixedTerms", "Surrogate", "fitted_once", "folds"]


#: rows of free proxy answers that a family learns from
_FREE = 8192
#: fitted proxies kept: those of one cross-fit and its control
_REMEMBERED = 24


class Surrogate(RegressorMixin, BaseEstimator):
    """Base of all families. A family is one file that selects terms and fits weights in ``_fit``.

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
    proxy: Any
    terms_: list[Term]
    coef_: np.ndarray
    intercept_: float | np.ndarray
    n_features_in_: int

    @property
    def least(self) -> int:
        """Fewest sampled answers that it makes sense to fit and judge by ten-fold cross-fitting.

        One a fold; two with a proxy, whose shrinkage is cross-validated within each.
        """
        return 10 if self.proxy is None else 20

    def check(self) -> None:
        """Check the parameters; a family adds its own rules.

        Raises
        ------
        InputError
        """
        folds_ = getattr(self, "folds", 2)
        if not isinstance(folds_, Integral) or folds_ < 2:
            raise InputError("folds", "be an integer of at least 2", folds_)
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
        """Whether several outputs are fitted each by itself, so that fitting them at once changes nothing but time."""
        return False

    @abstractmethod
    def _fit(self, Z: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[list[Term], np.ndarray, np.ndarray]:
        """Terms, weights ``(k, t)`` and intercepts ``(k,)`` from distinct rows, their ``(n, k)`` and weights."""

    def _distil(self, proxy: Any, law: np.ndarray, y: np.ndarray) -> tuple[list[Term], np.ndarray, np.ndarray]:
        """The same, learnt from a fitted proxy's free answers to rows of the law; a family may know a shorter way."""
        return self._fit(law, y, np.ones(len(law)))

    def fit(self, Z: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to rows and answers; with a `proxy`, fit that to them and learn from it.

        Parameters
        ----------
        Z : array ``(n, d)``
        y : array ``(n,)`` or ``(n, k)``
        sample_weight : array ``(n,)``, optional
            A weight of 2 counts like the row twice, a weight of 0 like its absence.
        """
        self.check()
        Z, y = validate_data(self, Z, y, multi_output=True, y_numeric=True, dtype=float, ensure_min_samples=2)
        y = np.asarray(y, dtype=float)
        weight = _check_sample_weight(sample_weight, Z, dtype=float, ensure_non_negative=True)
        merged = collapse(Z, y.reshape(len(y), -1), weight)
        rows, total = merged.Z, merged.weight
        # centred and scaled once for all families, so that the unit of the answers means nothing
        level = by_column(merged.y, total)
        spread = np.abs(merged.y - level).max(axis=0)
        spread = np.where(spread > 64 * np.finfo(float).eps * np.abs(merged.y).max(axis=0), spread, 1.0)
        means = (merged.y - level) / spread
        if self.proxy is None:
            self.terms_, coef, intercept = self._fit(rows, means, total)
        else:
            proxy = fitted_once(self.proxy, rows, means[:, 0] if means.shape[1] == 1 else means, total)
            law = _law(rows, total)
            free = means if law is rows else proxy.predict(law).reshape(len(law), -1)
            self.terms_, coef, intercept = self._distil(proxy, law, free)
        coef, intercept = coef * spread[:, None], intercept * spread + level
        if self.partitions and self.terms_:
            coef, intercept = coef + intercept[:, None], np.zeros_like(intercept)
            coef[np.abs(coef) <= 64 * np.finfo(float).eps * (spread + np.abs(level))[:, None]] = 0.0
        self.coef_, self.intercept_ = (coef[0], float(intercept[0])) if y.ndim == 1 else (coef, intercept)
        return self

    def predict(self, Z: Any) -> np.ndarray:
        """ŷ for rows ``(n, d)``: ``(n,)``, or ``(n, k)`` if fitted to k outputs."""
        check_is_fitted(self)
        Z = validate_data(self, Z, reset=False, dtype=float)
        return evaluate(self.terms_, Z) @ self.coef_.T + self.intercept_

    def part(self, outputs: slice) -> Self:
        """What was fitted to some of several outputs; sensible for a family that fits each by itself."""
        found, coef = clone(self), np.atleast_2d(self.coef_)[outputs]
        intercept = np.atleast_1d(self.intercept_)[outputs]
        kept = np.flatnonzero(coef.any(axis=0))
        found.terms_, coef = [self.terms_[i] for i in kept], coef[:, kept]
        found.coef_, found.intercept_ = (coef[0], float(intercept[0])) if len(coef) == 1 else (coef, intercept)
        found.n_features_in_ = self.n_features_in_
        return found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class FixedTerms(Surrogate):
    """A sum of given terms that cannot be fitted: what remains of a user's own family in a file."""

    proxy = None

    def _fit(self, Z: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[list[Term], np.ndarray, np.ndarray]:
        raise InputError(
            "family", "be one that this installation knows to be fitted again", "a family read from a file"
        )


_FITTED: OrderedDict[str, Any] = OrderedDict()


def fitted_once(proxy: Any, rows: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Any:
    """A fitted copy of `proxy`; the last few are remembered, so that families compared on one cross-fit share them."""
    mark = hashlib.sha256(repr((type(proxy), proxy.get_params(), rows.shape, y.shape)).encode())
    for part in (rows, y, weight):
        mark.update(np.ascontiguousarray(part).tobytes())
    key = mark.hexdigest()
    if key not in _FITTED:
        _FITTED[key] = clone(proxy).fit(rows, y, weight)
        while len(_FITTED) > _REMEMBERED:
            _FITTED.popitem(last=False)
    return _FITTED[key]


def _law(rows: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Rows of the law that `rows` were drawn from, features independent: the whole cube if small, else a sample.

    `rows` themselves if they are the whole cube already.
    """
    d = rows.shape[1]
    if 2**d <= _FREE and np.isin(rows, (0.0, 1.0)).all():
        return rows if len(rows) == 2**d else cube(d)
    rng = np.random.default_rng(0)
    share = weight / weight.sum()
    return np.column_stack([rng.choice(column, _FREE, p=share) for column in rows.T])


def folds(
    n: int, k: int, random_state: int, group: np.ndarray | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(train, test) index pairs of k folds over n rows; fewer folds when there are fewer rows.

    Rows of a `group` ``(n,)``, numbered from 0, share a fold.
    """
    group = np.arange(n) if group is None else group
    count = int(group.max()) + 1 if n else 0
    fold = (np.random.default_rng(random_state).permutation(count) % k)[group]
    for j in range(min(k, count) if count > 1 else 0):
        yield np.flatnonzero(fold != j), np.flatnonzero(fold == j)
