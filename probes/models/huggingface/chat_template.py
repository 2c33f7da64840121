"""Chats as text: a tokenizer's own template, and what it leaves out or adds.

What a template makes of a message is known only by what it writes: messages are rendered with marks in place of their
contents, and the marks are looked for in the text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from probes.errors import InputError, describe
from probes.model import Chat, as_messages, continues

__all__ = ["checked_options", "reading_notes", "rendered"]

#: arguments of ``apply_chat_template`` that are not the user's to set
_SET_HERE = ("add_generation_prompt", "chat_template", "continue_final_message", "conversation", "padding",
             "return_dict", "return_tensors", "tokenize", "truncation")  # fmt: skip
#: letters of the template's own system prompt that are shown
_SHOWN = 200


def checked_options(options: Mapping[str, Any] | None) -> dict[str, Any]:
    """Check what a template is given besides messages: tools, documents, switches of its own.

    Raises
    ------
    InputError
    """
    if options is not None and (not isinstance(options, Mapping) or not all(isinstance(k, str) for k in options)):
        raise InputError("template_options", 'be a dict, such as {"tools": [...]}', options)
    if taken := [name for name in options or {} if name in _SET_HERE]:
        raise InputError("template_options", f"leave {', '.join(taken)} out: it is set here", options)
    return dict(options or {})


def rendered(tokenizer: Any, chat: Chat, options: Mapping[str, Any]) -> str:
    """Render a chat; after a last message of the model's own the text stops where that goes on.

    Raises
    ------
    InputError
        If the template refuses it, with its words.
    """
    prefilled = continues(chat)
    messages = [_with_arguments(message) for message in as_messages(chat)]
    try:
        return tokenizer.apply_chat_template(
            messages,
            tokenize=False,
            add_generation_prompt=not prefilled,
            continue_final_message=prefilled,
            **options,
        )
    except Exception as error:  # a template raises what it likes
        said = describe(" ".join(str(error).split()), 200)
        rule = f"be a chat that the model's template renders; of these roles it says {said}"
        raise InputError("prompt", rule, ", ".join(message[0] for message in chat)) from error


def _with_arguments(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message with the arguments of its tool calls as data: servers take JSON texts, templates do not."""
    if "tool_calls" not in message:
        return message
    calls = []
    for call in message["tool_calls"]:
        function = dict(call.get("function", {}))
        if isinstance(function.get("arguments"), str):
            with suppress(ValueError):  # what a model wrote need not be JSON
                function["arguments"] = json.loads(function["arguments"])
        calls.append({**call, "function": function})
    return {**message, "tool_calls": calls}


def reading_notes(tokenizer: Any, chats: Sequence[Chat], options: Mapping[str, Any]) -> tuple[str, ...]:
    """Say what the template leaves out of the first chat, and adds to those without a system prompt.

    Raises
    ------
    InputError
        If it leaves out a message, or a tool call, altogether.
    """
    first, notes = chats[0], []
    left_out = _left_out(tokenizer, first, options)
    if gone := [words for words, beside in left_out if not beside]:
        what = ", ".join(gone)
        rule = f"hold what the model's template renders; it leaves out {what}: leave that out, or give a template"
        raise InputError("prompt", rule, ", ".join(message[0] for message in first))
    notes += [f"The model's template leaves out {words}: nothing in it can matter." for words, _ in left_out]
    if first[0][0] == "system" and any(chat[0][0] != "system" for chat in chats):
        own = _own_system_prompt(tokenizer, options)
        if own:
            shown = own if len(own) <= _SHOWN else f"{own[: _SHOWN - 1]}…"
            notes.append(f"Where the system prompt is left out, the model's template writes its own: “{shown}”")
    return tuple(notes)


def _left_out(tokenizer: Any, chat: Chat, options: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """Return what is left out of a chat, in words, each with whether something else of the message is there."""
    messages, marks = as_messages(chat), list[tuple[str, str, bool]]()
    for i, message in enumerate(messages):
        calls = message.get("tool_calls") or []
        if message["content"].strip():
            message["content"] = f"mark{i}content"
            marks.append((f"the content of message {i} ({message['role']})", message["content"], bool(calls)))
        for j, call in enumerate(calls):
            function = call.get("function")
            if isinstance(function, dict):
                function["name"] = f"mark{i}call{j}name"
                marks.append((f"a tool call of message {i} ({message['role']})", function["name"], False))
    try:
        text = rendered(tokenizer, _as_chat(messages), options)
    except InputError:  # it looks into contents: what it leaves out cannot be seen
        return []
    return [(words, beside) for words, mark, beside in marks if mark not in text]


def _as_chat(messages: list[dict[str, Any]]) -> Chat:
    return tuple((m.pop("role"), m.pop("content"), json.dumps(m)) for m in messages)


def _own_system_prompt(tokenizer: Any, options: Mapping[str, Any]) -> str:
    """Return the system prompt that a template writes where it is given none; empty for none."""
    mark, question = "marksystem", ("user", "markuser")
    try:
        given = rendered(tokenizer, (("system", mark), question), options)
        without = rendered(tokenizer, (question,), options)
    except InputError:
        return ""
    before, found, after = given.partition(mark)
    same = found and without.startswith(before) and without.endswith(after) and len(without) >= len(before + after)
    return without[len(before) : len(without) - len(after)].strip() if same else ""
