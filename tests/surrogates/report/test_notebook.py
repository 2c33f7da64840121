"""The piece of HTML for notebooks: short, in the theme around it, and no rule of it reaches beyond."""

from __future__ import annotations

import re

import pytest

import surrogates.report.views  # noqa: F401 - loads every part
from probes import MaskProbe
from surrogates import explain
from surrogates.report.part import Part

#: what JupyterLab says of rendered HTML, and what turns provenance into one letter a line
JUPYTER = """
.jp-RenderedHTMLCommon { color: var(--ink1); font-size: 14px; }
.jp-RenderedHTMLCommon dl dt { float: left; clear: both; width: 12%; }
.jp-RenderedHTMLCommon dl dd { float: left; width: 4%; }
.jp-RenderedHTMLCommon table { table-layout: fixed; font-size: 12px; }
.jp-RenderedHTMLCommon td { text-align: right; }
.jp-RenderedHTMLCommon tbody tr:nth-child(odd) { background: #ff0000; }
"""


@pytest.fixture(scope="module")
def piece():
    names = [f"feature number {i}" for i in range(12)]
    return explain(lambda Z: Z[:, 0] - Z[:, 1], MaskProbe(names), budget=40, store=None)._repr_html_()


def test_every_rule_is_about_what_lies_in_the_card():
    rules = {rule for kind in Part.__subclasses__() if kind.__module__.startswith("surrogates.") for rule in kind.style}
    assert rules
    for rule in rules:
        named = re.findall(r"(?:^|[}{])\s*([^{}@;]+?)\s*\{", rule)
        assert named
        for group in named:
            assert all(one.strip().startswith(".iomap ") for one in group.split(",")), group


def test_a_cell_is_short_and_holds_the_rest_folded(piece):
    short, _, rest = piece.partition("<details><summary>the whole report</summary>")
    assert rest and "Provenance" in rest and "Provenance" not in short
    assert "How far to trust this" in short and short.count('class="chart') == 2 and rest.count('class="chart') == 12
    assert "10 more, all zero" in short


@pytest.mark.parametrize("dark", [False, True])
def test_in_a_narrow_dark_or_light_cell_it_is_read(piece, dark, tmp_path, visit):
    ink, paper = ("rgb(240, 240, 240)", "#111") if dark else ("rgb(20, 20, 20)", "#fff")
    page = (
        f"<!doctype html><style>body {{ background: {paper}; --ink1: {ink} }} {JUPYTER}</style>"
        f"<body data-jp-theme-light='{str(not dark).lower()}'><p id='beside'>beside</p>"
        f"<div style='width: 420px' class='jp-RenderedHTMLCommon'>{piece}</div>"
    )
    (tmp_path / "cell.html").write_text(page)

    def seen(where, what):
        return view.evaluate(f"getComputedStyle(document.querySelector('{where}')).{what}")

    view = visit(tmp_path / "cell.html", viewport={"width": 1200, "height": 900})
    view.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    right = "Math.max(...[...document.querySelectorAll('.iomap *')].map(e => e.getBoundingClientRect().right))"
    assert seen(".iomap", "backgroundColor") == "rgba(0, 0, 0, 0)"
    assert seen(".iomap td", "color") == ink
    assert seen(".iomap tr", "backgroundColor") == "rgba(0, 0, 0, 0)"
    assert seen(".iomap dd", "cssFloat") == "none"
    assert view.evaluate("document.querySelector('.iomap dd').offsetWidth") > 200
    assert view.evaluate(right) <= 432
