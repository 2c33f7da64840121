"""The part at the head of a page: a sentence or two in plain words, of several outputs one for each."""

from __future__ import annotations

from dataclasses import dataclass

from surrogates.report.part import Part

__all__ = ["Head"]


@dataclass(frozen=True, kw_only=True)
class Head(Part):
    """What was said, what changes it, and how far to trust the rest; a warning against use stands before all of it."""

    template = "head.html"
    style = (
        ".iomap .lead { font-size: 1.1rem; } .iomap .lead .poor { color: var(--tone); font-weight: 600; } "
        ".iomap ul.lead { margin: 0.5rem 0; padding-left: 1.2rem; }",
    )
    at_once = True

    warning: str
    said: str
    change: str
    evidence: str
    each: tuple[str, ...] = ()
