"""Options of the commands that explain texts: where a text is read from, and what stands before it in a chat."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from probes.errors import InputError
from probes.model import Prompt, is_chat, messages_of

__all__ = ["Answer", "Chat", "System", "conversation", "read", "text_of"]

Answer = Annotated[
    str | None, typer.Option(help="The continuation that a language model is scored on; default: its own.")
]
System = Annotated[str | None, typer.Option(help="System prompt of a language model.")]
Chat = Annotated[
    Path | None,
    typer.Option(help="A JSON file of messages, [{role, content}, …]; the TEXT or question follows, or is the last."),
]


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

    Raises
    ------
    InputError
    """
    if not argument.startswith("@") or argument.startswith("@@"):
        return argument[1:] if argument.startswith("@") else argument
    try:
        return read(argument[1:])
    except InputError as error:
        rule = f"name a readable UTF-8 text file after @; a text that begins with @ is written @{argument}"
        raise InputError("TEXT", rule, argument) from error


def conversation(text: str | None, chat: Path | None, system: str | None, name: str = "TEXT") -> Prompt:
    """Return what a language model is asked: a text, or messages of which the last is this text.

    `name` is what errors call the text.

    Raises
    ------
    InputError
        If there is neither a text nor a chat, or two system prompts.
    """
    before = () if chat is None else _messages(chat)
    if text is None and not before:
        raise InputError(name, "be given, or --chat FILE, whose last message it is", text)
    if system is not None and any(role == "system" for role, _ in before):
        raise InputError("--system", "be left out: the chat has a system prompt", system)
    first = () if system is None else (("system", system),)
    last = () if text is None else (("user", text),)
    return text if text is not None and not (first or before) else (*first, *before, *last)


def _messages(file: Path) -> tuple[tuple[str, str], ...]:
    rule = "hold a JSON list of messages, each with role and content"
    try:
        messages = json.loads(read(file))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("--chat", rule, str(file)) from error
    if not is_chat(messages):
        raise InputError("--chat", rule, str(file))
    return messages_of(messages)
