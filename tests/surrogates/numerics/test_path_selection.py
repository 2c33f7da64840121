"""Selection along a path: least angles are those of the literature, and many features need them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LassoCV, lars_path

from surrogates import SparseLinear
from surrogates.numerics.joining import Forward, LeastAngle
from surrogates.numerics.path_selection import select
from surrogates.numerics.wide_selection import by_rows


def path(X, y, joining):
    """Steps of one sum to whose rows it is fitted; the values in a step are those at all rows."""
    ones, n = np.ones((1, len(X))), len(X)
    return by_rows(X, ones / n, np.zeros((1, X.shape[1])), (y @ X / n)[None, None], ones, min(X.shape), joining)


def centred(n, p, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    y = X[:, :3] @ [2.0, -1.0, 0.5] + rng.normal(size=n)
    return X, y - y.mean()


@pytest.mark.parametrize(("n", "p"), [(40, 12), (30, 60)])
def test_least_angles_predict_what_scikit_learn_does_at_every_size(n, p):
    X, y = centred(n, p, 0)
    _, order, coefs = lars_path(X, y, method="lar")
    direction, fitted = np.zeros(n), np.zeros(n)
    for size, step in enumerate(list(path(X, y, LeastAngle))[: n - n // 3]):
        direction += step.slope[0] * step.row[0, p:]
        fitted += step.way[0] * direction
        assert step.pick[0] == order[size]
        np.testing.assert_allclose(fitted, X @ coefs[:, size + 1], atol=1e-8)


@pytest.mark.parametrize("joining", [Forward, LeastAngle])
def test_least_squares_parts_add_up_to_the_least_squares_fit_of_the_columns(joining):
    X, y = centred(40, 12, 1)
    fitted, columns = np.zeros(40), []
    for step in path(X, y, joining):
        columns.append(step.pick[0])
        fitted += step.part[0] * step.row[0, 12:]
        best = np.linalg.lstsq(X[:, columns], y, rcond=None)[0]
        np.testing.assert_allclose(fitted, X[:, columns] @ best, atol=1e-8)


@pytest.mark.parametrize("joining", [Forward, LeastAngle])
def test_columns_that_are_sums_of_others_do_not_join(joining):
    X, y = centred(40, 6, 2)
    picks = [int(step.pick[0]) for step in path(np.hstack([X, -X]), y, joining)]
    assert len({pick % 6 for pick in picks}) == len(picks) == 6


def test_a_sum_of_a_hundred_features_is_predicted_like_by_a_lasso_from_sixty_answers():
    ours, lasso = [], []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        Z, w = rng.integers(0, 2, (1062, 100)).astype(float), rng.normal(size=100)
        known, new = Z[:62], Z[62:]
        for scores, model in ((ours, SparseLinear()), (lasso, LassoCV(cv=5, alphas=30))):
            missed = new @ w - model.fit(known, known @ w).predict(new)
            scores.append(1 - missed.var() / (new @ w).var())
    assert np.mean(ours) > np.mean(lasso) - 0.05


@pytest.mark.parametrize("features", [200, 300])
def test_a_column_that_joined_too_early_has_no_weight_in_an_exact_sum(features):
    Z = np.random.default_rng(0).integers(0, 2, (60, features)).astype(float)
    fitted = SparseLinear().fit(Z, Z[:, :5].sum(axis=1))
    assert [term.features for term in fitted.terms_] == [(0,), (1,), (2,), (3,), (4,)]


def test_an_output_among_many_features_has_the_same_weights_beside_others():
    rng = np.random.default_rng(0)
    X, t = rng.choice([-1.0, 1.0], (60, 80)), rng.normal(size=(3, 60))
    together = select(X, t, np.ones(60), 5, 0)
    alone = np.vstack([select(X, row[None], np.ones(60), 5, 0) for row in t])
    assert np.array_equal(together, alone)  # exact: an output is worked on by itself
