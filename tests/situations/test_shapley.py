"""Situations of docs/situations.md: Shapley values and interactions."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pytest

from probes import MaskProbe
from surrogates import explain, shapley_values
from tests.helpers.counting_models import Counting


def by_definition(game, d):
    """The Shapley values of a game of d features, from all of its coalitions."""
    values = np.zeros(d)
    for i in range(d):
        others = [j for j in range(d) if j != i]
        for size in range(d):
            weight = factorial(size) * factorial(d - size - 1) / factorial(d)
            for coalition in combinations(others, size):
                row = np.zeros((1, d))
                row[0, list(coalition)] = 1
                with_it = row.copy()
                with_it[0, i] = 1
                values[i] += weight * (game(with_it)[0] - game(row)[0])
    return values


def curved(Z):
    return 3 * Z[:, 0] * Z[:, 1] + Z[:, 2] - 2 * Z[:, 3] * Z[:, 4] * Z[:, 0] + 1.5


def index_of(table, index="index"):
    return table.set_index("features")[index].to_dict()


def test_values_add_up_to_the_answer():
    for d in (5, 12):
        values = shapley_values(curved, MaskProbe(d), budget=100, store=None)
        ends = curved(np.array([np.ones(d), np.zeros(d)]))
        assert values.base[0] == pytest.approx(ends[1])
        assert values.base[0] + values.values.sum() == pytest.approx(ends[0])


def test_values_of_large_numbers_add_up():
    values = shapley_values(lambda Z: 2e10 * curved(Z), MaskProbe(8), budget=300, store=None)
    assert values.base[0] + values.values.sum() == pytest.approx(2e10 * 3.5, rel=1e-12)


def test_the_base_is_the_models_answer_for_the_reference():
    values = shapley_values(lambda Z: Z.sum(axis=1) + 7.0, MaskProbe(6), store=None)
    assert values.base[0] == pytest.approx(7.0)
    assert explain(lambda Z: Z.sum(axis=1) + 7.0, MaskProbe(6), store=None).y[1, 0] == pytest.approx(7.0)


def test_interactions_and_single_values_add_up():
    ex = explain(curved, MaskProbe(6), store=None)
    pairs = ex.indices("faith-shapley", order=2)
    assert pairs["index"].sum() == pytest.approx(2.0)
    assert set(pairs["exact"]) == {"for the model"}


def test_exact_values_are_those_of_the_definition():
    values = shapley_values(curved, MaskProbe(6), store=None)
    assert values.exact
    np.testing.assert_allclose(values.values[0], by_definition(curved, 6), atol=1e-12)


def test_three_features_are_not_selected_away():
    values = shapley_values(lambda Z: Z @ [0.001, 5.0, 0.01], MaskProbe(3), store=None)
    assert index_of(values.table) == pytest.approx({"x0": 0.001, "x1": 5.0, "x2": 0.01})


def test_no_feature_is_dropped_beyond_the_tenth():
    weights = np.linspace(1, 2, 20)
    values = shapley_values(lambda Z: Z @ weights, MaskProbe(20), budget=200, store=None)
    np.testing.assert_allclose(values.values[0], weights, atol=1e-6)


def test_values_are_not_zero_where_the_answer_differs():
    def late(Z):
        return (Z.sum(axis=1) > 8) * 1.0

    values = shapley_values(late, MaskProbe(10), budget=120, store=None)
    assert values.values.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(values.values[0], 0.1, atol=0.06)


def test_an_interaction_is_counted_once():
    ex = explain(lambda Z: 4 * Z[:, 0] * Z[:, 1] + Z[:, 2], MaskProbe(4), store=None)
    table = ex.indices("shapley", order=2)
    found = index_of(table)
    assert found["x0 × x1"] == pytest.approx(4.0)  # not cut in half
    assert found["x0"] == pytest.approx(2.0)  # single values share it evenly


def test_faithful_banzhaf_interactions_are_there():
    def game(Z):
        return 3 * Z[:, 0] * Z[:, 1] * Z[:, 2] + Z[:, 3]

    Z = np.array(np.meshgrid(*[[0, 1]] * 4)).reshape(4, -1).T
    columns = [np.ones(16), *Z.T, *(Z[:, i] * Z[:, j] for i, j in combinations(range(4), 2))]
    fitted = np.linalg.lstsq(np.column_stack(columns), game(Z), rcond=None)[0]
    found = index_of(explain(game, MaskProbe(4), store=None).indices("faith-banzhaf", order=2))
    assert found["x0 × x1"] == pytest.approx(fitted[5])
    assert found["x3"] == pytest.approx(fitted[4])


def test_many_features_cost_the_budget_not_their_subsets():
    model = Counting(lambda Z: Z[:, 0] * 2 + Z[:, 41])
    values = shapley_values(model, MaskProbe(42), budget=200, store=None)
    assert model.rows <= 200 + 8
    assert list(values.table["features"].head(2)) == ["x0", "x41"]


def test_the_same_seed_gives_the_same_values():
    first, second = (shapley_values(curved, MaskProbe(14), budget=120, random_state=3, store=None) for _ in range(2))
    np.testing.assert_array_equal(first.values, second.values)  # exact: the same questions, the same answers
    other = shapley_values(curved, MaskProbe(14), budget=120, random_state=5, store=None)
    assert np.abs(first.values - other.values).max() > 1e-4
    both = first.table.set_index("features"), other.table.set_index("features").reindex(first.table["features"])
    assert (both[0]["low"] <= both[1]["high"]).all()
    assert (both[1]["low"] <= both[0]["high"]).all()


def test_several_outputs_share_their_questions():
    model = Counting(lambda Z: np.column_stack([Z[:, 0], 5 * Z[:, 1], Z[:, 2] * Z[:, 3]]))
    values = shapley_values(model, MaskProbe(4), store=None)
    np.testing.assert_allclose(values.values, [[1, 0, 0, 0], [0, 5, 0, 0], [0, 0, 0.5, 0.5]], atol=1e-12)
    single = Counting(lambda Z: Z[:, 0])
    shapley_values(single, MaskProbe(4), store=None)
    assert model.rows == single.rows
