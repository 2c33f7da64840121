"""What readers take for one character: extended grapheme clusters (Unicode Standard Annex 29, section 3).

Combining marks stay with their letter, parts of an emoji and of a Hangul syllable together, and so do CR and LF. The
tables of the standard are not copied: properties follow from general categories and a few ranges, so the same text is
cut alike whatever is installed.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from itertools import pairwise

from probes.inputs.units.cut import Span

__all__ = ["characters", "clusters", "is_pictograph"]

_ZWJ = "\u200d"
#: spacing marks that extend what stands before them, and those that begin anew, by exception
_EXTENDING = frozenset("\u09be\u09d7\u0b3e\u0b57\u0bbe\u0bd7\u0cc0\u0cc2\u0cc7\u0cc8\u0cca\u0ccb\u0cd5\u0cd6\u0d3e"
                       "\u0d57\u0dcf\u0ddf\u1b35\u302e\u302f\uff9e\uff9f\u200c")  # fmt: skip
_APART = frozenset("\u102b\u102c\u1038\u1062\u1063\u1064\u1067\u1068\u1069\u106a\u106b\u106c\u106d\u1083\u1087\u1088"
                   "\u1089\u108a\u108b\u108c\u108f\u109a\u109b\u109c\u1a61\u1a63\u1a64\uaa7b\uaa7d")  # fmt: skip
_PREPENDED = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\u0d4e")
#: viramas that join two consonants into one cluster
_LINKERS = frozenset("\u094d\u09cd\u0acd\u0b4d\u0c4d\u0d4d\u1039\u17d2")
#: letters of the scripts of these viramas
_LINKED = ((0x0915, 0x0939), (0x0958, 0x095F), (0x0978, 0x097F), (0x0995, 0x09B9), (0x09DC, 0x09DF), (0x0A95, 0x0AB9),
           (0x0B15, 0x0B39), (0x0B5C, 0x0B5F), (0x0C15, 0x0C39), (0x0C58, 0x0C5A), (0x0D15, 0x0D3A),
           (0x09F0, 0x09F1), (0x0AF9, 0x0AF9), (0x0B71, 0x0B71), (0x1000, 0x102A), (0x103F, 0x103F), (0x1050, 0x1055),
           (0x1780, 0x17B3))  # fmt: skip
#: what is drawn as a picture, below and above U+1F000
_PICTURES = frozenset("©®‼⁉™ℹ↔↕↖↗↘↙↩↪⌚⌛⌨⎈⏏⏩⏪⏫⏬⏭⏮⏯⏰⏱⏲⏳⏸⏹⏺Ⓜ▪▫▶◀◻◼◽◾⤴⤵⬅⬆⬇⬛⬜⭐⭕〰〽㊗㊙")


def clusters(text: str) -> list[Span]:
    """Find the spans of grapheme clusters, white space and controls included.

    Examples
    --------
    >>> text = "e\\u0301\\U0001f469\\u200d\\U0001f680\\r\\n"
    >>> clusters(text)
    [(0, 2), (2, 5), (5, 7)]
    """
    starts = [0] if text else []
    for i in range(1, len(text)):
        if _breaks(text, starts[-1], i):
            starts.append(i)
    return list(pairwise([*starts, len(text)]))


def characters(text: str) -> list[Span]:
    """Find the spans of grapheme clusters that can be seen: no white space.

    Examples
    --------
    >>> [(a, b) for a, b in characters("a b")]
    [(0, 1), (2, 3)]
    """
    return [(a, b) for a, b in clusters(text) if text[a:b].strip()]


def _breaks(text: str, start: int, i: int) -> bool:
    """Return whether the cluster that begins at `start` ends before character `i`, by rules GB3 to GB999."""
    before, after = _kind(text[i - 1]), _kind(text[i])
    if text[i - 1] == "\r" and text[i] == "\n":
        return False
    if before == "control" or after == "control":
        return True
    if (before, after) in _HANGUL or after in ("extend", "zwj", "mark") or before == "prepend":
        return False
    if before == "zwj" and after == "picture":
        return not _led_by_picture(text, i - 1)
    if before == after == "flag":  # flags are pairs of letters
        return i - start >= 2 and _kind(text[i - 2]) == "flag"
    return not _conjoined(text, i)


#: kinds of Hangul letters that stay together
_HANGUL = {("L", "L"), ("L", "V"), ("L", "LV"), ("L", "LVT"), ("LV", "V"), ("V", "V"), ("LV", "T"), ("V", "T"),
           ("LVT", "T"), ("T", "T")}  # fmt: skip


def _led_by_picture(text: str, i: int) -> bool:
    """Return whether the joiner at `i` follows a picture, marks between them aside."""
    i -= 1
    while i >= 0 and _kind(text[i]) == "extend":
        i -= 1
    return i >= 0 and _kind(text[i]) == "picture"


def _conjoined(text: str, i: int) -> bool:
    """Return whether a virama joins the consonant at `i` to the one before it."""
    if not _is_linked(text[i]):
        return False
    linked, i = False, i - 1
    while i >= 0 and _kind(text[i]) in ("extend", "zwj"):
        linked |= text[i] in _LINKERS
        i -= 1
    return linked and i >= 0 and _is_linked(text[i])


def _is_linked(letter: str) -> bool:
    return any(low <= ord(letter) <= high for low, high in _LINKED)


@lru_cache(maxsize=4096)
def _kind(letter: str) -> str:
    """Return the property of a character that the rules go by."""
    code, category = ord(letter), unicodedata.category(letter)
    if letter == _ZWJ:
        return "zwj"
    if letter in _EXTENDING or 0x1F3FB <= code <= 0x1F3FF or 0xE0020 <= code <= 0xE007F:
        return "extend"
    if letter in _PREPENDED:
        return "prepend"
    if category in ("Mn", "Me"):
        return "extend"
    if letter in ("\u0e33", "\u0eb3") or (category == "Mc" and letter not in _APART):
        return "mark"
    if category in ("Cc", "Cf", "Zl", "Zp", "Cs"):
        return "control"
    if 0x1F1E6 <= code <= 0x1F1FF:
        return "flag"
    return "picture" if is_pictograph(letter) else _hangul(code)


def is_pictograph(letter: str) -> bool:
    """Return whether a character is drawn as a picture, such as an emoji."""
    code = ord(letter)
    return letter in _PICTURES or 0x2600 <= code <= 0x27BF or 0x1F000 <= code <= 0x1FAFF


def _hangul(code: int) -> str:
    """Return which part of a syllable a Hangul letter is; empty for anything else."""
    if 0xAC00 <= code <= 0xD7A3:
        return "LVT" if (code - 0xAC00) % 28 else "LV"
    if 0x1100 <= code <= 0x115F or 0xA960 <= code <= 0xA97C:
        return "L"
    if 0x1160 <= code <= 0x11A7 or 0xD7B0 <= code <= 0xD7C6:
        return "V"
    return "T" if 0x11A8 <= code <= 0x11FF or 0xD7CB <= code <= 0xD7FB else ""
