"""What a user sees: no injection, no network, no broken part; looked at in a real browser where there is one."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from probes import ContextProbe, InputError, MaskProbe, TabularProbe, TextProbe, as_model
from surrogates import Certified, check, explain
from surrogates.report.plots.families_plot import LONGEST
from tests.helpers.cheap_families import cheap

# what the module makes once is made in one process
pytestmark = pytest.mark.xdist_group("report")

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'`{{7*7}}{% raw %}"


def explanations():
    frame = pd.DataFrame({EVIL: [1.0, 2.0, 3.0], "b": pd.Categorical([EVIL, "x", "y"]), "c": [True, False, True]})
    yield "text", explain(lambda ts: [len(t) for t in ts], TextProbe(f"{EVIL} and more {EVIL} words"), store=None)
    yield "mask", explain(lambda Z: Z[:, 0], MaskProbe([EVIL, "b", "c"]), store=None)
    yield (
        "table",
        explain(
            lambda rows: pd.DataFrame({EVIL: rows[EVIL], "z": rows["c"].astype(float)}),
            TabularProbe(frame.iloc[0], frame),
            target="all",
            store=None,
        ),
    )
    yield (
        "context",
        explain(
            as_model(lambda chats: [len(c[-1][1]) for c in chats]),
            ContextProbe({EVIL: f"One {EVIL}. Two.", "b": "Three. Four."}, EVIL, unit="sentence", system=EVIL),
            store=None,
        ),
    )


@pytest.fixture(scope="module")
def by_kind():
    return dict(explanations())


@pytest.fixture(scope="module")
def pages(by_kind, tmp_path_factory):
    """The file of each report."""
    folder = tmp_path_factory.mktemp("pages")
    return {kind: ex.report(folder / f"{kind}.html") for kind, ex in by_kind.items()}


@pytest.mark.parametrize("kind", ["text", "mask", "table", "context"])
def test_no_user_string_becomes_markup(kind, by_kind, pages, harmless):
    page = pages[kind].read_text()
    harmless(page)
    harmless(by_kind[kind]._repr_html_())
    assert "49" not in re.sub(r"\d\.\d+|\d{3,}|base64,\S+", "", page.split("<main")[1]) or "{{7*7}}" in page
    assert "could not be drawn" not in page


def test_fidelity_and_verdict_come_first_and_provenance_last():
    ex = explain(lambda Z: Z[:, 0], MaskProbe(4), store=None)
    page = ex.report("page.html").read_text()
    titles = re.findall(r"<h2>(.*?)</h2>", page)
    assert titles[0] == "How far to trust this"
    assert titles[-1] == "Provenance"
    assert ex.fidelity.verdict in page
    for words in ("numpy", ex.provenance["model"], "Seed", "inputs asked"):
        assert words in page
    assert str(ex).splitlines()[1].startswith("output: R²")


def test_a_failing_part_degrades_alone(caplog):
    ex = explain(lambda Z: Z[:, 0], MaskProbe(4), store=None)
    broken = ex.provenance.pop("versions")
    page = ex.report("page.html").read_text()
    assert "This part could not be drawn" in page
    assert ex.fidelity.verdict in page
    ex.provenance["versions"] = broken


def test_text_is_shown_whole():
    text = "  Two  spaces,\n\na break — and “quotes”.  "
    ex = explain(lambda ts: [len(t) for t in ts], TextProbe(text), store=None)
    page = ex.report("page.html").read_text()
    block = re.search(r'<div class="block" dir="auto">(.*?)</div>', page, re.S).group(1)
    assert re.sub(r"<[^>]+>", "", block) == text


@pytest.mark.parametrize("kind", ["text", "mask", "table", "context"])
def test_in_a_browser_nothing_loads_runs_or_overflows(kind, pages, visit):
    view = visit(pages[kind])
    assert view.evaluate("document.images[0].naturalWidth") > 0
    for width in (360, 1200):
        view.set_viewport_size({"width": width, "height": 800})
        assert view.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("kind", ["text", "mask", "table", "context"])
def test_its_page_can_be_read_by_everyone(kind, pages, looked_at):
    looked_at(pages[kind], f"hostile-{kind}")


def test_effects_shown_are_those_in_the_table():
    ex = explain(lambda Z: 2.0 * Z[:, 1] - Z[:, 2], MaskProbe(4), store=None)
    page = ex.report("page.html").read_text()
    assert re.search(r"x1</td>\s*<td class=\"n\">\+2</td>", page)
    assert np.isclose(ex.attributions["attribution"].iloc[0], 2)


def test_families_checks_and_certificate_are_in_the_report(harmless):
    def f(Z):
        return Z[:, 0] + Z[:, 1] * Z[:, 2] - 0.5 * Z[:, 3]

    ex = explain(f, MaskProbe([EVIL, *"bcdef"]), "auto", budget=60, until=Certified(0.5), store=None)
    checked = check(ex, f, MaskProbe([EVIL, *"bcdef"]), ("fresh", "removal"), store=None)
    html = checked.report("p.html").read_text()
    assert "Families compared" in html and "Held-out R² of every family" in html
    assert "Certified: R² is at least 0.5" in html and "Checks" in html
    assert "could not be drawn" not in html
    harmless(html)


def test_the_plot_of_families_shows_every_one_and_fills_the_one_chosen():
    ex = explain(lambda Z: Z[:, 0] + Z[:, 1] * Z[:, 2], MaskProbe(6), cheap("auto"), budget=40, store=None)
    axes = ex.plot("families")
    for shown, name in zip(axes.texts[:-1], ex.comparison["family"], strict=True):
        assert shown.get_text() == name or (name.startswith(shown.get_text()[:-1]) and len(shown.get_text()) <= LONGEST)
    table = ex.comparison.assign(family=[name + ", and more" * 40 for name in ex.comparison["family"]])
    page = replace(ex, comparison=table).report("page.html").read_text()  # names wider than the figure
    assert "Families compared" in page and "could not be" not in page
    np.testing.assert_allclose(axes.collections[-1].get_offsets()[:, 1], ex.comparison["r2"])
    with pytest.raises(InputError, match="'families' needs families that were compared"):
        replace(ex, comparison=pd.DataFrame()).plot("families")
