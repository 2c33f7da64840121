"""Rows whose interval holds zero are folded away where there are several, and a table without a clear row says so."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from probes.rounding import Scale
from surrogates.report.parts.effects import Effects


def table_of(*clear, unclear=0):
    rows = [(f"c{i}", value, value - 0.1, value + 0.1) for i, value in enumerate(clear)]
    rows += [(f"u{i}", 0.05, -0.1, 0.2) for i in range(unclear)]
    return pd.DataFrame(rows, columns=["feature", "attribution", "low", "high"]).assign(value="")


def effects(table):
    return Effects.of(table, "Effects", "output", {}, Scale(), False, "", {})


def drawn(table):
    return re.sub(r"\s+", " ", effects(table).draw())


def test_unclear_rows_are_counted_and_folded():
    part, html = effects(table_of(1.0, -2.0, unclear=15)), drawn(table_of(1.0, -2.0, unclear=15))
    assert [row.feature for row in part.rows] == ["c0", "c1"] and len(part.folded) == 15
    above, _, below = html.partition("<details")
    assert "<summary>15 more, none clearly different from zero</summary>" in html
    assert "<td>c1</td>" in above and "<td>u0</td>" not in above and below.count("<td>u") == 15


def test_the_rows_that_are_clearly_different_from_zero_are_marked():
    table = table_of(1.0, -2.0, 0.5, unclear=15)
    html = re.sub(r"\s+", " ", Effects.of(table, "Effects", "output", {}, Scale(), False, "", {}, 2).draw())
    assert html.count('<tr class="top">') == 2 and "The first 2 rows, with a line at their left, are clearly" in html
    muted = Effects.of(table, "Effects", "output", {}, Scale(), True, "", {}, 2).draw()
    assert "with a line at their left" not in muted and 'class="top"' not in muted


def test_two_are_too_few_to_fold():
    assert "<details" not in drawn(table_of(1.0, unclear=2)) and "<td>u1</td>" in drawn(table_of(1.0, unclear=2))


def test_without_a_clear_row_all_stand_there_and_it_is_said():
    html = drawn(table_of(unclear=5))
    assert "<details" not in html and html.count("<td>u") == 5
    assert "No effect here is clearly different from zero" in html
    assert "No effect here" not in drawn(table_of(1.0, unclear=5))


def test_exact_zeros_are_called_zero():
    table = table_of(1.0, unclear=4)
    table.loc[1:, ["attribution", "low", "high"]] = 0.0
    assert "4 more, all zero" in drawn(table)


def test_an_interval_that_is_not_known_is_not_clear():
    table = table_of(1.0, unclear=4)
    table.loc[1, ["low", "high"]] = np.nan
    assert len(effects(table).folded) == 4


def test_a_clear_row_below_unclear_ones_is_not_folded():
    table = pd.concat([table_of(unclear=4), table_of(0.2)], ignore_index=True)
    assert [row.feature for row in effects(table).rows] == ["c0"]


@pytest.mark.parametrize("count", [200, 130])
def test_long_tables_are_cut_in_both_halves(count):
    part = effects(table_of(*[1.0] * 70, unclear=count))
    assert (len(part.rows), len(part.folded), part.more) == (60, 60, 70 + count - 120)


def test_a_cell_of_a_notebook_counts_what_is_folded():
    short = effects(table_of(*[1.0] * 10, unclear=15)).shortened()
    assert len(short.rows) == 8 and not short.folded and "15 more, none clearly" in short.draw()


@pytest.mark.parametrize(("unclear", "words"), [(61, "1 row of this table is"), (130, "70 rows of this table are")])
def test_rows_that_have_no_place_on_the_page_are_counted(unclear, words):
    assert f"{words} in the JSON file alone." in drawn(table_of(1.0, unclear=unclear))
