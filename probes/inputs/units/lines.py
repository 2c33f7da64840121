"""Sentences, paragraphs and lines as units."""

from __future__ import annotations

import re

from probes.inputs.text_segments import sentences
from probes.inputs.units.cut import Cut

__all__ = ["PARAGRAPH", "cut_lines", "cut_paragraphs", "cut_sentences"]

#: what lies between empty lines; at the end of a text with the end of its line
PARAGRAPH = re.compile(r"\S(?:.|\n(?!\s*\n))*")
_THAI = re.compile(r"[\u0e00-\u0eff][ \u3000]+[\u0e00-\u0eff]")


def cut_sentences(text: str) -> Cut:
    """Cut a text into sentences; spaced Thai and Lao at its spaces, with a note."""
    said = "Thai, Lao: no sign ends a sentence, so a space does; unit= takes a segmenter."
    return Cut(tuple(sentences(text)), "sentence", notes=(said,) if _THAI.search(text) else (), even=False)


def cut_paragraphs(text: str) -> Cut:
    """Cut a text at empty lines.

    Examples
    --------
    >>> cut_paragraphs("One\\ntwo.\\n\\nThree.").spans
    ((0, 8), (10, 16))
    """
    return Cut(tuple((m.start(), m.start() + len(m.group().rstrip())) for m in PARAGRAPH.finditer(text)), "paragraph")


def cut_lines(text: str) -> Cut:
    """Cut a text into lines that are not empty; the white space that a line begins with goes with it."""
    return Cut(tuple(m.span() for m in re.finditer(r"[^\r\n]*[^\s][^\r\n]*", text)), "line")
