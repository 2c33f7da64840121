"""Situations of docs/situations.md: texts, and what a page makes of them."""

from __future__ import annotations

import re

import numpy as np
import pytest

from probes import InputError, ModelError, TextProbe
from surrogates import explain
from tests.helpers.effects import effects


def score(texts):
    """Counts what is good and what is bad; "not good" is bad."""
    return [t.count("good") - t.count("bad") - 2.0 * t.count("not good") for t in texts]


def pieces(probe):
    return [f.name for f in probe.features]


def test_a_word_that_stands_twice_is_two_features():
    def first_only(texts):
        return [float(t.startswith("good")) for t in texts]

    ex = explain(first_only, "good food so good", store=None)
    found = effects(ex)
    assert set(found) == {"good", "food", "so", "good (2)"}
    assert found["good"] > 0.5 > abs(found["good (2)"])


def test_words_that_matter_together_are_seen_as_a_pair():
    pairs = explain(score, "it is not good", "interactions", store=None).surrogate
    assert (2, 3) in [term.features for term in pairs.terms_]
    table = explain(score, "it is not good", store=None).indices("shapley", order=2)
    found = dict(zip(table["features"], table["index"], strict=True))
    assert found["not × good"] == pytest.approx(-2.0)
    assert found["it × is"] == pytest.approx(0.0)
    assert set(table["exact"]) == {"for the model"}


def test_sentences_can_be_features():
    text = "The food was good. Service was bad, though! Would I go again? Yes, with Dr. Who."
    ex = explain(score, TextProbe(text, "sentence"), store=None)
    assert effects(ex) == pytest.approx(
        {
            "The food was good.": 1.0,
            "Service was bad, though!": -1.0,
            "Would I go again?": 0.0,
            "Yes, with Dr. Who.": 0.0,
        }
    )
    block = ex.view["blocks"][0]
    assert "".join(a + b for a, b in zip(block["glue"], [*block["pieces"], ""], strict=True)) == text


def test_some_words_can_be_left_alone():
    text = "Subject: good morning. The bad news"
    where = [m.span() for m in re.finditer("good|bad", text)]
    probe = TextProbe(text, spans=where)
    assert pieces(probe) == ["good", "bad"]
    assert probe.render(np.array([[0, 0]])) == ["Subject: morning. The news"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("ไม่ รู้ สู้ หวัง", ["ไม่", "รู้", "สู้", "หวัง"]),
        ("הסרט היה טוב", ["הסרט", "היה", "טוב"]),
        ("我是马氏 ok", ["我", "是", "马", "氏", "ok"]),
        ("so 👩‍🚀 good e\u0301te\u0301", ["so", "👩‍🚀", "good", "e\u0301te\u0301"]),
    ],
    ids=["thai", "hebrew", "chinese", "emoji and combining marks"],
)
def test_letters_of_any_script_stay_together(text, parts):
    probe = TextProbe(text)
    assert pieces(probe) == parts
    assert probe.render(np.ones((1, len(parts)))) == [text]


@pytest.mark.parametrize("text", ["good film. ", " good  film\n", "(good) film!?", "good film\n\nbad"])
def test_pieces_join_to_the_text_whatever_it_ends_with(text):
    probe = TextProbe(text)
    assert probe.render(np.ones((1, len(probe.features)))) == [text]


def test_a_text_without_words_may_be_left_out_of_the_questions():
    def fussy(texts):
        if not all(t.strip() for t in texts):
            raise ValueError("zero-length input")
        return score(texts)

    with pytest.raises(ModelError, match="zero-length input"):
        explain(fussy, "a good day", store=None)
    ex = explain(fussy, TextProbe("a good day", replacement="…"), store=None)
    assert effects(ex)["good"] == pytest.approx(1.0)
    for empty in ("", "  \n", "good"):
        with pytest.raises(InputError, match=r"hold some text|two features"):
            explain(score, empty, store=None)


def test_an_answer_that_never_changes_is_said():
    ex = explain(lambda texts: [1.0] * len(texts), "this ball is red", store=None)
    assert set(effects(ex).values()) == {0.0}  # exact: nothing is computed
    assert ex.fidelity.verdict.startswith("Nothing to fit: the model gave the same answer")


def test_words_can_be_replaced_instead_of_removed():
    probe = TextProbe("a good day", replacement="[MASK]")
    assert probe.render(np.array([[1, 0, 1]])) == ["a [MASK] day"]
    assert effects(explain(score, probe, store=None)) == pytest.approx({"a": 0.0, "good": 1.0, "day": 0.0})


def test_long_texts_are_asked_in_batches_that_fit():
    most = []

    def narrow(texts):  # a machine with room for forty texts
        if len(texts) > 40:
            raise MemoryError("out of memory")
        most.append(len(texts))
        return score(texts)

    ex = explain(narrow, "good " * 10 + "bad " * 10, budget=200, store=None)
    assert max(most) <= 40
    assert effects(ex)["good"] == pytest.approx(1.0)


def test_a_model_that_cuts_its_input_is_noted():
    def first_four(texts):
        return score([" ".join(t.split()[:4]) for t in texts])

    ex = explain(first_four, "a b good e bad bad bad", store=None)
    assert any("The model may read the first 4 parts alone" in note for note in ex.warnings)
    kept = explain(first_four, TextProbe("a b good e bad bad bad", replacement="so"), store=None)
    assert effects(kept)["bad"] == pytest.approx(0.0)
    assert not any("may read the first" in note for note in kept.warnings)


def test_markup_in_a_text_stays_text_on_a_page(harmless):
    ex = explain(score, "a<b<c <script>alert(1)</script> good &amp; 'bad'", store=None)
    page = ex.report("page.html").read_text(encoding="utf-8")
    harmless(page)
    assert "a&lt;b&lt;c" in page
    assert "<script>alert" not in page


def test_a_page_of_any_script_can_be_written(harmless):
    ex = explain(score, "ไม่ good 👩‍🚀 טוב bad 马", store=None)
    page = ex.report("page.html").read_text(encoding="utf-8")
    harmless(page)
    assert all(word in page for word in ("ไม่", "👩‍🚀", "טוב", "马"))
    assert re.search('<meta charset="utf-8"', page, re.IGNORECASE)
