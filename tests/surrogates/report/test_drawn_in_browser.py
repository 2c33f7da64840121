"""Real pages with the surrogate drawn: on a phone nothing overflows, the console is silent, pages are small."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from probes import LocalGaussian, MaskProbe, TabularProbe, TextProbe
from surrogates import AdditiveSurrogate, InteractionSurrogate, TreeSurrogate, explain, shapley_values

pytestmark = pytest.mark.xdist_group("drawn in a browser")

REVIEW = "The plot of the film is not bad at all, and I loved the end of it"
EVIL = "</style></svg><script>document.title='moved'</script><img src=x onerror=\"document.title='moved'\">\u202e"
LONG = "a-column-with-a-name-that-goes-on-" * 5


def sentiment(texts):
    return [
        np.tanh(2 * ("loved" in t) - ("bad" in t) + 2 * ("not" in t and "bad" in t) - 0.1 * t.count("the"))
        for t in texts
    ]


def results():
    for family in ("linear", "interactions", TreeSurrogate(), "rules"):
        yield f"text {family}", explain(sentiment, TextProbe(REVIEW), family, budget=128, store=None)
    rows = np.random.default_rng(0).normal(size=(60, 4))
    frame = pd.DataFrame(rows, columns=[EVIL, LONG, "c", "d"])

    def model(table):
        return table[EVIL].to_numpy() * (table[LONG].to_numpy() > 0) + np.tanh(3 * table["c"].to_numpy())

    real = TabularProbe(frame.iloc[0], frame, law=LocalGaussian(1.0))
    for family in (AdditiveSurrogate(pairs=3), TreeSurrogate(), "rules", InteractionSurrogate(link="logistic")):
        yield f"table {type(family).__name__}", explain(model, real, family, budget=128, store=None)
    yield "shapley", shapley_values(model, TabularProbe(frame.iloc[0], frame), store=None)
    names = [EVIL, LONG, *(f"x{i}" for i in range(28))]
    yield "many shapley", shapley_values(lambda Z: Z @ np.arange(1.0, 31.0), MaskProbe(names), budget=80, store=None)
    deep = TreeSurrogate(max_leaves=128, min_leaf=0.0)
    yield "deep tree", explain(lambda Z: Z @ 2.0 ** np.arange(30), MaskProbe(names), deep, budget=600, store=None)
    three = explain(
        lambda Z: np.column_stack([Z[:, 0] * Z[:, 1], Z[:, 2], 1 / (1 + np.exp(-4 * Z[:, 3]))]),
        MaskProbe(names[:5]),
        "interactions",
        target="all",
        store=None,
    )
    yield "three outputs", three


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    return {name: result.report(folder / f"{i}.html") for i, (name, result) in enumerate(results())}


#: what is wider than its place: the page, or a table that this is about; others may be scrolled
OVERFLOWING = """() => [document.documentElement, ...document.querySelectorAll(':is(.falls, .scroll:has(.gains))')]
  .filter(each => each.scrollWidth > each.clientWidth).map(each => each.outerHTML.slice(0, 80))"""
OUTSIDE = """() => [...document.querySelectorAll('section *')]
  .filter(each => each.getClientRects().length && !each.closest('svg, .node, .scroll:not(.falls)'))
  .filter(each => each.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map(each => each.outerHTML.slice(0, 80))"""


def opened(visit, path, width, scheme="light"):
    view = visit(path, viewport={"width": width, "height": 900}, color_scheme=scheme)
    view.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    return view


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_overflows_and_the_console_is_silent(pages, visit, width):
    for name, path in pages.items():
        view = opened(visit, path, width)
        assert view.evaluate(OVERFLOWING) == [], name
        outside = view.evaluate(OUTSIDE)
        assert not outside, (name, outside[:3])
        assert view.title() != "moved" and "could not be drawn" not in view.content()
        visit.close()


def test_names_that_are_html_are_text_in_every_drawing(pages, visit):
    for name in ("table AdditiveSurrogate", "table str", "shapley", "deep tree", "three outputs"):
        view = opened(visit, pages[name], 1280)
        assert view.evaluate("document.querySelectorAll('section img[src=x], section svg[onload]').length") == 0
        assert "onerror=" in view.inner_text("main") and "⟨U+202E⟩" in view.inner_text("main")
        visit.close()


def test_marks_spots_and_lines_have_a_size(pages, visit):
    expected = {
        "table AdditiveSurrogate": [".plot svg path", ".plot b", ".net svg path"],
        "text linear": [".curve .plot b", ".gains .share i"],
        "text interactions": ["sup.pair", ".net svg path"],
        "shapley": [".falls .track i"],
        "deep tree": [".tree .leaf", ".tree li.here"],
        "text rules": [".ruled"],
    }
    for name, selectors in expected.items():
        view = opened(visit, pages[name], 390, "dark")
        for selector in selectors:
            boxes = [each.bounding_box() for each in view.query_selector_all(selector)]
            assert any(box and box["width"] > 1 and box["height"] >= 0 for box in boxes), (name, selector)
        visit.close()


def test_the_dot_of_this_input_lies_on_the_shape(pages, visit):
    view = opened(visit, pages["table AdditiveSurrogate"], 1280)
    off = view.evaluate(
        """() => [...document.querySelectorAll('.shapes .box')].map(box => {
             const dot = box.querySelector('b').getBoundingClientRect(), path = box.querySelector('path:last-of-type');
             const svg = box.querySelector('svg').getBoundingClientRect(), n = path.getTotalLength();
             const x = dot.x + dot.width / 2, y = dot.y + dot.height / 2;
             return Math.min(...[...Array(801).keys()].map(i => { const p = path.getPointAtLength(n * i / 800);
               return Math.hypot(svg.x + p.x * svg.width / 100 - x, svg.y + p.y * svg.height / 100 - y); }));
           })"""
    )
    assert len(off) >= 3 and max(off) < 2.5


def test_pages_are_small(pages):
    sizes = {name: path.stat().st_size for name, path in pages.items()}
    assert max(sizes.values()) < 500_000, sizes


def test_two_hundred_words_make_a_small_page(visit, tmp_path):
    words = " ".join(f"word{i % 150}" for i in range(200))
    ex = explain(lambda t: [float(sum(map(len, x.split()))) + ("word3 " in x) for x in t], TextProbe(words), store=None)
    path = ex.report(tmp_path / "page.html")
    assert path.stat().st_size < 500_000
    assert opened(visit, path, 1280).locator(".block mark").count() >= 200
