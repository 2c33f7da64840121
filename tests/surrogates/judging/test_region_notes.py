"""Notes on inputs that removal makes: texts beyond a model's cut, columns that go together."""

import numpy as np
import pandas as pd
import pytest

from surrogates import explain
from surrogates.judging.reading_window import reading_window
from tests.helpers.cheap_families import cheap

WORTH = {"good": 1.0, "fine": 0.5, "bad": -1.0, "dull": -0.75, "great": 2.0}
TEXT = "a good film with fine actors and dull talk but great"


def worth(texts):
    return [sum(WORTH.get(word, 0.0) for word in text.split()) for text in texts]


def of_a_window(texts):
    return worth([" ".join(text.split()[:5]) for text in texts])


@pytest.mark.parametrize("budget", [None, 256])
def test_a_model_that_cuts_its_text_is_noted(budget):
    ex = explain(of_a_window, TEXT, budget=budget, store=None)
    effect = ex.attributions.set_index("feature")["attribution"]
    assert abs(effect["dull"]) > 0.05  # beyond the cut, pulled into view
    (note,) = [w for w in ex.warnings if "removal pulls" in w]
    assert "Nothing from 'actors' on changes the answer" in note and "first 5 parts" in note


@pytest.mark.parametrize("budget", [None, 256])
def test_a_model_that_reads_the_end_alone_is_noted(budget):
    def of_the_end(texts):
        return worth([" ".join(text.split()[-5:]) for text in texts])

    ex = explain(of_the_end, TEXT, budget=budget, store=None)
    (note,) = [w for w in ex.warnings if "removal pulls" in w]
    assert "Nothing from 'actors' back to the start changes the answer" in note and "last 5 parts" in note

    def of_late_numbers(texts):
        return of_numbers([" ".join(text.split()[::-1]) for text in texts], 12)

    long = explain(of_late_numbers, LONG, cheap("linear"), budget=200, store=None)
    (note,) = [w for w in long.warnings if "removal pulls" in w]
    assert "only the last 12 of the parts" in note and "from 'w47' back to the start has effects" in note


def test_a_model_that_reads_all_is_not():
    for model in (worth, lambda texts: [float("good" in text) for text in texts]):
        ex = explain(model, TEXT, store=None)
        assert not [w for w in ex.warnings if "removal pulls" in w]
    replaced = explain(of_a_window, TEXT + " film", store=None)
    assert replaced.warnings


def test_words_that_repeat_others_are_named_as_the_other_reason():
    def praised(texts):
        return [1.0 * ("fine" in text) + ("good" in text or "great" in text) for text in texts]

    (note,) = [w for w in explain(praised, TEXT, store=None).warnings if "removal pulls" in w]
    assert "Nothing from 'actors' on" in note and "may only repeat what stands before it" in note


def test_an_end_that_says_nothing_is_not_taken_for_unread():
    def praised(texts):
        return [0.7 * ("not good" in text) - ("too long" in text) for text in texts]

    text = "it was not good and far too long . the staff was kind and we sat by the river all day"
    for seed in range(20):
        ex = explain(praised, text, cheap("linear"), store=None, random_state=seed)
        assert not [w for w in ex.warnings if "removal pulls" in w]


LONG = " ".join(f"w{i}" for i in range(60))


def test_what_was_never_left_out_beyond_a_cut_is_not_said_to_change_nothing():
    def of_two_words(texts):
        return [1.0 * ("w7" in text.split()) + 0.5 * ("w9" in text.split()) for text in texts]

    text = " ".join(f"w{i}" for i in range(40))
    for seed in range(8):
        ex = explain(of_two_words, text, cheap("linear"), budget=300, store=None, random_state=seed)
        assert not [w for w in ex.warnings if "removal pulls" in w]


def of_numbers(texts, most):
    """Sums of what words are worth, of as many as are read."""
    return [sum(np.sin(7 * int(w[1:])) for w in text.split()[:most]) for text in texts]


def test_a_cut_is_seen_in_ordinary_answers():
    ex = explain(lambda texts: of_numbers(texts, 12), LONG, budget=200, store=None)
    assert not ex.answers.design.leave_one_out
    (note,) = [w for w in ex.warnings if "removal pulls" in w]
    assert "only the first 12 of the parts" in note and "from 'w12' on has effects" in note
    full = explain(lambda texts: of_numbers(texts, 60), LONG, budget=200, store=None)
    assert not [w for w in full.warnings if "removal pulls" in w]


@pytest.mark.parametrize(("length", "most"), [(60, 48), (60, 56), (600, 512)])
def test_a_cut_is_seen_by_the_end_alone(length, most, few_folds):
    text = " ".join(f"w{i}" for i in range(length))
    ex = explain(lambda texts: of_numbers(texts, most), text, cheap("linear"), budget=200, store=None)
    end = ex.answers.design.end
    assert end == length // 16 and ex.answers.cost.rows == 200
    (note,) = [w for w in ex.warnings if "removal pulls" in w]
    assert f"Without its last {end} parts, from 'w{length - end}' on" in note


def share_of_some(texts):
    return [sum(w in ("w3", "w33", "w58") for w in text.split()) / max(len(text.split()), 1) for text in texts]


def best_word(texts):
    return [max((np.sin(7 * int(w[1:])) for w in text.split()), default=-2.0) for text in texts]


def sure(texts):
    """A probability that is 1 to the last digit for more than half of the words."""
    return [1 / (1 + np.exp(-text.count("w") - s)) for text, s in zip(texts, of_numbers(texts, 60), strict=True)]


def early_words(texts):
    """Words from the 50th on say nothing, wherever they are."""
    return of_numbers([" ".join(w for w in text.split() if int(w[1:]) < 50) for text in texts], 60)


@pytest.mark.parametrize("model", [lambda texts: of_numbers(texts, 60), share_of_some, best_word, sure, early_words])
def test_a_long_text_that_is_read_whole_has_no_cut(model, few_folds):
    ex = explain(model, LONG, cheap("linear"), budget=200, store=None)
    assert ex.answers.design.end == 3 and not [w for w in ex.warnings if "removal pulls" in w]


def test_ordinary_models_show_no_window():
    rng = np.random.default_rng(0)
    for number in range(40):
        d = (8, 12, 30)[number % 3]
        Z = rng.random((128, d)) < 0.5
        w, (i, j, k) = rng.normal(size=d) * (rng.random(d) < 0.5), rng.integers(0, d, 3)
        answers = (
            Z @ w,
            np.tanh(Z @ w),
            Z[:, 0] * (Z @ w),
            Z[:, [i, j, k]].any(axis=1) * 1.0,
            Z @ w / np.maximum(Z.sum(axis=1), 1),
        )
        assert reading_window(Z, answers[number % 5][:, None]) is None, number


def test_correlated_columns_with_large_effects_are_noted():
    rng = np.random.default_rng(0)
    a = rng.normal(size=400)
    frame = pd.DataFrame({"a": a, "b": a + 0.29 * rng.normal(size=400), "c": rng.normal(size=400)})
    row = {"a": 2.0, "b": 2.0, "c": 2.0}
    ex = explain(lambda d: d["a"] + d["b"] + d["c"], row, background=frame, store=None)
    (note,) = [w for w in ex.warnings if w.startswith("Strongly correlated")]
    assert "a and b (0.96)" in note and "groups=" in note
    without = explain(lambda d: d["a"] + d["c"], row, background=frame, store=None)
    assert not [w for w in without.warnings if w.startswith("Strongly correlated")]
