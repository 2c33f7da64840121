"""Spans of a language model's answer, and the number that each stands for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from probes.errors import InputError
from probes.outputs.target import Target
from probes.probe import unique_names
from probes.rounding import counted

__all__ = ["Spans", "target_of"]

_Span: TypeAlias = str | tuple[int, int]
#: a span, or several
Spans: TypeAlias = _Span | Sequence[_Span]


def target_of(spans: Spans, tokens: Sequence[str]) -> Target:
    """Return the mean log-probability of the tokens that overlap a span, one number for each span.

    Parameters
    ----------
    spans : str, (int, int), or a list of these
    tokens : sequence of str
        The pieces of the answer's text.

    Raises
    ------
    InputError
        For a span that is not in the answer, or given twice.

    Examples
    --------
    >>> target_of(["It", "1969"], ["It ", "opened ", "in ", "19", "69"])
    Target(kind='mean', columns=(0, 3, 4), outputs=('It', '1969'), unit='nats', sizes=(1, 2))
    """
    text, several = "".join(tokens), isinstance(spans, (list, tuple)) and not _is_range(spans)
    ranges = [_range(span, text) for span in (spans if several else [spans])]
    if not ranges or len(set(ranges)) < len(ranges):
        raise InputError("span", "be a span of the answer, or a list of different ones", spans)
    ends = np.cumsum([len(token) for token in tokens])
    starts = np.concatenate([[0], ends[:-1]])
    columns = [np.flatnonzero((starts < stop) & (ends > start)) for start, stop in ranges]
    if not all(map(len, columns)):
        raise InputError("span", "overlap a token of the answer", spans)
    names = unique_names([text[start:stop] for start, stop in ranges])
    sizes = tuple(map(len, columns)) if several else ()
    return Target("mean", tuple(np.concatenate(columns).tolist()), tuple(names), "nats", sizes=sizes)


def _range(span: Any, text: str) -> tuple[int, int]:
    if isinstance(span, str):
        start = text.find(span) if span else -1
        if start < 0:
            raise InputError("span", f"be part of the answer {text!r}", span)
        return start, start + len(span)
    if not _is_range(span):
        raise InputError("span", "be a piece of the answer, a character range of it, or a list of these", span)
    if not 0 <= span[0] < span[1] <= len(text):
        raise InputError("span", f"be a character range within the answer's {counted(len(text), 'character')}", span)
    return int(span[0]), int(span[1])


def _is_range(span: Any) -> bool:
    pair = isinstance(span, (list, tuple)) and len(span) == 2
    return pair and all(isinstance(end, (int, np.integer)) and not isinstance(end, bool) for end in span)
