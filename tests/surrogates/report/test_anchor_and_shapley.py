"""Anchors and Shapley values: files, tables, figures and pages."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest

from probes import ContextProbe, InputError, LocalGaussian, MaskProbe, TabularProbe, TextProbe, as_model
from probes.rounding import percent
from surrogates import Anchor, Explanation, ShapleyValues, anchor, shapley_values

pytestmark = pytest.mark.xdist_group("reports")  # what the module makes once is made in one process

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'`{{7*7}}{% raw %}"


def lengths(texts):
    return [float(len(t)) for t in texts]


def results():
    frame = pd.DataFrame({EVIL: [1.0, 2.0, 3.0], "b": pd.Categorical([EVIL, "x", "y"]), "c": [True, False, True]})
    real = TabularProbe(np.zeros(4), np.random.default_rng(0).standard_normal((200, 4)), law=LocalGaussian(1.0))
    probes = {
        "text": (lengths, TextProbe(f"{EVIL} and more {EVIL} words that are here to be read")),
        "cube": (lambda Z: 1.0 * Z[:, 0] * Z[:, 2], MaskProbe([EVIL, "b", "c", "d"])),
        "table": (lambda rows: rows[EVIL] + 2 * rows["c"], TabularProbe(frame.iloc[0], frame)),
        "real": (as_model(lambda Z: Z[:, 2] - 0.2 * Z[:, 1]), real),
        "context": (
            as_model(lambda chats: lengths(chat[-1][1] for chat in chats)),
            ContextProbe({EVIL: f"One {EVIL}. Two.", "b": "Three. Four."}, EVIL, unit="sentence", system=EVIL),
        ),
    }
    for kind, (model, probe) in probes.items():
        same = 0.5 if kind == "real" else None
        budget = 600 if kind == "real" else 6000 if kind == "table" else None
        yield f"anchor of a {kind}", anchor(model, probe, same=same, precision=0.8, budget=budget, store=None)
        yield f"shapley of a {kind}", shapley_values(model, probe, store=None)


@pytest.fixture(scope="module")
def by_name():
    return dict(results())


@pytest.fixture(scope="module")
def pages(by_name, tmp_path_factory):
    """The file of each report."""
    folder = tmp_path_factory.mktemp("pages")
    return {name: result.report(folder / f"{name}.html") for name, result in by_name.items()}


def test_json_there_and_back_loses_nothing(by_name, pages):
    for name, result in by_name.items():
        again = type(result).from_json(result.to_json())
        assert str(again) == str(result) and again.to_json() == result.to_json()
        pd.testing.assert_frame_equal(again.table, result.table)
        assert again.features == result.features and again.report("a.html").read_text() == pages[name].read_text()
    values = by_name["shapley of a text"]
    values.to_json("v.json")
    # exact: JSON keeps every bit
    np.testing.assert_array_equal(ShapleyValues.from_json("v.json").values, values.values)
    rule = by_name["anchor of a real"]
    assert Anchor.from_json(rule.to_json()).rule == rule.rule


def test_what_is_no_anchor_is_refused(by_name):
    one, other = by_name["anchor of a cube"], by_name["shapley of a cube"]
    for kind, wrong in ((Anchor, other), (ShapleyValues, one), (Explanation, one)):
        with pytest.raises(InputError, match=r"^source must be (an anchor|Shapley values|an explanation)"):
            kind.from_json(wrong.to_json())
    for result in (one, other):
        data = json.loads(result.to_json())
        with pytest.raises(InputError, match="newer version: format 5, this version reads 1 to 4"):
            type(result).from_json(json.dumps({**data, "format": 5}))
        del data["features"]
        with pytest.raises(InputError, match="features"):
            type(result).from_json(json.dumps(data))


def test_the_table_of_an_anchor_says_what_its_words_say(by_name):
    for kind, result in by_name.items():
        if isinstance(result, Anchor):
            assert " and ".join(result.table["words"]) == ("" if result.words == "always" else result.words), kind
            assert len(result.table) == len(result.rule.conditions)
    low, high = by_name["anchor of a real"].table.loc[0, ["low", "high"]]
    assert np.isfinite([low, high]).all() and low < high


def test_figures_show_the_numbers(by_name):
    rule = by_name["anchor of a cube"]
    bars = rule.plot().patches
    assert [bar.get_width() for bar in bars] == [rule.precision, rule.unconditional]
    values = shapley_values(lambda Z: np.column_stack([Z[:, 0], 3 * Z[:, 1] - Z[:, 2]]), MaskProbe(3), store=None)
    axes = values.plot(output="output 1")
    np.testing.assert_allclose([bar.get_width() for bar in axes.patches], [3, -1, 0], atol=1e-12)
    assert "output 1" in axes.get_xlabel()
    for wrong in ({"output": "no"}, {"max_features": 0}):
        with pytest.raises(InputError):
            values.plot(**wrong)


def test_pages_are_whole_and_no_user_string_becomes_markup(by_name, pages, harmless):
    for name, result in by_name.items():
        for text in (pages[name].read_text(), result._repr_html_()):
            harmless(text)
            assert "could not be drawn" not in text and "numpy" in text


def test_pages_say_what_was_found(by_name, pages):
    rule = by_name["anchor of a cube"]
    page = pages["anchor of a cube"].read_text()
    assert "exact: every possible question was asked" in page and percent(rule.precision) in page
    text = anchor(lengths, TextProbe("one two three four five six seven eight"), precision=0.8, store=None)
    block = re.search(r'<div class="block" dir="auto">(.*?)</div>', text.report("t.html").read_text(), re.S).group(1)
    marked = re.findall(r'strength:0.50"[^>]*>(.*?)<', block)
    assert (
        marked == text.table["feature"].tolist()
        and re.sub(r"<[^>]+>", "", block)
        == text.view["blocks"][0]["glue"][0] + "one two three four five six seven eight"
    )
    hopeless = anchor(lambda Z: Z.all(axis=1) * 1.0, MaskProbe(8), max_length=2, budget=100, store=None)
    assert "was not proved within the budget" in hopeless.report("h.html").read_text()
    values = shapley_values(lambda Z: 2.0 * Z[:, 1] - Z[:, 2] + 4, MaskProbe(4), store=None)
    page = values.report("v.html").read_text()
    assert re.search(r"x1</td>\s*<td class=\"n\">\+2<small", page) and "Exact: all 16 possible questions" in page
    assert "output</b>: 5 for this input" in page and "4 with every feature absent" in page
    assert "Shapley value (output)" in page and "effect (output)" not in page
    assert "Shapley values of the model (exact: every question was asked)\n" in str(values)


def test_in_a_browser_nothing_loads_runs_or_overflows(pages, visit):
    for path in pages.values():
        view = visit(path, viewport={"width": 360, "height": 800})
        assert view.evaluate("document.documentElement.scrollWidth") <= 360
        visit.close()


def test_an_anchor_without_conditions_promises_nothing_and_shows_the_row():
    frame = pd.DataFrame({"age": [40.0, 50.0, 60.0] * 9, "city": ["Bergen", "Oslo", "Bodø"] * 9})

    class Sure:
        classes_ = np.array(["no", "yes"])
        feature_names_in_ = np.array(["age", "city"])

        def predict_proba(self, rows):
            chance = 0.8 + rows["age"].to_numpy(dtype=float) / 1000
            return np.column_stack([1 - chance, chance])

    rule = anchor(Sure(), TabularProbe(frame.iloc[1], frame), store=None)
    assert not rule.rule.conditions and rule.said["decided"] == ["yes", "yes"]
    again = Anchor.from_json(rule.to_json())
    page = again.report("r.html").read_text()
    assert "No rule is needed here: whatever the features are, the answer is yes" in page
    assert '<div class="verdict plain">' in page and "verdict good" not in page
    assert "The model says yes for this input and also yes with every feature replaced" in page
    assert "<b>yes</b>" in page and "0.85 for this input" in page
    assert "<details open>" in page and re.search(r"city</td><td class=.value.>Oslo<", page)
    text = str(again)
    assert text.startswith("No rule is needed here") and "Always" not in text
    assert "decides for yes, yes for the reference; yes 0.85 for this input" in text


def test_what_an_anchor_of_an_earlier_version_does_not_know_is_not_shown(by_name):
    rule = by_name["anchor of a cube"]
    old = json.loads(rule.to_json())
    del old["view"]["said"]
    again = Anchor.from_json(json.dumps(old))
    assert again.said is None and "Model:" not in str(again)
    for wrong in ({"outputs": ["a"]}, {**rule.said, "instance": []}, {**rule.said, "decided": ["yes"]}):
        damaged = {**old, "view": {**old["view"], "said": wrong}}
        with pytest.raises(InputError, match="said"):
            Anchor.from_json(json.dumps(damaged))
