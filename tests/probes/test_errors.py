"""Errors: one base class, and number checks with the sentence that says what is refused."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from probes.errors import InputError, IomapError, ModelError, StoreError, describe, integer, number


def test_errors_have_one_base_class_and_useful_bases():
    for kind in (InputError, ModelError, StoreError):
        assert issubclass(kind, IomapError)
    assert issubclass(InputError, ValueError)
    assert str(InputError("a", "be b", "c")) == "a must be b; got 'c'."


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_integers_of_any_kind_become_python_ints(value):
    assert type(integer("n", value)) is int
    assert integer("n", value, least=3, most=3) == 3


@pytest.mark.parametrize("value", [True, np.bool_(True), 3.0, "3", None, np.array([3]), float("nan")])
def test_what_is_no_integer_is_refused(value):
    with pytest.raises(InputError, match=r"^n must be an integer; got"):
        integer("n", value)


@pytest.mark.parametrize(
    "bounds, value, rule",
    [
        ({"least": 1}, 0, "be a positive integer"),
        ({"least": 0}, -1, "be a non-negative integer"),
        ({"least": 2}, 1, "be an integer of at least 2"),
        ({"most": 9}, 10, "be an integer of at most 9"),
        ({"least": 2, "most": 9}, 1, "be an integer from 2 to 9"),
        ({"least": 0, "most": 9}, 10, "be an integer from 0 to 9"),
    ],
)
def test_an_integer_out_of_bounds_is_refused_with_the_bounds(bounds, value, rule):
    with pytest.raises(InputError) as caught:
        integer("n", value, **bounds)
    assert str(caught.value) == f"n must {rule}; got {value}."
    assert caught.value.parameter == "n"


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.int8(2), Fraction(2)])
def test_real_numbers_of_any_kind_become_python_floats(value):
    assert type(number("x", value)) is float
    assert number("x", value, low=2, high=2) == pytest.approx(2.0)


@pytest.mark.parametrize(
    "value", [True, "2", None, 2j, float("nan"), float("inf"), -np.inf, np.array([2.0]), 10**400, np.bool_(False)]
)
def test_what_is_no_finite_real_number_is_refused(value):
    with pytest.raises(InputError, match=r"^x must be a number; got"):
        number("x", value)


@pytest.mark.parametrize(
    "bounds, value, rule",
    [
        ({"low": 0, "open_low": True}, 0, "be a positive number"),
        ({"low": 0}, -1, "be a non-negative number"),
        ({"low": 1.5}, 1, "be a number of at least 1.5"),
        ({"low": 1, "open_low": True}, 1, "be a number above 1"),
        ({"high": 1}, 2, "be a number of at most 1"),
        ({"high": 1, "open_high": True}, 1, "be a number below 1"),
        ({"low": 0, "high": 1}, 2, "be a number from 0 to 1"),
        ({"low": 0, "high": 1, "open_high": True}, 1, "be a number from 0 to below 1"),
        ({"low": 0, "high": 1, "open_low": True}, 0, "be a number above 0 and at most 1"),
        ({"low": 0, "high": 1, "open_low": True, "open_high": True}, 1, "be a number above 0 and below 1"),
    ],
)
def test_a_number_out_of_bounds_is_refused_with_the_bounds(bounds, value, rule):
    with pytest.raises(InputError) as caught:
        number("x", value, **bounds)
    assert str(caught.value) == f"x must {rule}; got {value}."


def test_closed_bounds_belong_to_the_interval_and_open_ones_do_not():
    assert number("x", 0, low=0, high=1) == 0
    assert number("x", 1, low=0, high=1) == 1
    assert number("x", 0.5, low=0, high=1, open_low=True, open_high=True) == pytest.approx(0.5)


class Scorer:
    def score(self, texts):
        return 0.0


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Scorer(), "Scorer"),
        ([Scorer()], "[Scorer]"),
        (Scorer().score, "method Scorer.score"),
        (Scorer.score, "function score"),
        (lambda texts: 0.0, "function lambda"),
        ((text for text in ()), "generator"),
    ],
    ids=["object", "in a list", "method", "function of a class", "lambda", "generator"],
)
def test_what_python_shows_by_its_place_in_memory_is_named(value, said):
    assert describe(value) == said


class Unfinished:
    shape = 3

    def __repr__(self):
        return self.name


def test_what_cannot_be_shown_is_named_by_its_class():
    with pytest.raises(InputError, match=r"^model must answer; got Unfinished\.$"):
        raise InputError("model", "answer", Unfinished())
