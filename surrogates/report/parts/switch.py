"""The part that shows one of several outputs at a time, switched without a script; on paper all of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from surrogates.report.part import Part
from surrogates.report.parts.instance import Remark

__all__ = ["Panel", "Switch", "by_output"]


@dataclass(frozen=True)
class Panel:
    """One output: the parts that are about it."""

    output: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, kw_only=True)
class Switch(Part):
    """Parts about each output, one output at a time.

    Each panel follows the radio button that shows it. The buttons are the form's own, so that two cells of a notebook
    do not share them; a form of this method sends nothing.
    """

    template = "switch.html"
    style = (
        """\
.iomap .switch { display: flex; flex-wrap: wrap; gap: .4rem; margin: 1.5rem 0 0; }
.iomap .switch > label { border: 1px solid var(--line); border-radius: 4px; padding: .15rem .7rem; cursor: pointer; }
.iomap .switch > label:has(:checked) { border-color: var(--fair); font-weight: 600; }
.iomap .switch > .panel { order: 1; flex: 0 0 100%; min-width: 0; }
.iomap .switch > label:not(:has(:checked)) + .panel { display: none; }
@media print {
  .iomap .switch > label { display: none; }
  .iomap .switch > label:not(:has(:checked)) + .panel { display: block; } }""",
    )
    at_once = True

    panels: tuple[Panel, ...]

    def within(self) -> Iterator[Part]:
        yield self
        for panel in self.panels:
            for part in panel.parts:
                yield from part.within()

    def shortened(self) -> Part:
        return self._each(lambda part: part.shortened())

    def without(self, pictures: Collection[str]) -> Part:
        return self._each(lambda part: part.without(pictures))

    def _each(self, change: Callable[[Part], Part]) -> Part:
        panels = (replace(panel, parts=tuple(map(change, panel.parts))) for panel in self.panels)
        return replace(self, panels=tuple(panels))


def by_output(outputs: Sequence[str], *groups: Sequence[Part], note: str = "") -> list[Part]:
    """Return parts in order; of several outputs, those groups that have a part for each in one switch, at the end.

    A `note` stands before the switch.
    """
    if len(outputs) == 1:
        return [part for group in groups for part in group]
    each = [group for group in groups if len(group) == len(outputs)]
    panels = (Panel(name, tuple(group[j] for group in each)) for j, name in enumerate(outputs))
    rest = [part for group in groups if len(group) != len(outputs) for part in group]
    return [*rest, *([Remark(text=note)] if note else []), Switch(panels=tuple(panels))]
