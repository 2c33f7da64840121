"""CardDifference → the parts of its page, text and a figure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from probes.rounding import between, in_unit, rounded, signed
from surrogates.difference.card_difference import CardDifference
from surrogates.report.page import Contents, contents
from surrogates.report.part import Part, made
from surrogates.report.parts.again import Again
from surrogates.report.parts.arms import Said
from surrogates.report.parts.asked_cases import AskedCase, AskedCases, Reply
from surrogates.report.parts.card_sides import FOUND, CardSides
from surrogates.report.parts.forest import Forest, Point
from surrogates.report.parts.head import Head
from surrogates.report.parts.origin import Origin
from surrogates.report.repeat_call import card_difference_line
from surrogates.report.terminal import paragraph
from surrogates.results.provenance import cost_line
from surrogates.results.result import text_of
from surrogates.statements.card_pairs import NOT_TESTED
from surrogates.visible import joined

if TYPE_CHECKING:
    pass

__all__ = ["card_difference_contents", "card_difference_text"]

#: questions that the head of a page shows
_ASKED = 5


@contents.register
def card_difference_contents(difference: CardDifference) -> Contents:
    """Take a difference of cards apart."""
    makers: list[Callable[[CardDifference], list[Part]]] = [_head, _notes, _forest, _asked, _again, _sides, _origin]
    first, second = difference.names
    return Contents(f"Behaviour cards: {first} and {second}", made(makers, difference))


def _head(d: CardDifference) -> list[Part]:
    evidence = (
        "No model was asked for this page: it tests what the two cards hold. p counts all tested effects together "
        "(Holm): of two equal models, in 95 of 100 pairs of cards no difference is claimed. A difference does not say "
        "which of the two is better."
    )
    return [Head(warning="", said=d.verdict, change="", evidence=evidence)]


def _notes(d: CardDifference) -> list[Part]:
    return [Said(verdict="", notes=d.notes)] if d.notes else []


def _forest(d: CardDifference) -> list[Part]:
    first, second = d.names
    points = (
        (r.unit, Point(claim_of(r), r.behaviour, r.outcome, FOUND[r.outcome], r.difference, r.low, r.high))
        for r in d.table.itertuples()
    )
    note = (
        f"Each effect in {second} less the same effect in {first}, with its 95% interval; at the line there is no "
        "difference. Single intervals do not count that there are several: the words before a row do."
    )
    forest = Forest.of(points, "Differences", note)
    return [forest] if forest.groups else []


def claim_of(row: Any) -> str:
    """Return what a row is about, in the words of the first card that has it."""
    return row.claim or row.other_claim


def _asked(d: CardDifference) -> list[Part]:
    """Return up to five questions that both cards hold, the first of each behaviour before the second of any."""
    if not len(d.asked):
        return []
    place = d.asked.groupby("behaviour", sort=False).cumcount()
    rows = d.asked.assign(place=place).sort_values("place", kind="stable").head(_ASKED)
    shown = tuple(_case(d, row) for row in rows.itertuples())
    about = f"{len(shown)} of the questions that both were asked, chosen by their place, not by their answers."
    return [AskedCases(title="What was asked", about=about, rows=shown)]


def _case(d: CardDifference, row: Any) -> AskedCase:
    right = row.target if row.answer else ""
    return AskedCase(f"{row.behaviour}; {row.where}", row.prompt, right, tuple(_replies(d, row)))


def _replies(d: CardDifference, row: Any) -> Iterator[Reply]:
    sides = ((row.answer, row.value), (row.other_answer, row.other_value))
    for name, (said, value) in zip(d.names, sides, strict=True):
        number = in_unit(signed(value), row.unit)
        yield Reply(name, said, f"{row.metric.replace('_', ' ')} {number}") if said else Reply(name, number, "")


def _again(d: CardDifference) -> list[Part]:
    return [Again.of(card_difference_line(d))]


def _sides(d: CardDifference) -> list[Part]:
    return [CardSides.of(d.table, d.names)] if len(d.table) else []


def _origin(d: CardDifference) -> list[Part]:
    facts = [
        *((f"Model, {name}", model) for name, model in zip(d.names, d.models, strict=True)),
        *((f"Cost, {name}", cost_line(cost)) for name, cost in zip(d.names, d.costs, strict=True)),
    ]
    return [Origin(title="Provenance", facts=tuple(facts))]


@text_of.register
def card_difference_text(difference: CardDifference) -> str:
    """Write the verdict, and every effect with its difference, the tested ones by p."""
    d, (first, second) = difference, difference.names
    lines = paragraph(f"Verdict: {d.verdict}", 9)
    lines += [line for note in d.notes for line in paragraph(f"Note: {note}", 6)]
    tested = d.table[d.table["outcome"] != NOT_TESTED].sort_values("p", kind="stable")
    if len(tested):
        lines += ["", f"{'':>19}  {first} → {second}, difference with 95% interval, p (Holm)"]
    for row in tested.itertuples():
        size = f"{in_unit(signed(row.difference), row.unit)} {between(row.low, row.high)}, p {rounded(row.p)}"
        lines.append(f"{row.outcome:>19}  {claim_of(row)} ({row.behaviour}):")
        lines.append(f"{'':>19}  {signed(row.effect)} → {signed(row.other_effect)}, {size}")
        lines += [f"{'':>19}  {row.reason}"] if row.reason else []
    for row in d.table[d.table["outcome"] == NOT_TESTED].itertuples():
        lines.append(f"{row.outcome:>19}  {claim_of(row)} ({row.behaviour}): {row.reason}")
    return joined(part for line in lines for part in paragraph(line, 21) or [""])
