"""A Cut: where the pieces of a text lie, and which of them are one feature."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from probes.errors import InputError

__all__ = ["Cut", "Span", "checked_spans", "first_names", "located", "numbered", "returned"]

#: characters from the first to before the second
Span = tuple[int, int]


@dataclass(frozen=True)
class Cut:
    """The pieces of a text.

    Attributes
    ----------
    spans : tuple of n (int, int)
        In order, without overlap.
    noun : str
        What a piece is called where it is said what was done to one.
    names : tuple of n str
        How pieces are called; empty where their text says it.
    same : tuple of n str
        Pieces of one key are one feature; empty where each is its own.
    notes : tuple of str
        What the user should know about the cut.
    even : bool
        Whether of the white space around removed pieces the widest stays. Else a piece takes along what follows it.
    """

    spans: tuple[Span, ...]
    noun: str
    names: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    even: bool = True


def numbered(cuts: Sequence[Cut]) -> list[tuple[int, ...]]:
    """Number the features of several texts: for each text the feature of each of its pieces.

    Examples
    --------
    >>> numbered([Cut(((0, 1), (2, 3)), "word"), Cut(((0, 1),), "word")])
    [(0, 1), (2,)]
    >>> numbered([Cut(((0, 1), (2, 3), (4, 5)), "word", same=("a", "b", "a"))])
    [(0, 1, 0)]
    """
    keys: dict[object, int] = {}
    return [
        tuple(keys.setdefault(cut.same[i] if cut.same else (t, i), len(keys)) for i in range(len(cut.spans)))
        for t, cut in enumerate(cuts)
    ]


def first_names(names: Iterable[str], owners: Iterable[int]) -> list[str]:
    """Return a name for each feature, that of its first piece."""
    firsts: dict[int, str] = {}
    for name, owner in zip(names, owners, strict=True):
        firsts.setdefault(owner, name)
    return [firsts[i] for i in range(len(firsts))]


def checked_spans(text: str, spans: Sequence[Span], parameter: str = "spans") -> tuple[Span, ...]:
    """Check that spans are pairs of integers in order, within the text and without overlap.

    Raises
    ------
    InputError
    """
    last = 0
    for span in spans:
        if (
            not isinstance(span, (Sequence, np.ndarray))
            or len(span) != 2
            or not all(isinstance(i, (int, np.integer)) for i in span)
        ):
            raise InputError(parameter, _rule(parameter, "be (start, end) pairs of integers"), span)
        if not last <= span[0] < span[1] <= len(text):
            rule = f"be in order, not overlap and lie within the text of {len(text)} characters"
            raise InputError(parameter, _rule(parameter, rule), span)
        last = span[1]
    return tuple((int(a), int(b)) for a, b in spans)


def located(text: str, parts: Sequence[str], parameter: str) -> tuple[Span, ...]:
    """Find parts of a text in their order; those of white space alone are left out.

    Raises
    ------
    InputError
        If one does not follow the one before it in the text.

    Examples
    --------
    >>> located("ab cd", ["ab", " ", "cd"], "unit")
    ((0, 2), (3, 5))
    """
    spans, at = [], 0
    for part in parts:
        if not part.strip():
            continue
        start = text.find(part, at)
        if start < 0:
            raise InputError(parameter, "return parts of the text as they are, in their order", part)
        at = start + len(part)
        spans.append((start, at))
    return tuple(spans)


def returned(text: str, parts: Any, parameter: str) -> tuple[Span, ...]:
    """Take what a function makes of a text: spans, or parts of it in their order.

    Raises
    ------
    InputError
    """
    if isinstance(parts, (str, bytes)) or not isinstance(parts, Iterable):
        raise InputError(parameter, "return a list of (start, end) pairs, or of parts of the text", parts)
    listed = list(parts)
    if listed and all(isinstance(part, str) for part in listed):
        return located(text, listed, parameter)
    return checked_spans(text, listed, parameter)


def _rule(parameter: str, rule: str) -> str:
    """Say what a rule about spans is about, where the parameter is what returned them."""
    return rule if parameter == "spans" else f"return spans that can be used; they must {rule}"
