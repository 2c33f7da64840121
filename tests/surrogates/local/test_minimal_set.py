"""minimal_set(): the smallest parts that keep enough, beside others."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from surrogates.local.minimal_set import Goal, minimal_set

PARTS = [(i, i + 1) for i in range(16)]


class Known:
    """A share known for every set of parts, and how often it was asked."""

    def __init__(self, share):
        self.share, self.asked = share, 0

    def __call__(self, parts, enough):
        self.asked += 1
        return self.share({start for start, _ in parts}) >= enough


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_set_that_only_counts_together_is_found_wherever_it_is(size):
    for wanted in combinations(range(0, 16, 3), size):
        known = Known(lambda there, wanted=set(wanted): float(wanted <= there))
        assert sorted(minimal_set(known, [], PARTS, Goal.between(0, 1))) == [(i, i + 1) for i in wanted]


def test_one_part_of_sixteen_is_found_by_few_questions():
    for wanted in range(16):
        known = Known(lambda there, wanted=wanted: float(wanted in there))
        minimal_set(known, [], PARTS, Goal.between(0, 1))
        assert known.asked <= 6


def test_what_others_keep_is_not_looked_for_again():
    known = Known(lambda there: float({2, 9} <= there))
    assert minimal_set(known, [(2, 3)], [p for p in PARTS if p != (2, 3)], Goal.between(0, 1)) == [(9, 10)]


def test_of_two_facts_that_fall_just_short_of_half_one_will_do():
    worth = np.full(16, 0.005)
    worth[[4, 11]] = 0.465
    known = Known(lambda there: worth[list(there)].sum())
    assert minimal_set(known, [], PARTS, Goal.between(0, 1)) in ([(4, 5)], [(11, 12)])


def test_the_goal_counts_what_is_kept_without_a_part():
    assert Goal.between(0.4, 0.8) == pytest.approx((0.6, 0.56))
