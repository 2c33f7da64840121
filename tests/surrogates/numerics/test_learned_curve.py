"""Learned curves: bends are found, noise and a single answer make none, and outer pieces go on as the start does."""

from __future__ import annotations

import numpy as np
import pytest

from surrogates.link import IDENTITY, Link
from surrogates.numerics.learned_curve import Pieces

RNG = np.random.default_rng(0)
LINE = RNG.normal(size=300)
ONES = np.ones(300)
STAIRS = np.tanh(3 * LINE - 3) + np.tanh(3 * LINE + 3)


def test_a_curve_between_two_plateaus_is_found():
    link = Pieces.of(LINE, STAIRS, ONES, IDENTITY).curve(0.0)
    inner = np.abs(LINE) < 1.5
    np.testing.assert_allclose(link.answers(LINE[inner]), STAIRS[inner], atol=0.35)
    assert np.mean((link.answers(LINE) - STAIRS) ** 2) < 0.03 * STAIRS.var()


def test_it_rises_where_answers_fall():
    link = Pieces.of(LINE, -np.abs(LINE), ONES, IDENTITY).curve(0.0)
    assert (np.diff(link.values) > 0).all()


@pytest.mark.parametrize("start", [IDENTITY, Link("logistic", -2.0, 2.0)], ids=str)
def test_of_noise_alone_it_is_nearly_the_known_curve(start):
    y = start.answers(LINE) + RNG.normal(size=300)
    link = Pieces.of(LINE, y, ONES, start).curve(1.0)
    inner = np.abs(LINE) < 1.5
    np.testing.assert_allclose(link.answers(LINE[inner]), start.answers(LINE[inner]), atol=0.3)


def test_beyond_the_sums_it_goes_on_as_the_known_curve_does():
    link = Pieces.of(LINE, LINE + 0.3 * np.sin(3 * LINE), ONES, IDENTITY).curve(0.0)
    np.testing.assert_allclose([link.knots[1], link.knots[-2]], [LINE.min(), LINE.max()])
    slopes = link.slope(np.array([link.knots[0], link.knots[-1] + 1.0]))
    np.testing.assert_allclose(slopes, 1.0, atol=0.05)


def test_a_weight_counts_like_repetitions():
    weight = RNG.integers(1, 4, 300)
    one = Pieces.of(LINE, STAIRS, weight.astype(float), IDENTITY).curve(0.1)
    again = np.repeat(np.arange(300), weight)
    other = Pieces.of(LINE[again], STAIRS[again], np.ones(len(again)), IDENTITY).curve(0.1)
    np.testing.assert_allclose(one.knots, other.knots)
    np.testing.assert_allclose(one.values, other.values)


@pytest.mark.parametrize(
    ("line", "y"), [(ONES, STAIRS), (LINE, ONES), (np.sign(LINE), STAIRS)], ids=["one sum", "one answer", "two sums"]
)
def test_where_sums_or_answers_hardly_differ_there_is_none(line, y):
    assert Pieces.of(line, y, ONES, IDENTITY) is None


def test_a_bend_is_seen():
    assert Pieces.of(LINE, STAIRS, ONES, IDENTITY).bends(0.1, 0)


def test_noise_around_a_straight_line_is_seldom_a_bend():
    noisy = [LINE + np.random.default_rng(i).normal(size=300) for i in range(40)]
    assert sum(Pieces.of(LINE, y, ONES, IDENTITY).bends(0.5, 0) for y in noisy) <= 6


def test_one_answer_far_off_is_no_bend():
    y = LINE.copy()
    y[LINE.argmax()] += 15.0
    assert not Pieces.of(LINE, y, ONES, IDENTITY).bends(0.1, 0)


def test_what_is_exact_without_a_curve_needs_none():
    assert not Pieces.of(LINE, LINE + 1e-9 * STAIRS, ONES, IDENTITY).bends(0.0, 0)
