"""A time series on pages: its lines, tinted where features lie; numbers on hover and by keys; hostile names."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from probes import SeriesProbe
from surrogates import Explanation, anchor, compare, explain, explain_many, shapley_values
from surrogates.report.parts.series_instance import SeriesDrawn
from surrogates.report.parts.view_kinds import InstanceEffects, instance_parts
from surrogates.report.text import scale_of

pytestmark = pytest.mark.xdist_group("series pages")

EVIL = "</style></svg><script>document.title='moved'</script><img src=x onerror=\"document.title='moved'\">\u202e"
RNG = np.random.default_rng(0)
WAVES = RNG.standard_normal((2, 60)).cumsum(axis=1)
FRAME = pd.DataFrame(WAVES.T, pd.date_range("2024-03-01", periods=60), columns=["load", EVIL])
QUIET = {"store": None, "progress": False}


def level(batch):
    return [float(np.asarray(one)[12:18, 0].mean() - 0.5 * np.asarray(one)[30:36, 1].mean()) for one in batch]


@pytest.fixture(scope="module")
def ex():
    return explain(level, SeriesProbe(FRAME, channels="apart"), budget=120, **QUIET)


def drawn(ex):
    target = ex.target
    effects = InstanceEffects(ex.attributions, target.outputs, target.unit, ex.features, ex.view, scale_of(ex), "It")
    (part,) = instance_parts(effects)
    assert isinstance(part, SeriesDrawn)
    return part


def test_every_feature_is_a_mark_on_the_panel_of_its_channel(ex):
    panels = drawn(ex).panels
    assert [[mark.name for mark in panel.marks] for panel in panels] == [
        [f.name for f in ex.features if f.name.startswith(name)] for name in FRAME.columns
    ]
    assert [float(mark.width) for mark in panels[0].marks] == pytest.approx([10] * 10)


def test_marks_carry_sign_strength_and_numbers(ex):
    marks = {mark.name: mark for panel in drawn(ex).panels for mark in panel.marks}
    top = ex.attributions.iloc[0]
    assert marks[top["feature"]].strength == "0.75"
    assert marks[top["feature"]].sign == ("up" if top["attribution"] > 0 else "down")
    assert marks[top["feature"]].tip.startswith(f"{top['feature']}: ")


def test_channels_together_have_one_mark_on_every_panel():
    panels = drawn(explain(level, SeriesProbe(FRAME, 4), **QUIET)).panels
    assert [mark.name for mark in panels[0].marks] == [mark.name for mark in panels[1].marks]


def test_bands_lie_on_the_spectrum_with_gaps_between_them():
    probe = SeriesProbe(WAVES[0], bands=[(0.02, 0.1), (0.2, 0.5)])
    line, spectrum = drawn(explain(lambda b: b.std(axis=1), probe, **QUIET)).panels
    assert not line.marks and [mark.name for mark in spectrum.marks] == [f.name for f in probe.features]
    assert float(spectrum.marks[1].gap) > 5
    assert sum(float(m.gap) + float(m.width) for m in spectrum.marks) == pytest.approx(100, abs=0.01)


def test_a_long_series_is_drawn_by_few_points_and_says_so():
    x = RNG.standard_normal(20_000)
    x[12_345] = 99.0
    ex = explain(lambda b: b[:, 12_345], SeriesProbe(x), **QUIET)
    part, panel = drawn(ex), ex.view["panels"][0]
    assert len(panel["x"]) <= 4000 and max(panel["y"]) == pytest.approx(99.0)
    assert "of 20,000 steps" in part.about and "by" in part.about


def test_a_line_has_a_gap_where_values_are_missing():
    x = np.where(np.arange(60) == 30, np.nan, WAVES[0])
    part = drawn(explain(lambda b: np.nanmean(b[:, :20], axis=1), SeriesProbe(x), **QUIET))
    assert part.panels[0].path.count("M") == 2


def test_of_many_channels_those_with_the_largest_effects_are_drawn():
    x = RNG.standard_normal((40, 200))
    ex = explain(lambda b: b[:, 37].std(axis=1), SeriesProbe(x, 1, channels="apart"), budget=200, **QUIET)
    part = drawn(ex)
    assert len(part.panels) == 16 and "channel 37" in [panel.title for panel in part.panels]
    assert "24 more panels" in part.about


def test_every_result_about_a_series_has_its_page():
    probe, other = SeriesProbe(FRAME, 4), lambda batch: [2 * value for value in level(batch)]
    results = [
        explain(level, probe, "tree", **QUIET),
        anchor(level, probe, same=0.5, **QUIET),
        shapley_values(level, probe, **QUIET),
        compare(level, other, probe, **QUIET),
        explain_many(level, [SeriesProbe(FRAME + i, 4) for i in range(3)], **QUIET),
    ]
    for i, result in enumerate(results):
        page = result.report(f"{i}.html").read_text("utf-8")
        assert "could not be drawn" not in page and 'class="lane"' in page and "<script>document" not in page


def test_the_words_of_the_view_are_used_throughout(ex):
    page = ex.report("r.html").read_text("utf-8")
    assert "with every feature replaced by the channel&#39;s mean" in page
    assert "A feature that is off is replaced by the channel&#39;s mean." in page
    assert "Input: a series of 60 steps of 2 channels, 2024-03-01 … 2024-04-29" in str(ex)


def test_what_was_saved_is_drawn_alike(ex):
    back = Explanation.from_json(ex.to_json())
    assert drawn(back) == drawn(ex) and str(back) == str(ex)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_a_browser_numbers_come_by_keys_and_nothing_overflows(ex, visit, scheme):
    view = visit(ex.report("series.html"), viewport={"width": 390, "height": 900}, color_scheme=scheme)
    assert view.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    marks = view.query_selector_all(".series .lane mark")
    boxes = [mark.bounding_box() for mark in marks]
    assert len(marks) == 20 and all(box["width"] > 20 and box["height"] > 80 for box in boxes)
    marks[1].focus()
    view.keyboard.press("ArrowRight")
    shown = "getComputedStyle(document.activeElement, '::after').content"
    assert ex.features[2].name in view.evaluate(shown)
    assert view.title() != "moved" and "onerror=" in view.inner_text("main")
