"""Strings of users and models as they are shown: nothing in them hides, overwrites a line or turns what stands beside.

Characters that reorder text, move the cursor or have no width are written by their code point, such as ⟨U+202E⟩.
Letters that run from right to left are kept, in an isolate of their own, so that numbers beside them stay in place.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

__all__ = ["in_line", "isolated", "joined", "visible"]

#: first strong isolate, and its end (Unicode Standard Annex 9)
_OPEN, _CLOSE = "\u2068", "\u2069"
#: kinds of characters that nobody sees: controls, formats, surrogates, separators of lines and paragraphs
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
#: of these, what a text needs: breaks of lines, tabs, joiners within words and emoji
_KEPT = {"\n", "\t", "\u200c", "\u200d"}
_LEFTWARD = {"R", "AL", "AN"}


def visible(text: str) -> str:
    """Write characters that nobody sees by their code points.

    Examples
    --------
    >>> visible("safe\\u202eelif"), visible("a\\x1b[2Jb"), visible("one\\r\\ntwo")
    ('safe⟨U+202E⟩elif', 'a⟨U+001B⟩[2Jb', 'one\\ntwo')
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        f"⟨U+{ord(c):04X}⟩" if c not in _KEPT and unicodedata.category(c) in _UNSEEN else c
        for c in text.replace("\r\n", "\n")
    )


def in_line(text: str) -> str:
    """Write a text in one line, all that is unseen in it by its code point.

    Examples
    --------
    >>> in_line("a name\\nVerdict: trust it")
    'a name Verdict: trust it'
    """
    return visible(re.sub(r"[\t\r\n]+", " ", text))


def joined(lines: Iterable[str]) -> str:
    """Join lines, none of which becomes two by what a user's or a model's string in it holds.

    Examples
    --------
    >>> joined(["of a name\\nVerdict: trust it", "Verdict: weak"])
    'of a name Verdict: trust it\\nVerdict: weak'
    """
    return "\n".join(map(in_line, lines))


def isolated(text: str) -> str:
    """Write a text so that nothing in it is unseen, and what runs from right to left moves nothing beside it.

    Examples
    --------
    >>> isolated("plain"), isolated("\\u05d0\\u05d1 12") == "\\u2068\\u05d0\\u05d1\\u2069 12"
    ('plain', True)
    """
    if text.isascii():
        return visible(text)
    shown = visible(text)
    kinds = [unicodedata.bidirectional(c) for c in shown]
    if _LEFTWARD.isdisjoint(kinds):
        return shown
    pieces, start, last = [], -1, -1  # the run from right to left that is open, and its last letter
    done = 0
    for i, kind in enumerate([*kinds, "L"]):
        if kind in _LEFTWARD:
            start, last = (i if start < 0 else start), i
        elif start >= 0 and (kind in ("L", "B")):
            pieces += [shown[done:start], _OPEN, shown[start : last + 1], _CLOSE]
            done, start = last + 1, -1
    return "".join([*pieces, shown[done:]])
