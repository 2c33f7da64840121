"""What a page, a text and a figure must not leave out, or show as more than it is."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from probes import MaskProbe, as_model
from probes.rounding import between, rounded, score, signed
from surrogates import Card, Certified, compare, explain, explain_many
from surrogates.report.plots.drawing import MUTED
from surrogates.report.styles import PROOF
from tests.helpers.checkout import ROOT


def noise(Z):
    return np.sin(1e6 * (Z @ np.arange(1, Z.shape[1] + 1) ** 2.3))


def three(Z):
    return pd.DataFrame({"first": 4 * Z[:, 0], "second": noise(Z), "third": Z[:, 2] - Z[:, 1]})


@pytest.fixture(scope="module")
def outputs():
    return explain(as_model(three), MaskProbe(12), target="all", budget=64, store=None)


def page_of(result, tmp_path):
    return result.report(tmp_path / "page.html").read_text()


def test_a_number_stands_the_same_way_in_text_and_page(tmp_path):
    ex = explain(lambda Z: 3 * Z[:, 0] + Z[:, 1] * Z[:, 2] * 0.1, MaskProbe(12), budget=64, store=None)
    fidelity, row = ex.fidelity, ex.attributions.iloc[0]
    assert score(fidelity.r2[0]) != "1.00"
    shown = f"R² {score(fidelity.r2[0])} {between(fidelity.r2_low[0], fidelity.r2_high[0], score)}"
    for text in (str(ex), page_of(ex, tmp_path)):
        assert shown in text
        assert between(row.low, row.high) in text and f"+{rounded(row.attribution)}" in text


def test_effects_of_a_tiny_size_get_a_unit(tmp_path):
    ex = explain(lambda Z: 1e-5 * (4.24 * Z[:, 0] - Z[:, 1]), MaskProbe(6), store=None)
    for text in (str(ex), page_of(ex, tmp_path), ex.plot().get_xlabel()):
        assert "10⁻⁵ output" in text and not re.search(
            r"\d[eE][-−]\d", re.sub(r"base64,\S+|<script.*?</script>", "", text, flags=re.S)
        )
    np.testing.assert_allclose(ex.plot().patches[0].get_width(), 4.24)


def test_what_a_verdict_says_not_to_use_has_no_colour(outputs, tmp_path):
    assert outputs.fidelity.refused() == (False, True, False)
    page = page_of(outputs, tmp_path)
    assert re.findall(r'Average effects on \w+</h2>.*?<table class="stack( muted)?">', page, re.S) == ["", " muted", ""]
    text = str(outputs).split("95% interval")
    assert "█" in text[1] and "░" not in text[1] and "░" in text[2] and "█" not in text[2]
    colours = {p.get_facecolor() for p in outputs.plot(output="second").patches}
    assert colours == {p.get_facecolor() for p in outputs.plot(output="second").patches[:1]}
    import matplotlib.colors

    assert matplotlib.colors.to_rgb(MUTED) == next(iter(colours))[:3]


def test_a_verdict_against_use_is_never_in_the_colour_of_trust(tmp_path):
    ex = explain(lambda Z: Z[:, 0], MaskProbe(4), store=None)
    missed = replace(ex, fidelity=replace(ex.fidelity, misses=(True,)))
    assert '<div class="verdict poor">' in page_of(missed, tmp_path)
    assert '<div class="verdict good">' in page_of(ex, tmp_path)


def test_every_output_has_a_figure_under_its_name(outputs, tmp_path):
    page = page_of(outputs, tmp_path)
    assert re.findall(r"<figcaption>(.*?)</figcaption>", page) == ["first", "second", "third"]
    assert len(re.findall(r'alt="Held-out answers of (?:first|second|third) ', page)) == 3
    assert outputs.plot("predictions", output="third").get_title() == "third"
    one = page_of(explain(lambda Z: Z[:, 0], MaskProbe(4), store=None), tmp_path)
    assert "<figcaption>" not in one and one.count("<figure>") == 1


def test_a_certificate_stands_in_no_warning(tmp_path):
    ex = explain(lambda Z: Z[:, 0] - 0.5 * Z[:, 3], MaskProbe(12), budget=64, until=Certified(0.5), store=None)
    page = page_of(ex, tmp_path)
    assert ex.certificate is not None and PROOF in page
    assert re.search(r'<p class="proof"><b>Certified', page) and not re.search(r'class="note"[^<]*<b>Certified', page)


def test_what_is_no_warning_stands_in_no_warning_box(tmp_path):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"a": rng.standard_normal(24), "b": rng.standard_normal(24)})
    many = explain_many(lambda frame: frame["a"].to_numpy(), rows, background=rows, background_rows=6, store=None)
    for result in (many, many.surrogate()):
        assert 'class="note">24 ' not in page_of(result, tmp_path) and 'class="note">Tree' not in result._repr_html_()
        assert re.search(r"<p>(24 explanations|TreeSurrogate of)", page_of(result, tmp_path))


def test_what_the_surrogate_says_for_this_input_stands_beside_the_models_number(tmp_path):
    ex = explain(lambda Z: 2 * Z[:, 0] + Z[:, 1] * Z[:, 2], MaskProbe(8), budget=64, store=None)
    said = rounded(float(ex.predict(ex.answers.design.Z[:1])[0]))
    assert rounded(ex.y[0, 0]) != said
    for text in (str(ex), re.sub(r"</?a\b[^>]*>", "", page_of(ex, tmp_path))):
        assert f"{rounded(ex.y[0, 0])} for this input (the surrogate says {said})" in text
    change = compare(lambda Z: Z[:, 0], lambda Z: Z[:, 0] + Z[:, 1] * Z[:, 2], MaskProbe(8), budget=64, store=None)
    said = signed(float(change.change.predict(np.ones((1, 8)))[0]))
    row = "this input, as the surrogate of the change predicts it</td>"
    assert f'{row}<td class="n">{said}</td>' in page_of(change, tmp_path)


def test_on_a_phone_the_change_is_in_sight_beside_long_names_of_models(tmp_path, visit):
    names = ("mypackage.models:forest_of_march", "mypackage.models:forest_of_june")
    change = compare(lambda Z: Z[:, 0], lambda Z: Z[:, 0] + Z[:, 1], MaskProbe(4), names=names, store=None)
    view = visit(change.report(tmp_path / "page.html"), viewport={"width": 390, "height": 800})
    seen = view.locator("table.both th.n:last-child").first.bounding_box()
    assert seen["x"] + seen["width"] <= 390


def test_that_effects_need_not_add_up_is_said_once(outputs, tmp_path):
    for text in (" ".join(str(outputs).split()), page_of(outputs, tmp_path)):
        assert text.count("need not add up") == 1
        assert text.index("need not add up") < text.index("95% interval")


def test_on_a_phone_every_row_shows_its_interval_and_its_whole_bar(outputs, tmp_path, visit):
    card = Card.from_json(ROOT / "tests" / "golden" / "1" / "card-behave.json")
    shown = ((outputs, 3, 12, "table.stack tr:has(td.chart)"), (card, 1, 5, ".forest > div:has(.size)"))
    for result, panels, count, rows_of in shown:
        view = visit(result.report(tmp_path / "page.html"), viewport={"width": 390, "height": 800})
        view.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        for panel in range(panels):
            if panels > 1:
                view.get_by_role("radio").nth(panel).check()
            rows = [row for row in view.query_selector_all(rows_of) if row.is_visible()]
            assert len(rows) == count
            for row in rows:
                assert "[" in row.inner_text()
                box = row.query_selector(".axis, .strip").bounding_box()
                assert box["width"] > 200 and box["x"] >= 0 and box["x"] + box["width"] <= 390


def test_a_set_says_in_how_many_inputs_its_strongest_feature_is(tmp_path):
    lengths = as_model(lambda texts: [float(len(text)) for text in texts], name="lengths")
    many = explain_many(lengths, ["a bc", "longest d", "e fg"], store=None)
    page = many.report(tmp_path / "page.html").read_text(encoding="utf-8")
    assert "What moves the output most in the 1 of them that has it is “longest”" in page
