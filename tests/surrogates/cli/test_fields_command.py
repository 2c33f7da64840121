"""Named texts and pairs on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from surrogates import Explanation
from tests.helpers.command import Done, iomap

MODELS = """
def pairs(pairs):
    return [float(len(a.split()) * len(b)) for a, b in pairs]

def fields(rows):
    return [float(len(row["title"])) + row["stars"] for row in rows]

def sizes(rows):
    return [float(sum(map(len, row.values()))) for row in rows]

def texts(texts):
    return [float(len(text)) for text in texts]
"""
FIELDS = {"title": "Good news", "body": "It rained. It is free.", "stars": 4}


@pytest.fixture(autouse=True)
def _files() -> None:
    Path("textmodels.py").write_text(MODELS)
    Path("fields.json").write_text(json.dumps(FIELDS))


def run(*arguments: str, model: str) -> Done:
    return iomap(*arguments, "-m", f"textmodels:{model}", "--store", "none")


def explained(*arguments: str, model: str) -> Explanation:
    done = run("explain", "fields", *arguments, "--json", "r.json", "-q", model=model)
    assert done.returncode == 0, done.stderr
    return Explanation.from_json("r.json")


def test_an_object_in_a_file_has_units_and_fields_that_stay() -> None:
    ex = explained("@fields.json", "--fixed", "stars", "--unit", "body=sentence", model="fields")
    assert [f.name for f in ex.features] == ["title: Good", "title: news", "body: It rained.", "body: It is free."]


def test_units_of_fields_are_those_of_texts() -> None:
    ex = explained('{"a": "x y x", "b": "see 12"}', "--unit", "a=occurrences,b=regex:[0-9]", model="sizes")
    assert [f.name for f in ex.features] == ["a: x", "a: y", "b: 1", "b: 2"]


def test_two_texts_are_a_pair_where_that_is_said() -> None:
    ex = explained('{"p": "a man", "h": "he rests"}', "--pair", "--fixed", "h", model="pairs")
    assert [f.name for f in ex.features] == ["a", "man"]


def test_a_template_makes_one_text() -> None:
    ex = explained(
        "@fields.json", "--fixed", "stars", "--template", "{title}{body}{stars}", "--budget", "20", model="texts"
    )
    assert ex.answers.y[0, 0] == len("Good newsIt rained. It is free.4")  # exact: letters are counted


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (('["a"]',), "FIELDS must be a JSON object of names and texts"),
        (("{'a': 'b'}",), "FIELDS must be a JSON object of names and texts; @FILE"),
        (("@none.json",), "name a readable UTF-8 text file"),
        (('{"a": "b c"}', "--pair"), "FIELDS must hold two texts"),
        (('{"a": "b c", "d": "e"}', "--pair", "--fixed", "x"), "--fixed must name some of a, d"),
        (('{"a": "b c", "d": "e"}', "--pair", "--fixed", "a,d"), "--fixed must leave one of the two"),
        (('{"a": "b c", "d": "e"}', "--pair", "--template", "{a}{d}"), "--template must come without --pair"),
        (('{"a": "b c"}', "--unit", "a=word,x"), "--unit must be a unit, or NAME=UNIT"),
    ],
)
def test_bad_fields_are_refused(arguments: tuple[str, ...], message: str) -> None:
    done = run("explain", "fields", *arguments, model="pairs")
    assert done.returncode == 2 and message in done.stderr


def test_a_file_with_an_object_a_line_is_explained_line_by_line() -> None:
    Path("p.jsonl").write_text('{"p": "a man", "h": "he rests"}\n{"p": "one two", "h": "three"}\n')
    done = run("explain-many", "p.jsonl", "--pair", "--json", "out.jsonl", model="pairs")
    assert done.returncode == 0 and "2 explanations" in done.stdout, done.stderr


def test_options_of_named_texts_come_with_such_a_file() -> None:
    Path("t.txt").write_text("one two\nthree four\n")
    done = run("explain-many", "t.txt", "--pair", model="texts")
    assert done.returncode == 2 and "come with a .jsonl file" in done.stderr


def test_a_target_above_a_probability_is_one() -> None:
    done = run("explain", "text", "a b", "--target", "above:2", model="texts")
    assert done.returncode == 2 and "--target must be above:P" in done.stderr
