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
#: what stands in the place of characters that are not shown, also as JSON or HTML escape it
_MASK = re.compile(
    r"\*+|(?:[\u2022\u25cf\u00b7\u2217\u2588]|\\+u(?:2022|25cf|00b7|2217|2588))+"
    r"|(?:\u2026|\\+u2026|&hellip;|\.{2,})+|[Xx]{3,}|_{3,}|#{2,}|-{3,}"
    r"|[\[(<{](?:\.{2,}|\u2026|\*+|redacted|hidden|masked)[\])>}]",
    re.IGNORECASE,
)
#: characters of a key beside a mask from which on they are hidden
_SHOWN = 4


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
    """Return whether a key is more than a placeholder such as ``EMPTY``, which servers without keys are given."""
    return key is not None and len(key) >= 8


def hidden(text: str, key: str | None) -> str:
    r"""Return a text without the key, as it is or as JSON, ``repr``, HTML or a URL escape it, however often.

    Examples
    --------
    >>> hidden('HTTP 500: {"you sent": "sk-\\"12345"}', 'sk-"12345'), hidden("sk%2D12345", "sk-12345")
    ('HTTP 500: {"you sent": "[key]"}', '[key]')

    What a server left of a key that it masked is hidden as well:

    >>> hidden("wrong key: sk-12***45, sk-1…345", "sk-1234512345")
    'wrong key: [key], [key]'
    """
    return _hidden(text, key, lone=True)


def without_key(content: Any, key: str | None) -> Any:
    """Return JSON without the key in any of its strings.

    Examples
    --------
    >>> without_key({"text": ["It is sk-123456.", 3]}, "sk-123456")
    {'text': ['It is [key].', 3]}
    """
    if isinstance(content, str):
        return _hidden(content, key, lone=False)
    if isinstance(content, list):
        return [without_key(part, key) for part in content]
    if isinstance(content, dict):
        return {_hidden(name, key, lone=False): without_key(part, key) for name, part in content.items()}
    return content


def _hidden(text: str, key: str | None, lone: bool) -> str:
    """Return a text without the key, and without what stands beside a mask.

    A beginning or an end alone is hidden in errors (`lone`) but not in what a model writes, where a key such as
    "token-abc" would take words from answers ("the token…").
    """
    if key is None or not is_secret(key):
        return text
    parts, last = [], 0
    text = _pattern(key).sub("[key]", text)
    for mask in _MASK.finditer(text):
        if mask.start() < last:  # part of an end that was hidden
            continue
        before, after = text[last : mask.start()], text[mask.end() : mask.end() + len(key)]
        begun = max((n for n in range(len(key)) if before.endswith(key[:n])), default=0)
        ended = max((n for n in range(len(key)) if after.startswith(key[len(key) - n :])), default=0)
        parts.append(before)
        both = begun > 0 and ended > 0
        if begun + ended >= _SHOWN and (both or lone):
            parts[-1] = before[: len(before) - begun] + "[key]"
            last = mask.end() + ended
        else:
            parts.append(mask.group())
            last = mask.end()
    return "".join([*parts, text[last:]])


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
