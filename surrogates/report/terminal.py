"""Text as a terminal shows it: lines of its width, bars whose side is their sign, colours where it has them."""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Sequence
from math import isfinite

from probes.probe import Feature
from probes.views import View
from surrogates.report.input_parts import input_parts
from surrogates.report.labels import cut, valued
from surrogates.visible import in_line

__all__ = ["coloured", "input_lines", "paragraph", "signed_bar", "width"]

#: letters of a line: where nobody sees a terminal, and the fewest and the most in one
_USUAL, _NARROW, _WIDE = 80, 60, 120
#: codes of a terminal for what lowers the output, what raises it, a verdict against use, and an end
_DOWN, _UP, _STRONG, _END = "\x1b[33m", "\x1b[34m", "\x1b[1m", "\x1b[0m"


def width() -> int:
    """Return how many letters a line has: as many as the terminal, from 60 to 120; 80 where the text goes elsewhere."""
    if not _is_terminal():
        return _USUAL
    return min(max(shutil.get_terminal_size((_USUAL, 24)).columns, _NARROW), _WIDE)


def _is_terminal() -> bool:
    try:
        return sys.stdout.isatty()
    except (AttributeError, ValueError):  # none, or closed
        return False


def paragraph(text: str, indent: int = 0) -> list[str]:
    """Break a text into lines; those after the first are indented."""
    return textwrap.wrap(text, width(), subsequent_indent=" " * indent)


def signed_bar(value: float, largest: float, half: int = 6, muted: bool = False) -> str:
    """Draw a number as a bar from a middle line: to the right above zero, to the left below it, without colour.

    Examples
    --------
    >>> signed_bar(1.0, 2.0), signed_bar(-2.0, 2.0), signed_bar(0.0, 2.0)
    ('      │███   ', '██████│      ', '      │      ')
    >>> signed_bar(-1.0, 2.0, muted=True)
    '   ░░░│      '
    """
    share = abs(value) / largest if largest > 0 and isfinite(value) else 0.0
    steps = round(2 * half * min(share, 1.0))
    if muted:
        bar = "░" * max(steps // 2, int(steps > 0))
    else:
        bar = "█" * (steps // 2) + ("▐" if value < 0 else "▌") * (steps % 2)
    return f"{bar[::-1]:>{half}}│{'':{half}}" if value < 0 else f"{'':{half}}│{bar:<{half}}"


def input_lines(features: Sequence[Feature], view: View) -> list[str]:
    """Say what was put to the model, in two lines: a text or a question in quotes, the values of a row."""
    room = 2 * width() - 30  # two lines, less their indent and what a break leaves open
    if view.get("kind") == "text":
        lines = [f"Input: “{_within(_text_of(view), room)}”"]
        lines += [f"Question: “{_within(str(view['question']), room)}”"] if view.get("question") else []
        return [part for line in lines for part in paragraph(line, line.index(" ") + 1)]
    if view.get("kind") == "mixed":
        parts = [(part.title, input_lines(part.features, part.view)) for part in input_parts(features, view)]
        return [line.replace("Input:", f"Input ({in_line(of)}):", 1) for of, lines in parts for line in lines]
    if view.get("caption"):
        return paragraph(f"Input: {_within(str(view['caption']), room)}", 7)
    if view.get("kind") != "table":
        return []
    values, said = [valued(f.name, f.value) for f in features], ""
    for i, value in enumerate(values):
        more = f", and {len(values) - i} more" if i < len(values) else ""
        if i and len(said) + len(value) + len(more) > room:
            return paragraph(f"Input: {said}{more}", 7)
        said += f"{', ' if i else ''}{value}"
    return paragraph(f"Input: {said}", 7)


def _text_of(view: View) -> str:
    """Return the text that was cut into features; as much of it as a damaged view holds."""
    pieces: list[str] = []
    try:
        for block in view["blocks"]:
            pieces += [f"{block['title']}: "] if block["title"] else []
            pieces += [part for pair in zip(block["glue"], [*block["pieces"], " "], strict=True) for part in pair]
    except (KeyError, TypeError, ValueError):
        pieces.append("…")
    return "".join(map(str, pieces))


def _within(text: str, room: int) -> str:
    """Return a text in one line, cut where it is long."""
    return cut(" ".join(in_line(text).split()), room)


def coloured(text: str) -> str:
    """Colour bars by their side, and a verdict against use, where there is a terminal that wants colours.

    None where the variable ``NO_COLOR`` is set, for a dumb terminal, and for what is written elsewhere.
    """
    if not _is_terminal() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    text = re.sub(r"[█▐]+(?=│)", rf"{_DOWN}\g<0>{_END}", text)
    text = re.sub(r"(?<=│)[█▌]+", rf"{_UP}\g<0>{_END}", text)
    return re.sub(r"(?m)^Verdict[^:\n]*: Do not .*$", rf"{_STRONG}\g<0>{_END}", text)
