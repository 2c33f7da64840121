"""Several outputs: one at a time, by mouse or keys, without a script; on paper all of them. Values where they stand."""

from __future__ import annotations

import pandas as pd
import pytest

from probes import TextProbe
from surrogates import compare, explain, explain_many, shapley_values

pytestmark = pytest.mark.xdist_group("switch")  # what the module makes once is made in one process

TEXT = "It was not a good film, but a moving one, and long in a way that few films dare to be today"


def three(texts):
    rows = [(float("good" in t), float("not" in t) - float("moving" in t), float(len(t))) for t in texts]
    return pd.DataFrame(rows, columns=["good", "<i>bad</i>", "length"])


def changed(texts):
    return three([t.replace("moving", "") for t in texts])


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder, probe = tmp_path_factory.mktemp("pages"), TextProbe(TEXT)
    other = TextProbe("quite another word, dull")
    results = {
        "explanation": explain(three, probe, target="all", budget=80, store=None),
        "shapley": shapley_values(three, TextProbe("a good film but long"), target="all", store=None),
        "set": explain_many(three, [probe, other], target="all", store=None, progress=False),
        "difference": compare(three, changed, probe, target="all", budget=80, store=None),
    }
    return {kind: result.report(folder / f"{kind}.html") for kind, result in results.items()}


KINDS = ("explanation", "shapley", "difference")


def visible(view):
    return [panel.is_visible() for panel in view.query_selector_all(".panel")]


@pytest.mark.parametrize("kind", KINDS)
def test_one_output_is_shown_at_a_time(kind, pages, visit):
    view = visit(pages[kind], java_script_enabled=False)
    assert visible(view) == [True, False, False]
    view.get_by_label("<i>bad</i>").check()
    assert visible(view) == [False, True, False]


def test_each_item_of_a_set_has_a_switch_of_its_own(pages, visit):
    view = visit(pages["set"])
    view.evaluate("document.querySelectorAll('details.item').forEach(each => { each.open = true })")
    assert visible(view) == [True, False, False] * 2
    view.get_by_label("length").first.check()
    assert visible(view) == [False, False, True, True, False, False]


def test_it_is_switched_by_keys(pages, visit):
    view = visit(pages["explanation"])
    view.get_by_role("radio").first.focus()
    view.keyboard.press("ArrowDown")
    assert visible(view) == [False, True, False]
    view.keyboard.press("Enter")  # sends nothing
    assert visible(view) == [False, True, False]


def test_on_paper_all_are_there(pages, visit, tmp_path):
    view = visit(pages["explanation"])
    view.emulate_media(media="print")
    assert visible(view) == [True] * 3 and not view.locator(".whatif").is_visible()
    assert len(view.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True)) > 20_000


@pytest.mark.parametrize("kind", KINDS)
def test_its_page_can_be_read_by_everyone(kind, pages, looked_at):
    looked_at(pages[kind], f"outputs-{kind}")


def tip(view, mark):
    """Return what is shown beside a piece of the text, and where it begins and ends."""
    return mark.evaluate("mark => [getComputedStyle(mark, '::after').content, getComputedStyle(mark, '::after').width]")


def test_a_piece_shows_its_value_where_a_pointer_is(pages, visit):
    view = visit(pages["explanation"])
    mark = view.locator(".block mark", has_text="good").first
    assert tip(view, mark)[0] in ("none", "normal")
    mark.hover()
    assert "[" in tip(view, mark)[0] and mark.get_attribute("aria-description") in tip(view, mark)[0]


def test_a_piece_shows_its_value_when_it_is_reached_by_keys(pages, visit):
    view = visit(pages["explanation"])
    first, second = (view.locator(".block mark").nth(i) for i in range(2))
    first.focus()
    view.keyboard.press("ArrowRight")
    assert "[" in tip(view, second)[0] and tip(view, first)[0] in ("none", "normal")
    assert view.locator(".panel").first.locator('mark[tabindex="0"]').count() == 1
    view.keyboard.press("Escape")
    assert tip(view, second)[0] in ("none", "normal")


def test_a_piece_shows_its_value_when_it_is_tapped_and_nothing_overflows(pages, visit):
    view = visit(pages["explanation"], viewport={"width": 390, "height": 800}, has_touch=True)
    height = "document.querySelector('.block').offsetHeight"
    whole = view.evaluate(height)
    for i in range(view.locator(".panel").first.locator(".block mark").count()):
        mark = view.locator(".block mark").nth(i)
        mark.tap()
        assert "[" in tip(view, mark)[0]
        assert view.evaluate("document.documentElement.scrollWidth") <= 390 and view.evaluate(height) == whole


def test_without_a_script_every_piece_is_reached(pages, visit):
    view = visit(pages["explanation"], java_script_enabled=False)
    marks = view.locator(".panel").first.locator(".block mark")
    assert marks.count() == len(TEXT.split()) == view.locator(".panel").first.locator('mark[tabindex="0"]').count()
