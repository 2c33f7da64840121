"""Conversations put to a server: what is sent for every question, over a real connection."""

from __future__ import annotations

import numpy as np
import pytest

from probes import Endpoint, InputError
from surrogates import explain
from tests.helpers.example_probes import CHAT
from tests.helpers.fake_server import chat, count


def all_words(body):
    """The truth: as many x as words of all messages."""
    return chat("x " * sum(len(message["content"].split()) for message in body["messages"]))


def test_every_question_is_a_chat_that_the_protocol_allows(serve, key):
    server = serve(reply=all_words)
    ex = explain(Endpoint(server.url, "m", scores=count), CHAT, budget=64, store=None)
    bodies = [body["messages"] for body in server.seen]
    whole = [{**message, "content": message["content"] or ""} for message in CHAT]
    assert whole in bodies and len({str(body) for body in bodies}) > 32
    for messages in bodies:
        answered = {message.get("tool_call_id") for message in messages}
        called = {call["id"] for message in messages for call in message.get("tool_calls", [])}
        assert called == answered - {None} == {"a"}
        assert messages[-1]["role"] == "tool"
    effects = ex.attributions.set_index("feature")["attribution"]
    words = {name: len(name.replace("user: ", "").replace("assistant: ", "").split()) for name in effects.index}
    np.testing.assert_allclose(effects, [words[name] for name in effects.index], atol=1e-6)


def test_a_prefill_is_sent_as_it_is_and_that_it_may_not_be_continued_is_said(serve, key):
    server = serve(reply=all_words)
    messages = [*CHAT[:2], {"role": "assistant", "content": "It is"}]
    ex = explain(Endpoint(server.url, "m", scores=count), messages, budget=16, store=None)
    assert server.seen[0]["messages"] == messages
    assert any("whether the server goes on with it" in note for note in ex.warnings)


def test_tool_calls_in_a_completion_are_refused_before_anything_is_sent(serve, key):
    server = serve(reply=all_words)
    endpoint = Endpoint(server.url, "m", api="completions", scores=count)
    with pytest.raises(InputError, match="without tool_calls"):
        explain(endpoint, CHAT, budget=16, store=None)
    assert not server.seen
