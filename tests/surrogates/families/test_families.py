"""Families against known functions, and against scikit-learn's own contract."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from probes import InputError, MaskProbe, cube
from surrogates import (
    AdditiveSurrogate,
    Auto,
    CubeProxy,
    InteractionSurrogate,
    RuleSurrogate,
    SparseLinear,
    TreeSurrogate,
    anchor,
    check,
    explain,
    shapley_values,
)
from surrogates.proxy import distillation, kernel
from surrogates.terms import Product
from tests.helpers.cheap_families import cheap

DIRECT = [SparseLinear(), InteractionSurrogate(), TreeSurrogate(), RuleSurrogate(), AdditiveSurrogate()]
DISTILLED = [InteractionSurrogate(proxy=CubeProxy()), TreeSurrogate(proxy=CubeProxy())]


CHEAP = [
    InteractionSurrogate(folds=2),
    TreeSurrogate(folds=2),
    RuleSurrogate(n_trees=2, folds=2),
    InteractionSurrogate(max_terms=5, folds=2, proxy=CubeProxy(4.0), link="auto"),
    TreeSurrogate(max_leaves=4, folds=2, proxy=CubeProxy(4.0)),
    SparseLinear(max_terms=1, folds=2, link="auto"),
    SparseLinear(folds=2, link="learned"),
    AdditiveSurrogate(steps=3, pairs=1, folds=2, link="auto"),
]


@parametrize_with_checks(CHEAP)
def test_scikit_learn_contract(estimator, check, monkeypatch):
    # the contract is about the calls: a rough fit keeps it as a fine one
    monkeypatch.setattr(kernel, "MAX_ITER", 3)
    monkeypatch.setattr(distillation, "LAW_ROWS", 256)
    check(estimator)


Z = cube(6)
AND, OR, XOR = Z[:, 0] * Z[:, 1], np.maximum(Z[:, 0], Z[:, 1]), (Z[:, 0] != Z[:, 1]).astype(float)


def test_linear_recovers_an_additive_function_exactly():
    y = 1.5 + 2 * Z[:, 0] - 3 * Z[:, 4]
    fitted = SparseLinear().fit(Z, y)
    assert [t.features for t in fitted.terms_] == [(0,), (4,)]
    np.testing.assert_allclose(fitted.coef_, [2, -3], atol=1e-10)
    assert fitted.intercept_ == pytest.approx(1.5)


@pytest.mark.parametrize(("n", "d"), [(32, 5), (56, 30), (120, 100), (300, 12)])
def test_outputs_of_main_effects_are_fitted_each_by_itself(n, d):
    rng = np.random.default_rng(n)
    X = rng.integers(0, 2, (n, d)).astype(float)
    Y = np.round(X @ rng.normal(size=(d, 9)), 1) + rng.normal(size=(n, 9)) * rng.integers(0, 2, 9)
    weight = rng.integers(0, 3, n)
    family = SparseLinear(max_terms=d - 1)
    together = family.fit(X, Y, weight)
    for j in range(9):
        one, alone = together.part(slice(j, j + 1)), SparseLinear(max_terms=d - 1).fit(X, Y[:, j], weight)
        np.testing.assert_array_equal(one.coef_, alone.coef_)  # exact: outputs are fitted each by itself
        assert one.terms_ == alone.terms_ and one.intercept_ == alone.intercept_
        assert 0 < len(one.terms_) < d


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_linear_finds_the_features_that_matter(noise):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, (48, 60)).astype(float)
    y = X[:, [3, 17, 40]] @ [2.0, -1.0, 0.5] + noise * rng.normal(size=48)
    fitted = SparseLinear().fit(X, y)
    weights = {term.features[0]: weight for term, weight in zip(fitted.terms_, fitted.coef_, strict=True)}
    assert {3, 17, 40} <= weights.keys()
    assert [weights[i] for i in (3, 17, 40)] == pytest.approx([2.0, -1.0, 0.5], abs=1e-9 if noise == 0 else 0.1)
    assert noise or len(weights) == 3


def nearly_copies(rng):
    half = rng.integers(0, 2, (40, 6)).astype(float)
    X = np.hstack([half, half + 1e-3 * rng.normal(size=half.shape)])
    return X, X[:, :2] @ [3.0, -1.0] + rng.normal(size=40)


def powers(rng):
    x = rng.random(50)
    return np.vander(x, 10), np.sin(6 * x) + 0.1 * rng.normal(size=50)


@pytest.mark.parametrize("table", [nearly_copies, powers])
def test_leaving_out_a_column_that_is_nearly_a_sum_of_others_leaves_the_fit(table):
    for seed in range(20):
        X, y = table(np.random.default_rng(seed))
        assert SparseLinear().fit(X, y).score(X, y) > 0.5


@pytest.mark.parametrize(("y", "best"), [(AND, 2 / 3), (OR, 2 / 3), (XOR, 0.0)], ids=["and", "or", "xor"])
def test_linear_reaches_the_best_additive_fit_and_no_more(y, best):
    # the variance of AND and OR that main effects hold is 2/3; XOR has none; shrinkage costs a little
    assert SparseLinear().fit(Z, y).score(Z, y) == pytest.approx(best, abs=2e-3)


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


@pytest.mark.parametrize("family", [*DIRECT, *DISTILLED], ids=repr)
def test_outputs_share_terms_and_keep_their_scale(family):
    rng = np.random.default_rng(1)
    X = rng.integers(0, 2, (100, 5)).astype(float)
    y = np.column_stack([X[:, 0], 1000 * X[:, 1] - 500])
    fitted = family.fit(X, y)
    assert fitted.coef_.shape == (2, len(fitted.terms_))
    np.testing.assert_allclose(fitted.predict(X), y, atol=1e-6)


@pytest.mark.parametrize("family", DIRECT, ids=repr)
def test_order_and_scale_of_rows_mean_nothing(family):
    rng = np.random.default_rng(2)
    X = rng.integers(0, 2, (60, 6)).astype(float)
    y = X[:, 0] * X[:, 1] + 0.1 * rng.normal(size=60)
    shuffled = rng.permutation(60)
    first = family.fit(X, y).predict(X)
    np.testing.assert_allclose(first, family.fit(X[shuffled], y[shuffled]).predict(X), atol=1e-9)
    np.testing.assert_allclose(7 * first + 3, family.fit(X, 7 * y + 3).predict(X), atol=1e-8)


@pytest.mark.parametrize("family", DIRECT, ids=repr)
def test_constant_answers_give_no_terms(family):
    fitted = family.fit(Z, np.full(len(Z), 4.0))
    assert fitted.terms_ == []
    np.testing.assert_allclose(fitted.predict(Z), 4.0, rtol=1e-12)


@pytest.mark.parametrize("y", [AND, OR, XOR], ids=["and", "or", "xor"])
@pytest.mark.parametrize("proxy", [None, CubeProxy()], ids=["direct", "distilled"])
def test_interactions_recover_logic(y, proxy):
    fitted = InteractionSurrogate(proxy=proxy).fit(Z, y)
    assert fitted.score(Z, y) > 0.999
    assert any(term.features == (0, 1) for term in fitted.terms_)


def test_interaction_weights_are_banzhaf_interactions():
    rng = np.random.default_rng(5)
    y = rng.normal(size=len(Z))
    fitted = InteractionSurrogate(max_terms=64, max_order=6, proxy=CubeProxy(shrinkage=1.0)).fit(Z, y)
    proxy = CubeProxy(shrinkage=1.0).fit(Z, y)
    g = proxy.predict(Z)
    pair = {t.features: w for t, w in zip(fitted.terms_, fitted.coef_, strict=True)}

    def mean(a, b):
        return g[(Z[:, 2] == a) & (Z[:, 5] == b)].mean()

    assert pair.get((2, 5), 0.0) == pytest.approx(mean(1, 1) - mean(1, 0) - mean(0, 1) + mean(0, 0), abs=0.05)


def test_rules_find_the_planted_conjunctions():
    y = 2.0 * Z[:, 0] * (1 - Z[:, 3]) - Z[:, 5]
    fitted = RuleSurrogate(max_rules=3).fit(Z, y)
    assert fitted.score(Z, y) > 0.99
    assert len(fitted.terms_) <= 3


def test_additive_shapes_follow_steps_of_real_features():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 4))
    y = (X[:, 1] > 0.3) * 2.0 + np.sin(2 * X[:, 2])
    fresh = rng.normal(size=(400, 4))
    truth = (fresh[:, 1] > 0.3) * 2.0 + np.sin(2 * fresh[:, 2])
    assert AdditiveSurrogate(steps=16).fit(X, y).score(fresh, truth) > 0.85
    product = X[:, 0] * X[:, 3]
    assert AdditiveSurrogate(pairs=1).fit(X, y + product).score(fresh, truth + fresh[:, 0] * fresh[:, 3]) > 0.75


def test_two_stages_beat_one_on_a_smooth_game():
    rng = np.random.default_rng(1)
    cube10 = cube(10)
    gains = []
    for _ in range(3):
        table = np.tanh(cube10 @ rng.normal(size=10) + 0.5 * cube10[:, 0] * cube10[:, 1])
        rows = rng.permutation(1024)[:100]
        direct, distilled = (
            tree.fit(cube10[rows], table[rows]).score(cube10, table)
            for tree in (TreeSurrogate(), TreeSurrogate(proxy=CubeProxy()))
        )
        gains.append(distilled - direct)
    assert np.mean(gains) > 0.05


def test_auto_takes_the_simplest_family_that_holds():
    additive = explain(lambda Z: Z[:, 0] - 2 * Z[:, 1], MaskProbe(7), "auto", budget=40, store=None)
    assert additive.comparison.loc[0, "family"] == "linear"
    xor = explain(lambda Z: (Z[:, 0] != Z[:, 1]) * 1.0, MaskProbe(8), "auto", budget=60, store=None)
    assert xor.comparison.loc[0, "family"] == "interactions"
    assert isinstance(xor.surrogate, InteractionSurrogate)
    assert xor.fidelity.r2[0] > 0.95
    assert set(xor.comparison["family"]) == {"linear", "interactions", "tree"}
    assert "Compared:" in str(xor)


def test_auto_goes_by_the_outputs_that_vary():
    def game(Z):
        return np.column_stack([Z[:, 0] * Z[:, 1], Z[:, 2], np.ones(len(Z))])

    ex = explain(game, MaskProbe(7), cheap("auto"), target="all", budget=40, store=None)
    assert ex.comparison["r2"].notna().all() and type(ex.surrogate) is InteractionSurrogate
    assert "Never changed: output 2." in ex.warnings


def test_a_tree_has_no_leaves_for_a_processs_ripples():
    ex = explain(lambda Z: Z[:, 0] * Z[:, 1], MaskProbe(12), "tree", budget=100, store=None)
    assert len(ex.terms) == 3


def test_more_features_than_a_float_can_count_the_corners_of():
    few = explain(lambda Z: Z[:, 0] - Z[:, 3], MaskProbe(1030), budget=120, store=None)
    assert few.fidelity.r2[0] > 0.99 and not few.fidelity.exact
    assert shapley_values(lambda Z: Z[:, 0], MaskProbe(1030), budget=64, store=None).table["index"].max() > 0
    assert anchor(lambda Z: Z[:, 0], MaskProbe(1030), budget=200, store=None).words == "x0 present"
    assert check(few, lambda Z: Z[:, 0] - Z[:, 3], MaskProbe(1030), ("fresh",)).checks[0].passed


def test_products_are_products():
    np.testing.assert_array_equal(Product((0, 1))(Z), AND)  # exact: products of zeros and ones


@pytest.mark.parametrize(
    ("family", "name"),
    [
        (SparseLinear(max_terms=0), "max_terms"),
        (SparseLinear(folds=1), "folds"),
        (TreeSurrogate(max_leaves=1), "max_leaves"),
        (TreeSurrogate(min_leaf=0.9), "min_leaf"),
        (TreeSurrogate(folds="5"), "folds"),
        (InteractionSurrogate(max_terms=0), "max_terms"),
        (InteractionSurrogate(max_order=0), "max_order"),
        (RuleSurrogate(max_rules=0), "max_rules"),
        (RuleSurrogate(max_length=1.5), "max_length"),
        (AdditiveSurrogate(steps=0), "steps"),
        (AdditiveSurrogate(pairs=-1), "pairs"),
        (TreeSurrogate(proxy=CubeProxy), "proxy"),
        (TreeSurrogate(proxy="CubeProxy"), "proxy"),
        (SparseLinear(random_state=-1), "random_state"),
    ],
)
def test_bad_settings_name_the_parameter_the_rule_and_the_value(family, name):
    with pytest.raises(InputError, match=f"^{name} must .*; got "):
        family.fit(Z, AND)


@pytest.mark.parametrize("family", [*DIRECT, *DISTILLED], ids=repr)
def test_a_feature_that_never_varies_and_features_that_are_copies(family):
    rng = np.random.default_rng(4)
    X = rng.integers(0, 2, (120, 6)).astype(float)
    X[:, 2] = 1.0  # never varies
    X[:, 5] = X[:, 0]  # a copy
    y = 2 * X[:, 0] - X[:, 1]
    fitted = family.fit(X, y)
    np.testing.assert_allclose(fitted.predict(X), y, atol=0.05)
    assert np.isfinite(fitted.coef_).all()


@pytest.mark.parametrize("penalty", [-1, True, float("nan"), float("inf"), "0.1"])
def test_a_penalty_is_a_finite_number(penalty):
    with pytest.raises(InputError, match=r"^penalty must be a finite number"):
        Auto(penalty=penalty)
    assert Auto(penalty=np.float32(0.5)).penalty == 0.5  # exact: a half has no rounding


@pytest.mark.filterwarnings("error")
def test_a_proxy_of_ones_own_sees_one_output_as_a_vector():
    rows = np.random.default_rng(0).integers(0, 2, (80, 6)).astype(float)
    y = rows[:, 0] + rows[:, 1] * rows[:, 2]
    fitted = TreeSurrogate(proxy=RandomForestRegressor(20, random_state=0)).fit(rows, y[:, None])
    assert fitted.coef_.shape[0] == 1 and fitted.score(rows, y[:, None]) > 0.9


def test_families_work_in_a_grid_search_a_pipeline_and_on_data_frames():
    frame = pd.DataFrame(np.random.default_rng(0).integers(0, 2, (90, 5)), columns=list("abcde"))
    y = 2.0 * frame["a"] - frame["b"] * frame["c"]
    search = GridSearchCV(TreeSurrogate(proxy=CubeProxy()), {"max_leaves": [2, 8], "proxy": [None, CubeProxy()]}, cv=3)
    assert search.fit(frame, y).best_params_["max_leaves"] == 8
    scaled = make_pipeline(StandardScaler(), InteractionSurrogate()).fit(frame, y)
    assert scaled.score(frame, y) > 0.99


def test_a_family_is_compared_once():
    with pytest.raises(InputError, match=r"^families must name each family once"):
        Auto(("tree", "linear", "tree"))
    assert len(Auto((SparseLinear(max_terms=2), SparseLinear(max_terms=3))).families) == 2
