"""Families against known functions, and against scikit-learn's own contract."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from probes import InputError, cube
from surrogates import SparseLinear, TreeSurrogate
from surrogates.terms import Product


@parametrize_with_checks([SparseLinear(), SparseLinear(max_terms=1), TreeSurrogate(), TreeSurrogate(max_leaves=3)])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


Z = cube(6)
AND, OR, XOR = Z[:, 0] * Z[:, 1], np.maximum(Z[:, 0], Z[:, 1]), (Z[:, 0] != Z[:, 1]).astype(float)


def test_linear_recovers_an_additive_function_exactly():
    y = 1.5 + 2 * Z[:, 0] - 3 * Z[:, 4]
    fitted = SparseLinear().fit(Z, y)
    assert [t.features for t in fitted.terms_] == [(0,), (4,)]
    np.testing.assert_allclose(fitted.coef_, [2, -3], atol=1e-10)
    assert fitted.intercept_ == pytest.approx(1.5)


@pytest.mark.parametrize(("y", "best"), [(AND, 2 / 3), (OR, 2 / 3), (XOR, 0.0)], ids=["and", "or", "xor"])
def test_linear_reaches_the_best_additive_fit_and_no_more(y, best):
    # the variance of AND and OR that main effects hold is 2/3; XOR has none
    assert SparseLinear().fit(Z, y).score(Z, y) == pytest.approx(best, abs=1e-3)


@pytest.mark.parametrize("y", [AND, OR], ids=["and", "or"])
def test_tree_recovers_logic_exactly(y):
    fitted = TreeSurrogate(max_leaves=4).fit(Z, y)
    assert len(fitted.terms_) == 3
    assert fitted.score(Z, y) == pytest.approx(1.0)
    assert fitted.score(Z, y) == pytest.approx(1 - ((y - fitted.predict(Z)) ** 2).sum() / ((y - y.mean()) ** 2).sum())


def test_max_terms_is_a_limit():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, (80, 10)).astype(float)
    y = X @ rng.normal(size=10)
    assert len(SparseLinear(max_terms=3).fit(X, y).terms_) <= 3


@pytest.mark.parametrize("family", [SparseLinear(), TreeSurrogate()])
def test_outputs_share_terms_and_keep_their_scale(family):
    rng = np.random.default_rng(1)
    X = rng.integers(0, 2, (100, 5)).astype(float)
    y = np.column_stack([X[:, 0], 1000 * X[:, 1] - 500])
    fitted = family.fit(X, y)
    assert fitted.coef_.shape == (2, len(fitted.terms_))
    np.testing.assert_allclose(fitted.predict(X), y, atol=1e-6)


@pytest.mark.parametrize("family", [SparseLinear(), TreeSurrogate()])
def test_order_and_scale_of_rows_mean_nothing(family):
    rng = np.random.default_rng(2)
    X = rng.integers(0, 2, (60, 6)).astype(float)
    y = X[:, 0] * X[:, 1] + 0.1 * rng.normal(size=60)
    shuffled = rng.permutation(60)
    first = family.fit(X, y).predict(X)
    np.testing.assert_allclose(first, family.fit(X[shuffled], y[shuffled]).predict(X), atol=1e-9)
    np.testing.assert_allclose(7 * first + 3, family.fit(X, 7 * y + 3).predict(X), atol=1e-8)


@pytest.mark.parametrize("family", [SparseLinear(), TreeSurrogate()])
def test_constant_answers_give_no_terms(family):
    fitted = family.fit(Z, np.full(len(Z), 4.0))
    assert fitted.terms_ == []
    assert set(fitted.predict(Z)) == {4.0}


def test_products_are_products():
    np.testing.assert_array_equal(Product((0, 1))(Z), AND)


@pytest.mark.parametrize(
    ("family", "name"),
    [
        (SparseLinear(max_terms=0), "max_terms"),
        (SparseLinear(folds=1), "folds"),
        (TreeSurrogate(max_leaves=1), "max_leaves"),
        (TreeSurrogate(min_leaf=0.9), "min_leaf"),
        (TreeSurrogate(folds="5"), "folds"),
    ],
)
def test_bad_settings_name_the_parameter_the_rule_and_the_value(family, name):
    with pytest.raises(InputError, match=f"^{name} must .*; got "):
        family.fit(Z, AND)
