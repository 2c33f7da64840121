"""Behaviour card → a page, a page of two cards side by side, text; a study by its card."""

from __future__ import annotations

from surrogates.report.page import Contents, contents
from surrogates.report.part import Part
from surrogates.report.parts.origin import Origin
from surrogates.report.parts.statements import Overview, Sides, Statements
from surrogates.report.terminal import paragraph
from surrogates.results.provenance import cost_line
from surrogates.results.result import text_of
from surrogates.statements.card import Card
from surrogates.statements.study import Study
from surrogates.visible import joined

__all__ = ["card_contents", "card_text", "study_contents", "study_text"]


@contents.register
def card_contents(card: Card, other: Card | None = None) -> Contents:
    """Take a card apart; with `other`, two of them side by side."""
    parts: list[Part]
    if other is not None:
        parts = [Sides.of(card.compare(other), (card.model, other.model)), _origin(card, other)]
        return Contents(f"Behaviour cards: {card.model} and {other.model}", parts)
    overview = Overview.of(card.table["verdict"], card.seconds, cost_line(card.cost))
    parts = [overview, *(Statements.of(e) for e in card.entries), _origin(card)]
    return Contents(f"Behaviour card: {card.model}", parts)


def _origin(*cards: Card) -> Origin:
    facts: list[tuple[str, str]] = []
    for i, card in enumerate(cards):
        mark = f" {i + 1}" if len(cards) > 1 else ""
        facts += [
            (f"Model{mark}", card.model),
            (f"Fingerprint{mark}", card.identity),
            (f"Cost{mark}", cost_line(card.cost)),
            (f"Versions{mark}", ", ".join(f"{k} {v}" for k, v in card.versions.items())),
        ]
    return Origin(title="Provenance", facts=tuple(facts))


@text_of.register
def card_text(card: Card) -> str:
    """Return every behaviour with its statements and how well single cases are predicted."""
    lines = [f"Behaviour card of {card.model}"]
    for e in card.entries:
        lines += ["", f"{e.title} ({e.metric}, {e.unit}; {e.cases} cases)"]
        if e.control:
            lines.append(f"  control {e.control['verdict']}: {e.control['words']}")
        for s in e.statements:
            lines.append(f"  {s['verdict']:>12}  {s['words']}" + (f" ({s['reason']})" if s["reason"] else ""))
        if e.prediction is not None:
            lines.append("  " + e.prediction.summary())
        lines += [f"  Note: {note}" for note in e.notes]
    return joined(part for line in lines for part in paragraph(line, 16) or [""])


@contents.register
def study_contents(study: Study) -> Contents:
    """Take a study apart as a card of one entry."""
    return Contents(f"Study: {study.name or study.model}", card_contents(study.card()).parts)


@text_of.register
def study_text(study: Study) -> str:
    """Return the positive control and every statement with its verdict."""
    lines = [f"{study.name or 'Study'}: {len(study.frame)} cases, {study.metric.name} ({study.metric.unit})"]
    if study.control is not None:
        lines.append(f"positive control {study.control.verdict}: {study.control.words}")
    for s in study.statements:
        lines.append(f"{s.verdict:>12}  {s.words}" + (f" ({s.reason})" if s.reason else ""))
    lines += [f"Note: {n}" for n in study.notes]
    return joined(part for line in lines for part in paragraph(line, 14))
