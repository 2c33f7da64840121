"""``iomap explain chat``: a conversation from a file, taken apart as --unit says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from probes import ChatProbe
from surrogates import Explanation
from tests.helpers.command import iomap
from tests.helpers.example_probes import CHAT

MODEL = """
def rains(chats):
    return [float(any("It rains." in m["content"] for m in chat)) + len(chat) / 10 for chat in chats]
"""


@pytest.fixture(autouse=True)
def _files() -> None:
    Path("mymodels.py").write_text(MODEL)
    Path("chat.json").write_text(json.dumps(CHAT))


def run(*options: str, file: str = "chat.json"):
    return iomap("explain", "chat", file, *options, "-m", "mymodels:rains", "--store", "none", "--json", "r.json", "-q")


def test_a_conversation_is_taken_apart_as_in_python():
    done = run("--unit", "system=turn,user=example,-1=sentence", "--replacement", "…")
    assert done.returncode == 0, done.stderr
    ex = Explanation.from_json("r.json")
    probe = ChatProbe(CHAT, {"system": "turn", "user": "example", -1: "sentence"}, replacement="…")
    assert ex.answers.probe == probe.digest
    assert ex.attributions.loc[0, "feature"] == "It rains."


def test_the_body_of_a_request_is_a_conversation_too():
    Path("body.json").write_text(json.dumps({"messages": CHAT}))
    assert run(file="body.json").returncode == 0
    assert Explanation.from_json("r.json").answers.probe == ChatProbe(CHAT).digest


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (CHAT, ("--unit", "turns"), "unit must be one of fixed, turn, example"),
        (CHAT, ("--unit", "system=turn,system=word"), "--unit must be a unit, or NAME=UNIT"),
        (CHAT, ("--unit", "critic=turn"), "unit must name messages"),
        ({"messages": CHAT, "tools": []}, (), "tools are settings of the model"),
        (["when"], (), "MESSAGES must hold a JSON list of messages"),
        ([{"role": "critic", "content": "a b"}], (), "must be one of system, developer, user"),
    ],
)
def test_what_is_no_conversation_is_refused(content, options, words):
    Path("chat.json").write_text(json.dumps(content))
    done = run(*options)
    assert done.returncode == 2 and done.stderr.startswith("iomap: ") and words in done.stderr
