"""Cutting a text into features, and putting it together again without some of them.

Spacing is kept: with everything present the text comes back character by character; a removed piece takes the white
space that followed it along.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from probes.errors import InputError, integer

__all__ = ["Segments", "Span", "sentences", "words"]

Span = tuple[int, int]

_IDEOGRAPH = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(f"[{_IDEOGRAPH}]|[^\\s{_IDEOGRAPH}]+")
_STOP = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s)|[。！？]+[」』”’）]*|\n\s*\n")
#: never end a sentence; end one only before a capital; end one unless a number follows
_TITLE = re.compile(r"\b(?:mr|mrs|ms|dr|prof|st|gen|col|sen|rep|vs|cf|e\.g|i\.e)\.$", re.IGNORECASE)
_SHORT = re.compile(r"\b(?:sr|jr|etc|ca|approx|dept|inc|ltd|co|corp)\.$", re.IGNORECASE)
_NUMBERED = re.compile(r"\b(?:no|nos|fig|vol|p|pp|sec|ch|art)\.$", re.IGNORECASE)
_INITIAL = re.compile(r"(?:^|[\s(.])(?!I\.)[A-Z]\.$")


def words(text: str) -> list[Span]:
    """Find the spans of words: runs without white space (punctuation stays with its word), or single CJK characters.

    Examples
    --------
    >>> [text[a:b] for text in ["Not bad, at all!"] for a, b in words(text)]
    ['Not', 'bad,', 'at', 'all!']
    """
    return [m.span() for m in _WORD.finditer(text)]


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
            and _unfinished(piece, text[end:])
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


#: name of a unit -> how it cuts a text
UNITS: dict[str, Callable[[str], list[Span]]] = {"word": words, "sentence": sentences}


def cut(text: str, unit: str, spans: Sequence[Span] | None, tokenizer: Any, parameter: str) -> list[Span]:
    """Find the spans of the features of `text`: given ones, tokens, words or sentences.

    Raises
    ------
    InputError
        If the text is empty, the unit unknown, or the spans overlap or leave the text.
    """
    if not isinstance(text, str):
        raise InputError(parameter, "be a string", text)
    if not text.strip():
        raise InputError(parameter, "hold some text", text)
    if spans is not None:
        return _checked(text, spans)
    if unit == "token":
        if tokenizer is None:
            raise InputError("tokenizer", 'be given with unit="token" (a fast transformers tokenizer)', tokenizer)
        offsets = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        merged: list[Span] = []
        for start, stop in offsets:
            if merged and start < merged[-1][1]:  # tokens that share a character are one feature
                merged[-1] = (merged[-1][0], max(merged[-1][1], int(stop)))
            elif stop > start:
                merged.append((int(start), int(stop)))
        return merged
    if not isinstance(unit, str) or unit not in UNITS:
        raise InputError("unit", f"be one of {', '.join([*UNITS, 'token'])}", unit)
    return UNITS[unit](text)


def _checked(text: str, spans: Sequence[Span]) -> list[Span]:
    last = 0
    for span in spans:
        if (
            not isinstance(span, (Sequence, np.ndarray))
            or len(span) != 2
            or not all(isinstance(i, (int, np.integer)) for i in span)
        ):
            raise InputError("spans", "be (start, end) pairs of integers", span)
        if not last <= span[0] < span[1] <= len(text):
            raise InputError(
                "spans", f"be in order, not overlap and lie within the text of {len(text)} characters", span
            )
        last = span[1]
    return [(int(a), int(b)) for a, b in spans]


@dataclass(frozen=True)
class Segments:
    """A text cut at spans: ``glue[0] piece[0] glue[1] piece[1] … glue[n]``.

    Parameters
    ----------
    pieces : tuple of str
        The n features.
    glue : tuple of str
        The n + 1 texts around them, always kept.
    """

    pieces: tuple[str, ...]
    glue: tuple[str, ...]

    @classmethod
    def of(cls, text: str, spans: Sequence[Span]) -> Segments:
        edges = [0, *(i for span in spans for i in span), len(text)]
        parts = [text[a:b] for a, b in pairwise(edges)]
        return cls(tuple(parts[1::2]), tuple(parts[0::2]))

    @lru_cache(maxsize=2)  # noqa: B019 - two small arrays, and segments are few
    def _written(self, replacement: str | None) -> tuple[np.ndarray, np.ndarray]:
        """Return what stands for every piece, with the glue after it, present and absent: ``(n,)`` of str each."""
        after = self.glue[1:]
        kept = [piece + space for piece, space in zip(self.pieces, after, strict=True)]
        absent = [space.lstrip() if replacement is None else replacement + space for space in after]
        return np.array(kept, dtype=object), np.array(absent, dtype=object)

    def render(self, present: np.ndarray, replacement: str | None) -> str:
        """Render the text with the absent pieces removed (``replacement=None``) or replaced.

        Examples
        --------
        >>> s = Segments.of("not bad at all", words("not bad at all"))
        >>> s.render(np.array([1, 0, 1, 1]), None), s.render(np.array([1, 0, 1, 1]), "[MASK]")
        ('not at all', 'not [MASK] at all')
        """
        kept, absent = self._written(replacement)
        choice = np.where(np.asarray(present, dtype=bool), kept, absent) if len(kept) else kept
        text = self.glue[0] + "".join(choice.tolist())
        # a removed last piece leaves the space before it behind
        return text.rstrip() if replacement is None and len(present) and not present[-1] else text


def checked_answer(answer: str | None, max_new_tokens: int) -> tuple[str | None, int]:
    """Check what a probe says about a language model's answer: the text if given, and the length limit.

    Raises
    ------
    InputError
    """
    if answer is not None and (not isinstance(answer, str) or not answer.strip()):
        raise InputError("answer", "be a non-empty string, or None to have it generated", answer)
    return answer, integer("max_new_tokens", max_new_tokens, least=1)
