"""Cutting a text into features, and putting it together again without some of them.

Spacing is kept: with everything present the text comes back character by character; a removed piece takes the white
space that followed it along, or leaves the widest of both sides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from probes.errors import InputError, integer

__all__ = ["IDEOGRAPH", "Segments", "StandIn", "checked_answer", "sentences", "words", "words_besides"]

Span = tuple[int, int]

#: kana and ideographs, as ranges of a regular expression
IDEOGRAPH = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(f"[{IDEOGRAPH}]|[^\\s{IDEOGRAPH}]+")
#: ends of sentences: before white space; of scripts that need none; an empty line; before an item of a list; a space
#: between Thai or Lao letters, which have no other sign
_STOP = re.compile(
    r"[.!?…]+[\"'”’)\]]*(?=\s)"
    r"|[。！？؟۔।॥։።፧။។៕]+[」』”’）»\"]*"
    r"|\n\s*\n"
    r"|\n(?=[ \t]*(?:[-*+•‣◦▪–]|\d{1,3}[.)])[ \t]+\S)"
    r"|(?<=[\u0e00-\u0eff])[ \u3000]+(?=[\u0e00-\u0eff])"
)
#: never end a sentence; end one only before a capital; end one unless a number follows
_TITLE = re.compile(r"\b(?:mr|mrs|ms|dr|prof|st|gen|col|sen|rep|vs|cf|e\.g|i\.e)\.$", re.IGNORECASE)
_SHORT = re.compile(r"\b(?:sr|jr|etc|ca|approx|dept|inc|ltd|co|corp)\.$", re.IGNORECASE)
_NUMBERED = re.compile(r"\b(?:no|nos|fig|vol|p|pp|sec|ch|art)\.$", re.IGNORECASE)
#: the number of an item of a list, at the beginning of a line
_ITEM = re.compile(r"[ \t]*\d{1,3}\.")
_INITIAL = re.compile(r"(?:^|[\s(.])(?!I\.)[A-Z]\.$")


#: what stands for absent pieces: nothing, a text, or what a function makes of each
StandIn: TypeAlias = str | Callable[[str], str] | None


def words(text: str) -> list[Span]:
    """Find the spans of words: runs without white space (punctuation stays with its word), or single CJK characters.

    Examples
    --------
    >>> [text[a:b] for text in ["Not bad, at all!"] for a, b in words(text)]
    ['Not', 'bad,', 'at', 'all!']
    """
    return [m.span() for m in _WORD.finditer(text)]


def words_besides(text: str, kept: str) -> list[Span]:
    """Find the spans of words but those that hold what is kept, such as a mask.

    Examples
    --------
    >>> [text[a:b] for text in ["It was [MASK]."] for a, b in words_besides(text, "[MASK]")]
    ['It', 'was']
    """
    return [(a, b) for a, b in words(text) if kept not in text[a:b]]


def sentences(text: str) -> list[Span]:
    """Find the spans of sentences, without the white space between them; abbreviations and decimals do not end one.

    Examples
    --------
    >>> text = "Dr. Ada B. Lovelace paid 3.50 pounds. Why? Nobody knows."
    >>> [text[a:b] for a, b in sentences(text)]
    ['Dr. Ada B. Lovelace paid 3.50 pounds.', 'Why?', 'Nobody knows.']
    """
    spans: list[Span] = []
    start = 0
    for stop in [*(m for m in _STOP.finditer(text)), None]:
        end = len(text) if stop is None else stop.end()
        piece = text[start:end]
        if (
            stop is not None
            and stop.group().startswith(".")
            and len(stop.group()) == 1
            and (_unfinished(piece, text[end:]) or _ITEM.fullmatch(text, text.rfind("\n", 0, end) + 1, end))
        ):
            continue
        lead = len(piece) - len(piece.lstrip())
        if piece.strip():
            spans.append((start + lead, start + len(piece.rstrip())))
        start = end
    return spans


def _unfinished(piece: str, rest: str) -> bool:
    """Return whether the full stop that ends `piece` belongs to an abbreviation or initial, not to a sentence."""
    following = rest.lstrip()[:1]
    if _INITIAL.search(piece) or _TITLE.search(piece):
        return True
    if _SHORT.search(piece) or _NUMBERED.search(piece):
        return following.islower() or following.isdigit()
    return following.islower()


@dataclass(frozen=True)
class Segments:
    """A text cut at spans: ``glue[0] piece[0] glue[1] piece[1] … glue[n]``.

    Parameters
    ----------
    pieces : tuple of n str
    glue : tuple of str
        The n + 1 texts around them, always kept.
    even : bool, default False
        Whether of the white space around removed pieces the widest stays: an empty line before a space, many spaces
        before few. Else a removed piece takes along what follows it; :meth:`of` leaves that to texts whose pieces all
        begin after white space, as others would grow together: "able" of "un|able to" is not all that goes.
    """

    pieces: tuple[str, ...]
    glue: tuple[str, ...]
    even: bool = False

    @classmethod
    def of(cls, text: str, spans: Sequence[Span], even: bool = False) -> Segments:
        edges = [0, *(i for span in spans for i in span), len(text)]
        parts = [text[a:b] for a, b in pairwise(edges)]
        return cls(tuple(parts[1::2]), tuple(parts[0::2]), even or any(not g[-1:].isspace() for g in parts[2:-1:2]))

    @lru_cache(maxsize=2)  # noqa: B019 - two small arrays, and segments are few
    def _written(self, replacement: StandIn) -> tuple[np.ndarray, np.ndarray]:
        """Return what stands for every piece, with the glue after it, present and absent: ``(n,)`` of str each."""
        after = self.glue[1:]
        kept = [piece + space for piece, space in zip(self.pieces, after, strict=True)]
        if replacement is None:
            return np.array(kept, dtype=object), np.array([space.lstrip() for space in after], dtype=object)
        stand_ins = [replacement(piece) if callable(replacement) else replacement for piece in self.pieces]
        absent = [text + space for text, space in zip(stand_ins, after, strict=True)]
        return np.array(kept, dtype=object), np.array(absent, dtype=object)

    def render(self, present: np.ndarray, replacement: StandIn) -> str:
        """Render the text with the absent pieces removed, replaced by a text, or by what a function makes of each.

        Examples
        --------
        >>> s = Segments.of("not bad at all", words("not bad at all"))
        >>> s.render(np.array([1, 0, 1, 1]), None), s.render(np.array([1, 0, 1, 1]), "[MASK]")
        ('not at all', 'not [MASK] at all')
        """
        if self.even and replacement is None:
            return self._closed_up(np.asarray(present, dtype=bool))
        kept, absent = self._written(replacement)
        choice = np.where(np.asarray(present, dtype=bool), kept, absent) if len(kept) else kept
        text = self.glue[0] + "".join(choice.tolist())
        # a removed last piece leaves the space before it behind
        return text.rstrip() if replacement is None and len(present) and not present[-1] else text

    def _closed_up(self, present: np.ndarray) -> str:
        """Return the text without its absent pieces; where two stretches of white space meet the wider one stays.

        At either end the white space of the text itself stays.
        """
        (lead, core, space), *rest = self._spaced
        written, begun = [lead, core], bool(core)
        for here, piece, (lead, core, behind) in zip(present, self.pieces, rest, strict=True):
            if here:
                written += [space, piece]
                space, begun = lead, True
            elif begun:
                space = max(space, lead, key=_width)
            if core:
                written += [space, core]
                space, begun = behind, True
        return "".join([*written, space if len(present) == 0 or present[-1] or self._spaced[-1][1] else self.glue[-1]])

    @cached_property
    def _spaced(self) -> list[tuple[str, str, str]]:
        """Cut every glue: white space, what is none, white space; the first has its white space last, if it is all."""
        cuts = []
        for i, glue in enumerate(self.glue):
            core = glue.strip()
            lead = glue[: len(glue) - len(glue.lstrip())] if core or i else ""
            cuts.append((lead, core, glue[len(lead) + len(core) :]))
        return cuts


def _width(space: str) -> tuple[int, int]:
    """Return how far white space sets apart: by empty lines first."""
    return space.count("\n"), len(space)


def checked_answer(answer: str | None, max_new_tokens: int) -> tuple[str | None, int]:
    """Check what a probe says about a language model's answer: the text if given, and the length limit.

    Raises
    ------
    InputError
    """
    if answer is not None and (not isinstance(answer, str) or not answer.strip()):
        raise InputError("answer", "be a non-empty string, or None to have it generated", answer)
    return answer, integer("max_new_tokens", max_new_tokens, least=1)
