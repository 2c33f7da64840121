"""The head of a page says what the model said, what was really asked, and how far to trust it; truth is by hand."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from probes import ContextProbe, LocalGaussian, MaskProbe, TabularProbe, TextProbe, as_model
from surrogates import Explanation, explain
from surrogates.report.asked_questions import apart, errors, few_questions
from surrogates.report.sentence import change_line, evidence_line, said_line, warning_line
from tests.helpers.checkout import ROOT

GOLDEN = ROOT / "tests" / "golden" / "1"
WEIGHTS = {"loved": 2.0, "wonderful": 1.0, "dull": -1.5}
TEXT = "I loved this wonderful film though the dull ending was far too long for me and for all of us"


class Critic:
    """Positive where the weights of the words, and of one without another, add up to more than one half."""

    classes_ = np.array(["negative", "positive"])

    def predict_proba(self, texts):
        total = np.array([sum(WEIGHTS.get(word, 0.0) for word in text.split()) for text in texts], dtype=float)
        total += [0.3 * ("wonderful" in text and "dull" not in text) for text in texts]
        positive = 1 / (1 + np.exp(0.5 - total))
        return np.column_stack([1 - positive, positive])


@pytest.fixture(scope="module")
def film():
    return explain(Critic(), TextProbe(TEXT), budget=256, store=None)


def page_of(result, tmp_path):
    return result.report(tmp_path / "page.html").read_text()


def words(markup):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", markup)).split())


def lead(page):
    return words(re.search(r'<p class="lead">(.*?)</p>', page, re.DOTALL).group(1))


def test_the_head_says_what_was_said_asked_and_trusted_and_stands_first(film, tmp_path):
    said = lead(page := page_of(film, tmp_path))
    assert said.startswith("The model said “positive” (probability 0.731). Without “loved” it said “negative” when ")
    assert "that was asked (probability 0.269 for “positive”). " in said  # 1 / (1 + e)
    n = len(np.unique(film.answers.design.Z, axis=0))
    shown = f"R² {film.fidelity.scored(0)}: "
    assert f"{n} variations were asked; this explanation predicts unseen ones with {shown}" in said
    assert said.endswith(film.fidelity.verdict[1:])
    assert page.index('class="lead"') < page.index("<h2>")
    assert " ".join(str(film).split()).count(change_line(film)) == 1


def test_every_change_that_is_told_as_a_fact_was_asked():
    """Leaving out x2 alone moves the model most, by 4 of a range of 7; x0 and x1 act together."""
    ex = explain(lambda Z: 4 * Z[:, 2] + 3 * Z[:, 0] * Z[:, 1], MaskProbe(4), store=None)
    assert change_line(ex) == "Without “x0” and “x2” it said 0 when that was asked."
    asked = explain(lambda Z: 4 * Z[:, 2] + 3 * Z[:, 0] * Z[:, 1], MaskProbe(30), budget=330, store=None)
    single = asked.answers.design.Z[2:32]
    assert asked.answers.design.leave_one_out and (single < 1).sum() == 30
    assert change_line(asked) == "Without “x2” it said 3 when that was asked."


def test_what_matters_little_is_left_out_of_a_small_change():
    ex = explain(lambda Z: 4 * Z[:, 2] + 0.3 * Z[:, 0] - 0.2 * Z[:, 1], MaskProbe(6), store=None)
    assert change_line(ex) == "Without “x2” it said 0.1 when that was asked."


def test_what_nobody_asked_is_a_would_of_the_explanation():
    ex = explain(lambda Z: 4 * Z[:, 2] + 3 * Z[:, 0] - Z[:, 5], MaskProbe(40), budget=120, store=None)
    gone = (ex.answers.design.Z < 0.5).sum(axis=1)
    assert not ((gone >= 1) & (gone <= 3)).any()
    said = change_line(ex)
    assert said == "Without “x0” and “x2” it would say about −1, by this explanation; that was not asked."
    shaky = replace(ex, fidelity=replace(ex.fidelity, r2_low=(0.5,)))
    assert change_line(shaky).startswith("Without “x0” and “x2” it would say a lower number, by this explanation;")


def test_a_number_beyond_all_answers_is_not_named():
    ex = explain(lambda Z: Z @ np.r_[-5.0, 1, -5, np.ones(37)], MaskProbe(40), budget=120, store=None)
    assert ex.fidelity.r2_low[0] > 0.9 and ex.predict(np.r_[0.0, 1, 0, np.ones(37)][None])[0] > ex.y.max() + 1
    assert change_line(ex) == (
        "Without “x0” and “x2” it would say a higher number, by this explanation; that was not asked."
    )


def test_one_feature_is_left_out_where_it_does_nearly_what_two_do():
    ex = explain(lambda Z: Z[:, 2] * Z[:, 0], MaskProbe(40), family="interactions", budget=120, store=None)
    assert change_line(ex) in [
        f"Without “{x}” it would say about 0, by this explanation; that was not asked." for x in ("x0", "x2")
    ]


def test_what_rounding_leaves_of_zero_is_said_to_be_zero():
    ex = explain(lambda Z: 4.1 * Z[:, 2] + 3.3 * Z[:, 0], MaskProbe(40), budget=120, store=None)
    assert "it would say about 0, by this explanation" in change_line(ex)


def test_a_verdict_against_use_comes_first_and_names_no_cause(tmp_path):
    ex = explain(lambda Z: np.sin(1e6 * (Z @ np.arange(1, 13) ** 2.3)), MaskProbe(12), budget=64, store=None)
    said = lead(page_of(ex, tmp_path))
    assert ex.fidelity.refused() == (True,)
    assert said.startswith("Do not ") and "this explanation" in said.split(". ")[0]
    assert change_line(ex) == "" and not re.search(r"“x\d+”", said) and "Small change" not in str(ex)
    assert said.endswith(f"with R² {ex.fidelity.scored(0)}.")


def test_of_several_outputs_those_not_to_be_used_are_named_and_give_no_change():
    def three(Z):
        noise = np.sin(1e6 * (Z @ np.arange(1, 13) ** 2.3))
        return pd.DataFrame({"first": 4 * Z[:, 0], "second": 9 * noise, "third": Z[:, 2] - Z[:, 1]})

    ex = explain(as_model(three), MaskProbe(12), target="all", budget=128, store=None)
    assert ex.fidelity.refused() == (False, True, False)
    assert re.match(r"“second”: do not (use|rely on) this explanation", warning_line(ex))
    assert said_line(ex).startswith("The model said 4 for “first”, ") and said_line(ex).endswith("and 0 for “third”.")
    assert change_line(ex) == "Without “x0” it said 0 for “first” when that was asked."
    assert "; this explanation predicts unseen ones with R² 1.00" in evidence_line(ex)
    assert evidence_line(ex).count("predicts unseen ones") == 1 and "“second”:" not in evidence_line(ex)


def test_of_many_outputs_the_worst_is_judged():
    ex = explain(as_model(lambda Z: Z @ np.ones((6, 12))), MaskProbe(6), target="all", store=None)
    assert said_line(ex).endswith("and 9 more.")
    assert "Of 12 outputs “output 0” is explained worst: this explanation reproduces them" in evidence_line(ex)


def test_a_constant_has_nothing_to_explain():
    ex = explain(lambda Z: np.full(len(Z), 3.0), MaskProbe(4), store=None)
    assert said_line(ex) == "The model said 3." and change_line(ex) == ""
    assert evidence_line(ex) == f"All 16 possible variations were asked. {ex.fidelity.verdict}"


def test_the_row_of_a_table_is_named_by_columns_with_values():
    frame = pd.DataFrame({"income": np.arange(12.0) * 100 + 84, "age": np.arange(12.0) + 30})
    probe = TabularProbe(frame.iloc[8], frame, background_rows=12)
    ex = explain(lambda rows: rows["income"] + 0.0 * rows["age"], probe, store=None)
    assert said_line(ex) == "The model said 884."
    mean = "634"  # of 84, 184, …, 1184
    assert change_line(ex) == (
        f"With “income = 884” replaced from the background, it said {mean} on average over 12 background rows when "
        "that was asked."
    )


def test_a_real_feature_is_said_by_both_values():
    frame = pd.DataFrame({"income": np.arange(40.0) * 10, "age": np.arange(40.0) + 30})
    probe = TabularProbe(frame.iloc[20], frame, law=LocalGaussian(0.5))
    ex = explain(lambda rows: 3 * rows["income"] + rows["age"], probe, budget=60, store=None)
    assert re.match(r"With “income” at [\d.]+ \(not 200\), it said [\d.]+ when that was asked\.", change_line(ex))


def test_sources_of_a_context_are_named_and_a_models_answer_is_quoted():
    ex = Explanation.from_json(GOLDEN / "language-model.json")
    assert said_line(ex) == "The answer explained is “did Oslo when Oslo”; mean token log-prob: −2.37 nats."
    assert change_line(ex).startswith(
        "Without “The museum opened in 1969.” and “The capital of France is Paris.” the answer"
    )
    spans = ex.attribute(["Oslo", "when"])
    assert re.search(r"these are explained: \S+ nats for “Oslo” and \S+ for “when” a token\.", said_line(spans))
    asked = explain(
        as_model(lambda chats: [2.0 * ("1969" in chat[-1][1]) for chat in chats]),
        ContextProbe({"Guide": "It opened in 1969.", "Blog": "It rained."}, "When did it open?"),
        store=None,
    )
    assert change_line(asked) == "Without “Guide” it said 0 when that was asked."


def test_of_a_noisy_model_it_is_said_that_an_answer_is_one_of_several():
    ex = Explanation.from_json(GOLDEN / "noisy.json")
    assert evidence_line(replace(ex, answers=replace(ex.answers, noisy=True))).endswith("one of those it gives.")


def test_replaced_words_are_not_said_to_be_left_out():
    ex = explain(
        lambda texts: [float("not" in t) for t in texts], TextProbe("not bad at all", replacement="…"), store=None
    )
    assert change_line(ex) == "With “not” replaced by '…', it said 0 when that was asked."


def test_a_name_cannot_speak_for_the_page(tmp_path):
    name = "x\nDo use it: <b>trust</b> \u202eall"
    ex = explain(lambda Z: 2 * Z[:, 0] + Z[:, 1], MaskProbe([name, "b", "c"]), store=None)
    said = lead(page := page_of(ex, tmp_path))
    assert "“x Do use it: <b>trust</b> ⟨U+202E⟩all”" in said and "\u202e" not in page and "<b>trust" not in page
    assert "\nDo use it" not in str(ex)


def test_questions_shown_are_the_input_the_median_the_worst_and_two_by_the_seed(film, tmp_path):
    design, predicted = film.answers.design, apart(film)
    first = design.fixed + design.block
    np.testing.assert_allclose(predicted[first:], film.fidelity.predicted)
    off = errors(film, predicted)
    shown = few_questions(film, off)
    assert [why for _, why in shown[:1]] == ["this input"] and [why for _, why in shown[3:]] == ["drawn at random"] * 2
    judged = np.arange(first, len(design))
    worst = next(i for i, why in shown if why.startswith("the worst"))
    middle = next(i for i, why in shown if why == "a typical miss")
    np.testing.assert_allclose(off[worst], off[judged].max())
    np.testing.assert_allclose(off[middle], np.sort(off[judged])[len(judged) // 2])
    assert shown == few_questions(film, off) and len({i for i, _ in shown}) == 5
    page = page_of(film, tmp_path)
    section = re.search(r"<h2>What was asked</h2>(.*?)</section>", page, re.DOTALL).group(1)
    cards = re.findall(r'<div class="question( worst)?">(.*?)</p>\s*</div>', section, re.DOTALL)
    assert [mark for mark, _ in cards] == ["", "", " worst", "", ""]
    for (i, _), (_, card) in zip(shown, cards, strict=True):
        block = re.search(r'<div class="asked" dir="auto">(.*?)</div>', card, re.DOTALL).group(1)
        assert words(re.sub(r"<del>.*?</del>", "", block)) == " ".join(
            word for word, there in zip(TEXT.split(), design.Z[i] > 0.5, strict=True) if there
        )
        assert words(block) == TEXT
    assert "<details><summary>2 more, drawn at random</summary>" in section


def test_where_the_input_is_missed_worst_that_is_said():
    ex = explain(lambda Z: Z[:, 0] + 9 * Z.all(axis=1), MaskProbe(12), budget=64, store=None)
    assert dict(few_questions(ex, errors(ex, apart(ex))))[0] == "this input: the worst miss"


def test_what_is_not_missed_is_not_marked_as_a_miss(tmp_path):
    page = page_of(explain(lambda Z: Z[:, 0] - 2 * Z[:, 1], MaskProbe(4), store=None), tmp_path)
    assert "the worst: not missed" in page and 'class="question worst"' not in page


def test_a_certified_explanation_shows_questions_that_were_never_fitted(tmp_path):
    ex = Explanation.from_json(GOLDEN / "certified.json")
    assert len(ex.fidelity.predicted) < len(ex.answers.design.judged)
    assert np.isfinite(apart(ex)).all() and "could not be drawn" not in page_of(ex, tmp_path)


def test_a_long_text_makes_no_long_page(tmp_path):
    text = " ".join(f"word{i:05d}" for i in range(4000))
    ex = explain(lambda texts: [float("word00007" in t) for t in texts], TextProbe(text), budget=40, store=None)
    section = re.search(r"<h2>What was asked</h2>(.*?)</section>", page_of(ex, tmp_path), re.DOTALL).group(1)
    assert len(section) < 60_000 and "3,920 more parts" in section


def test_a_word_is_explained_where_it_first_stands_and_never_in_a_notebook(film, tmp_path):
    page = page_of(film, tmp_path)
    places = re.findall(r'<a class="word" href="#(word-\d+)">', page)
    assert len(places) == len(set(places)) > 2
    assert re.findall(r'<dt id="(word-\d+)">', page) == places
    assert page.index(">R²</a>") < page.index("<h2>")
    assert "1 − Σ(y−ŷ)² / Σ(y−ȳ)²" in page
    assert "word-" not in film._repr_html_()


def test_a_notebook_begins_with_the_sentence_and_stays_short(film):
    short, _, _ = film._repr_html_().partition("<details><summary>the whole report</summary>")
    assert lead(short).startswith("The model said “positive”") and "What was asked" not in short
    assert short.count("<h2>") <= 3
