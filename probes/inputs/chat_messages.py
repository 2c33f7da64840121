"""Messages of a chat, checked before any model sees them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from probes.errors import InputError
from probes.inputs.units.cut import Span
from probes.model import ROLES, as_message

__all__ = ["Message", "checked_messages"]


@dataclass(frozen=True)
class Message:
    """One message.

    Attributes
    ----------
    role, text : str
    more : dict
        What else it holds: tool calls, the call that it answers, a name.
    parts : tuple of (int, int)
        Character ranges of the text parts of its content, where it came in parts.
    """

    role: str
    text: str
    more: dict[str, Any] = field(default_factory=dict)
    parts: tuple[Span, ...] = ()

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Its tool calls."""
        return self.more.get("tool_calls", [])

    @property
    def title(self) -> str:
        """Its role, and its name where it has one."""
        name = self.more.get("name")
        return f"{self.role} ({name})" if name else self.role

    @property
    def words(self) -> str:
        """Its text and its tool calls, for people."""
        calls = (f"{call['function']['name']}({_arguments(call)})" for call in self.calls)
        return "\n".join(filter(None, (self.text, *calls)))

    def as_dict(self, text: str) -> dict[str, Any]:
        """Return the message with another text."""
        return {"role": self.role, "content": text, **self.more}


def _arguments(call: Mapping[str, Any]) -> str:
    given = call["function"].get("arguments", "")
    return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)


def checked_messages(messages: Any) -> tuple[Message, ...]:
    """Read the messages of a chat.

    Raises
    ------
    InputError
        For no messages, an unknown role, a message without text or tool calls (but what a tool returned may be empty),
        a tool result that answers no call before it, or a chat that ends with a tool call.
    """
    several = isinstance(messages, Sequence) and not isinstance(messages, (str, bytes))
    if not several or not messages:
        raise InputError("messages", 'be a list of messages, each {"role": …, "content": …}', messages)
    read = tuple(_message(i, message) for i, message in enumerate(messages))
    asked: list[Any] = []
    for i, message in enumerate(read):
        answers = message.more.get("tool_call_id")
        if answers is not None and answers not in asked:
            raise InputError(f"messages[{i}]", "answer a tool call of a message before it, by its id", answers)
        asked += [call.get("id") for call in message.calls]
    if all(message.role == "assistant" for message in read):
        raise InputError("messages", "hold a message to the model; what it answers is given as answer=", messages)
    if read[-1].calls:
        raise InputError("messages", "end with what the tool call returned, not with the call", messages)
    return read


def _message(i: int, message: Any) -> Message:
    what = f"messages[{i}]"
    try:
        role, text, *rest = as_message(message)
    except InputError as error:
        raise InputError(what, error.rule, message) from error
    if role not in ROLES:
        raise InputError(f"{what}['role']", f"be one of {', '.join(ROLES)}", role)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(what, f"hold text that can be written as UTF-8 ({error.reason})", text) from error
    more = json.loads(rest[0]) if rest else {}
    for call in more.get("tool_calls", []):
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            rule = 'be {"id": …, "type": "function", "function": {"name": …, "arguments": …}}'
            raise InputError(f"{what}['tool_calls']", rule, call)
    if not text.strip() and not more.get("tool_calls") and role != "tool":
        raise InputError(what, "hold some text: leave an empty message out", message)
    return Message(role, text, more, _parts(message))


def _parts(message: Any) -> tuple[Span, ...]:
    """Return where the text parts of a content lie in the text that they make, joined by line ends."""
    content = message.get("content") if isinstance(message, Mapping) else message[1]
    spans, start = list[Span](), 0
    for part in content if isinstance(content, (list, tuple)) else ():
        text = part if isinstance(part, str) else part["text"]
        if text.strip():
            spans.append((start, start + len(text)))
        start += len(text) + 1
    return tuple(spans)
