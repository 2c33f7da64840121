"""The items of a set on its page: an index of all, and as many explanations as a page of ordinary size holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from probes.rounding import counted
from surrogates.local.explanation import Explanation
from surrogates.many.explanation_set import ExplanationSet
from surrogates.many.jsonl_file import Entry
from surrogates.report.asked_questions import decisions
from surrogates.report.explanation import parts_in_short
from surrogates.report.part import level
from surrogates.report.parts.instance import Remark
from surrogates.report.parts.items import Index, IndexRow, Item, Items
from surrogates.report.sentence import numbered, quoted
from surrogates.visible import in_line

__all__ = ["Listing", "answer_words", "input_words", "listing"]

#: characters of explanations on one page, which is then of ordinary size (500 kB); rows of its index
_ROOM, _ROWS = 160_000, 300
#: characters of an input and of an answer in the index; values of a row, and features of a cube, that stand for it
_INPUT, _ANSWER, _VALUES = 120, 60, 4


@dataclass(frozen=True)
class Listing:
    """The index, and the explanations; none of these where each has a page of its own."""

    index: Index
    items: Items | None


def listing(explanations: ExplanationSet, picked: int = 3, digits: int = 0) -> Listing:
    """List all items; with `digits` each has a page of its own, named by its number, else they are put on this one.

    The `picked` most telling ones come first, then the others in their order, while there is room.
    """
    marked = set(explanations.picks(picked)["item"])
    order = sorted(range(len(explanations)), key=lambda i: explanations.entries[i].label not in marked)
    room, rows, items = _ROOM, dict[int, IndexRow](), dict[int, Item]()
    shown = set(order) if digits else {*order[:_ROWS]}
    for i in order:
        if i not in shown:
            continue
        entry, ex = explanations.entries[i], explanations[i]
        item = _item(i, entry, ex) if not digits and room > 0 else None
        if item is not None:
            room -= sum(len(part.draw()) for part in item.parts)
        if item is not None and (room > 0 or not items):
            items[i] = item
        rows[i] = _row(entry, ex, i + 1 if digits or i in items else 0, "most telling" if entry.label in marked else "")
    many = len(explanations)
    unlisted, unfolded = many - len(rows), many - len(items)
    index = Index(
        title="All items" if not unlisted else f"{len(rows)} of {many} items",
        rows=tuple(rows[i] for i in sorted(rows)),
        digits=digits,
        left_out=f"Not on this page: {counted(unlisted, 'more item')}. {_FOLDER}" if unlisted else "",
    )
    if digits:
        return Listing(index, None)
    left_out = f"Not on this page, which would be too large: {counted(unfolded, 'explanation')}. {_FOLDER}"
    title = "The explanations" if not unfolded else f"{len(items)} of {many} explanations"
    return Listing(
        index, Items(title=title, rows=tuple(items[i] for i in sorted(items)), left_out=left_out if unfolded else "")
    )


_FOLDER = 'report("a folder") writes a page for every item.'


def _row(entry: Entry, ex: Explanation, place: int, mark: str) -> IndexRow:
    j, shade = _worst(ex)
    words = input_words(entry.row, ex)
    verdict = ex.fidelity.verdicts[j]
    return IndexRow(str(entry.label), place, words, answer_words(ex), ex.fidelity.scored(j), verdict, shade, mark)


def _item(i: int, entry: Entry, ex: Explanation) -> Item:
    j, shade = _worst(ex)
    parts = tuple(part for part in parts_in_short(ex) if not isinstance(part, Remark))
    return Item(i + 1, f"Item {entry.label}: {answer_words(ex)}", shade, ex.fidelity.verdicts[j], parts)


def _worst(ex: Explanation) -> tuple[int, str]:
    """Return the output that is explained worst, and the class of its verdict."""
    f = ex.fidelity
    j = int(np.argmin(np.nan_to_num(f.r2_low, nan=-np.inf)))
    return j, "poor" if f.refused()[j] else level(f.r2_low[j])


def input_words(row: Mapping[str, Any] | None, ex: Explanation) -> str:
    """Write an input in short: the beginning of a text, a question, or the features of a row that matter most."""
    view = ex.view
    if view["kind"] == "text":
        text = view["question"] if view.get("question") else " ".join(_texts(view))
        return _cut(" ".join(in_line(text).split()), _INPUT)
    if view.get("caption"):
        return _cut(in_line(str(view["caption"])), _INPUT)
    named = {f.name: f"{f.name} = {f.value}" if f.value else f.name for f in ex.features}
    strongest = list(dict.fromkeys(ex.attributions["feature"]))[:_VALUES]
    more = len(row) - len(strongest) if row is not None else len(named) - len(strongest)
    words = "; ".join(_cut(in_line(named.get(name, name)), _INPUT // 2) for name in strongest)
    return f"{words}; {more} more" if more > 0 else words


def _texts(view: Mapping[str, Any]) -> Iterator[str]:
    for block in view["blocks"]:
        yield "".join(part for pair in zip(block["glue"], [*block["pieces"], ""], strict=True) for part in pair)


def answer_words(ex: Explanation) -> str:
    """Write what the model said of an input, in short."""
    if ex.answer is not None:
        return quoted(ex.answer, _ANSWER)
    target, decided = ex.target, decisions(ex)
    number = numbered(target.outputs, ex.y[0], target.unit)
    if decided is None:
        return number
    name = ex.answers.outputs[decided[0]]
    return number if tuple(target.outputs) == (name,) and quoted(name) in number else f"{quoted(name)}; {number}"


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"
