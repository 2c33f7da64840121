"""Parts about the items of a set: an index of all, and their explanations, folded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from surrogates.report.part import Part
from surrogates.report.styles import LINK, NARROW, STACK, TABLE, TAG

__all__ = ["Index", "IndexRow", "Item", "Items"]


@dataclass(frozen=True)
class IndexRow:
    """One item: its label, its number where it has an explanation to link to, else 0, and what is said of it."""

    label: str
    place: int
    input: str
    answer: str
    r2: str
    verdict: str
    level: str
    mark: str


@dataclass(frozen=True, kw_only=True)
class Index(Part):
    """All items, in their order; with `digits` each has a page of its own, whose name has so many."""

    template = "index.html"
    style = (TABLE, TAG, NARROW, STACK, LINK)

    rows: tuple[IndexRow, ...]
    digits: int
    left_out: str


@dataclass(frozen=True)
class Item:
    """One explanation: its number, its heading, and its parts."""

    place: int
    title: str
    level: str
    verdict: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, kw_only=True)
class Items(Part):
    """Explanations of items, each folded; a link to one unfolds it, without a script."""

    template = "items.html"
    style = (
        """\
.iomap details.item { border-top: 1px solid var(--line); padding: .3rem 0; }
.iomap .item > div { scroll-margin-top: 4rem; }""",
        LINK,
    )

    rows: tuple[Item, ...]
    left_out: str

    def within(self) -> Iterator[Part]:
        yield self
        for row in self.rows:
            for part in row.parts:
                yield from part.within()
