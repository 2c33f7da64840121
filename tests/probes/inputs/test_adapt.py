"""What a plain input becomes, and what is said of inputs that can become nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import sparse

from probes import Background, ChatProbe, InputError, LocalGaussian, MaskProbe, TabularProbe, TextProbe
from probes.inputs.adapt import as_probe
from surrogates import explain

FRAME = pd.DataFrame({"a": [1.0, 2.0, 5.0], "b": [2.0, 1.0, 0.0], "city": ["Bonn", "Rome", "Oslo"], "id": [7, 8, 9]})
X = FRAME[["a", "b", "city"]]
NUMBERS = np.arange(12.0).reshape(4, 3)
GIVEN = {
    "background": X,
    "background_rows": 2,
    "law": Background(2),
    "groups": {"ab": ["a", "b"]},
    "feature_names": ["a", "b", "city"],
    "ignore": ["id"],
}


def digest_of(probe, **settings):
    """The digest of the probe that explain() makes of an input."""
    ex = explain(lambda inputs: np.zeros(len(inputs)), probe, budget=160, store=None, progress=False, **settings)
    return ex.answers.probe


@pytest.mark.parametrize(
    "row", [FRAME.iloc[0], FRAME.iloc[[0]], FRAME.iloc[0].to_dict()], ids=["series", "frame", "dict"]
)
@pytest.mark.parametrize("background", [FRAME, X], ids=["both have it", "the row has it"])
def test_columns_that_are_ignored_are_no_columns(row, background):
    assert digest_of(row, background=background, ignore=["id"]) == TabularProbe(X.iloc[0], X).digest
    probe = TabularProbe(row, background, ignore=["id"])
    assert list(probe.render(probe.instance[None]).columns) == ["a", "b", "city"]


def test_columns_of_the_background_alone_may_be_ignored():
    probe = TabularProbe(X.iloc[0], FRAME, ignore=["id"])
    assert probe.digest == TabularProbe(X.iloc[0], X).digest
    assert probe.at(FRAME.iloc[1]).digest == TabularProbe(X.iloc[1], X).digest


@pytest.mark.parametrize("row", [NUMBERS[0], NUMBERS[0, 1:]], ids=["as the background", "as the model takes it"])
def test_columns_of_an_array_may_be_ignored(row):
    probe = TabularProbe(row, NUMBERS, feature_names=["id", "a", "b"], ignore=["id"])
    assert [feature.name for feature in probe.features] == ["a", "b"]
    np.testing.assert_array_equal(probe.render(np.ones((1, 2)))[0], NUMBERS[0, 1:])  # exact: cells of the row


def test_ignored_columns_of_whole_numbers_leave_the_law_of_the_others():
    kept = pd.DataFrame({"a": [1, 2, 7], "b": [0.5, 1.5, 2.5]})
    one = TabularProbe(kept.iloc[[1]].assign(id=3), kept.assign(id=[1, 2, 3]), law=LocalGaussian(1.0), ignore=["id"])
    assert one.digest == TabularProbe(kept.iloc[[1]], kept, law=LocalGaussian(1.0)).digest


@pytest.mark.parametrize(
    ("row", "background", "named"),
    [(FRAME.iloc[0], X, "id"), (X.iloc[0], FRAME, "id"), (FRAME.iloc[0], FRAME[["a", "b"]], "city, id")],
)
def test_columns_that_differ_are_named_with_the_way_out(row, background, named):
    with pytest.raises(InputError, match=f"only one of the two: {named}. .*ignore=.*leaves them out"):
        digest_of(row, background=background)


@pytest.mark.parametrize("ignore", ["id", ["number"], 3, [["id"]]])
def test_what_is_ignored_is_a_list_of_columns_that_there_are(ignore):
    with pytest.raises(InputError, match=r"^ignore must"):
        TabularProbe(FRAME.iloc[0], X, ignore=ignore)


@pytest.mark.parametrize("name", GIVEN)
@pytest.mark.parametrize(
    ("probe", "rule"), [(MaskProbe(3), "be given to the probe itself"), ("one two three", "be left out")]
)
def test_settings_of_a_row_are_refused_by_name_for_anything_else(name, probe, rule):
    with pytest.raises(InputError, match=f"^{name} must {rule}"):
        digest_of(probe, **{name: GIVEN[name]})


def test_names_are_for_columns_without():
    with pytest.raises(InputError, match=r"^feature_names must be left out: the columns of background have names"):
        TabularProbe(X.iloc[0], X, feature_names=["x", "y", "z"])
    for names in (["x", "y", "x"], "xyz", ["x"], 3):
        with pytest.raises(InputError, match=r"^feature_names must name all 3 columns"):
            TabularProbe(NUMBERS[0], NUMBERS, feature_names=names)


@pytest.mark.parametrize(
    "several",
    [
        ["one two", "three four"],
        ("one two", "three four"),
        {"one two", "three four"},
        iter(["one two", "three four"]),
        pd.Series(["one two", "three four"]),
        np.array(["one two", "three four"]),
        [X.iloc[0], X.iloc[1]],
        [[1.0, 2.0, "Bonn"], [1.0]],
        [{"context": "One. Two.", "question": "Which?"}],
        [MaskProbe(3), MaskProbe(4)],
        X,
        NUMBERS,
    ],
    ids=lambda several: type(several).__name__,
)
@pytest.mark.parametrize("background", [None, X])
def test_several_inputs_are_for_explain_many(several, background):
    listed = isinstance(several, (list, tuple, pd.Series, np.ndarray))
    if background is not None and listed and (isinstance(several[0], str) or len(several) == 1):
        return  # a row, or its cells
    with pytest.raises(InputError, match=r"^probe must be one input; explain_many\(\) explains several"):
        digest_of(several, background=background)


@pytest.mark.parametrize("row", [[1.0, 2.0, "Bonn"], (1.0, 2.0, "Bonn"), [[1.0, 2.0, "Bonn"]]], ids=str)
def test_a_list_with_a_background_is_a_row(row):
    assert digest_of(row, background=X) == TabularProbe(X.iloc[0], X).digest


@pytest.mark.xdist_group("torch")
@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
@pytest.mark.parametrize("row", [0, [0]], ids=["row", "batch of one"])
def test_tensors_are_rows_of_a_table_as_arrays_are(row, dtype):
    torch = pytest.importorskip("torch")
    table = torch.tensor(NUMBERS, dtype=getattr(torch, dtype), requires_grad=True)
    assert digest_of(table[row], background=table) == TabularProbe(NUMBERS[0], NUMBERS).digest


def test_a_row_that_fits_no_array_says_why():
    with pytest.raises(InputError, match=r"^row must .*only one of the two: .*get names by feature_names="):
        TabularProbe({"a": 1.0, "b": 2.0, "c": 3.0}, NUMBERS)
    with pytest.raises(InputError, match=r"^row must be dense: row.toarray\(\)"):
        TabularProbe(sparse.csr_matrix(NUMBERS[:1]), NUMBERS)


@pytest.mark.parametrize(
    ("background", "words"),
    [
        (X[["a", "b"]].describe(), r"rows of data, not a summary of them.*\['count', 'mean', 'std'"),
        (X[["a", "b"]].mean(), r"give the table itself; a single row, such as means, is background.to_frame\(\).T"),
        (NUMBERS.mean(axis=0), r"a single row, such as means, is background.reshape\(1, -1\)"),
        ("people.csv", "pd.read_csv reads one"),
        (Path("people.csv"), "pd.read_csv reads one"),
        ({"a": [1.0], "b": [2.0]}, "be a DataFrame: pd.DataFrame"),
        ([X.iloc[0], X.iloc[1]], "be a DataFrame: pd.DataFrame"),
        (10, "be the rows themselves; background_rows= says how many"),
        ([[1.0, 2.0], [1.0]], "an array of rows of one length"),
        (X.groupby("city"), "be a DataFrame"),
        (sparse.csr_matrix(NUMBERS), r"be dense: background.toarray\(\)"),
        (pa.table({"a": [1.0], "b": [2.0]}), r"be a DataFrame of pandas: background.to_pandas\(\)"),
    ],
)
def test_a_background_that_is_no_table_says_what_is(background, words):
    with pytest.raises(InputError, match=f"^background must.*{words}"):
        digest_of({"a": 1.0, "b": 2.0}, background=background)


@pytest.mark.parametrize(
    ("probe", "words"),
    [
        (Path("a.txt"), r"be a text itself: Path.read_text\(\)"),
        (b"one two", r"be a text itself: bytes.decode\(\)"),
        ({"role": "user", "content": "one two"}, r"be a list of messages where it is a chat: \[message\]"),
        ({"context": "One. Two."}, "hold both context and question"),
        (len, r"be an input; a network goes with its tokenizer as \(model, tokenizer\)"),
        (3.5, "be a probe, a text, a chat, a table row"),
        (np.array(3.5), "be a probe, a text, a chat, a table row"),
        (None, "be a probe, a text, a chat, a table row"),
        ([{"role": "user", "contents": "When?"}], r"hold role and content \(.*\) in each message; got {'role': 'user'"),
        ([], "hold something: a text, messages of a chat, a row"),
        ({}, "hold something: a text, messages of a chat, a row"),
    ],
)
def test_what_is_no_input_says_what_is(probe, words):
    with pytest.raises(InputError, match=f"^probe must {words}"):
        as_probe(probe)


def test_the_number_of_a_row_is_no_row():
    with pytest.raises(InputError, match=r"^row must be the row itself, such as table.iloc\[\[17\]\]"):
        digest_of(17, background=X)


CHAT = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "when did it open"}]


def test_a_chat_of_one_message_is_a_text_that_is_taken_apart():
    for chat in (CHAT[1:], [("user", "when did it open")], [[*CHAT[1].values()]]):
        probe = as_probe(chat)
        assert probe.digest == TextProbe([("user", "when did it open")]).digest
        assert probe.render(np.array([[0, 1, 0, 1]])) == [(("user", "did open"),)]


def test_a_message_that_only_calls_a_tool_needs_no_content():
    call = {"id": "1", "type": "function", "function": {"name": "clock", "arguments": "{}"}}
    chat = [
        CHAT[1],
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": "7."},
    ]
    empty = [chat[0], {**chat[1], "content": None}, chat[2]]
    assert as_probe(chat).digest == ChatProbe(empty).digest


def test_a_chat_of_several_messages_is_a_conversation_that_is_taken_apart():
    for chat in (CHAT, [("system", "Be brief."), ("user", "when did it open")], [[*m.values()] for m in CHAT]):
        probe = as_probe(chat)
        assert probe.digest == ChatProbe(CHAT).digest
        assert [feature.name for feature in probe.features] == ["Be brief.", "when", "did", "it", "open"]


def test_a_dict_of_messages_is_a_conversation_with_its_settings():
    made = as_probe({"messages": CHAT, "unit": "turn", "replacement": "…"})
    assert made.digest == ChatProbe(CHAT, "turn", replacement="…").digest
    with pytest.raises(InputError, match=r"be a dict with keys of ChatProbe.*got \['tools'\]"):
        as_probe({"messages": CHAT, "tools": []})


def test_a_text_probe_of_a_chat_takes_the_last_message_apart():
    probe = TextProbe(CHAT)
    assert [feature.name for feature in probe.features] == ["when", "did", "it", "open"]
    assert probe.render(np.array([[0, 1, 0, 1]])) == [(("system", "Be brief."), ("user", "did open"))]


def test_chats_that_differ_before_the_last_message_are_different_probes():
    text = CHAT[1]["content"]
    chats = [
        CHAT,
        CHAT[1:],
        [{"role": "system", "content": "Be long."}, CHAT[1]],
        [{**CHAT[0], "role": "user"}, CHAT[1]],
    ]
    digests = {as_probe(probe).digest for probe in (*chats, text)}
    assert len(digests) == 5


def test_a_chat_ends_with_a_message_to_the_model():
    with pytest.raises(InputError, match=r"^text must end with a message to the model; .*answer="):
        TextProbe([*CHAT, {"role": "assistant", "content": "In 1969."}])


def test_a_dict_of_a_text_and_an_image_is_told_to_hold_probes():
    with pytest.raises(InputError, match=r"several inputs in one are a dict of probes"):
        as_probe({"note": "pays late", "picture": np.zeros((4, 4))})


@pytest.mark.parametrize(
    "series", [pd.DataFrame({"v": range(20)}, pd.date_range("2024", periods=20)), np.ones((3, 50))]
)
def test_a_table_without_background_may_be_a_time_series(series):
    with pytest.raises(InputError, match=r"and SeriesProbe\(x\) makes one of a time series"):
        as_probe(series)
