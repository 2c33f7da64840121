"""The table of units, and how a unit that a user names or passes in cuts a text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from probes.errors import InputError
from probes.inputs.units.characters import characters
from probes.inputs.units.cut import Cut, Span, checked_spans, returned
from probes.inputs.units.html_text import Html
from probes.inputs.units.lines import cut_lines, cut_paragraphs, cut_sentences
from probes.inputs.units.markdown_blocks import cut_blocks, cut_sections
from probes.inputs.units.segmenters import SEGMENTERS, segmented
from probes.inputs.units.words import bare_words, cut_words

__all__ = ["UNITS", "Occurrences", "Unit", "cut_text", "name_of"]


@dataclass(frozen=True)
class Occurrences:
    """All occurrences of one text as one feature: every "bad" of a review is present, or none is.

    The unit ``"occurrences"`` is ``Occurrences()``.

    Parameters
    ----------
    unit : Unit, default "bare word"
        What is compared: words without the punctuation around them, sentences, the matches of a regular expression, …
    fold : bool, default True
        Whether capital and small letters are the same.

    Examples
    --------
    >>> text = "Bad, bad film"
    >>> Occurrences().cut(text).same
    ('bad', 'bad', 'film')
    """

    unit: Any = "bare word"
    fold: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.unit, Occurrences):
            raise InputError("unit", "be what occurs, not its occurrences", self.unit)
        if not isinstance(self.fold, bool):
            raise InputError("fold", "be True or False", self.fold)

    def cut(self, text: str, tokenizer: Any = None) -> Cut:
        """Cut a text, and give the pieces of one feature one key."""
        from unicodedata import normalize

        made = cut_text(text, self.unit, tokenizer=tokenizer)
        pieces = [normalize("NFC", text[a:b].strip()) for a, b in made.spans]
        keys = tuple(piece.casefold() if self.fold else piece for piece in pieces)
        return replace(made, noun=f"{made.noun} (all its occurrences)", same=keys)


#: what a unit may be: a name of the table, a pattern, a value with a `cut`, or a function from a text to spans or parts
Unit: TypeAlias = str | re.Pattern[str] | Html | Occurrences | Callable[[str], Sequence[Span] | Sequence[str]]

#: name of a unit -> how it cuts a text
UNITS: dict[str, Callable[[str], Cut]] = {
    "character": lambda text: Cut(tuple(characters(text)), "character"),
    "word": cut_words,
    "bare word": bare_words,
    "sentence": cut_sentences,
    "line": cut_lines,
    "paragraph": cut_paragraphs,
    "markdown": cut_blocks,
    "markdown section": cut_sections,
    "html": Html().cut,
    "occurrences": Occurrences().cut,
    **{name: segmented(name) for name in SEGMENTERS},
}


def cut_text(
    text: str, unit: Unit = "word", spans: Sequence[Span] | None = None, tokenizer: Any = None, parameter: str = "text"
) -> Cut:
    """Cut a text into pieces by a unit, or at given spans.

    Raises
    ------
    InputError
        If the text is empty, the unit unknown, or spans overlap or leave the text.
    """
    if not isinstance(text, str):
        raise InputError(parameter, "be a string", text)
    if not text.strip():
        raise InputError(parameter, "hold some text", text)
    if spans is not None:
        return Cut(checked_spans(text, spans), "span", even=False)
    if isinstance(unit, Occurrences):
        return unit.cut(text, tokenizer)
    if isinstance(unit, Html):
        return unit.cut(text)
    if isinstance(unit, re.Pattern):
        return _matches(text, unit)
    if isinstance(unit, str) and unit == "token":
        return Cut(_tokens(text, tokenizer), "token", even=False)
    if isinstance(unit, str) and unit in UNITS:
        return UNITS[unit](text)
    if callable(unit) and not isinstance(unit, type):
        return Cut(_by_function(text, unit), name_of(unit))
    known = ", ".join([*UNITS, "token"])
    raise InputError(
        "unit", f"be one of {known}, a compiled pattern, Html(), Occurrences(), or a function that cuts a text", unit
    )


def name_of(unit: Unit) -> str:
    """Return what a unit is called in a line."""
    if isinstance(unit, re.Pattern):
        return f"match of {unit.pattern!r}"
    name = getattr(unit, "__name__", type(unit).__name__)
    return "piece" if name == "<lambda>" else f"piece by {name}"


def _matches(text: str, pattern: re.Pattern[str]) -> Cut:
    """Cut out what a regular expression matches, as far as it is not empty.

    Raises
    ------
    InputError
        For a pattern of bytes.
    """
    if not isinstance(pattern.pattern, str):
        raise InputError("unit", "be a pattern of text, not of bytes", pattern)
    return Cut(tuple(m.span() for m in pattern.finditer(text) if m.group()), name_of(pattern))


def _by_function(text: str, unit: Callable[[str], Any]) -> tuple[Span, ...]:
    """Cut a text by a function of the user's.

    Raises
    ------
    InputError
        If it fails, or returns something else than spans or parts of the text.
    """
    try:
        parts = unit(text)
    except Exception as error:
        raise InputError("unit", f"cut the text ({type(error).__name__}: {error})", unit) from error
    return returned(text, parts, "unit")


def _tokens(text: str, tokenizer: Any) -> tuple[Span, ...]:
    """Find the tokens of a text; those that share a character are one.

    Raises
    ------
    InputError
        Without a tokenizer.
    """
    if tokenizer is None:
        raise InputError("tokenizer", 'be given with unit="token" (a fast transformers tokenizer)', tokenizer)
    offsets = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    merged: list[Span] = []
    for start, stop in offsets:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], int(stop)))
        elif stop > start:
            merged.append((int(start), int(stop)))
    return tuple(merged)
