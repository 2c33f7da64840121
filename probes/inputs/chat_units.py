"""What each message of a chat is taken apart into."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np

from probes.errors import InputError
from probes.inputs.chat_messages import Message
from probes.inputs.text_segments import sentences
from probes.inputs.units.cut import Cut, Span
from probes.inputs.units.html_text import Html
from probes.inputs.units.lines import cut_paragraphs
from probes.inputs.units.registry import UNITS, Occurrences, cut_text
from probes.inputs.units.registry import Unit as TextUnit
from probes.model import ROLES

__all__ = ["Turns", "Unit", "answered", "cut_of", "grouped", "turning_point"]

#: whole messages, a unit of texts, or the character ranges of a message's features
Unit: TypeAlias = TextUnit | Sequence[Span]
#: units that are whole messages, or none of it
_WHOLE = ("fixed", "turn", "example")
#: sentences up to which a message is cut into them; a longer one into paragraphs
_SENTENCES = 20


@dataclass(frozen=True)
class Turns:
    """Messages that are taken apart as one: by their numbers, with the unit."""

    members: tuple[int, ...]
    unit: Unit

    @property
    def whole(self) -> bool:
        """Whether the messages are one feature."""
        return isinstance(self.unit, str) and self.unit in ("turn", "example")


def turning_point(messages: Sequence[Message]) -> int:
    """Return the number of the message that the model answers: the last one that is not its own."""
    return max(i for i, message in enumerate(messages) if message.role != "assistant")


def answered(messages: Sequence[Message]) -> set[int]:
    """Return the numbers of the messages that stay even without text: the last question, and what is answered."""
    questions = [i for i, message in enumerate(messages) if message.role == "user"]
    return {turning_point(messages), *questions[-1:]}


def grouped(messages: Sequence[Message], units: Unit | Mapping[str | int, Unit] | None) -> tuple[Turns, ...]:
    """Say of every message what it is taken apart into, and which ones are kept or left out together.

    Parameters
    ----------
    messages : sequence of n Message
    units
        The `unit` of :class:`~probes.inputs.chat.ChatProbe`.

    Raises
    ------
    InputError
        For an unknown unit, a role or number of a message that is not there, or an example that is none.
    """
    each, named = _units(messages, units)
    groups: list[Turns] = []
    i = 0
    while i < len(messages):
        unit, stop = each[i], i + 1
        if _is(unit, "example"):
            stop = _end_of_example(messages, i)
            if stop == i:  # a role named it: the last question is no example
                if i in named:
                    raise InputError(f"unit[{i}]", "be a message of the user that has a reply, to be an example", unit)
                unit, stop = "fixed", i + 1
        elif _is(unit, "turn") and messages[i].calls:  # what a call returned cannot stand without it
            while stop < len(messages) and messages[stop].role == "tool":
                stop += 1
        for j in range(i + 1, stop):
            if j in named and each[j] is not unit and not _is(each[j], str(unit)):
                rule = f'be left out: message {j} goes with message {i}, which is "{unit}"'
                raise InputError(f"unit[{j}]", rule, each[j])
        groups.append(Turns(tuple(range(i, stop)), unit))
        i = stop
    return tuple(groups)


def _is(unit: Unit, name: str) -> bool:
    return isinstance(unit, str) and unit == name


def _end_of_example(messages: Sequence[Message], start: int) -> int:
    """Return where the example ends that begins with this message of the user; `start` where none does."""
    if messages[start].role != "user":
        return start
    stop = start + 1
    while stop < len(messages) and messages[stop].role in ("assistant", "tool"):
        stop += 1
    complete = messages[stop - 1].role == "assistant" and not messages[stop - 1].calls
    return stop if complete and stop <= turning_point(messages) else start


def _units(messages: Sequence[Message], units: Unit | Mapping[str | int, Unit] | None) -> tuple[list[Unit], set[int]]:
    """Return the unit of every message, and which messages were named by their number."""
    n, named = len(messages), dict[int, Unit]()
    if units is None:
        return _usual(messages), set()
    if not isinstance(units, Mapping):
        return [_known("unit", units)] * n, set()
    by_role: dict[str, Unit] = {}
    for key, unit in units.items():
        _known(f"unit[{key!r}]", unit)
        if isinstance(key, str) and any(message.role == key for message in messages):
            by_role[key] = unit
        elif isinstance(key, Integral) and not isinstance(key, bool) and -n <= key < n and key % n not in named:
            named[int(key) % n] = unit
        else:
            here = [role for role in ROLES if any(message.role == role for message in messages)]
            rule = f"name messages, each once: by role ({', '.join(here)}) or by number (0 to {n - 1}, or from the end)"
            raise InputError("unit", rule, key)
    return [named.get(i, by_role.get(message.role, "fixed")) for i, message in enumerate(messages)], set(named)


def _known(parameter: str, unit: Any) -> Unit:
    """Refuse what is no unit."""
    names = ", ".join([*_WHOLE, "part", *UNITS, "token"])
    if isinstance(unit, str):
        if unit not in (*_WHOLE, "part", *UNITS, "token"):
            raise InputError(parameter, f"be one of {names}", unit)
    elif not (isinstance(unit, (Sequence, np.ndarray, re.Pattern, Html, Occurrences)) or callable(unit)):
        raise InputError(parameter, f"be one of {names}, spans (start, end), or what cuts a text", unit)
    known: Unit = unit
    return known


def _usual(messages: Sequence[Message]) -> list[Unit]:
    """Return the usual units: examples whole, the last question finest, what the model wrote after it fixed."""
    asked = max((i for i, message in enumerate(messages) if message.role == "user"), default=-1)
    units: list[Unit] = []
    for i, message in enumerate(messages):
        if i < asked:
            example = message.role == "user" and _end_of_example(messages, i) > i
            whole = example or message.role == "assistant" or not message.text.strip()
            units.append("example" if example else "turn" if whole else _fine(message))
        elif i == asked and not message.parts[1:] and len(sentences(message.text)) == 1:
            units.append("word")
        else:
            units.append("fixed" if message.role == "assistant" else _fine(message))
    return units


def _fine(message: Message) -> Unit:
    if len(message.parts) > 1:
        return "part"
    long = len(sentences(message.text)) > _SENTENCES and len(cut_paragraphs(message.text).spans) > 1
    return "paragraph" if long else "sentence"


def cut_of(message: Message, unit: Unit, tokenizer: Any, parameter: str) -> Cut:
    """Cut one message into its features.

    Raises
    ------
    InputError
        For spans that leave the text or overlap.
    MissingExtra
        If a segmenter is not installed.
    """
    if _is(unit, "fixed") or not message.text.strip():
        return Cut((), "part")
    if _is(unit, "part"):
        return Cut(message.parts or ((0, len(message.text)),), "part", even=False)
    if isinstance(unit, (Sequence, np.ndarray)) and not isinstance(unit, str):
        return cut_text(message.text, spans=unit, parameter=parameter)
    return cut_text(message.text, unit, tokenizer=tokenizer, parameter=parameter)
