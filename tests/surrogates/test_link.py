"""Links: there and back, their slopes and means, and what is no link."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from probes import InputError
from surrogates.link import IDENTITY, Link, from_line
from surrogates.offer import each, in_unit, named, reach

LEARNED = Link("learned", knots=(-1.2, 0.1, 1.3), values=(-2.0, 0.5, 1.0))
LINKS = [IDENTITY, Link("logistic", -1.0, 3.0), Link("log", low=-1.0), Link("log", high=3.0), LEARNED]
LINE = np.linspace(-2.0, 2.0, 9)


@pytest.mark.parametrize("link", LINKS, ids=str)
def test_the_line_and_the_answers_are_each_others_inverse_and_rise_together(link):
    answers = link.answers(LINE)
    assert (np.diff(answers) > 0).all()
    np.testing.assert_allclose(link.line(answers), LINE, atol=1e-9)
    step = 1e-6
    np.testing.assert_allclose(
        link.slope(LINE), (link.answers(LINE + step) - link.answers(LINE - step)) / (2 * step), rtol=1e-6
    )


@pytest.mark.parametrize("link", LINKS, ids=str)
def test_the_mean_and_deviation_of_a_normal_line_are_those_of_many_draws(link):
    draws = link.answers(np.random.default_rng(0).normal(0.3, 0.7, 400_000))
    one, sd = np.array([0.3]), np.array([0.7])
    np.testing.assert_allclose(link.mean(one, sd), [draws.mean()], rtol=0.01, atol=0.01)
    np.testing.assert_allclose(link.deviation(one, sd), [draws.std()], rtol=0.01, atol=0.01)


@pytest.mark.parametrize("link", LINKS, ids=str)
def test_a_link_moves_with_the_unit_of_the_answers(link):
    if link.curved:
        moved = link.moved(10.0, 4.0)
        np.testing.assert_allclose(moved.answers(LINE + link.shift(4.0)), 10.0 + 4.0 * link.answers(LINE))
    else:
        assert link.moved(10.0, 4.0) == link


def test_bounds_estimated_from_answers_lie_beyond_them_and_a_constant_has_none():
    y = np.array([0.0, 1.0, 1.0, 19.0])
    logistic = Link.over("logistic", y)
    np.testing.assert_allclose([logistic.low, logistic.high], [-0.5, 19.5])
    assert (Link.over("log", y).high, Link.over("log", -y).low) == (None, None)
    np.testing.assert_allclose([Link.over("log", y).low, Link.over("log", -y).high], [-0.5, 0.5])
    assert Link.over("logistic", np.ones(4)) == IDENTITY
    assert named("auto", y) == [IDENTITY, logistic]
    assert named("auto", np.ones(4)) == [IDENTITY]


@pytest.mark.parametrize(
    ("answers", "low", "half"),
    [
        ([0.0, 0.3], 0.0, "low"),
        ([0.2, 1.0 + 1e-9], 0.0, "high"),
        ([-1e-9, 0.1], 0.0, "low"),
        ([-0.6, 0.2], -1.0, "low"),
        ([-0.6, 0.7], -1.0, "high"),
        ([-0.6, -0.2], None, None),
        ([0.2, 1.1], None, None),
        ([-1.2, 0.5], None, None),
        ([0.0, 80.0], None, None),
        ([-6e-10, 4e-10], -1.0, "low"),
        ([1 - 1e-9, 1 + 1e-9], None, None),
    ],
)
def test_probabilities_and_scores_of_both_signs_are_offered_their_own_bounds(answers, low, half):
    y = np.linspace(*answers, 6)
    estimated, known = Link.over("logistic", y), []
    if half is not None:
        both = Link("logistic", low, 1.0)
        known = [both, replace(estimated, **{half: getattr(both, half)})]
    assert named("auto", y) == [IDENTITY, *known, estimated]
    assert [link.known(y) for link in named("auto", y)] == [False, *(True for _ in known), False]


@pytest.mark.parametrize("answers", [[0, 0, 1, 1, 1], [-1, 1, 1, -1], [0, 0.2, 0.5, 0.7, 1]], ids=str)
def test_bounds_that_many_answers_are_at_are_those_of_decisions_or_cut_off_and_not_of_a_curve(answers):
    y = np.array(answers, dtype=float)
    assert named("auto", y) == [IDENTITY, Link.over("logistic", y)]


def test_what_is_offered_moves_with_the_unit():
    y = np.array([0.1, 0.4])
    identity, known, half, estimated = named(in_unit("auto", y, 0.25, 0.5), (y - 0.25) / 0.5)
    assert identity == IDENTITY
    np.testing.assert_allclose([known.low, known.high], [-0.5, 1.5])
    np.testing.assert_allclose([half.low, half.high], [known.low, estimated.high])
    np.testing.assert_allclose(estimated.high, (Link.over("logistic", y).high - 0.25) / 0.5)


def test_answers_beyond_a_bound_count_as_just_within():
    link = Link("logistic", 0.0, 1.0)
    assert np.isfinite(link.line(np.array([-3.0, 0.0, 1.0, 7.0]))).all()
    assert np.isfinite(Link("log", low=0.0).line(np.array([-3.0, 0.0]))).all()


@pytest.mark.parametrize("link", [Link("logistic", 0.0, 1.0), Link("log", low=0.0)], ids=str)
def test_small_answers_keep_their_places_near_a_bound(link):
    y = np.array([1e-9, 1e-8, 1e-7])
    np.testing.assert_allclose(link.answers(link.line(y)), y)


def test_an_answer_at_the_bound_of_a_logarithm_lies_no_farther_off_than_a_millionth():
    line = Link("log", low=0.0).line(np.array([0.0, 1.0, 5.0]))
    np.testing.assert_allclose(line, np.log([5e-6, 1.0, 5.0]))


def test_answers_that_are_one_but_for_rounding_have_a_place_on_the_line():
    line = Link("logistic", 0.0, 1.0).line(1 - np.array([0.0, 1e-16, 1e-13, 1e-12]))
    assert np.isfinite(line).all() and (np.diff(line) <= 0).all()


def test_each_output_has_its_own():
    line = np.zeros((2, 2))
    links = each((Link("logistic", 0.0, 2.0), "identity"), 2)
    np.testing.assert_allclose(from_line((Link("logistic", 0.0, 2.0), IDENTITY), line), [[1.0, 0.0]] * 2)
    assert len(links) == 2 and each("auto", 3) == ["auto"] * 3
    with pytest.raises(InputError, match="one for each of 3 outputs"):
        each(("auto", "identity"), 3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "probit"},
        {"kind": "logistic"},
        {"kind": "logistic", "low": 1.0, "high": 0.0},
        {"kind": "logistic", "low": 0.0, "high": np.inf},
        {"kind": "log"},
        {"kind": "log", "low": 0.0, "high": 1.0},
        {"kind": "identity", "low": 0.0},
        {"kind": "logistic", "low": "0", "high": "1"},
        {"kind": "logistic", "low": 0.0, "high": 10**400},
        {"kind": "logistic", "low": -1e308, "high": 1e308},
        {"kind": "log", "low": [0.0]},
        {"kind": "learned"},
        {"kind": "learned", "knots": (0.0, 1.0), "values": (1.0, 0.0)},
        {"kind": "learned", "knots": (0.0, 0.0), "values": (0.0, 1.0)},
        {"kind": "learned", "knots": (0.0,), "values": (0.0,)},
        {"kind": "learned", "knots": (0.0, 1.0), "values": (0.0, 1.0, 2.0)},
        {"kind": "learned", "knots": (0.0, 1.0), "values": (0.0, np.nan)},
        {"kind": "learned", "knots": "01", "values": (0.0, 1.0)},
        {"kind": "learned", "knots": np.eye(2), "values": (0.0, 1.0)},
        {"kind": "learned", "knots": (0.0, 1.0), "values": (-1e308, 1e308)},
        {"kind": "learned", "knots": (0.0, 1e-300), "values": (0.0, 1e300)},
        {"kind": "learned", "knots": 3, "values": (0.0, 1.0)},
        {"kind": "learned", "low": 0.0, "knots": (0.0, 1.0), "values": (0.0, 1.0)},
        {"kind": "identity", "knots": (0.0, 1.0), "values": (0.0, 1.0)},
        {"kind": "log", "low": 0.0, "knots": np.zeros(0)},
    ],
)
def test_what_is_no_link_is_refused(wrong):
    with pytest.raises(InputError, match="link"):
        Link(**wrong)


def test_a_learned_curve_goes_on_beyond_its_points_as_within_the_last_pieces():
    np.testing.assert_allclose(LEARNED.answers(np.array([-2.2, 2.5])), [-2.0 - 2.5 / 1.3, 1.5])


def test_points_of_a_learned_curve_may_be_lists_or_arrays():
    given = Link("learned", knots=np.array([-1.2, 0.1, 1.3]), values=[-2, 0.5, 1])
    assert given == LEARNED and hash(given) == hash(LEARNED)


def test_a_learned_curve_is_flat_where_it_rises_a_tenth_as_fast_as_at_its_steepest():
    link = Link("learned", knots=(0.0, 1.0, 2.0), values=(0.0, 1.0, 1.05))
    assert link.flat(np.array([0.5, 1.5])).tolist() == [False, True]


def test_a_learned_curve_holds_as_many_numbers_as_a_straight_line_lacks():
    assert Link("learned", knots=(0.0, 1.0), values=(2.0, 3.0)).estimated == 0
    assert LEARNED.estimated == 1


def test_points_that_one_number_stands_for_in_another_unit_become_one():
    moved = Link("learned", knots=(0.0, 1.0, 2.0), values=(0.0, 1e-9, 1.0)).moved(1e9, 1.0)
    assert moved == Link("learned", knots=(0.0, 2.0), values=(1e9, 1e9 + 1.0))


def test_a_learned_curve_says_in_words_what_it_is():
    assert str(LEARNED) == "learned from the answers, straight between 3 points, and on beyond them"


@pytest.mark.parametrize("link", [Link("logistic", 0.0, 1.0), Link("logistic", -1.0, 1.0), Link("log", 0.0)])
def test_bounds_that_are_whole_numbers_come_back_as_these(link):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        level, unit = rng.random(), rng.random()
        assert link.moved(-level / unit, 1 / unit).moved(level, unit) == link


def test_known_bounds_count_for_more_the_farther_they_reach_beyond_the_answers():
    rng = np.random.default_rng(0)
    line, weight = rng.normal(0, 3, 64), rng.integers(1, 4, 64).astype(float)
    known = Link("logistic", 0.0, 1.0)
    found = [reach(known, known.answers(line - depth), weight) for depth in (0, 4, 8, 12)]
    assert found == sorted(found) and found[0] == pytest.approx(1) and found[-1] > 2
    y = known.answers(line - 12)
    assert reach(known.moved(5, 20), 5 + 20 * y, weight) == pytest.approx(found[-1], rel=1e-6)
    assert reach(known, np.repeat(y, weight.astype(int)), np.ones(int(weight.sum()))) == pytest.approx(found[-1])
    assert [reach(link, y, weight) for link in (IDENTITY, Link.over("logistic", y))] == [1, 1]  # exact: not known
