"""Any phrase of an answer, selected in a real browser: its sources are those that Python computes."""

from __future__ import annotations

import re

import numpy as np
import pytest

from surrogates.report.parts.any_phrase import any_phrase_parts
from surrogates.visible import isolated
from tests.helpers.museum import museum

pytestmark = pytest.mark.xdist_group("any phrase")  # what the module makes once is made in one process


@pytest.fixture(scope="module")
def ex():
    return museum()


@pytest.fixture(scope="module")
def path(ex, tmp_path_factory):
    return ex.report(tmp_path_factory.mktemp("pages") / "page.html")


def token(view, i):
    return view.locator(".tokens > span").nth(i)


def selected(view):
    marked = view.locator(".tokens > span").evaluate_all("all => all.map(t => t.getAttribute('aria-selected'))")
    numbers = [i for i, state in enumerate(marked) if state == "true"]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    return numbers[0], numbers[-1] + 1


def sources(view):
    """Return what the page lists: features, effects, intervals as numbers."""
    rows = view.locator(".sources tr").evaluate_all(
        "rows => rows.map(row => [row.children[0].textContent, row.querySelector('data').value, "
        "row.children[2].textContent])"
    )
    numbers = [[float(n) for n in re.findall(r"[-\d.]+", row[2].replace("−", "-").replace("<", ""))] for row in rows]
    return [row[0] for row in rows], np.array([float(row[1]) for row in rows]), np.array(numbers)


@pytest.mark.parametrize(("first", "stop"), [(0, 12), (4, 6), (2, 7), (8, 11)])
def test_sources_of_any_phrase_are_those_that_python_computes(ex, path, visit, first, stop):
    view = visit(path)
    token(view, first).click()
    token(view, stop - 1).click()
    assert selected(view) == (first, stop)
    names, effects, intervals = sources(view)
    table = ex.by_token.table(first, stop).head(len(names))
    width = float((table["high"] - table["low"]).max())
    np.testing.assert_allclose(effects, table["attribution"], atol=1e-3 * width)
    np.testing.assert_allclose(intervals, table[["low", "high"]], rtol=6e-3, atol=1e-3 * width + 1e-4)
    assert "is not known without a fit of its own" in view.locator(".trust").inner_text()


def test_a_phrase_with_a_fit_of_its_own_shows_what_attribute_says(ex, path, visit):
    view = visit(path)
    token(view, 5).click()
    token(view, 6).click()
    own = ex.attribute("1969")
    names, effects, intervals = sources(view)
    table = own.attributions.assign(feature=own.attributions["feature"].map(isolated)).set_index("feature").loc[names]
    np.testing.assert_allclose(effects, table["attribution"], rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(intervals, table[["low", "high"]], rtol=6e-3, atol=1e-4)
    assert own.fidelity.scored(0) in view.locator(".trust").inner_text()
    assert "mean over 2 tokens" in view.locator(".anyphrase").inner_text()


def test_it_is_selected_by_dragging(path, visit):
    view = visit(path)
    token(view, 3).scroll_into_view_if_needed()
    start, end = token(view, 3).bounding_box(), token(view, 6).bounding_box()
    view.mouse.move(start["x"] + 3, start["y"] + 5)
    view.mouse.down()
    view.mouse.move(end["x"] + 3, end["y"] + 5, steps=4)
    view.mouse.up()
    assert selected(view) == (3, 7)


def test_it_is_selected_by_keys(path, visit):
    view = visit(path)
    token(view, 0).focus()
    view.keyboard.press("ArrowRight")
    view.keyboard.press("Space")
    assert selected(view) == (1, 2)
    view.keyboard.press("ArrowRight")
    view.keyboard.press("ArrowRight")
    view.keyboard.press("Space")
    assert selected(view) == (1, 4)
    view.keyboard.press("Shift+ArrowRight")
    assert selected(view) == (3, 5)
    assert view.locator('.tokens > span[tabindex="0"]').count() == 1


def test_it_is_selected_by_tapping(path, visit):
    view = visit(path, viewport={"width": 390, "height": 800}, has_touch=True)
    token(view, 1).tap()
    token(view, 2).tap()
    assert selected(view) == (1, 3)
    token(view, 4).tap()
    assert selected(view) == (4, 5)


def test_the_text_is_shaded_by_what_is_selected(path, visit):
    view = visit(path)
    view.get_by_role("button", name="1969").click()
    assert selected(view) == (5, 7)
    strongest = view.locator(".anyphrase .block mark").evaluate_all(
        "all => all.sort((a, b) => b.style.getPropertyValue('--strength') - a.style.getPropertyValue('--strength'))"
        "[0].textContent"
    )
    assert strongest == "The museum opened in 1969."


def test_without_a_script_it_is_not_there_and_phrases_are(path, visit):
    view = visit(path, java_script_enabled=False)
    assert not view.locator(".anyphrase").is_visible() and not view.locator(".whatif").is_visible()
    assert view.get_by_role("heading", name="Where each phrase of the answer comes from").is_visible()


def test_its_page_can_be_read_by_everyone(path, looked_at):
    looked_at(path, "language-model")


def test_no_string_of_an_answer_or_a_document_becomes_markup(path, harmless):
    page = path.read_text("utf-8")
    harmless(page)
    assert "could not be drawn" not in page and "\u2028" not in page and "\u202e" not in page


def test_the_page_is_small(path):
    assert path.stat().st_size < 200_000


def test_a_page_does_not_hold_more_than_it_can(ex, monkeypatch):
    assert any_phrase_parts(ex)
    monkeypatch.setattr("surrogates.report.parts.any_phrase._LARGEST", 100)
    assert not any_phrase_parts(ex)
