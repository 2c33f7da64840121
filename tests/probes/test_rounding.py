"""One rounding rule: monotone, the same for a number wherever it stands, and never up to 1 or down to 0."""

from __future__ import annotations

import numpy as np
import pytest

from probes.rounding import Scale, between, percent, rounded, score, signed

nan = float("nan")


def value_of(text):
    """The number that a text shows; below or above a step counts as that step."""
    text = text.replace("−", "-").replace(",", "").removesuffix("%")
    return float(text.replace("<", "").replace(">", ""))


@pytest.mark.parametrize(("shown", "top"), [(rounded, 3000.0), (score, 1.0), (percent, 1.0)])
def test_rounding_keeps_the_order_of_numbers(shown, top):
    rng = np.random.default_rng(0)
    sizes = 10.0 ** rng.uniform(-7, np.log10(top), 4000)
    values = np.sort(np.concatenate([sizes, -sizes, 1 - 10.0 ** rng.uniform(-8, 0, 2000), [0.0, 1.0]]))
    values = values[values <= top]
    read = [value_of(shown(v)) for v in values]
    assert (np.diff(read) >= 0).all()


def test_an_estimate_lies_in_its_interval_and_is_never_rounded_up_to_one():
    assert (score(0.9954), between(0.9948, 0.9961, score)) == ("0.995", "[0.99, 0.996]")
    for value in 1 - 10.0 ** -np.arange(2, 9):
        for shown in (score, rounded, percent):
            assert value_of(shown(value)) < (100 if shown is percent else 1) and "1.0" not in shown(value)
    assert (score(1.0), score(1 - 1e-15), percent(1.0), rounded(1.0)) == ("1.00", "1.00", "100%", "1")


def test_nothing_is_shown_with_an_exponent_or_as_zero_that_is_not():
    for value in 10.0 ** np.arange(-12, 15):
        assert "e" not in rounded(value) + signed(-value) + percent(value)
        assert rounded(value) != "0" and percent(value) != "0%"
    assert (rounded(0.0), signed(0.0), percent(0.0)) == ("0", "0", "0%")


def test_what_is_missing_is_said():
    assert (rounded(nan), rounded(nan, "none"), score(nan), percent(nan)) == ("", "none", "not defined", "")
    assert between(-1, nan) == "" and between(-1, 2) == "[−1, 2]"
    assert (signed(1.0), signed(-0.5), signed(nan)) == ("+1", "−0.5", "")


def test_tiny_and_huge_numbers_get_a_unit_of_their_own():
    scale = Scale.of([4.24e-5, -2e-6, nan])
    assert (scale.signed(4.24e-5), scale.unit("nats")) == ("+4.24", "10⁻⁵ nats")
    assert scale.between(-2e-6, 1e-5) == "[−0.2, 1]"
    assert Scale.of([3.0, 1e-9]).unit("nats") == "nats"
    assert Scale.of([2.5e12]).rounded(2.5e12) == "2.5"
    np.testing.assert_allclose(scale.divided(np.array([1e-5])), [1.0])
