"""The benchmarks of differences: planted rules are what they say, and everyone is judged on rows not given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.quality import data_values, where


@pytest.mark.parametrize("seed", range(4))
def test_a_planted_rule_holds_for_the_share_it_says_and_needs_each_condition(seed: int) -> None:
    X, _ = where.people(seed)
    holds = where.planted(X, seed)
    assert where.SHARES[0] <= holds(X).mean() <= where.SHARES[1]
    fresh, _ = where.people(seed + 100)
    assert abs(holds(fresh).mean() - holds(X).mean()) < 0.06
    np.testing.assert_array_equal(holds(X), where.planted(X, seed)(X))  # exact: truth values


def test_a_patched_release_is_recovered_by_one_rule() -> None:
    told = where.trial("people", "patched", 3)
    assert told["rules"] == 1 and told["jaccard"] > 0.95 and told["iomap"] >= told["pairs"] - 1e-9


def test_turned_labels_are_those_of_the_bad_groups() -> None:
    t = data_values.task(0)
    assert t["bad"].sum() == data_values.BAD and len(t["y"]) == data_values.RECORDS
    assert len(t["X_new"]) == 500 and set(t["groups"]) == set(range(data_values.GROUPS))
    told = data_values.trial(0, "all", "accuracy", 64)
    assert told["spent"] <= 64 and 0.5 < min(told["iomap"], told["interactions"]) <= 1
    found = data_values.out_of_bag(0, "all", 8)
    assert found == {"seed": 0, "turned": "all", "trainings": 8, "spent": 8, "out_of_bag": pytest.approx(1.0)}


def test_of_the_harder_task_three_labels_in_ten_of_a_bad_group_are_turned() -> None:
    whole, some = data_values.task(1), data_values.task(1, "3 in 10")
    np.testing.assert_array_equal(whole["X"], some["X"])  # exact: the same draws
    right = np.where(np.isin(whole["groups"], np.flatnonzero(whole["bad"])), 1 - whole["y"], whole["y"])
    wrong = pd.Series(right != some["y"]).groupby(some["groups"]).sum()
    assert set(wrong[some["bad"]]) == {3} and set(wrong[~some["bad"]]) == {0}
