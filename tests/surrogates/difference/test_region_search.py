"""Rules for marked rows: known regions are found, chance is not, and the measures are what they are called."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score, jaccard_score, precision_score, recall_score

from surrogates.difference.region_search import Counts, find_rules, united
from surrogates.terms import Box


def table(seed, n=400):
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.normal(size=n), rng.integers(0, 20, n), rng.random(n) < 0.5, rng.normal(size=n)])


BINARY = [False, False, True, False]
REGIONS = {
    "one condition": lambda Z: Z[:, 0] > 0.7,
    "three conditions": lambda Z: (Z[:, 0] <= 0.2) & (Z[:, 1] > 6) & (Z[:, 2] > 0.5),
    "an interval": lambda Z: (Z[:, 1] > 4) & (Z[:, 1] <= 9),
    "two rules": lambda Z: ((Z[:, 0] > 1) & (Z[:, 2] < 0.5)) | (Z[:, 3] < -1.2),
}


@pytest.mark.parametrize("region", REGIONS.values(), ids=REGIONS)
def test_a_known_region_is_found_with_as_few_conditions(region):
    Z, new = table(0), table(1, 4000)
    rules = find_rules(Z, region(Z), BINARY)
    assert jaccard_score(region(new), united(rules, new)) > 0.9
    assert len(rules) == (2 if region is REGIONS["two rules"] else 1)
    # the two sides of an interval are two conditions, one of them on the same feature
    assert sum(len(rule.conditions) for rule in rules) <= 3


@pytest.mark.parametrize("share", [0.5, 0.7, 0.9])
def test_either_of_two_causes_is_found_where_most_rows_are_marked(share):
    rng = np.random.default_rng(0)
    Z, each = rng.random((600, 6)), 1 - np.sqrt(1 - share)
    rules = find_rules(Z, (Z[:, 0] < each) | (Z[:, 3] > 1 - each), [False] * 6)
    assert sorted(j for rule in rules for j, _, _ in rule.conditions) == [0, 3]
    new = rng.random((4000, 6))
    assert jaccard_score((new[:, 0] < each) | (new[:, 3] > 1 - each), united(rules, new)) > 0.95


@pytest.mark.parametrize("seed", range(3))
def test_a_broad_rule_does_not_stand_in_the_way_of_two_exact_ones(seed):
    levels = np.eye(6)[np.random.default_rng(seed).integers(0, 6, 300)]
    rules = find_rules(levels, levels[:, :2].any(axis=1), [True] * 6, random_state=seed)
    assert sorted(rule.features for rule in rules) == [(0,), (1,)]
    assert Counts.of(united(rules, levels), levels[:, :2].any(axis=1)).jaccard == pytest.approx(1)


def test_a_cut_lies_where_f1_is_highest():
    Z = table(2)
    marked = (Z[:, 0] > 0.4) ^ (np.random.default_rng(3).random(len(Z)) < 0.1)
    (rule,) = find_rules(Z, marked, BINARY, most=1, length=1)
    found = f1_score(marked, rule(Z) > 0)
    every = [f1_score(marked, Z[:, j] > c) for j in range(4) for c in np.unique(Z[:, j])[:-1]]
    every += [f1_score(marked, Z[:, j] <= c) for j in range(4) for c in np.unique(Z[:, j])[:-1]]
    assert found == pytest.approx(max(every), abs=1e-9)


def test_rows_marked_by_chance_alone_are_mostly_left_without_a_rule():
    found = 0
    for seed in range(20):
        marked = np.random.default_rng([seed, 1]).random(400) < 0.2
        rules = find_rules(table(seed), marked, BINARY, random_state=seed)
        found += bool(rules)
        new, other = table(seed + 500, 4000), np.random.default_rng([seed, 2]).random(4000) < 0.2
        held = united(rules, new)
        assert not rules or abs(other[held].mean() - 0.2) < 0.1
    assert found <= 14


@pytest.mark.parametrize("marked", [np.zeros(400, bool), np.ones(400, bool), np.arange(400) < 2])
def test_without_two_kinds_of_rows_there_is_nothing_to_find(marked):
    assert find_rules(table(0), marked, BINARY) == []


@pytest.mark.parametrize("count", [3, 4, 6])
def test_a_handful_of_marked_rows_is_no_trouble_in_any_fold(count):
    for seed in range(5):
        marked = np.isin(np.arange(400), np.random.default_rng(seed).choice(400, count, replace=False))
        assert len(find_rules(table(seed), marked, BINARY, random_state=seed)) <= 5


def test_constant_and_missing_columns_are_no_trouble():
    Z = table(0)
    region = REGIONS["one condition"](Z)
    wider = np.column_stack([Z, np.zeros(400), np.ones(400)])
    assert find_rules(wider, region, [*BINARY, True, False]) == find_rules(Z, region, BINARY)
    assert find_rules(np.zeros((400, 2)), region, [True, False]) == []
    assert find_rules(np.zeros((400, 0)), region, []) == []


def test_units_and_the_order_of_rows_mean_nothing():
    Z = table(4)
    region = REGIONS["three conditions"](Z)
    scaled = find_rules(Z * [1e6, 1, 1, 1e-6], region, BINARY)
    (plain,) = find_rules(Z, region, BINARY)
    assert [len(rule.conditions) for rule in scaled] == [len(plain.conditions)]
    np.testing.assert_allclose(united(scaled, Z * [1e6, 1, 1, 1e-6]), united([plain], Z))


def test_measures_are_those_of_their_names():
    rng = np.random.default_rng(0)
    held, marked = rng.random(200) < 0.3, rng.random(200) < 0.2
    counts = Counts.of(held, marked)
    assert counts.precision == pytest.approx(precision_score(marked, held))
    assert counts.recall == pytest.approx(recall_score(marked, held))
    assert counts.f1 == pytest.approx(f1_score(marked, held))
    assert counts.jaccard == pytest.approx(jaccard_score(marked, held))
    both = counts + counts
    assert (both.rows, both.f1) == (400, pytest.approx(counts.f1))
    nothing = Counts.of(np.zeros(3, bool), np.zeros(3, bool))
    assert nothing.f1 == 0 and all(np.isnan([nothing.precision, nothing.recall, nothing.jaccard]))


def test_rules_together_hold_where_any_of_them_does():
    one, other = Box(((0, 0.0, np.inf),)), Box(((1, 4.5, np.inf),))
    Z = table(0)
    np.testing.assert_array_equal(united([one, other], Z), (Z[:, 0] > 0) | (Z[:, 1] > 4.5))  # exact: truth values
    assert not united([], Z).any()
