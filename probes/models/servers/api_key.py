"""The key of a server: read from the environment, checked, and kept out of every text that is shown or stored."""

from __future__ import annotations

import html
import os
import re
from functools import lru_cache
from typing import Any

from probes.errors import InputError

__all__ = ["Unshown", "hidden", "is_secret", "key_of", "without_key"]

#: backslashes, plain or escaped; any number of them may come before a character, as often as it was escaped
_SLASH = r"(?i:\\u005c|%5c|\\)"
_SLASHES = f"{_SLASH}*+"


class Unshown:
    """Stands for a value that an error must not repeat."""

    def __init__(self, words: str):
        self.words = words

    def __repr__(self) -> str:
        return self.words


def key_of(variable: str) -> str | None:
    """Return the key that an environment variable holds, without white space around it; None if there is none.

    Raises
    ------
    InputError
        If it cannot stand in a header; the error names the variable and does not repeat the key.
    """
    key = os.environ.get(variable, "").strip()
    if not all("!" <= c <= "~" for c in key):
        rule = "hold a key of printable ASCII characters without white space"
        raise InputError(f"the environment variable {variable}", rule, Unshown("one with others (not shown)"))
    return key or None


def is_secret(key: str | None) -> bool:
    """Whether a key is more than a placeholder such as ``EMPTY``, which servers without keys are given."""
    return key is not None and len(key) >= 8


def hidden(text: str, key: str | None) -> str:
    r"""Return a text without the key, as it is or as JSON, ``repr``, HTML or a URL escape it, however often.

    Examples
    --------
    >>> hidden('HTTP 500: {"you sent": "sk-\\"12345"}', 'sk-"12345'), hidden("sk%2D12345", "sk-12345")
    ('HTTP 500: {"you sent": "[key]"}', '[key]')
    """
    return _pattern(key).sub("[key]", text) if key is not None and is_secret(key) else text


def without_key(content: Any, key: str | None) -> Any:
    """Return JSON without the key in any of its strings.

    Examples
    --------
    >>> without_key({"text": ["It is sk-123456.", 3]}, "sk-123456")
    {'text': ['It is [key].', 3]}
    """
    if isinstance(content, str):
        return hidden(content, key)
    if isinstance(content, list):
        return [without_key(part, key) for part in content]
    if isinstance(content, dict):
        return {hidden(name, key): without_key(part, key) for name, part in content.items()}
    return content


@lru_cache(maxsize=8)
def _pattern(key: str) -> re.Pattern[str]:
    letters = [c for c in key if c != "\\"]
    if not letters:
        return re.compile(f"{_SLASH}{{{len(key)},}}+")
    first, last = (_SLASHES if end == "\\" else "" for end in (key[0], key[-1]))
    return re.compile(first + _SLASHES.join(map(_letter, letters)) + last)


def _letter(c: str) -> str:
    code = f"{ord(c):02x}"
    return rf"(?:{re.escape(c)}|{re.escape(html.escape(c))}|(?i:(?<=\\)u00{code}|(?<=\\)x{code}|%{code}))"
