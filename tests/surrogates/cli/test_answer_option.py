"""--answer: the continuation that a language model is scored on, from every command that takes a text."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
from typer.testing import CliRunner

from surrogates import Anchor, Explanation, ExplanationSet, ShapleyValues
from surrogates.cli.main import app

WRITER = """
import numpy as np
from probes import Model
from probes.model import Generator, Identity

class Scores(Model):
    unit = "nats"

    def __init__(self, answer):
        self.answer, self.outputs = answer, tuple(answer)

    def identity(self):
        return Identity(f"scores {self.answer}", True)

    def __call__(self, inputs):
        return np.array([[-1.0 - (letter not in str(text)) for letter in self.answer] for text in inputs])

class Writer(Generator):
    def identity(self):
        return Identity("writer", True)

    def generate(self, prompt, max_new_tokens):
        return "five"

    def scoring(self, answer, prompt):
        return Scores(answer)

writer = Writer()

def lengths(texts):
    return [float(len(t)) for t in texts]
"""
TEXT = "one two red four five"


def iomap(*arguments: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        done = CliRunner().invoke(app, list(arguments))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(autouse=True)
def module(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "writers_of_text"
    Path(f"{name}.py").write_text(WRITER)
    monkeypatch.syspath_prepend(str(Path.cwd()))
    monkeypatch.delitem(__import__("sys").modules, name, raising=False)


@pytest.mark.parametrize(
    ("command", "kind"), [("explain", Explanation), ("anchor", Anchor), ("shapley", ShapleyValues)]
)
def test_one_text_is_explained_for_the_answer_given(command: str, kind: type) -> None:
    common = ("-m", "writers_of_text:writer", "--store", "none", "--json", "r.json")
    iomap(command, "text", TEXT, *common, "--answer", "red")
    assert kind.from_json("r.json").answer == "red"
    iomap(command, "text", TEXT, *common)
    assert kind.from_json("r.json").answer == "five"


def test_many_texts_are_explained_for_the_answer_given() -> None:
    Path("texts.txt").write_text(f"{TEXT}\nnine ten red twelve\n")
    common = ("-m", "writers_of_text:writer", "--store", "none", "--answer", "red", "--json", "all.jsonl")
    iomap("explain-many", "texts.txt", *common)
    answers = [json.loads(line)["explanation"]["answer"] for line in Path("all.jsonl").read_text().splitlines()]
    assert answers == ["red", "red"]
    assert [e.answer for e in ExplanationSet.from_jsonl("all.jsonl")] == ["red", "red"]


@pytest.mark.parametrize("command", ["explain", "anchor", "shapley"])
def test_a_model_that_continues_no_text_takes_no_answer(command: str) -> None:
    with pytest.raises(ValueError, match="--answer must be left out: this model does not continue text"):
        iomap(command, "text", TEXT, "-m", "writers_of_text:lengths", "--answer", "red")
    Path("d.txt").write_text("Entry is free. It opened in 1969.")
    with pytest.raises(ValueError, match="--answer must be left out: this model does not continue text"):
        iomap(command, "context", "d.txt", "--question", "q", "-m", "writers_of_text:lengths", "--answer", "red")


def test_rows_of_a_table_take_no_answer() -> None:
    Path("t.csv").write_text("a,b\n1,2\n3,4\n")
    with pytest.raises(ValueError, match="--answer must be left out: rows of a table"):
        iomap("explain-many", "t.csv", "-m", "writers_of_text:lengths", "--answer", "red")
