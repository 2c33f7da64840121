"""FieldsProbe and PairProbe: what is left of several named texts, and what of them stays."""

import numpy as np
import pandas as pd
import pytest

from probes import ContextProbe, FieldsProbe, InputError, PairProbe, TextProbe
from surrogates import Explanation, check, compare, explain, explain_many

FIELDS = {"title": "Good news", "body": "It rained. It is free.", "stars": 4}


def shared(pairs):
    """The words that both texts of a pair hold."""
    return [float(len(set(a.lower().split()) & set(b.lower().split()))) for a, b in pairs]


@pytest.mark.parametrize(
    ("side", "sides"), [("both", [True, True]), ("first", [True, False]), ("second", [False, True])]
)
def test_only_the_side_that_is_explained_changes(side, sides):
    probe = PairProbe("a man sleeps", "he rests well", side)
    pairs = probe.render(np.random.default_rng(0).integers(0, 2, (40, len(probe.features))))
    assert [len({pair[i] for pair in pairs}) > 1 for i in (0, 1)] == sides


def test_names_of_features_say_the_field_where_there_are_several():
    both = PairProbe("the man", "The man", names=("premise", "hypothesis"))
    assert [f.name for f in both.features] == ["premise: the", "premise: man", "hypothesis: The", "hypothesis: man"]
    assert [f.name for f in PairProbe("the man", "x", "first").features] == ["the", "man"]


def test_a_repeated_word_is_numbered_within_its_field():
    probe = FieldsProbe({"a": "no no", "b": "no"})
    assert [f.name for f in probe.features] == ["a: no", "a: no (2)", "b: no"]


def test_with_everything_present_the_fields_are_what_was_given():
    text = "  Two  spaces,\n\na line. "
    probe = FieldsProbe({"a": text, "b": "x y", "n": 3, "none": None}, {"a": "sentence"}, fixed=["n", "none"])
    assert probe.render(probe.instance[None]) == [{"a": text, "b": "x y", "n": 3, "none": None}]


def test_each_field_has_its_unit():
    probe = FieldsProbe(FIELDS, {"body": "sentence"}, fixed=["stars"])
    assert [f.name for f in probe.features] == ["title: Good", "title: news", "body: It rained.", "body: It is free."]


def test_spans_of_a_field_leave_the_rest_of_it():
    probe = FieldsProbe({"a": "abcdef", "b": "x y"}, spans={"a": [(0, 2), (3, 5)]})
    assert probe.render(np.array([[0, 1, 1, 1]])) == [{"a": "cdef", "b": "x y"}]


def test_a_replacement_stands_in_every_field():
    probe = PairProbe("a b", "c d", replacement="…")
    assert probe.render(np.zeros((1, 4))) == [("… …", "… …")]


def test_a_template_makes_one_text_and_braces_of_the_user_stay():
    probe = FieldsProbe({"a": "one {b}", "b": "two"}, template="{b} / {a}")
    assert probe.render(np.ones((1, 3))) == ["two / one {b}"]


@pytest.mark.parametrize("row", [pd.Series(FIELDS), pd.DataFrame([FIELDS])], ids=["series", "frame"])
def test_a_row_becomes_data_frames_of_its_columns(row):
    probe = FieldsProbe(row, fixed=["stars"])
    frame = probe.render(np.eye(len(probe.features))[:3])
    assert list(frame.columns) == list(FIELDS)
    assert frame["stars"].dtype.kind == "i" and set(frame["stars"]) == {4}
    assert frame["title"].tolist() == ["Good", "news", ""]


def test_texts_of_a_category_are_taken_apart_as_texts():
    frame = pd.DataFrame({"title": pd.Categorical(["Good news"]), "body": ["rain"]})
    asked = FieldsProbe(frame).render(np.array([[1, 0, 1], [0, 1, 0]]))
    assert asked.to_dict("list") == {"title": ["Good", "news"], "body": ["rain", ""]}


def test_a_column_may_have_any_name():
    frame = pd.DataFrame({"self": ["Good news"]})
    assert FieldsProbe(frame).render(np.array([[0, 1]]))["self"].tolist() == ["news"]


def test_forms_that_ask_other_inputs_have_other_digests():
    fields = {"first": "a b", "second": "c 4"}
    probes = [
        PairProbe("a b", "c 4"),
        FieldsProbe(fields),
        FieldsProbe(pd.DataFrame([fields])),
        FieldsProbe(fields, template="{first}{second}"),
        FieldsProbe({**fields, "n": 4}, fixed=["n"]),
        FieldsProbe({**fields, "n": "4"}, fixed=["n"]),
        PairProbe("a b", "c 4", names=("p", "h")),
    ]
    assert len({probe.digest for probe in probes}) == len(probes)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PairProbe("a b", None), "^second must be a string"),
        (lambda: PairProbe(["a b"], "c"), "^first must be a string"),
        (lambda: PairProbe("", "c d"), "^first must hold some text"),
        (lambda: PairProbe("a b", "c", "third"), "^explain must be one of both, first, second"),
        (lambda: PairProbe("a b", "c", names=("x", "x")), "^names must be two different names"),
        (lambda: PairProbe("a b", "c", names="xy"), "^names must be two"),
        (lambda: PairProbe("a b", "c", unit="verse"), "^unit must be one of character, word"),
        (lambda: PairProbe("a b", "c", unit=("word",)), "^unit must be two"),
        (lambda: PairProbe("a", "c", "first"), "^fields must hold at least two features"),
        (lambda: PairProbe("a b", "c", "first", spans=(None, [(0, 1)])), "^spans must be None for second"),
        (lambda: PairProbe("a b", "c", replacement=3), "^replacement must be a string"),
        (lambda: FieldsProbe({}), "^fields must hold some"),
        (lambda: FieldsProbe({3: "a b"}), "^fields must hold some, with a name each"),
        (lambda: FieldsProbe("a b"), "^fields must be a dict of names and texts"),
        (lambda: FieldsProbe([("a", "b")]), "^fields must be a dict of names and texts"),
        (lambda: FieldsProbe({"a": "b c", "n": 3}), "^n must be a string"),
        (lambda: FieldsProbe({"a": "b c", "n": ["x"]}, fixed=["n"]), "^n must be a text; a fixed field may"),
        (lambda: FieldsProbe({"a": "b c"}, fixed=["x"]), "^fixed must name some of 'a'"),
        (lambda: FieldsProbe({"a": "b c", "b": "d"}, {"b": "word"}, fixed=["b"]), "^unit must name some of 'a'"),
        (lambda: FieldsProbe({"a": "b c"}, ["word"]), "^unit must be one of character, word"),
        (lambda: FieldsProbe({"a": "b c"}, template="no field"), "^template must be a text that holds {a}"),
        (lambda: FieldsProbe({"a": "b c"}, template="{a} {b}"), "^template must hold no fields but a"),
        (lambda: FieldsProbe({"a": "b c"}, answer=" "), "^answer must be a non-empty string"),
        (lambda: FieldsProbe(pd.DataFrame({"a": ["b c", "d e"]})), "^fields must be one row"),
    ],
)
def test_bad_input_is_refused_by_name(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_a_plain_pair_is_ambiguous_for_a_function():
    with pytest.raises(InputError, match=r"PairProbe\(first, second\) makes one of a pair"):
        explain(shared, ("a b", "b c"), store=None)


def test_a_word_of_both_sides_matters_on_both():
    ex = explain(shared, PairProbe("the old man", "a man", names=("p", "h")), "interactions", store=None)
    assert set(ex.attributions["feature"].head(2)) == {"p: man", "h: man"}
    assert any("p: man" in term and "h: man" in term for term in ex.terms["term"])


def test_a_saved_explanation_is_read_and_drawn_with_its_fields():
    ex = Explanation.from_json(explain(shared, PairProbe("the man", "a man"), store=None).to_json())
    page = ex.report("r.html").read_text()
    assert "<b>first</b>" in page and "<b>second</b>" in page and "could not be drawn" not in page
    assert "first: “man”" in str(ex)


def test_names_of_fields_are_shown_as_they_are_and_run_nothing():
    name = "<script>alert(1)</script>"
    page = explain(shared, PairProbe("the man", "a man", names=(name, "b")), store=None).report("r.html").read_text()
    assert name not in page


def test_removal_is_checked_against_replacement():
    ex = explain(shared, PairProbe("the man", "a man"), store=None)
    checked = check(ex, shared, PairProbe("the man", "a man"), ["removal"], store=None)
    assert [c.name for c in checked.checks] == ["removal"]


def test_two_models_of_pairs_are_compared():
    diff = compare(shared, lambda pairs: [2 * y for y in shared(pairs)], PairProbe("the man", "a man"), store=None)
    table = diff.change.attributions.set_index("feature")["attribution"]
    np.testing.assert_allclose(table[["first: man", "second: man"]], [0.5, 0.5])


def test_many_pairs_are_explained_in_one_stream():
    probes = [PairProbe("the man", "a man"), PairProbe("one two", "two three")]
    found = explain_many(shared, probes, store=None)
    np.testing.assert_allclose([ex.fidelity.r2[0] > 0 for ex in found], True)


@pytest.mark.parametrize(
    "make", [TextProbe, lambda text: PairProbe(text, "b"), lambda text: ContextProbe(text, "Who?")]
)
def test_half_a_character_is_refused_before_anything_is_asked(make):
    with pytest.raises(InputError, match=r"must hold text that can be written as UTF-8.*got 'One \\ud83d\. Two\.'"):
        make("One \ud83d. Two.")
