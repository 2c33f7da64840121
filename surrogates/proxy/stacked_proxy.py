"""StackedProxy: the Gaussian process, a lasso and boosted trees, weighted by what each predicts out of fold."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from probes.errors import InputError
from surrogates.numerics.column_units import in_units, units_of
from surrogates.numerics.merged_rows import collapse
from surrogates.numerics.one_thread import one_thread
from surrogates.proxy.averaging import SHRINKAGES, shares, units
from surrogates.proxy.cube_proxy import CubeProxy

__all__ = ["StackedProxy"]

#: penalties that the lasso tries
PENALTIES = 30


class StackedProxy(RegressorMixin, BaseEstimator):
    """f = Σⱼ sⱼ fⱼ, sⱼ ≥ 0, Σ sⱼ = 1, minimising the out-of-fold squared error + r ‖s‖²: stacked regressors.

    The members fⱼ are a lasso, three :class:`~surrogates.proxy.cube_proxy.CubeProxy` and boosted trees, each fitted to
    rows ``(m, n)`` and answers ``(m,)`` or ``(m, k)``. Safer than the process alone where the truth is unlike it
    (trees, thresholds), at some ten times the time. It has no closed-form spectrum.

    Parameters
    ----------
    folds : int, default 5
        For the out-of-fold predictions that set the weights. Equal rows stay in one fold.
    n_trees : int, default 300
        Boosted trees, of depth 4, with five rows or more in a leaf.
    random_state : int, default 0
        Assigns folds and grows trees.

    Attributes
    ----------
    weights_ : dict of str to float
        Share of each member; not negative, adding up to one.
    n_features_in_ : int

    Notes
    -----
    Stacked regressions: Breiman (1996). The least squares are penalised by the squared weights, so members that are
    nearly as good share. Outputs share the weights; lasso and trees are fitted to each, so time grows with their
    number. With fewer than eight distinct rows only the process is fitted.

    Examples
    --------
    >>> Z = np.random.default_rng(0).integers(0, 2, (64, 8))
    >>> stack = StackedProxy().fit(Z, 3.0 * Z[:, 2] - Z[:, 0] * Z[:, 5])
    >>> list(stack.weights_)
    ['lasso', 'trees', 'process 16', 'process 4', 'process 1']
    """

    weights_: dict[str, float]
    n_features_in_: int
    _members: dict[str, _Member]
    _single: bool
    _units: np.ndarray

    def __init__(self, folds: int = 5, n_trees: int = 300, random_state: int = 0):
        self.folds = folds
        self.n_trees = n_trees
        self.random_state = random_state

    def fit(self, Z: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to rows and answers.

        Parameters
        ----------
        Z : array of shape (m, n)
            Rows of 0/1, or other finite numbers.
        y : array of shape (m,) or (m, k)
            Answers, in any unit.
        sample_weight : array of shape (m,), optional
            A weight of 2 counts like the row asked twice, a weight of 0 like its absence.

        Raises
        ------
        InputError
            If ``folds`` is less than two or ``n_trees`` less than one.
        ValueError
            From scikit-learn, if an array has the wrong shape or holds NaN, or no row has weight.
        """
        if not isinstance(self.folds, Integral) or self.folds < 2:
            raise InputError("folds", "be an integer of at least 2", self.folds)
        if not isinstance(self.n_trees, Integral) or self.n_trees < 1:
            raise InputError("n_trees", "be a positive integer", self.n_trees)
        Z, y = validate_data(self, Z, y, multi_output=True, y_numeric=True, dtype=np.float64)
        weight = _check_sample_weight(sample_weight, Z, dtype=np.float64, ensure_non_negative=True)
        y = np.asarray(y, dtype=np.float64)
        self._single, used = y.ndim == 1, weight > 0
        Z, y, weight = Z[used], y.reshape(len(y), -1)[used], weight[used]
        self._units = units_of(Z, weight)
        Z = in_units(Z, self._units)
        distinct, group = np.unique(Z, axis=0, return_inverse=True)
        with one_thread(), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            if len(distinct) < 8:
                process = CubeProxy(SHRINKAGES[0]).fit(Z, y, weight)
                self._members = {"process": (np.arange(Z.shape[1]), process)}
                self.weights_ = {"process": 1.0}
            else:
                self._members = self._fit_members(Z, y, weight)
                shares = self._shares(Z, y, weight, group.reshape(-1))
                self.weights_ = dict(zip(self._members, shares.tolist(), strict=True))
        return self

    def predict(self, Z: Any) -> np.ndarray:
        """Predict answers to rows (m, n), of shape (m,) or (m, k), in the unit of the answers."""
        check_is_fitted(self)
        Z = in_units(validate_data(self, Z, reset=False, dtype=np.float64), self._units)
        parts = [share * _predict(self._members[name], Z) for name, share in self.weights_.items() if share > 0]
        total: np.ndarray = np.sum(parts, axis=0)
        return total[:, 0] if self._single else total

    def _fit_members(self, Z: np.ndarray, y: np.ndarray, weight: np.ndarray) -> dict[str, _Member]:
        """Fit all members to the same rows."""
        from sklearn.ensemble import GradientBoostingRegressor
        from sklearn.linear_model import LassoCV
        from sklearn.model_selection import KFold
        from sklearn.multioutput import MultiOutputRegressor

        everything, rows = np.arange(Z.shape[1]), collapse(Z, y, weight)
        folds = KFold(min(5, len(rows.Z)), shuffle=True, random_state=self.random_state)
        lasso = LassoCV(cv=folds, alphas=PENALTIES, eps=1e-2)
        trees = GradientBoostingRegressor(
            n_estimators=self.n_trees,
            learning_rate=0.05,
            max_depth=4,
            min_samples_leaf=5,
            subsample=0.7,
            max_features=0.3,
            random_state=self.random_state,
        )
        members: dict[str, _Member] = {
            "lasso": (everything, MultiOutputRegressor(lasso).fit(rows.Z, rows.y, rows.weight)),
            "trees": (everything, MultiOutputRegressor(trees).fit(rows.Z, rows.y, rows.weight)),
        }
        columns, screen_above = everything, CubeProxy().screen_above
        for shrinkage in SHRINKAGES:
            process = CubeProxy(shrinkage, screen_above).fit(Z[:, columns], y, weight)
            members[f"process {shrinkage:g}"] = (columns, process)
            # the first screens; the others take over its choice
            columns, screen_above = columns[process.features_], Z.shape[1]
        return members

    def _shares(self, Z: np.ndarray, y: np.ndarray, weight: np.ndarray, group: np.ndarray) -> np.ndarray:
        """Return weights of the members from out-of-fold predictions."""
        n_groups, count = group.max() + 1, len(self._members)
        fold = (np.random.default_rng(self.random_state).permutation(n_groups) % min(self.folds, n_groups // 2))[group]
        missed = np.empty((len(y), count, y.shape[1]))
        for k in range(fold.max() + 1):
            train, test = fold != k, fold == k
            for j, member in enumerate(self._fit_members(Z[train], y[train], weight[train]).values()):
                missed[test, j] = _predict(member, Z[test]) - y[test]
        return shares(missed / units(y, weight), weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


#: the columns an estimator was fitted to, and the estimator
_Member = tuple[np.ndarray, Any]


def _predict(member: _Member, Z: np.ndarray) -> np.ndarray:
    """Predict answers (m, k) to rows (m, n)."""
    columns, estimator = member
    return np.asarray(estimator.predict(Z[:, columns])).reshape(len(Z), -1)
