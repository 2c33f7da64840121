"""How an input is named on the command line: settings of rows, chats, files, folders, and their escapes."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd
import pytest

from probes import LocalGaussian, TabularProbe
from surrogates import Anchor, Explanation, ExplanationSet, ShapleyValues
from tests.helpers.command import Done, iomap

GOLDEN = Path(__file__).parents[2] / "golden" / "1"
FRAME = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.5], "b": [1.0, 0.0, 2.0, 2.5], "c": [1.0, 1.5, 0.0, 0.5]})
MODELS = """
def lengths(texts):
    return [float(len(t)) for t in texts]

def chats(chats):
    return [float(len(chat)) + len(chat[-1][1]) + 100 * len(chat[0][1]) for chat in chats]

def rows(frame):
    return 2.0 * frame["a"] - frame["b"] * frame["c"]
"""


@pytest.fixture(autouse=True)
def _files() -> None:
    Path("mymodels.py").write_text(MODELS)
    FRAME.to_csv("t.csv", index=False)
    Path("chat.json").write_text(
        json.dumps([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "when did it open"}])
    )


def explained(*arguments: str, model: str = "lengths") -> Explanation:
    done = iomap("explain", *arguments, "-m", f"mymodels:{model}", "--store", "none", "--json", "r.json", "-q")
    assert done.returncode == 0, done.stderr
    return Explanation.from_json("r.json")


def refused(*arguments: str, model: str = "lengths") -> str:
    done = iomap(*arguments, "-m", f"mymodels:{model}", "--store", "none")
    assert done.returncode == 2 and done.stderr.startswith("iomap: "), done
    return done.stderr


@pytest.mark.parametrize(
    ("unit", "features"),
    [
        ("occurrences", ["Bad", "film", "in", "1999"]),
        ("regex:[0-9]{2}", ["19", "99"]),
        ("bare word", ["Bad", "bad", "film", "in", "1999"]),
        ("occurrences:regex:[A-Za-z]{3}", ["Bad", "fil"]),
    ],
)
def test_units_of_a_text(unit: str, features: list[str]) -> None:
    found = [f.name for f in explained("text", "Bad, bad film in 1999", "--unit", unit, "--budget", "60").features]
    assert found == features


ROW = ("tabular", "t.csv", "--row", "1")


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        (("--group", "ab=a, b"), {"groups": {"ab": ["a", "b"]}}),
        (("--group", "x=a", "--group", "yz=b,c"), {"groups": {"x": ["a"], "yz": ["b", "c"]}}),
        (("--law", "gaussian=0.5"), {"law": LocalGaussian(0.5)}),
        (("--law", "background", "--background-rows", "2"), {"background_rows": 2}),
        (("--background-rows", "2", "--seed", "3"), {"background_rows": 2, "random_state": 3}),
    ],
)
def test_settings_of_rows_are_those_of_the_probe(options, settings):
    due = TabularProbe(FRAME.iloc[[1]], FRAME, **settings)
    assert explained(*ROW, *options, model="rows").answers.probe == due.digest
    many = ("explain-many", "t.csv", "--rows", "1:2", "-m", "mymodels:rows", "--store", "none", "--json", "all.jsonl")
    done = iomap(*many, *options)
    assert done.returncode == 0, done.stderr
    assert [ex.answers.probe for ex in ExplanationSet.from_jsonl("all.jsonl")] == [due.digest]
    done = iomap("shapley", *ROW, *options, "-m", "mymodels:rows", "--store", "none", "--json", "v.json")
    assert done.returncode == 0, done.stderr
    assert ShapleyValues.from_json("v.json").view == due.view()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--group", "a,b"), "--group must be NAME=column,column"),
        (("--group", "x=a", "--group", "x=b"), "--group must be NAME=column,column, each name once"),
        (("--group", "x=a,z"), "groups['x'] must name columns"),
        (("--law", "near"), "--law must be background, conditional, conditional=forest or gaussian=WIDTH"),
        (("--law", "gaussian"), "--law must be background, conditional, conditional=forest or gaussian=WIDTH"),
        (("--law", "gaussian=-1"), "width must be a positive number"),
        (("--background-rows", "0"), "background_rows must be a positive integer"),
    ],
)
def test_settings_of_rows_that_mean_nothing_are_refused(options, words):
    assert words in refused("explain", *ROW, *options, model="rows")
    assert words in refused("explain-many", "t.csv", *options, model="rows")


def test_settings_stay_with_their_kind_of_file():
    Path("t.txt").write_text("it was good\n")
    for name, value in {"--group": "x=a,b", "--law": "background", "--background-rows": "3"}.items():
        assert f"{name} must come with a CSV, TSV or Parquet file" in refused("explain-many", "t.txt", name, value)
    for name, value in {"--system": "Be brief.", "--chat": "chat.json"}.items():
        assert f"{name} must be left out: rows of a table" in refused("explain-many", "t.csv", name, value)


def names(explanation: Explanation) -> list[str]:
    return [feature.name for feature in explanation.features]


def test_the_last_message_of_a_chat_is_explained_and_those_before_it_stay():
    ex = explained("text", "--chat", "chat.json", model="chats")
    assert names(ex) == ["when", "did", "it", "open"]
    assert ex.y[0, 0] == pytest.approx(2 + len("when did it open") + 100 * len("Be brief."))


def test_a_text_with_a_chat_is_the_next_message():
    ex = explained("text", "is it free", "--chat", "chat.json", model="chats")
    assert names(ex) == ["is", "it", "free"]
    assert ex.y[0, 0] == pytest.approx(3 + len("is it free") + 100 * len("Be brief."))


def test_a_system_prompt_stands_before_the_text():
    ex = explained("text", "is it free", "--system", "Hm.", model="chats")
    assert names(ex) == ["is", "it", "free"] and ex.y[0, 0] == pytest.approx(2 + len("is it free") + 300)
    Path("t.txt").write_text("is it free\nwhen did it open\n")
    done = iomap(
        *("explain-many", "t.txt", "--system", "Hm.", "-m", "mymodels:chats", "--store", "none", "--json", "a.jsonl")
    )
    assert done.returncode == 0, done.stderr
    assert [e.y[0, 0] for e in ExplanationSet.from_jsonl("a.jsonl")] == pytest.approx([2 + 10 + 300, 2 + 16 + 300])


def test_a_question_about_documents_follows_the_chat_or_is_its_last_message():
    Path("d.txt").write_text("Entry is free. It opened in 1969.")
    turn = "Context: Entry is free. It opened in 1969.\n\nQuestion: "
    about = {  # options -> messages asked, with the question
        ("--chat", "chat.json"): (2, "when did it open"),
        ("--chat", "chat.json", "--question", "is it free"): (3, "is it free"),
    }
    for options, (messages, question) in about.items():
        ex = explained("context", "d.txt", *options, model="chats")
        assert names(ex) == ["Entry is free.", "It opened in 1969."]
        assert ex.y[0, 0] == pytest.approx(messages + len(turn + question) + 100 * len("Be brief."))
    for command, kind in {"anchor": Anchor, "shapley": ShapleyValues}.items():
        same = (command, "context", "d.txt", *options, "-m", "mymodels:chats", "--store", "none", "--json", "r.json")
        done = iomap(*same)
        assert done.returncode == 0, done.stderr
        shown = kind.from_json("r.json").view  # of an anchor also what the model says of both ends
        assert {name: shown[name] for name in ex.view} == ex.view
    assert ex.view["system"] == "Be brief." and ex.view["question"] == "is it free"
    assert [block["title"] for block in ex.view["blocks"]] == ["user", ""]


def test_chats_of_questions_that_are_none_are_refused():
    Path("d.txt").write_text("Entry is free. It opened in 1969.")
    context = ("explain", "context", "d.txt")
    assert "--question must be given, or --chat FILE" in refused(*context)
    assert "--system must be left out: the chat has" in refused(*context, "--chat", "chat.json", "--system", "x")
    Path("chat.json").write_text(json.dumps([{"role": "assistant", "content": "In 1969."}]))
    assert "question must end with the user's message" in refused(*context, "--chat", "chat.json")


def test_a_span_is_for_models_that_continue_text():
    Path("d.txt").write_text("Entry is free. It opened in 1969.")
    for command in (("context", "d.txt", "--question", "When?"), ("text", "is it free")):
        error = refused("explain", *command, "--span", "free", model="chats" if command[0] == "context" else "lengths")
        assert "--span must be left out: this model does not continue text" in error


def test_chats_that_are_none_are_refused():
    assert "--system must be left out: the chat has" in refused(
        "explain", "text", "--chat", "chat.json", "--system", "x"
    )
    assert "TEXT must be given, or --chat FILE" in refused("explain", "text")
    assert "file must be a readable UTF-8 text file" in refused("explain", "text", "--chat", "none.json")
    for content in ("{", '["when"]', "[]", "[" * 100_000):
        Path("bad.json").write_text(content)
        assert "--chat must hold a JSON list of messages" in refused("explain", "text", "--chat", "bad.json")


def test_a_text_that_begins_with_an_at_is_no_file():
    Path("alice").write_text("what the file says")
    assert names(explained("text", "@alice")) == ["what", "the", "file", "says"]
    assert names(explained("text", "@@alice likes it")) == ["@alice", "likes", "it"]
    error = refused("explain", "text", "@bob likes it")
    assert "TEXT must name a readable UTF-8 text file after @" in error and "is written @@bob likes it" in error


def test_the_name_of_a_file_as_a_text_says_how_it_is_read():
    Path("report.txt").write_text("what the file says")
    assert "TEXT must hold two features; a file is read with @" in refused("explain", "text", "report.txt")
    assert "text must hold at least two features" in refused("explain", "text", "other.txt")


def folder(*arguments: str) -> Done:
    return iomap(*arguments, "--store", "none", "--json", "r.json", "-q")


def test_a_folder_is_asked_as_what_it_holds():
    pytest.importorskip("transformers")
    done = folder("explain", "text", "The plot is good", "-m", str(GOLDEN / "classifier"))
    assert done.returncode == 0, done.stderr
    assert Explanation.from_json("r.json").target.unit == "log-odds"
    text = ("explain", "text", "the museum open", "-m", str(GOLDEN / "lm"))
    done = folder(*text)
    assert done.returncode == 0, done.stderr
    assert Explanation.from_json("r.json").answer
    done = folder(*text, "--answer", " Paris Rome", "--system", "The city is very good")
    assert done.returncode == 0, done.stderr
    assert Explanation.from_json("r.json").answer == " Paris Rome"
    wrong = folder("explain", "text", "The plot", "--system", "x", "-m", str(GOLDEN / "classifier"))
    assert wrong.returncode == 2 and "--model must be a language model: this folder holds a classifier" in wrong.stderr


def test_several_spans_of_an_answer_are_explained():
    pytest.importorskip("transformers")
    Path("d.txt").write_text("The museum is very good. The actors did open. The plot is not good.")
    context = ("explain", "context", "d.txt", "--question", "When?", "-m", str(GOLDEN / "lm"), "--answer", "Paris Rome")
    done = folder(*context, "--span", "Paris", "--span", "Rome")
    assert done.returncode == 0, done.stderr
    assert Explanation.from_json("r.json").target.outputs == ("Paris", "Rome")
    text = ("explain", "text", "the museum open", "-m", str(GOLDEN / "lm"), "--answer", "Paris Rome")
    for command in (context, text):
        done = folder(*command, "--span", "Paris")
        assert done.returncode == 0, done.stderr
        assert Explanation.from_json("r.json").target.outputs == ("Paris",)


def test_an_estimate_takes_the_rule_to_stop():
    text = (
        "explain",
        "text",
        "one two three four five six seven eight nine ten",
        "-m",
        "mymodels:lengths",
        "--estimate",
    )
    done = iomap(*text, "--until", "width=5")
    assert done.returncode == 0 and "questions to ask" in done.stdout, done.stderr
    assert "--estimate must come without -o, --json and --check" in iomap(*text, "-o", "a.html").stderr


def test_a_table_is_known_by_its_suffix_in_any_letters():
    Path("t.csv").rename("T.CSV")
    done = iomap("explain-many", "T.CSV", "--rows", "0:1", "-m", "mymodels:rows", "--store", "none")
    assert done.returncode == 0 and "1 explanation" in done.stdout, done.stderr


def test_a_text_may_come_from_standard_input(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("one two three"))
    assert [f.name for f in explained("text", "@-").features] == ["one", "two", "three"]


def test_a_table_may_be_parquet_and_another_separator_is_named():
    table = pd.read_csv("t.csv")
    table.to_parquet("t.parquet")
    done = iomap("explain", "tabular", "t.parquet", "--row", "1", "-m", "mymodels:rows", "--store", "none")
    assert done.returncode == 0 and "Verdict" in done.stdout, done.stderr
    table.to_csv("t.csv", sep=";", index=False)
    done = iomap("explain", "tabular", "t.csv", "--row", "1", "-m", "mymodels:rows", "--store", "none")
    assert "separated by commas, not by ';'" in done.stderr


def test_a_pattern_that_is_none_is_refused() -> None:
    assert "--unit must hold a regular expression" in refused("explain", "text", "a b", "--unit", "regex:[a-")
    unknown = refused("explain", "text", "a b", "--unit", "wrods")
    assert "--unit must be one of character, word" in unknown and "regex:PATTERN" in unknown and "()" not in unknown


def test_sources_of_a_context_may_be_lines() -> None:
    Path("d.txt").write_text("It rained.\nIt opened.\nIt is free.")
    ex = explained("context", "d.txt", "--question", "When?", "--unit", "line", model="chats")
    assert [f.name for f in ex.features] == ["It rained.", "It opened.", "It is free."]
