"""The front door: the same keywords wherever an input is taken, and messages that say what to do."""

from __future__ import annotations

import inspect

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from probes import Background, InputError, LocalGaussian, MaskProbe, ModelError, TabularProbe, TextProbe
from surrogates import anchor, check, estimate, explain, explain_many, shapley_values

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(30, 4)), columns=list("abcd"))
ROW = X.iloc[3]
CALL = {"store": None, "progress": False}
ASKING = [explain, estimate, explain_many, anchor, shapley_values, check]


def model(rows):
    rows = np.asarray(rows, dtype=float)
    return rows[:, 0] - 2 * rows[:, 1] + rows[:, 2] * rows[:, 3]


@pytest.mark.parametrize("function", ASKING, ids=lambda function: function.__name__)
def test_every_function_that_takes_a_row_takes_the_settings_of_one(function):
    theirs, known = inspect.signature(function).parameters, inspect.signature(explain).parameters
    for name in ("background", "background_rows", "law", "groups", "feature_names", "ignore"):
        assert theirs[name].kind is inspect.Parameter.KEYWORD_ONLY
        assert (theirs[name].default, theirs[name].annotation) == (None, known[name].annotation)
        assert name in inspect.getdoc(function)


SETTINGS = [
    {"groups": {"ab": ["a", "b"]}},
    {"law": LocalGaussian(0.5)},
    {"law": Background(3)},
    {"background_rows": 5},
    {"ignore": ["d"]},
    {"groups": {"ab": ["a", "b"]}, "background_rows": 4},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: ", ".join(settings))
def test_a_row_with_settings_is_the_probe_with_them(settings):
    def of_all(rows):
        return np.asarray(rows, dtype=float) @ np.arange(1.0, rows.shape[1] + 1)

    probe, given = TabularProbe(ROW, X, **settings), {"background": X, **settings}
    asked = explain(of_all, ROW, budget=400, **given, **CALL)
    by_hand = explain(of_all, probe, budget=400, **CALL)
    assert asked.answers.probe == probe.digest
    pd.testing.assert_frame_equal(asked.attributions, by_hand.attributions)
    assert estimate(of_all, ROW, budget=400, trial=0, **given, **CALL) == estimate(
        of_all, probe, budget=400, trial=0, **CALL
    )
    [many] = explain_many(of_all, [ROW], budget=400, **given, **CALL)
    assert many.answers.probe == probe.digest
    assert anchor(of_all, ROW, budget=700, **given, **CALL).features == probe.features
    assert shapley_values(of_all, ROW, budget=400, **given, **CALL).view == probe.view()
    checked = check(asked, of_all, ROW, "permuted", **given, **CALL)
    assert [finding.name for finding in checked.checks] == ["permuted"]


def test_the_columns_of_an_array_get_names():
    array = X.to_numpy()
    given = {"background": array, "feature_names": ["p", "q", "r", "s"], "groups": {"pq": ["p", "q"]}}
    for found in (
        explain(model, array[0], budget=160, **given, **CALL),
        shapley_values(model, array[0], **given, **CALL),
    ):
        assert [feature.name for feature in found.features] == ["pq", "r", "s"]
    [found] = explain_many(model, array[:1], budget=160, **given, **CALL)
    assert [feature.name for feature in found.features] == ["pq", "r", "s"]


@pytest.mark.parametrize("function", [explain, estimate, anchor, shapley_values])
def test_settings_of_a_row_are_refused_with_a_probe_before_any_call(function):
    asked = []

    def counting(rows):
        asked.append(len(rows))
        return model(rows)

    for name, value in {
        "groups": {"ab": ["a", "b"]},
        "law": Background(2),
        "background_rows": 3,
        "ignore": ["a"],
    }.items():
        with pytest.raises(InputError, match=f"^{name} must be given to the probe itself"):
            function(counting, MaskProbe(4), **{name: value}, **CALL)
    assert asked == []


@pytest.mark.parametrize("function", [explain, estimate, anchor, shapley_values, explain_many])
@pytest.mark.parametrize(
    "probe", [ROW, X.iloc[:2], "one two three", MaskProbe(3), ["a b", "c d"]], ids=lambda p: type(p).__name__
)
def test_a_model_and_an_input_that_changed_places_are_put_right(function, probe):
    with pytest.raises(InputError, match=r"^model must come first, and the input after it"):
        function(probe, model, **CALL)


@pytest.mark.parametrize("table", [X, X.to_numpy()], ids=["frame", "array"])
def test_a_table_in_the_place_of_the_family_says_where_it_belongs(table):
    for function in (explain, estimate):
        with pytest.raises(InputError, match=r"^family must .*a table is given as background="):
            function(model, ROW, table, **CALL)


def test_one_setting_that_is_wrong_for_many_is_one_error():
    for wrong in ({"groups": {"ab": ["a", "z"]}}, {"law": 3}, {"ignore": ["z"]}, {"feature_names": list("wxyz")}):
        with pytest.raises(InputError, match=f"^{next(iter(wrong))}"):
            explain_many(model, [X.iloc[0], X.iloc[1]], background=X, **wrong, **CALL)
    for name, value in {"groups": {"ab": ["a", "b"]}, "law": Background(2), "ignore": ["a"]}.items():
        with pytest.raises(InputError, match=f"^{name} must be left out"):
            explain_many(len, ["one two", "three four"], **{name: value}, **CALL)


def test_rows_with_columns_that_are_ignored_are_explained_as_without():
    frame = X.iloc[:3].assign(id=range(3), y=1.0)
    for background in (X, X.assign(id=0, y=0.0)):
        found = explain_many(model, frame, background=background, ignore=["id", "y"], budget=160, **CALL)
        assert [ex.answers.probe for ex in found] == [TabularProbe(X.iloc[i], X).digest for i in range(3)]
    with pytest.raises(InputError, match=r"^background must have the rows' columns; .*id, y\. .*ignore=\['id', 'y'\]"):
        explain_many(model, frame, background=X, **CALL)


@pytest.mark.parametrize("one", ["one two", ROW, X.to_numpy()[0], [1.0, 2.0, 3.0, 4.0], range(4), MaskProbe(3)])
def test_one_input_is_for_explain(one):
    with pytest.raises(InputError, match=r"^probes must be several.* explain\(\) explains one"):
        explain_many(model, one, background=X, **CALL)


def test_one_chat_is_no_list_of_inputs():
    chat = [{"role": "user", "content": "when did it open"}]
    with pytest.raises(InputError, match=r"^probes must be several: a list of chats"):
        explain_many(len, chat, **CALL)
    [found] = explain_many(lambda chats: [len(chat[-1][1]) for chat in chats], [chat], **CALL)
    assert [feature.name for feature in found.features] == ["when", "did", "it", "open"]


def fails_without_text(texts):
    if not all(texts):
        raise ValueError("nothing to read")
    return [len(text) for text in texts]


def nan_without_text(texts):
    return [float(len(text)) if text else np.nan for text in texts]


def nan_without_text_in_a_chat(chats):
    return nan_without_text([chat[-1][1] for chat in chats])


@pytest.mark.parametrize(
    ("model", "probe"),
    [
        (fails_without_text, "one two three"),
        (nan_without_text, "one two three"),
        (nan_without_text_in_a_chat, [{"role": "user", "content": "one two three"}]),
    ],
)
def test_a_model_that_cannot_read_an_empty_text_is_shown_the_way_out(model, probe):
    with pytest.raises(ModelError, match=r'A text that was asked is empty, .*TextProbe\(text, replacement="…"\)'):
        explain(model, probe, **CALL)
    explain(model, TextProbe(probe, replacement="…"), **CALL)


def test_a_model_that_fails_on_a_text_with_words_is_not_taken_for_one_that_wants_some():
    with pytest.raises(ModelError) as caught:
        explain(lambda texts: 1 / 0, "one two three", **CALL)
    assert "empty" not in str(caught.value)


def test_a_column_that_an_estimator_was_not_fitted_with_is_named_with_the_way_out():
    fitted = LinearRegression().fit(X, X["a"])
    frame = X.assign(id=range(30))
    with pytest.raises(ModelError, match=r"It was fitted without id: ignore=\['id'\] leaves it out"):
        explain(fitted, frame.iloc[0], background=frame, budget=160, **CALL)
    found = explain(fitted, frame.iloc[0], background=frame, ignore=["id"], budget=160, **CALL)
    assert found.answers.probe == TabularProbe(X.iloc[0], X).digest


def test_a_report_shows_all_messages_of_a_chat(tmp_path):
    chat = [{"role": "system", "content": "Be <brief>."}, {"role": "user", "content": "when did it open"}]
    page = explain(lambda chats: [len(chat[-1]["content"]) for chat in chats], chat, **CALL).report(tmp_path / "r.html")
    text = page.read_text(encoding="utf-8")
    assert "could not be drawn" not in text
    assert text.index("system") < text.index("Be &lt;brief&gt;.") < text.index(">when<")
