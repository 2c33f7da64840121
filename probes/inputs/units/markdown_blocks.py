"""Markdown: its blocks or its sections as features, so that what is left is Markdown again.

Blocks are found line by line, as far as CommonMark and tables of GitHub's Markdown need it: headings, paragraphs, items
of lists with what is indented below them, rows of tables, quotes, fenced code. Heads of tables and rules always stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from probes.inputs.units.cut import Cut, Span

__all__ = ["cut_blocks", "cut_sections"]

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t]|$)")
_UNDERLINE = re.compile(r" {0,3}(?:=+|-+)[ \t]*$")
_RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)")
_QUOTE = re.compile(r" {0,3}>")
#: the line between head and rows of a table
_DELIMITER = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")

#: a block: kind, first line, line after the last
_Block = tuple[str, int, int]


def cut_blocks(text: str) -> Cut:
    """Cut a Markdown text into headings, paragraphs, list items, table rows, quotes and blocks of code.

    Examples
    --------
    >>> text = "# News\\n\\n- one\\n- two\\n"
    >>> [text[a:b] for a, b in cut_blocks(text).spans]
    ['# News', '- one', '- two']
    """
    lines = _lines(text)
    blocks = list(_blocks([text[a:b] for a, b in lines]))
    spans = tuple(_span(text, lines, first, last) for kind, first, last in blocks if kind not in ("rule", "head"))
    stays = "Heads of tables and rules between sections always stay."
    notes = (stays,) if any(kind in ("rule", "head") for kind, _, _ in blocks) else ()
    return Cut(spans, "Markdown block", tuple(_named(text[a:b]) for a, b in spans), notes=notes)


def cut_sections(text: str) -> Cut:
    """Cut a Markdown text into headings with what stands below them, up to the next heading of any level.

    Examples
    --------
    >>> text = "# News\\nSome.\\n\\n## More\\nRain."
    >>> cut_sections(text).names
    ('News', 'More')
    """
    lines = _lines(text)
    starts = [first for kind, first, _ in _blocks([text[a:b] for a, b in lines]) if kind == "heading"]
    edges = sorted({0, *starts, len(lines)})
    cuts = [_span(text, lines, a, b) for a, b in pairwise(edges)]
    spans = tuple((a, b) for a, b in cuts if text[a:b].strip())
    names = tuple(_named(text[a:b].lstrip().split("\n")[0]) for a, b in spans)
    return Cut(spans, "Markdown section", names)


def _lines(text: str) -> list[Span]:
    """Find the spans of lines, without their ends."""
    return [m.span(1) for m in re.finditer(r"([^\n]*)(?:\n|(?<=[^\n])$)", text)]


def _span(text: str, lines: list[Span], first: int, last: int) -> Span:
    """Return where lines lie, without empty ones at either end."""
    while first < last and not text[slice(*lines[first])].strip():
        first += 1
    while last > first and not text[slice(*lines[last - 1])].strip():
        last -= 1
    start = lines[first][0] if first < last else lines[min(first, len(lines) - 1)][0]
    end = lines[last - 1][1] if first < last else start
    return start, start + len(text[start:end].rstrip())


def _named(block: str) -> str:
    """Return a block in one line, without the signs that a heading, an item or a quote begins with."""
    name = re.sub(r"^\s*(?:#{1,6}\s+|[-*+]\s+|>\s*)", "", block)
    return " ".join((name if name.strip() else block).split())


def _blocks(lines: list[str]) -> Iterator[_Block]:
    """Yield the blocks of a text in lines."""
    at = 0
    while at < len(lines):
        line = lines[at]
        if not line.strip():
            at += 1
            continue
        kind, end = _block(lines, at)
        yield kind, at, end
        if kind == "head":
            first, end = end, _rows(lines, end)
            yield from (("row", row, row + 1) for row in range(first, end))
        at = end


def _block(lines: list[str], at: int) -> tuple[str, int]:
    """Return the kind of the block that begins at a line, and the line after its last."""
    line = lines[at]
    if fence := _FENCE.match(line):
        return "code", _fenced(lines, at, fence.group(1))
    if _HEADING.match(line):
        return "heading", at + 1
    if _RULE.match(line):
        return "rule", at + 1
    if _is_head(lines, at):
        return "head", at + 2
    if _ITEM.match(line):
        return "item", _indented(lines, at)
    if _QUOTE.match(line):
        return "quote", _while(lines, at, lambda text: bool(_QUOTE.match(text)) or _continues(text))
    end = _while(lines, at, lambda text: _continues(text) and not _UNDERLINE.match(text))
    underlined = end < len(lines) and _UNDERLINE.match(lines[end])
    return ("heading", end + 1) if underlined else ("paragraph", end)


def _fenced(lines: list[str], at: int, fence: str) -> int:
    """Return the line after a block of code: after a fence as long as the first, or after the last line."""
    closing = re.compile(rf" {{0,3}}{re.escape(fence[0])}{{{len(fence)},}}[ \t]*$")
    return next((i + 1 for i in range(at + 1, len(lines)) if closing.match(lines[i])), len(lines))


def _is_head(lines: list[str], at: int) -> bool:
    """Return whether the head of a table begins at a line."""
    return at + 1 < len(lines) and "|" in lines[at] and "|" in lines[at + 1] and bool(_DELIMITER.match(lines[at + 1]))


def _rows(lines: list[str], at: int) -> int:
    """Return the line after the last row of a table."""
    return _while(lines, at - 1, _continues)


def _indented(lines: list[str], at: int) -> int:
    """Return the line after an item of a list: what is indented below it belongs to it, and lines that go on."""
    depth = len(lines[at]) - len(lines[at].lstrip())
    end, i = at + 1, at + 1
    while i < len(lines):
        line = lines[i]
        inside = len(line) - len(line.lstrip()) > depth
        if line.strip() and not inside and (_begins(line) or not lines[i - 1].strip()):
            break
        end = i + 1 if line.strip() else end
        i += 1
    return end


def _begins(line: str) -> bool:
    """Return whether a line begins a block even right below a paragraph."""
    starts = (_FENCE, _HEADING, _RULE, _ITEM, _QUOTE)
    return any(start.match(line) for start in starts)


def _continues(line: str) -> bool:
    """Return whether a line may go on with the block before it."""
    return bool(line.strip()) and not _begins(line)


def _while(lines: list[str], at: int, goes_on: Callable[[str], bool]) -> int:
    """Return the first line after `at` that does not go on with its block."""
    return next((i for i in range(at + 1, len(lines)) if not goes_on(lines[i])), len(lines))
