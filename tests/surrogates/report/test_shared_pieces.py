"""A feature of several pieces: named once, shaded and switched at every piece, on pages, in print and in plots."""

from __future__ import annotations

import numpy as np
import pytest

from probes import MaskProbe, Occurrences, TextProbe
from surrogates import Explanation, anchor, explain, shapley_values
from surrogates.report.plots.text_plot import heat_strip

TEXT = "Bad, bad film. Was it bad? The music was fine!"


def model(texts):
    return [3.0 * ("bad" in t.lower()) - 1.0 * ("fine" in t) + 0.5 * ("was" in t.lower()) for t in texts]


@pytest.fixture(scope="module")
def ex():
    return explain(model, TextProbe(TEXT, Occurrences()), store=None)


@pytest.fixture(scope="module")
def page(ex, tmp_path_factory):
    return ex.report(tmp_path_factory.mktemp("pages") / "shared.html")


def test_it_is_named_with_how_often_it_occurs(ex):
    assert "“Bad” (3 times)" in str(ex) and "“film”" in str(ex)


def test_a_saved_one_prints_the_same(ex):
    assert str(Explanation.from_json(ex.to_json())) == str(ex)


def test_every_piece_is_shaded_alike(page, visit):
    marks = visit(page).locator(".block").first.locator("mark")
    strengths = {text.lower(): set() for text in marks.all_inner_texts()}
    for text, style in zip(
        marks.all_inner_texts(), marks.evaluate_all("all => all.map(m => m.style.cssText)"), strict=True
    ):
        strengths[text.lower()].add(style)
    assert len(strengths["bad"]) == 1 and strengths["bad"] != strengths["film"]
    assert marks.count() == 10


def test_every_piece_switches_all_of_them(ex, page, visit):
    view = visit(page)
    view.locator(".switches .on", has_text="bad").nth(1).click()
    off = view.locator(".whatif input").evaluate_all("all => all.map(one => !one.checked)")
    assert off == [piece.lower() == "bad" for piece in ex.view["blocks"][0]["pieces"]]
    assert f"1 of {len(ex.features)} switched off" in view.locator(".count").inner_text()
    row = np.array([[0.0, *[1.0] * (len(ex.features) - 1)]])
    shown = float(view.locator(".said tr[data-j] data").first.get_attribute("value"))
    np.testing.assert_allclose(shown, ex.predict(row)[0], rtol=1e-5)


def test_every_piece_is_struck_out_where_it_was_gone(page, visit):
    gone = visit(page).locator(".question .asked del").all_inner_texts()
    joined = " ".join(gone).lower()
    assert joined.count("bad") % 3 == 0 and "bad" in joined


def test_every_word_of_the_strip_has_the_shade_of_its_feature(ex):
    words = [word for word in heat_strip(ex).words if word.text.strip(",.?!").lower() == "bad"]
    assert len(words) == 3 and len({word.shade for word in words}) == 1


def test_a_rule_marks_every_piece(visit, tmp_path):
    found = anchor(lambda texts: [float("bad" in t.lower()) for t in texts], TextProbe(TEXT, Occurrences()), store=None)
    assert str(found).startswith("IF “Bad” (3 times) present")
    marks = visit(found.report(tmp_path / "rule.html")).locator(".block mark[aria-description]")
    assert [text.lower() for text in marks.all_inner_texts()] == ["bad"] * 3


def test_shapley_values_have_it_once():
    table = shapley_values(model, TextProbe(TEXT, Occurrences()), store=None).table
    assert list(table["features"]).count("Bad") == 1


def test_a_page_of_shared_pieces_is_whole(page):
    assert "could not be drawn" not in page.read_text(encoding="utf-8")


def test_a_cube_is_switched_as_before(visit, tmp_path):
    view = visit(explain(lambda Z: Z[:, 0], MaskProbe(3), store=None).report(tmp_path / "cube.html"))
    view.locator(".whatif input").first.click()
    assert "1 of 3 switched off" in view.locator(".count").inner_text()
