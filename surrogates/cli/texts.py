"""Options of the commands that explain texts: where a text is read from, and what stands before it in a chat."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from probes.errors import InputError
from probes.inputs.units.registry import UNITS, Occurrences, Unit
from probes.model import Prompt, is_chat, messages_of

__all__ = [
    "UNIT_NAMES",
    "Answer",
    "Chat",
    "ChatUnits",
    "InPlace",
    "MessagesFile",
    "System",
    "by_number",
    "conversation",
    "messages_in",
    "read",
    "text_of",
    "text_unit",
    "unit_of",
    "units_of",
]

Answer = Annotated[
    str | None, typer.Option(help="The continuation that a language model is scored on; default: its own.")
]
System = Annotated[str | None, typer.Option(help="System prompt of a language model.")]
Chat = Annotated[
    Path | None,
    typer.Option(help="A JSON file of messages, [{role, content}, …]; the TEXT or question follows, or is the last."),
]

MessagesFile = Annotated[Path, typer.Argument(help="A JSON file of messages, [{role, content}, …].")]
ChatUnits = Annotated[
    str | None,
    typer.Option(
        "--unit",
        help="What is taken apart: turn, example, part, sentence, word or another unit for all; or by role or number, "
        "such as system=sentence,user=example,-1=word, and all else stays.",
    ),
]
InPlace = Annotated[
    str | None, typer.Option(help="Put this in place of absent features, so that turns stay; default: remove.")
]


#: how a unit begins whose rest may hold any sign
_LED = ("regex:", "occurrences:")
#: what --unit takes
UNIT_NAMES = f"{', '.join(UNITS)}, token, regex:PATTERN, or occurrences:UNIT"
#: units of some inputs alone, which refuse those of others
_OF_SOME = ("token", "fixed", "turn", "example", "part", "passage", "document")


def read(path: str | Path) -> str:
    """Read the text in a file.

    Raises
    ------
    InputError
    """
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("file", f"be a readable UTF-8 text file ({error})", str(path)) from error


def text_of(argument: str) -> str:
    """Return the text that an argument means: ``@FILE`` the one in a file, ``@@…`` one that begins with ``@``.

    ``@-`` is the standard input.

    Raises
    ------
    InputError
    """
    if not argument.startswith("@") or argument.startswith("@@"):
        return argument[1:] if argument.startswith("@") else argument
    try:
        return sys.stdin.read() if argument == "@-" else read(argument[1:])
    except (InputError, UnicodeDecodeError) as error:
        rule = f"name a readable UTF-8 text file after @; a text that begins with @ is written @{argument}"
        raise InputError("TEXT", rule, argument) from error


def text_unit(argument: str) -> Unit:
    """Make the unit of a text of an argument, as :func:`unit_of` does.

    Raises
    ------
    InputError
        For a name or pattern that is none.
    """
    unit = unit_of(argument)
    if isinstance(unit, str) and unit not in (*UNITS, *_OF_SOME):
        raise InputError("--unit", f"be one of {UNIT_NAMES}", argument)
    return unit


def unit_of(argument: str) -> Unit:
    """Return the unit that --unit means: a name, ``regex:PATTERN``, or ``occurrences:UNIT``.

    Raises
    ------
    InputError
        For a pattern that is none.
    """
    kind, colon, rest = argument.partition(":")
    if kind == "occurrences" and colon:
        return Occurrences(unit_of(rest))
    if kind != "regex" or not colon:
        return argument
    try:
        return re.compile(rest)
    except re.error as error:
        raise InputError("--unit", f"hold a regular expression after regex: ({error})", argument) from error


def conversation(text: str | None, chat: Path | None, system: str | None, name: str = "TEXT") -> Prompt:
    """Return what a language model is asked: a text, or messages of which the last is this text.

    `name` is what errors call the text.

    Raises
    ------
    InputError
        If there is neither a text nor a chat, or two system prompts.
    """
    before = () if chat is None else messages_of(messages_in(chat, "--chat"))
    if text is None and not before:
        raise InputError(name, "be given, or --chat FILE, whose last message it is", text)
    if system is not None and any(role == "system" for role, _ in before):
        raise InputError("--system", "be left out: the chat has a system prompt", system)
    first = () if system is None else (("system", system),)
    last = () if text is None else (("user", text),)
    return text if text is not None and not (first or before) else (*first, *before, *last)


def messages_in(file: Path, name: str = "MESSAGES") -> list[Any]:
    """Read the messages in a JSON file; errors call it `name`.

    Raises
    ------
    InputError
        If it holds anything else, such as tools, which are a setting of the model.
    """
    rule = "hold a JSON list of messages, each with role and content"
    try:
        messages = json.loads(read(file))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(name, rule, str(file)) from error
    if isinstance(messages, dict) and "messages" in messages:
        if more := [key for key in messages if key != "messages"]:
            raise InputError(name, f"hold messages alone: {', '.join(more)} are settings of the model", str(file))
        messages = messages["messages"]
    if not is_chat(messages):
        raise InputError(name, rule, str(file))
    return list(messages)


def units_of(words: str | None) -> Unit | dict[str, Unit] | None:
    """Read what several texts are taken apart into: one unit, or several by the name of each text.

    Raises
    ------
    InputError

    Examples
    --------
    >>> units_of("turn"), units_of("system=sentence,-1=word")
    ('turn', {'system': 'sentence', '-1': 'word'})
    """
    if words is None:
        return None
    if "=" not in words or words.startswith(_LED):
        return unit_of(words)
    units: dict[str, Unit] = {}
    for part in words.split(","):
        name, equals, unit = (word.strip() for word in part.partition("="))
        if not equals or name in units:
            raise InputError("--unit", "be a unit, or NAME=UNIT by commas, each name once", words)
        units[name] = unit_of(unit)
    return units


def by_number(units: Unit | dict[str, Unit] | None) -> Unit | dict[str | int, Unit] | None:
    """Take names that are numbers for those of messages.

    Examples
    --------
    >>> by_number({"system": "sentence", "-1": "word"})
    {'system': 'sentence', -1: 'word'}
    """
    if not isinstance(units, dict):
        return units
    return {int(name) if name.removeprefix("-").isdecimal() else name: unit for name, unit in units.items()}
