"""The part that shows how to make a result again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from surrogates.report.part import Part
from surrogates.report.repeat_line import Line

__all__ = ["Again"]


@dataclass(frozen=True, kw_only=True)
class Again(Part):
    """A line of Python with its imports, and what it leaves open."""

    template = "again.html"
    style = (
        """\
.iomap pre.code { white-space: pre-wrap; overflow-wrap: anywhere; font-size: .85rem; margin: .4rem 0;
  border: 1px solid var(--line); border-radius: 4px; padding: .4rem .8rem; }""",
    )

    imports: str
    code: str
    notes: tuple[str, ...]

    @classmethod
    def of(cls, line: Line) -> Self:
        """Make it of a line."""
        return cls(title="The line that makes it again", imports=line.imports, code=line.code, notes=line.notes)
