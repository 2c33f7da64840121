"""Screening: which of many features enter the proxy, by how much likelier they make the answers.

Most of hundreds of features do nothing, and each that enters for nothing costs fidelity: among 400 features and 126
answers the length-scales can explain everything by forty features, most of them wrong. So the search goes backwards.
It starts from a shortlist, asks of each feature how much likelihood would be lost without it, drops those that are not
worth their price, fits the rest again, and so on. The likelihood has many local optima, so the search runs from two
shortlists, and once more from all that either left.

Few answers cannot settle that, and a plain ranking by them chooses by luck, which errors in cross-validation do not
see. There all features enter, and a weak pull of their length-scales lets most of them fade. Of very many that is not
tried: a plain ranking decides. Nor can a search drop features where all of them add something: all enter as well where
that predicts answers left out clearly better.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.linalg import cho_solve

from surrogates.numerics.merged_rows import Rows
from surrogates.proxy.averaging import AVERAGED_OF_MANY
from surrogates.proxy.kernel import Kernel, condition, negative_log_likelihood, optimise

__all__ = ["screen"]

#: nats of likelihood that a feature must be worth: about the odds of 16 active features among 400
PRICE = 3.0
#: pull of log length-scales to their mean while features are dropped; weaker ones overfit, and lost .03 of R²
SHRINKAGE = 4.0
#: pull at which all features are fitted for a shortlist: weak, so that most of them fade
WEAK = 0.1
#: fewest rows for the search: with 98 the likelihood overfits, and choosing by it lost up to .35 of R²
ENOUGH = 112
#: most features that all enter where there are fewer rows: as many as were tried
MOST = 400
#: all features enter where that misses answers left out by less than this share of what those of the search miss;
#: these errors flatter whoever has more features, and at equality .02 to .08 of R² was lost on planted terms
CLEARLY = 0.75
#: features in a shortlist, and the share dropped at once
SHORTLIST, AT_ONCE = 40, 4


def screen(rows: Rows) -> np.ndarray:
    """Choose the features that enter: indices (d,), ascending, one at least; O(g^3) for each feature on trial.

    On twelve made-up games of 100 and 400 features (three each of two kinds; looked at twice while this was made, so
    not wholly unseen) R² is higher than with the 8 + g / 16 features of the best lasso or boosted-tree rank by .05 on
    average: with 126 answers by -.15 to .23 for a kind and size, and as low as -.48 for a single game, with 254 answers
    by .02 to .08. On 24 other games of these kinds with 62 answers all features, weakly pulled, are ahead of that rank
    by .05 to .16. On sums of 100 features, with 126 answers, they have an R² of 1.00 where a search has .3.
    """
    if len(rows.Z) < ENOUGH and rows.Z.shape[1] <= MOST:
        return np.arange(rows.Z.shape[1])
    usual = _usual(rows)
    if len(rows.Z) < ENOUGH:
        return _first(usual, 8 + len(rows.Z) // 16)
    lists = [_first(score, SHORTLIST) for score in (usual, optimise(rows, WEAK)[4:])]
    survivors = [_eliminate(rows, features) for features in lists]
    found = _eliminate(rows, np.unique(np.concatenate(survivors)))
    if rows.Z.shape[1] > MOST:
        return found
    all_miss, found_miss = _left_out(rows, min(AVERAGED_OF_MANY)), _left_out(rows.of(found), SHRINKAGE)
    return np.arange(rows.Z.shape[1]) if all_miss < CLEARLY * found_miss else found


def _left_out(rows: Rows, shrinkage: float) -> float:
    """Compute the mean squared error of answers left out one at a time, in closed form, at hyperparameters of all."""
    kernel, X = Kernel.from_log(optimise(rows, shrinkage)), 2 * rows.Z - 1
    inverse = cho_solve(condition(kernel, X, rows.weight), np.eye(len(X)))
    missed = inverse @ rows.y / inverse.diagonal()[:, None]
    return float(np.average((missed**2).mean(axis=1), weights=rows.weight))


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
