"""Screening: which of many features enter the proxy, by how much likelier they make the answers.

Most of hundreds of features do nothing, and each that enters for nothing costs fidelity: among 400 features and 126
answers the length-scales can explain everything by forty features, most of them wrong. So the search goes backwards.
It starts from a shortlist, asks of each feature how much likelihood would be lost without it, drops those that are not
worth their price, fits the rest again, and so on. The likelihood has many local optima, so the search runs from two
shortlists, and once more from all that either left. Few answers cannot settle that: there a plain ranking decides.
"""

from __future__ import annotations

import warnings

import numpy as np

from surrogates.numerics.merged_rows import Rows
from surrogates.proxy.kernel import Kernel, negative_log_likelihood, optimise

__all__ = ["screen"]

#: nats of likelihood that a feature must be worth: about the odds of 16 active features among 400
PRICE = 3.0
#: pull of log length-scales to their mean while features are dropped; weaker ones overfit, and lost .03 of R²
SHRINKAGE = 4.0
#: pull at which all features are fitted for a shortlist: weak, so that most of them fade
WEAK = 0.1
#: fewest rows for the search: with 98 the likelihood overfits, and choosing by it lost up to .35 of R²
ENOUGH = 112
#: features in a shortlist, and the share dropped at once
SHORTLIST, AT_ONCE = 40, 4


def screen(rows: Rows) -> np.ndarray:
    """Choose the features that enter: indices (d,), ascending, one at least; O(g^3) for each feature on trial.

    Against the 8 + g / 16 features of the best lasso or boosted-tree rank, R² on twelve made-up games of 100 and 400
    features (three each of two kinds; looked at twice while this was made, so not wholly unseen) is higher by .05 on
    average: with 126 answers by
    -.15 to .23 for a kind and size, and as low as -.48 for a single game, with 254 answers by .02 to .08.
    """
    usual = _usual(rows)
    if len(rows.Z) < ENOUGH:
        return _first(usual, 8 + len(rows.Z) // 16)
    lists = [_first(score, SHORTLIST) for score in (usual, optimise(rows, WEAK)[4:])]
    survivors = [_eliminate(rows, features) for features in lists]
    return _eliminate(rows, np.unique(np.concatenate(survivors)))


def _first(score: np.ndarray, most: int) -> np.ndarray:
    """Return indices of the highest scores, ascending."""
    return np.sort(np.argsort(-score, kind="stable")[:most])


def _usual(rows: Rows) -> np.ndarray:
    """Return scores (n,) by the better of two ranks: of lasso weight and of boosted-tree gain.

    Several outputs are scored through their leading three principal components.
    """
    from sklearn.ensemble import GradientBoostingRegressor
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LassoCV
    from sklearn.model_selection import KFold

    root = np.sqrt(rows.weight)[:, None]
    left, size, _ = np.linalg.svd(root * rows.y, full_matrices=False)
    X, scores = 2 * rows.Z - 1, np.zeros((2, rows.Z.shape[1]))
    for j in np.flatnonzero(size[:3] > 1e-9):
        component = left[:, j] / root[:, 0] * size[j]
        boosted = GradientBoostingRegressor(n_estimators=100, min_samples_leaf=5, random_state=0)
        scores[0] += size[j] ** 2 * boosted.fit(X, component, rows.weight).feature_importances_
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            lasso = LassoCV(cv=KFold(min(5, len(X)), shuffle=True, random_state=0), alphas=30, eps=1e-2)
            scores[1] += np.abs(lasso.fit(X, component, rows.weight).coef_)
    rank = np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1)
    return -np.where(scores > 0, rank, scores.shape[1]).min(axis=0)


def _eliminate(rows: Rows, features: np.ndarray) -> np.ndarray:
    """Drop features (d,) that are not worth their price, up to a quarter at a time, and fit the rest again.

    Only the half with the longest length-scales is on trial each time: half the time at no cost in fidelity.
    """
    p = None
    while True:
        part = rows.of(features)
        p = optimise(part, SHRINKAGE, p)
        kernel, d = Kernel.from_log(p), len(features)
        loss = negative_log_likelihood(kernel, part)
        trial = np.argsort(kernel.theta, kind="stable")[: (d + 1) // 2] if d > 1 else np.arange(0)
        less = [negative_log_likelihood(kernel.without(i), rows.of(np.delete(features, i))) for i in trial]
        worth = np.array(less) - loss
        order = np.argsort(worth, kind="stable")[: max(1, d // AT_ONCE)]
        drop = trial[order[worth[order] < PRICE]]
        if not len(drop):
            return features
        features, p = np.delete(features, drop), np.delete(p, 4 + drop)
