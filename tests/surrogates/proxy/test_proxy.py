"""The proxy: gradient, closed forms against enumeration, invariances, recovery of known functions."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from sklearn.linear_model import LassoCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from probes.errors import InputError
from surrogates.numerics.merged_rows import Rows, collapse
from surrogates.proxy import kernel as kernels
from surrogates.proxy import stacked_proxy
from surrogates.proxy.averaging import PULL, SHRINKAGES, shares
from surrogates.proxy.cube_proxy import CubeProxy
from surrogates.proxy.kernel import SCALES_MEAN, SCALES_SD, Kernel, Objective, negative_log_likelihood
from surrogates.proxy.stacked_proxy import StackedProxy


def cube(n):
    return ((np.arange(2**n)[:, None] >> np.arange(n)) & 1).astype(float)


def characters(Z, subsets):
    return np.column_stack([np.prod(2 * Z[:, list(s)] - 1, axis=1) for s in subsets])


def all_subsets(n):
    return [s for size in range(n + 1) for s in combinations(range(n), size)]


def draw(m, n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 2, (m, n)).astype(float), rng


@pytest.fixture
def few_penalties(monkeypatch):
    """Lets the stack's lasso, most of its time on few rows, try three penalties."""
    monkeypatch.setattr(stacked_proxy, "PENALTIES", 3)


@pytest.fixture
def rough(monkeypatch, few_penalties):
    """Lets a fit take one step, and the stack hold one process: promises about calls are kept by a rough fit."""
    monkeypatch.setattr(kernels, "MAX_ITER", 1)
    monkeypatch.setattr(stacked_proxy, "SHRINKAGES", SHRINKAGES[:1])


@parametrize_with_checks([CubeProxy(4.0, link="auto"), StackedProxy(folds=2, n_trees=2)])
def test_keeps_scikit_learn_promises(estimator, check, rough):
    check(estimator)


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("binary", [True, False])
def test_gradient_matches_finite_differences(outputs, binary):
    Z, rng = draw(50, 5)
    Z = Z if binary else rng.standard_normal(Z.shape)
    rows = collapse(Z, rng.standard_normal((50, outputs)), rng.uniform(0.3, 3, 50))
    objective = Objective(rows, 3.0)
    p = objective.start + 0.5 * rng.standard_normal(9)
    step = 1e-5 * np.eye(9)
    numeric = [(objective(p + e)[0] - objective(p - e)[0]) / 2e-5 for e in step]
    np.testing.assert_allclose(objective(p)[1], numeric, rtol=1e-6, atol=1e-5)


def test_walsh_mean_is_the_transform_of_the_predictions():
    Z, rng = draw(40, 6)
    y = 5 + Z @ rng.standard_normal(6) + 2 * Z[:, 0] * Z[:, 1]
    proxy, subsets = CubeProxy().fit(Z, y), all_subsets(6)
    expected = characters(cube(6), subsets).T @ proxy.predict(cube(6)) / 64
    np.testing.assert_allclose(proxy.walsh(subsets)[0], expected, atol=1e-8)


@pytest.mark.parametrize("shrinkage", [4.0, "cv"])
def test_walsh_covariance_is_the_transform_of_the_posterior_covariance(shrinkage):
    Z, rng = draw(30, 6)
    weight = rng.uniform(0.5, 2, 30)
    proxy = CubeProxy(shrinkage).fit(Z, 2 * Z[:, 0] * Z[:, 1] + rng.standard_normal(30), weight)
    states, subsets, rows = proxy.states(), all_subsets(6), collapse(Z, Z[:, :1], weight)
    assert len(states) == (2 if shrinkage == "cv" else 1)
    means, covariances = [], []
    for process in states:
        # written out afresh from the definition of the kernel
        kernel, full = process.kernel, np.vstack([cube(6), rows.Z])
        K = kernel.constant + kernel.linear * np.mean((2 * full[:, None] - 1) * (2 * full[None] - 1), axis=2)
        K += kernel.product * np.exp(-((full[:, None] != full[None]) @ kernel.theta))
        noisy = K[64:, 64:] + np.diag(kernel.noise / rows.weight)
        covariances.append(process.scale[0] ** 2 * (K[:64, :64] - K[:64, 64:] @ np.linalg.solve(noisy, K[64:, :64])))
        means.append(process.mean[0] + process.scale[0] * K[:64, 64:] @ process.alpha[:, 0])
    # a mixture: the mean covariance, and that of the means
    share = np.array([process.share for process in states])
    mean = share @ means
    posterior = np.tensordot(share, covariances, 1) + ((np.array(means) - mean).T * share) @ (np.array(means) - mean)
    transform = characters(cube(6), subsets).T / 64
    np.testing.assert_allclose(proxy.walsh(subsets)[1], transform @ posterior @ transform.T, atol=1e-8)
    predicted, sd = proxy.predict(cube(6), return_std=True)
    np.testing.assert_allclose(predicted, mean, atol=1e-8)
    np.testing.assert_allclose(sd, np.sqrt(np.diag(posterior)), atol=1e-7)


def test_walsh_of_outputs_is_stacked():
    Z, rng = draw(40, 5)
    y = rng.standard_normal((40, 2)) * [1, 10]
    proxy, subsets = CubeProxy(4.0).fit(Z, y), all_subsets(5)
    coef, cov = proxy.walsh(subsets)
    np.testing.assert_allclose(coef, (characters(cube(5), subsets).T @ proxy.predict(cube(5)) / 32).T, atol=1e-8)
    assert cov.shape == (2, 32, 32)
    (process,) = proxy.states()
    np.testing.assert_allclose(cov[1] / cov[0], np.full((32, 32), (process.scale[1] / process.scale[0]) ** 2))


@pytest.mark.parametrize(
    ("truth", "expected"),
    [
        pytest.param(lambda Z: 3 * Z[:, 1] - 2 * Z[:, 4] + 1, {(1,): 1.5, (4,): -1.0}, id="additive"),
        pytest.param(lambda Z: 4 * Z[:, 2] * Z[:, 5], {(2,): 1.0, (5,): 1.0, (2, 5): 1.0}, id="and"),
        pytest.param(lambda Z: (Z[:, 0] != Z[:, 3]) * 2.0, {(0, 3): -1.0}, id="xor"),
        pytest.param(lambda Z: np.prod(2 * Z[:, [0, 3, 6]] - 1, axis=1), {(0, 3, 6): 1.0}, id="triple parity"),
    ],
)
def test_known_functions_are_recovered(truth, expected):
    Z, _ = draw(160, 8)
    proxy = CubeProxy().fit(Z, truth(Z))
    error = proxy.predict(cube(8)) - truth(cube(8))
    assert error.var() < 1e-3 * truth(cube(8)).var()
    subsets, coef = proxy.top_walsh(len(expected))
    assert set(subsets) == set(expected)
    np.testing.assert_allclose(coef, [expected[s] for s in subsets], atol=0.05)
    assert np.all(np.abs(proxy.walsh(subsets)[0] - coef) < 1e-12)


def test_predictions_spread_no_more_than_the_answers():
    # small nearly everywhere: with weak shrinkage the length-scales made peaks where no row had been, and R² was -1.4
    rng = np.random.default_rng(17)
    weights, Z = rng.normal(size=20), rng.integers(0, 2, (96, 20)).astype(float)
    others = rng.integers(0, 2, (4096, 20)).astype(float)
    y, truth = (np.exp(rows @ weights - np.maximum(weights, 0).sum()) for rows in (Z, others))
    predicted = CubeProxy().fit(Z, y).predict(others)
    assert predicted.std() < 1.2 * y.std()
    assert ((truth - predicted) ** 2).mean() < truth.var()


def test_a_plain_sum_through_a_curve_is_averaged_where_it_is_the_truth():
    missed = []
    for seed in range(4):
        Z, rng = draw(64, 12, seed)
        weights, others = rng.normal(size=12), cube(12)
        p, truth = (1 / (1 + np.exp(4 - rows @ weights)) for rows in (Z, others))
        averaged, alone = CubeProxy(link="logistic").fit(Z, p), CubeProxy(4.0, link="logistic").fit(Z, p)
        assert list(averaged.shares_)[-1] == "sum" and sum(averaged.shares_.values()) == pytest.approx(1)
        missed.append([((truth - fitted.predict(others)) ** 2).mean() for fitted in (averaged, alone)])
        mean, sd = averaged.predict(others, return_std=True)
        np.testing.assert_allclose(mean, averaged.predict(others))
        assert np.all(sd > 0)
    missed = np.mean(missed, axis=0)
    assert missed[0] < 0.8 * missed[1]
    assert set(CubeProxy().fit(Z, p).shares_) <= {4.0, 1.0}


def test_shares_minimise_the_penalised_error_of_the_average():
    rng = np.random.default_rng(0)
    missed, weight = rng.standard_normal((50, 3, 2)) * np.array([[1.0], [1.1], [3.0]]), rng.integers(1, 4, 50)
    loss = (missed**2).sum(axis=2)
    best = loss[:, (weight @ loss).argmin()]
    pull = PULL * np.sqrt(weight @ (best - np.average(best, weights=weight)) ** 2)

    def objective(s):
        return weight @ ((missed.transpose(0, 2, 1) @ s) ** 2).sum(axis=1) + pull * (s @ s)

    found = shares(missed, weight)
    assert np.all(found >= 0) and found.sum() == pytest.approx(1)
    grid = [(a, b, 1 - a - b) for a in np.linspace(0, 1, 101) for b in np.linspace(0, 1 - a, 101)]
    assert objective(found) <= min(objective(np.array(s)) for s in grid) + 1e-9
    # twice a row is a weight of two; what nothing tells apart is shared equally
    np.testing.assert_allclose(shares(np.repeat(missed, weight, axis=0), np.ones(weight.sum())), found, atol=1e-9)
    np.testing.assert_allclose(shares(missed[:, [0, 0]], weight), 0.5, atol=1e-6)
    np.testing.assert_allclose(shares(np.zeros((8, 2, 1)), np.ones(8)), 0.5, atol=1e-6)


def test_top_walsh_is_the_largest_of_all_up_to_pairs():
    Z, rng = draw(60, 7)
    proxy = CubeProxy(4.0).fit(Z, rng.standard_normal(60))
    candidates = all_subsets(7)[1:29]
    size = np.abs(proxy.walsh(candidates)[0])
    subsets, coef = proxy.top_walsh(10, max_order=2)
    assert subsets == [candidates[i] for i in np.argsort(-size)[:10]]
    assert np.all(np.diff(np.abs(coef)) <= 0)
    assert proxy.top_walsh(500, max_order=7)[1].shape == (127,)


def test_weights_are_repetitions():
    Z, rng = draw(60, 6)
    y, times = rng.standard_normal(60) + Z[:, 0], rng.integers(0, 4, 60)
    weighted = CubeProxy().fit(Z, y, sample_weight=times)
    repeated = CubeProxy().fit(np.repeat(Z, times, axis=0), np.repeat(y, times))
    assert weighted.shares_ == pytest.approx(repeated.shares_, abs=1e-4)
    np.testing.assert_allclose(weighted.predict(cube(6)), repeated.predict(cube(6)), atol=1e-6)
    np.testing.assert_allclose(weighted.noise_, repeated.noise_, rtol=1e-5)


def test_merging_equal_rows_leaves_the_likelihood_alone():
    Z, rng = draw(40, 3)
    y = rng.standard_normal((40, 1))
    rows = collapse(Z, y, np.ones(40))
    assert len(rows.Z) == 8
    merged, apart = Objective(rows, 1.0), Objective(Rows(Z, y, np.ones(40), np.zeros((40, 1))), 1.0)
    points = merged.start + 0.3 * rng.standard_normal((5, 7))
    difference = [merged(p)[0] - apart(p)[0] for p in points]
    np.testing.assert_allclose(difference, difference[0], atol=1e-5)


@pytest.mark.parametrize("estimator", [CubeProxy(), StackedProxy(folds=2, n_trees=5)])
def test_order_of_rows_does_not_matter(estimator, few_penalties):
    Z, rng = draw(80, 8)
    y, order = Z @ rng.standard_normal(8) + 0.3 * rng.standard_normal(80), rng.permutation(80)
    first = estimator.fit(Z, y).predict(cube(8))
    np.testing.assert_allclose(estimator.fit(Z[order], y[order]).predict(cube(8)), first, atol=1e-4)


@pytest.mark.parametrize("estimator", [CubeProxy(), StackedProxy(folds=2, n_trees=5)])
def test_outputs_keep_their_shape_and_unit(estimator, few_penalties):
    Z, rng = draw(50, 5)
    y = Z @ rng.standard_normal((5, 3)) * [1, 100, 0.01] + [0, 5, 0]
    predicted = estimator.fit(Z, y).predict(Z)
    assert predicted.shape == (50, 3)
    assert np.all(((predicted - y) ** 2).mean(axis=0) < 0.1 * y.var(axis=0))
    assert estimator.fit(Z, y[:, 0]).predict(Z).shape == (50,)
    # equal outputs share hyperparameters and differ by their unit alone
    twice = estimator.fit(Z, np.column_stack([y[:, 0], 7 * y[:, 0] + 1])).predict(Z)
    np.testing.assert_allclose(twice[:, 1], 7 * twice[:, 0] + 1, atol=1e-5)


@pytest.mark.parametrize("unit", [1000, 0.001])
def test_the_unit_of_a_column_means_nothing(unit):
    rng = np.random.default_rng(0)
    Z, asked = rng.normal(size=(64, 3)), rng.normal(size=(20, 3))
    Z[:, 2], asked[:, 2] = rng.integers(0, 2, 64), 1
    y, units = np.sin(2 * Z[:, 0]) + Z[:, 1] * Z[:, 2], [unit, 1 / unit, 1]
    expected, std = CubeProxy().fit(Z, y).predict(asked, return_std=True)
    scaled = CubeProxy().fit(Z * units + [5 * unit, 0, 0], y).predict(asked * units + [5 * unit, 0, 0], return_std=True)
    np.testing.assert_allclose(scaled, (expected, std), atol=1e-5)


def test_return_std_is_small_where_asked_and_large_elsewhere():
    Z, rng = draw(30, 10)
    proxy = CubeProxy(4.0).fit(Z, Z @ rng.standard_normal(10) + Z[:, 0] * Z[:, 1])
    asked, elsewhere = proxy.predict(Z, return_std=True)[1], proxy.predict(cube(10), return_std=True)[1]
    assert asked.shape == (30,)
    assert asked.mean() < elsewhere.mean()


def test_screening_keeps_the_active_features():
    Z, rng = draw(144, 130)  # a search needs 112 rows or more
    active = [3, 50, 51, 120, 129]
    y = Z[:, active] @ [2, -2, 3, 1.5, -1] + 2 * Z[:, 3] * Z[:, 120] + 0.1 * rng.standard_normal(144)
    proxy = CubeProxy().fit(Z, y)
    assert set(active) <= set(proxy.features_.tolist())
    assert len(proxy.features_) <= 8
    Z_new = rng.integers(0, 2, (500, 130)).astype(float)
    y_new = Z_new[:, active] @ [2, -2, 3, 1.5, -1] + 2 * Z_new[:, 3] * Z_new[:, 120]
    assert proxy.score(Z_new, y_new) > 0.97
    out = sorted(set(range(130)) - set(proxy.features_.tolist()))[:2]
    coef, cov = proxy.walsh([(3,), (3, out[0]), (out[1],), ()])
    np.testing.assert_array_equal(coef[1:3], 0)  # exact: what is screened out is set to zero
    np.testing.assert_array_equal(cov[1:3], 0)  # exact: what is screened out is set to zero
    np.testing.assert_allclose(coef[3], y.mean(), atol=0.3)
    assert (3, 120) in proxy.top_walsh(6)[0]
    np.testing.assert_allclose(StackedProxy(n_trees=5, folds=2).fit(Z[:100], y[:100]).predict(Z[:1]), y[:1], atol=1.0)


def test_screening_finds_what_only_interacts():
    Z, rng = draw(140, 64)
    sign = 2 * Z - 1
    y = sign[:, 7] + sign[:, 7] * sign[:, 30] + sign[:, 30] * sign[:, 61] + 0.1 * rng.standard_normal(140)
    assert set(CubeProxy().fit(Z, y).features_.tolist()) == {7, 30, 61}  # exact: what is screened out is set to zero


def test_screening_does_not_depend_on_the_names_or_the_unit():
    Z, rng = draw(116, 64)
    y, order = Z[:, :4] @ [3, -2, 2, 1] + 2 * Z[:, 0] * Z[:, 1] + 0.2 * rng.standard_normal(116), rng.permutation(64)
    kept = CubeProxy().fit(Z, y).features_
    assert {0, 1, 2} <= set(kept.tolist())
    other = CubeProxy().fit(Z[:, order], 1000 * y - 7).features_
    np.testing.assert_array_equal(np.sort(order[other]), kept)  # exact: places, not sums


@pytest.mark.parametrize("answers", ["noise", "constant", "two outputs"])
def test_screening_keeps_little_of_nothing(answers):
    Z, rng = draw(112, 64)
    y = {"noise": rng.standard_normal(112), "constant": np.ones(112)}.get(
        answers, np.column_stack([Z[:, 3], 5 * Z[:, 9]])
    )
    proxy = CubeProxy().fit(Z, y)
    assert 1 <= len(proxy.features_) <= 20
    if answers == "two outputs":
        assert {3, 9} <= set(proxy.features_.tolist())
        assert proxy.score(Z, y) > 0.95


def test_all_features_enter_where_each_adds_something():
    Z, _ = draw(626, 100)
    y = Z @ np.random.default_rng(5).normal(size=100)
    proxy = CubeProxy().fit(Z[:126], y[:126])
    assert len(proxy.features_) == 100
    assert proxy.score(Z[126:], y[126:]) > 0.95


def test_all_of_many_features_enter_where_few_rows_cannot_say_which():
    Z, _ = draw(62, 120)
    proxy = CubeProxy().fit(Z, Z[:, 3] - Z[:, 9])
    np.testing.assert_array_equal(proxy.features_, np.arange(120))  # exact: numbers of features


def test_of_very_many_features_those_that_matter_are_among_a_few_by_rank():
    Z, _ = draw(40, 500)
    proxy = CubeProxy().fit(Z, 3 * Z[:, 7] - 2 * Z[:, 400])
    assert len(proxy.features_) == 8 + 40 // 16
    assert {7, 400} <= set(proxy.features_.tolist())


def test_a_pair_among_hundreds_of_features_is_found_to_all_of_its_fidelity():
    Z, rng = draw(62, 400)
    others = rng.integers(0, 2, (1000, 400)).astype(float)
    proxy = CubeProxy().fit(Z, Z[:, 0] * Z[:, 1])
    assert proxy.score(others, others[:, 0] * others[:, 1]) > 0.99


def test_a_few_of_many_features_are_found_with_half_as_many_rows():
    scores = []
    for seed in range(4):
        Z, rng = draw(62, 120, seed)
        a, b, c, d, *_ = rng.permutation(120)
        others = rng.integers(0, 2, (1000, 120)).astype(float)
        y, truth = (2 * X[:, a] * X[:, b] + X[:, c] - 1.5 * X[:, d] for X in (Z, others))
        fits = CubeProxy(), CubeProxy(4.0), LassoCV(cv=5)
        scores.append([fitted.fit(Z, y).score(others, truth) for fitted in fits])
    weak, strong, lasso = np.mean(scores, axis=0)
    assert weak > max(strong, lasso) + 0.1


def test_what_all_of_many_features_add_up_to_is_learnt_nearly_as_by_a_strong_pull():
    scores = []
    for seed in range(4):
        Z, rng = draw(62, 80, seed)
        weights, others = rng.normal(size=80), rng.integers(0, 2, (1000, 80)).astype(float)
        fits = CubeProxy(), CubeProxy(4.0), CubeProxy(0.25)
        scores.append([fitted.fit(Z, Z @ weights).score(others, others @ weights) for fitted in fits])
    averaged, strong, weak = np.mean(scores, axis=0)
    assert averaged > strong - 0.06 > weak


def test_the_largest_coefficients_are_those_of_all_singles_and_pairs():
    Z, rng = draw(60, 36)
    proxy = CubeProxy().fit(Z, Z[:, 1] * Z[:, 2] - Z[:, 5] + 0.1 * rng.standard_normal(60))
    everything = [s for order in (1, 2) for s in combinations(range(36), order)]
    size = np.abs(proxy.walsh(everything)[0])
    found, coef = proxy.top_walsh(30, 2)
    assert len(set(found)) == 30
    np.testing.assert_allclose(np.abs(coef), np.sort(size)[::-1][:30], atol=1e-9)


def test_likelihood_is_the_objective_without_its_prior():
    Z, rng = draw(40, 5)
    rows = collapse(Z, rng.standard_normal((40, 2)), rng.uniform(0.5, 3, 40))
    objective = Objective(rows, 0.0)
    points = objective.start + 0.3 * rng.standard_normal((4, 9)) * ([1] * 4 + [0] * 5)
    prior = [0.5 * (((p[:4] - SCALES_MEAN) / SCALES_SD) ** 2).sum() for p in points]
    plain = [negative_log_likelihood(Kernel.from_log(p), rows) for p in points]
    np.testing.assert_allclose([objective(p)[0] for p in points] - np.array(prior), plain, rtol=1e-9)


def test_a_feature_left_out_of_the_kernel_does_nothing():
    Z, rng = draw(20, 4)
    kernel, X = Kernel(0.3, 0.8, 1.2, 0.1, rng.uniform(0.1, 1, 4)), 2 * Z - 1
    X[:, 2] = 1
    expected = kernel(X, X) - kernel.linear / 4
    np.testing.assert_allclose(kernel.without(2)(np.delete(X, 2, 1), np.delete(X, 2, 1)), expected)


def test_constant_answers_are_returned(few_penalties):
    Z, _ = draw(20, 4)
    for estimator in (CubeProxy(), StackedProxy(folds=2, n_trees=5)):
        np.testing.assert_allclose(estimator.fit(Z, np.full(20, 0.1)).predict(cube(4)), 0.1)
    proxy = CubeProxy().fit(Z, np.full(20, 0.1))
    np.testing.assert_allclose(proxy.walsh([(), (0,)])[0], [0.1, 0], atol=1e-12)


def test_stack_weights_are_shares_and_follow_the_truth(few_penalties):
    Z, rng = draw(128, 10)
    stack = StackedProxy(folds=3, n_trees=10).fit(Z, 3 * (2 * Z[:, 0] - 1) * (2 * Z[:, 1] - 1) + Z[:, 2])
    shares = np.array(list(stack.weights_.values()))
    assert np.all(shares >= 0) and shares.sum() == pytest.approx(1)
    assert stack.weights_["lasso"] < 0.1
    Z_new = rng.integers(0, 2, (300, 10)).astype(float)
    y_new = 3 * (2 * Z_new[:, 0] - 1) * (2 * Z_new[:, 1] - 1) + Z_new[:, 2]
    assert stack.score(Z_new, y_new) > 0.95 > LassoCV().fit(Z, Z[:, 0]).score(Z_new, y_new)


@pytest.mark.parametrize(
    ("call", "parameter"),
    [
        (lambda Z, y: CubeProxy("strong").fit(Z, y), "shrinkage"),
        (lambda Z, y: CubeProxy(-1.0).fit(Z, y), "shrinkage"),
        (lambda Z, y: CubeProxy(screen_above=0).fit(Z, y), "screen_above"),
        (lambda Z, y: CubeProxy().fit(Z, y).walsh([(0, 4)]), "subsets"),
        (lambda Z, y: CubeProxy().fit(Z, y).walsh([(1, 1)]), "subsets"),
        (lambda Z, y: CubeProxy().fit(Z + 0.5, y).walsh([(0,)]), "Z"),
        (lambda Z, y: CubeProxy().fit(Z, y).top_walsh(0), "n_terms"),
        (lambda Z, y: StackedProxy(folds=1).fit(Z, y), "folds"),
        (lambda Z, y: StackedProxy(n_trees=0).fit(Z, y), "n_trees"),
    ],
)
def test_errors_name_the_parameter(call, parameter):
    Z, rng = draw(20, 4)
    with pytest.raises(InputError, match=f"^{parameter} must ") as caught:
        call(Z, rng.standard_normal(20))
    assert caught.value.parameter == parameter
