"""Indices of features and pairs, estimated from answers to few rows."""

from itertools import combinations, permutations

import numpy as np
import pytest

from probes import InputError, cube
from probes.design import by_size, uniform
from surrogates import CubeProxy
from surrogates.proxy.path_integrals import answer_weights, posterior, squared_weights
from surrogates.shapley.averaged_values import averaged_values, doubt
from surrogates.shapley.indices import indices
from surrogates.shapley.pairwise_indices import from_rows
from surrogates.shapley.quadrature import rule


def rng(seed=0):
    return np.random.default_rng(seed)


def products(Z):
    """Weights of one to four features."""
    return 3 * Z[:, 1] + 2 * Z[:, 0] * Z[:, 2] - 3 * Z[:, 3] * Z[:, 4] * Z[:, 5] + 4 * Z[:, [0, 1, 6, 7]].prod(axis=1)


#: index(S) of a product of t features for a set of s among them is its weight times this
SHARES = {"shapley": lambda over: 1 / (over + 1), "banzhaf": lambda over: 0.5**over}


def known(n, kind):
    """Indices of `products` in closed form, in the order of features and pairs."""
    sets = [(i,) for i in range(n)] + list(combinations(range(n), 2))
    parts = {(1,): 3.0, (0, 2): 2.0, (3, 4, 5): -3.0, (0, 1, 6, 7): 4.0}
    return np.array([
        sum(w * SHARES[kind](len(p) - len(s)) for p, w in parts.items() if set(s) <= set(p)) for s in sets
    ])  # fmt: skip


def by_arrivals(table, n):
    """Shapley interaction indices of pairs: the mixed difference before whoever arrives after the pair as one."""
    values = []
    for i, j in combinations(range(n), 2):
        players, total = [k for k in range(n) if k not in (i, j)] + ["both"], []
        for order in permutations(players):
            T = sum(1 << k for k in order[: order.index("both")])
            total.append(table[T | 1 << i | 1 << j] - table[T | 1 << i] - table[T | 1 << j] + table[T])
        values.append(np.mean(total))
    return np.array(values)


def test_pairs_of_the_whole_cube_are_those_of_the_definition():
    table = rng(3).normal(size=32)
    found = from_rows(cube(5)[::-1], table[::-1], "shapley")
    np.testing.assert_allclose(found.values[0, 5:], by_arrivals(table, 5), atol=1e-12)
    assert not found.se.any()


@pytest.mark.parametrize("kind", ["shapley", "banzhaf"])
def test_few_rows_come_near_what_is_known(kind):
    Z = (
        by_size(14, 256, rng())
        if kind == "shapley"
        else np.vstack([np.ones(14), np.zeros(14), uniform(14, 254, rng())])
    )
    truth, found = known(14, kind), from_rows(Z, products(Z), kind)
    assert np.sum((found.values[0] - truth) ** 2) < 0.02 * np.sum(truth**2)


def test_half_of_every_pair_is_taken_from_either_feature():
    Z = by_size(9, 80, rng())
    plain, halved = from_rows(Z, products(Z), "shapley"), from_rows(Z, products(Z), "k-sii")
    np.testing.assert_allclose(halved.values[0, 9:], plain.values[0, 9:], atol=1e-12)
    for i in range(9):
        pairs = [v for s, v in zip(plain.subsets, plain.values[0], strict=True) if len(s) == 2 and i in s]
        assert halved.values[0, i] == pytest.approx(plain.values[0, i] - sum(pairs) / 2, abs=0.05)


@pytest.mark.parametrize("kind", ["k-sii", "shapley"])
def test_the_sum_is_exact_for_every_output(kind):
    Z = by_size(10, 60, rng(1))
    y = np.column_stack([products(Z), np.exp(Z.sum(axis=1) / 3), rng().normal(size=60)])
    found = from_rows(Z, y, kind)
    counted = found.values if kind == "k-sii" else found.values[:, :10]
    np.testing.assert_allclose(counted.sum(axis=1), y[0] - y[1], rtol=1e-12)


def test_errors_of_halved_values_are_those_of_the_whole_posterior():
    Z = by_size(7, 40, rng())
    proxy, quadrature = CubeProxy(4.0).fit(Z, products(np.pad(Z, [(0, 0), (0, 1)]))), rule("k-sii", 2, 7)
    _, _, sd = posterior(proxy, quadrature.nodes, quadrature.weights, quadrature.transform)
    _, _, covariance = posterior(proxy, quadrature.nodes, quadrature.weights, quadrature.transform, covariance=True)
    np.testing.assert_allclose(sd[0] ** 2, np.diag(covariance[0]), rtol=1e-6, atol=1e-12)


def test_a_saturating_model_is_nearer_with_its_curve():
    line = rng(2).normal(size=12)
    table = 1 / (1 + np.exp(-4 * (cube(12) @ line - line.sum() / 2)))
    truth = from_rows(cube(12), table, "shapley").values[0, 12:]
    Z = by_size(12, 128, rng())
    y = table[(Z @ (1 << np.arange(12))).astype(int)]
    straight = CubeProxy().fit(Z, y)
    quadrature = rule("shapley", 2, 12)
    alone = posterior(straight, quadrature.nodes, quadrature.weights)[1][0, 12:]
    found = from_rows(Z, y, "shapley").values[0, 12:]
    assert np.sum((found - truth) ** 2) < 0.7 * np.sum((alone - truth) ** 2)


@pytest.mark.parametrize("kind", ["k-sii", "shapley", "banzhaf"])
def test_a_constant_model_has_no_index(kind):
    Z = by_size(6, 30, rng())
    found = from_rows(Z, np.full(30, 0.3), kind)
    np.testing.assert_allclose(found.values, 0, atol=1e-9)


def test_a_pair_that_is_missing_has_a_feature_that_does_nothing():
    Z = by_size(80, 128, rng())
    found = from_rows(Z, 3 * Z[:, 3] + 2 * Z[:, 40] * Z[:, 79], "shapley")
    kept = dict(zip(found.subsets, found.values[0], strict=True))
    assert len(kept) < 80 * 81 / 2
    assert kept[40, 79] == pytest.approx(2, abs=0.5)


def test_features_that_the_process_leaves_out_are_in_doubt_where_it_misses_answers():
    weights = np.random.default_rng(100).normal(size=100)
    Z = by_size(100, 160, rng())
    found = from_rows(Z, Z @ weights, "shapley")
    single = [j for j, s in enumerate(found.subsets) if len(s) == 1]
    away = np.abs(found.values[0, single] - weights)
    assert (away <= 1.96 * found.se[0, single]).mean() > 0.6


def test_features_that_the_process_leaves_out_are_in_no_doubt_where_it_misses_nothing():
    Z = by_size(100, 160, rng())
    found = from_rows(Z, 3 * Z[:, 1] - 2 * Z[:, 4], "shapley")
    np.testing.assert_allclose(found.se[0], 0.0, atol=0.01)


def test_doubt_is_as_large_as_what_was_missed_allows():
    weights = rng().choice([-1.0, 1.0], 40)
    missed = rng(1).integers(0, 2, (4000, 40)) @ weights
    apart = doubt((missed - missed.mean())[:, None], np.array([1, 3]), 42)
    np.testing.assert_allclose(np.delete(apart[0], [1, 3]), 1.0, rtol=0.05)
    np.testing.assert_array_equal(apart[0, [1, 3]], 0.0)  # exact: no doubt at all


def test_an_unknown_kind_is_an_error():
    with pytest.raises(InputError, match=r"^kind must be one of k-sii, shapley, banzhaf"):
        from_rows(cube(3), np.zeros(8), "sii")


@pytest.mark.parametrize("kind", ["shapley", "banzhaf", "faith-shapley"])
def test_answers_count_as_in_the_table_of_all(kind):
    by_row, quadrature = indices(np.eye(32), kind, 2), rule(kind, 2, 5)
    counts = answer_weights(cube(5), by_row.subsets, quadrature.nodes, quadrature.weights)
    np.testing.assert_allclose(counts.T, by_row.values, atol=1e-12)
    squares = squared_weights(by_row.subsets, 5, quadrature.nodes, quadrature.weights)
    np.testing.assert_allclose(squares, (by_row.values**2).sum(axis=0), atol=1e-12)


def test_what_is_missed_of_single_answers_counts_unless_the_model_is_noisy():
    n = 9
    table = cube(n) @ np.arange(n) + 3 * rng(4).normal(size=2**n)
    truth = indices(table, "shapley", 2).values[0, n:]
    Z = by_size(n, 300, rng())
    y = table[(Z @ (1 << np.arange(n))).astype(int)]
    own, averaged = (((from_rows(Z, y, "shapley", noisy).values[0, n:] - truth) ** 2).sum() for noisy in (False, True))
    assert own < averaged / 2


@pytest.mark.parametrize("kind", ["k-sii", "shapley"])
def test_intervals_hold_where_a_model_jumps(kind):
    n = 9
    held = []
    for seed in range(4):
        table = cube(n) @ rng(seed).normal(size=n) + rng(seed + 10).normal(size=2**n)
        Z = by_size(n, 120, rng(seed))
        found = from_rows(Z, table[(Z @ (1 << np.arange(n))).astype(int)], kind)
        held.append(np.abs(found.values - indices(table, kind, 2).values) <= 1.96 * found.se)
    assert np.mean(held) > 0.88


def test_features_alone_are_those_beside_pairs():
    Z = by_size(8, 60, rng())
    both, alone = (from_rows(Z, products(Z), "shapley", order=order) for order in (2, 1))
    assert alone.subsets == both.subsets[:8]
    np.testing.assert_allclose(alone.values, both.values[:, :8], atol=1e-9)


def test_the_average_is_the_estimate_that_misses_nothing():
    values, left = rng().normal(size=(3, 1, 5)), np.ones((40, 3, 1)) * [[0.0], [1.0], [1.0]]
    mean, se = averaged_values(values, np.full((1, 5), 0.3), np.zeros_like(values), left)
    np.testing.assert_allclose(mean, values[0], atol=1e-6)
    assert (se < 0.31).all()
