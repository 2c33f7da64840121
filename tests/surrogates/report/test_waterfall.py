"""Shapley values as a waterfall, from the reference to this input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from probes import MaskProbe
from probes.rounding import Scale
from surrogates import ShapleyValues, shapley_values
from surrogates.report.parts.waterfall import Waterfall, waterfall_parts
from tests.helpers.checkout import ROOT


def number(text):
    return float(text.replace("−", "-").replace("+", ""))


@pytest.fixture(scope="module")
def exact():
    return shapley_values(lambda Z: 1 + 4 * Z[:, 0] - 2 * Z[:, 1] + Z[:, 2] * Z[:, 3], MaskProbe(4), store=None)


def test_it_starts_at_the_reference_and_ends_at_this_input(exact):
    part = Waterfall.of(exact, 0, Scale())
    assert (part.start, part.end) == ("1", "4") and part.reference == "with every feature absent"
    assert [row.feature for row in part.rows] == ["x0", "x1", "x2", "x3"]
    np.testing.assert_allclose([number(row.value) for row in part.rows], [4, -2, 0.5, 0.5])
    total = number(part.start) + sum(number(row.value) for row in part.rows)
    assert total == pytest.approx(number(part.end))


def test_each_bar_starts_where_the_one_above_ends(exact):
    part = Waterfall.of(exact, 0, Scale())
    at = float(part.starts)
    for row in part.rows:
        left, right = float(row.left), float(row.left) + float(row.width)
        assert at == pytest.approx(left if row.sign == "up" else right, abs=0.15)
        at = right if row.sign == "up" else left
    assert at == pytest.approx(float(part.ends), abs=0.15)


def test_exact_values_have_no_interval_and_estimated_ones_have(exact):
    assert not any(row.interval for row in Waterfall.of(exact, 0, Scale()).rows)
    values = shapley_values(lambda Z: np.sin(Z @ np.arange(1.0, 15.0)), MaskProbe(14), budget=120, store=None)
    part = Waterfall.of(values, 0, Scale())
    assert all(row.interval.startswith("[") and float(row.span) > 0 for row in part.rows)
    for row in part.rows:
        end = float(row.left) + (float(row.width) if row.sign == "up" else 0.0)
        assert float(row.low) - 0.2 <= end <= float(row.low) + float(row.span) + 0.2
    assert "not for where the bars stand" in part.draw()


def test_of_many_features_the_rest_is_one_step_without_an_interval():
    weights = np.arange(1.0, 31.0)
    values = shapley_values(lambda Z: Z @ weights, MaskProbe(30), budget=200, store=None)
    part = Waterfall.of(values, 0, Scale())
    assert len(part.rows) == 17 and part.rows[-1].feature == "14 others together"
    assert number(part.rows[-1].value) == pytest.approx(sum(range(1, 15)), abs=0.5)
    assert part.together and not part.rows[-1].interval


def test_that_nothing_is_left_over_is_said_and_so_is_what_is(exact):
    assert "nothing is left over" in Waterfall.of(exact, 0, Scale()).draw()
    short = replace(exact, table=exact.table.assign(index=exact.table["index"] * 0.5))
    part = Waterfall.of(short, 0, Scale())
    assert part.gap == "+1.5" and "leave +1.5 of the way over" in part.draw()


def test_several_outputs_have_one_each():
    values = shapley_values(lambda Z: Z[:, :4] * [1, 2, 3, 4], MaskProbe(4), store=None)
    parts = waterfall_parts(values, Scale())
    assert [part.end for part in parts] == ["1", "2", "3"] and parts[1].title.endswith(values.outputs[1])


@pytest.mark.parametrize(
    "name", ["shapley", "shapley-table", "shapley-two-outputs", "shapley-language-model", "shapley-noisy"]
)
def test_what_an_older_version_saved_is_drawn(name, tmp_path):
    values = ShapleyValues.from_json(ROOT / "tests" / "golden" / "1" / f"{name}.json")
    page = values.report(tmp_path / "page.html").read_text()
    assert "From the reference to this input" in page and "could not be drawn" not in page
