"""What stands in for absent text: a function of it, a mask token, words drawn several times."""

from __future__ import annotations

import numpy as np
import pytest

from probes import ContextProbe, Infill, InputError, ModelError, PairProbe, TextProbe, mask_token
from surrogates import Explanation, anchor, check, explain, shapley_values

WORDS = ("so", "not", "very", "it")


def fill(texts, seeds):
    """Fill every gap with a word that the seed chooses."""
    return [text.replace("[MASK]", WORDS[seed % 4]) for text, seed in zip(texts, seeds, strict=True)]


def probe(samples=4, seed=0, text="bad film and so bad"):
    return TextProbe(text, replacement=Infill(fill, samples=samples, random_state=seed))


def lengths(texts):
    return [float(len(text)) for text in texts]


# --- functions and tokens


def test_a_function_rewrites_each_absent_piece():
    rewritten = TextProbe("not bad at all", replacement=lambda piece: "_" * len(piece))
    assert rewritten.render(np.array([[1, 0, 1, 0]])) == ["not ___ at ___"]


def test_functions_of_one_name_make_probes_of_their_own():
    one, other = (TextProbe("not bad", replacement=f) for f in (lambda _: "x", lambda _: "y"))
    assert one.digest != other.digest


def test_a_function_must_return_a_string():
    with pytest.raises(InputError, match="replacement must return a string for 'not'"):
        TextProbe("not bad", replacement=len).render(np.array([[0, 1]]))


@pytest.mark.parametrize("replacement", [5, ["x"], str])
def test_anything_else_is_refused(replacement):
    with pytest.raises(InputError, match="replacement must be a string"):
        TextProbe("not bad", replacement=replacement)


def test_a_tokenizer_without_a_mask_token_is_refused():
    with pytest.raises(InputError, match="tokenizer must have a mask token"):
        mask_token(object())


# --- infill


def test_the_instance_is_not_filled():
    assert probe().render(np.ones((1, 5))) == ["bad film and so bad"] * 4


def test_gaps_are_filled_several_times_and_the_rest_stays():
    rendered = probe(20).render(np.array([[1, 0, 1, 1, 0]]))
    assert {text.split()[1] for text in rendered} == set(WORDS)
    assert all(text.startswith("bad ") and " and so " in text for text in rendered)


def test_the_same_seed_fills_a_row_alike_whatever_stands_beside_it():
    Z = np.random.default_rng(0).integers(0, 2, (16, 5))
    together, other = probe().render(Z), probe(seed=1).render(Z)
    assert [text for row in Z for text in probe().render(row[None])] == together
    assert together != other


def test_each_gap_is_drawn_once_for_a_probe():
    asked = []

    def counting(texts, seeds):
        asked.extend(texts)
        return fill(texts, seeds)

    counted = TextProbe("not bad at all", replacement=Infill(counting, samples=2))
    Z = np.array([[1, 0, 1, 1], [1, 0, 1, 1], [0, 1, 1, 1]])
    counted.render(Z)
    counted.render(Z)
    assert len(asked) == 4


def test_prompts_are_filled_document_by_document():
    context = ContextProbe(["It rained.", "It is free."], "When?", replacement=Infill(fill, samples=2))
    first, second = (turn[0][1] for turn in context.render(np.array([[0, 1]])))
    assert first.startswith("Context: ") and first.endswith("\n\nIt is free.\n\nQuestion: When?")
    assert second.endswith("\n\nIt is free.\n\nQuestion: When?")


def test_probes_that_draw_otherwise_have_digests_of_their_own():
    def shouted(texts, seeds):
        return [text.upper() for text in fill(texts, seeds)]

    other = TextProbe("bad film and so bad", replacement=Infill(shouted, samples=4))
    assert len({probe().digest, probe(seed=1).digest, probe(5).digest, other.digest}) == 4


def noisy(texts):
    """Bad words, and more for each word that a fill may draw."""
    return [2.0 * t.count("bad") + t.count("not") + 3.0 * t.count("very") for t in texts]


def test_intervals_cover_the_draws_though_every_question_is_asked():
    truth = explain(noisy, probe(400), store=None)
    names = [f.name for f in truth.features]
    true = truth.attributions.set_index("feature").loc[names, "attribution"].to_numpy()
    held = []
    for seed in range(20):
        ex = explain(noisy, probe(3, seed + 1), store=None)
        table = ex.attributions.set_index("feature").loc[names]
        held += list((table["low"] <= true) & (true <= table["high"]))
    assert ex.fidelity.exact
    assert np.mean(held) >= 0.9


def test_the_draws_are_said_on_the_page_and_in_the_notes():
    ex = explain(noisy, probe(), store=None)
    assert any("drawn anew 4 times" in note for note in ex.warnings)
    page = ex.report("infill.html").read_text(encoding="utf-8")
    assert "Each word was drawn anew from fill (4 times, seed 0) at random" in page
    assert "with every feature drawn anew" in page


def test_a_fill_that_returns_nothing_is_refused_in_words():
    nothing = TextProbe("bad film", replacement=Infill(lambda texts, seeds: None, samples=2))
    with pytest.raises(ModelError, match="The infill must return 2 texts, one for each; got None"):
        nothing.render(np.array([[0, 1]]))


def test_exact_shapley_values_are_said_to_be_for_the_draws_used():
    values = shapley_values(noisy, probe(), store=None)
    assert set(values.table["exact"]) == {"for the model, with the draws used"}
    assert set(explain(noisy, probe(), store=None).indices()["exact"]) == {"for the model, with the draws used"}
    assert "Shapley values and rules are for these draws alone" in " ".join(str(values).split())


def test_a_rule_says_that_the_reference_was_drawn_anew():
    assert "with every feature drawn anew" in " ".join(str(anchor(noisy, probe(), store=None)).split())


def test_shapley_values_say_what_stands_in_place_of_all_features():
    values = shapley_values(lengths, TextProbe("not bad", replacement="…"), store=None)
    assert "3 with every feature replaced by '…'" in str(values)


def test_what_was_filled_is_saved_and_loaded():
    ex = explain(noisy, probe(), store=None)
    assert Explanation.from_json(ex.to_json()).view == ex.view


def test_the_check_of_removal_takes_it_away_without_draws():
    text = "bad film and so bad, not very long but rather odd in the end"
    ex = explain(noisy, probe(text=text), budget=400, store=None)
    (finding,) = check(ex, noisy, probe(text=text), "removal", store=None).checks
    assert "removed: effects agree" in finding.sentence


@pytest.mark.parametrize(
    ("arguments", "parameter"),
    [
        ({"fill": "bert"}, "fill"),
        ({"fill": fill, "samples": 1}, "samples"),
        ({"fill": fill, "samples": 2.5}, "samples"),
        ({"fill": fill, "random_state": -1}, "random_state"),
        ({"fill": fill, "mask": " "}, "mask"),
    ],
)
def test_settings_are_checked(arguments, parameter):
    with pytest.raises(InputError) as caught:
        Infill(**arguments)
    assert caught.value.parameter == parameter


def test_a_text_that_holds_the_mark_of_a_gap_is_refused():
    with pytest.raises(InputError, match=r"text must not hold '\[MASK\]'"):
        probe(text="a [MASK] b")


@pytest.mark.parametrize("wrong", [lambda t, s: t[:-1], lambda t, s: [None] * len(t), lambda t, s: 1 / 0])
def test_a_fill_that_fails_or_returns_something_else_is_an_error_of_the_model(wrong):
    with pytest.raises(ModelError, match="The infill"):
        TextProbe("not bad", replacement=Infill(wrong)).render(np.array([[0, 1]]))


def test_a_fill_that_changes_what_is_present_is_an_error_of_the_model():
    with pytest.raises(ModelError, match="outside gaps"):
        TextProbe("not bad", replacement=Infill(lambda texts, _: ["good"] * len(texts))).render(np.array([[0, 1]]))


def test_a_fill_that_leaves_a_gap_is_an_error_of_the_model():
    with pytest.raises(ModelError, match="must leave no gap"):
        TextProbe("not bad", replacement=Infill(lambda texts, _: texts)).render(np.array([[0, 1]]))


def test_a_function_that_fails_is_named_with_its_piece():
    with pytest.raises(InputError, match=r"return a string for 'not' \(ZeroDivisionError"):
        TextProbe("not bad", replacement=lambda _: 1 / 0).render(np.array([[0, 1]]))


@pytest.mark.parametrize(
    "made",
    [
        lambda: TextProbe("a a", replacement="a"),
        lambda: TextProbe("A B", replacement=str.upper),
        lambda: TextProbe("… a …", "occurrences", spans=[(0, 1), (4, 5)], replacement="…"),
        lambda: ContextProbe(["One.", "One."], "Which?", unit="document", replacement="One."),
        lambda: PairProbe("a", "a", replacement="a"),
    ],
)
def test_a_replacement_that_changes_no_feature_is_refused(made):
    with pytest.raises(InputError, match=r"^replacement must change the text: what stands in for absent features"):
        made()


def test_features_that_hold_their_replacement_are_named():
    said = "B: what stands in is the same text, so the effect is zero by design."
    assert TextProbe("a B", replacement=str.upper).notes == (said,)
    assert not TextProbe("a B", replacement="c").notes
    assert not TextProbe("a b a", "occurrences", replacement="c").notes


def test_no_mark_is_tried_where_the_text_holds_nothing_else():
    assert not TextProbe("… …").variants()
