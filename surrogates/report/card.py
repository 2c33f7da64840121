"""Behaviour card → a page, text; a study by its card."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from probes.rounding import between, counted, signed
from surrogates.difference.compare_cards import compare_cards
from surrogates.report.labels import with_unit
from surrogates.report.names import model_name
from surrogates.report.page import Contents, contents
from surrogates.report.part import Part, made
from surrogates.report.parts.again import Again
from surrogates.report.parts.asked_cases import AskedCase, AskedCases, Reply, ends
from surrogates.report.parts.forest import Forest, Point
from surrogates.report.parts.head import Head
from surrogates.report.parts.origin import Origin
from surrogates.report.parts.statements import LEVEL, Overview, Statements
from surrogates.report.repeat_call import card_line, study_line
from surrogates.report.repeat_line import Line
from surrogates.report.sentence import listed, quoted
from surrogates.report.terminal import paragraph
from surrogates.results.provenance import cost_line
from surrogates.results.result import text_of
from surrogates.statements.card import Card
from surrogates.statements.entry import Entry, Example, StatementData
from surrogates.statements.study import Study
from surrogates.visible import joined

__all__ = ["card_contents", "card_facts", "card_text", "forest_of", "study_contents", "study_text"]

#: questions that the head of a page shows
_ASKED = 5


@contents.register
def card_contents(card: Card, other: Card | None = None) -> Contents:
    """Take a card apart; with `other`, what differs between the two."""
    if other is not None:
        return contents(compare_cards(card, other))
    return Contents(f"Behaviour card: {model_name(card.model)}", _parts(card, card_line(card)))


def _parts(card: Card, line: Line) -> list[Part]:
    makers: list[Callable[[Card], Sequence[Part]]] = [
        _head,
        _overview,
        _forest,
        _asked,
        partial(_again, line=line),
        _statements,
        _origin,
    ]
    return made(makers, card)


def _head(card: Card) -> list[Part]:
    failed = [quoted(e.title) for e in card.entries if e.control and e.control["verdict"] != "supported"]
    warning = ""
    if failed:
        what = "it" if len(failed) == 1 else "them"
        warning = (
            f"{listed(failed)}: the model does not show what it must be able to do for the rest to mean something "
            f"(the positive control), so nothing is said of {what}."
        )
    cases = sum(e.cases for e in card.entries)
    where = f"{cases:,} cases about {listed([quoted(e.title) for e in card.entries])}" if card.entries else "No case"
    evidence = (
        f"{where} were asked. A verdict counts all statements about its behaviour together, and an interval counts "
        "entities, not cases. It holds for cases like these; other wordings were not asked."
    )
    return [Head(warning=warning, said=_counted(card), change=_surest(card), evidence=evidence)]


def _counted(card: Card) -> str:
    """Say how many statements have each verdict."""
    verdicts = card.table["verdict"]
    counts = [f"{(verdicts == v).sum()} {_IS.get(v, v)}" for v in LEVEL if (verdicts == v).any()]
    if not counts:
        return f"Nothing was claimed of {quoted(model_name(card.model))}."
    many = (
        f"Of {counted(len(verdicts), 'statement')} about {quoted(model_name(card.model))}"
        if len(verdicts) > 1
        else "The one statement"
    )
    return (
        f"{many}: {listed(counts)}."
        if len(verdicts) > 1
        else f"{many} about {quoted(model_name(card.model))} is {verdicts[0]}."
    )


#: verdicts as they stand after a number
_IS = {"supported": "supported", "refuted": "refuted (the contrary was found)", "inconclusive": "open (inconclusive)"}


def _surest(card: Card) -> str:
    """Say the statement with the smallest p among those that are settled, with its effect."""
    settled = [s for e in card.entries for s in e.statements if s["verdict"] in ("supported", "refuted")]
    if not settled:
        return ""
    s = min(settled, key=lambda s: (min(s["p"], s["p_against"]), -abs(np.nan_to_num(s["standardised"]))))
    verdict = "Supported most clearly" if s["verdict"] == "supported" else "Refuted most clearly"
    size = f"{signed(s['effect'])} {s['unit']} {between(s['low'], s['high'])}"
    return f"{verdict}: {quoted(s['claim'], 200)} (effect {size}, over {s['entities']} entities)."


def _overview(card: Card) -> list[Part]:
    return [Overview.of(card.table["verdict"], card.seconds, cost_line(card.cost))]


def _forest(card: Card) -> list[Part]:
    return forest_of(card.entries)


def forest_of(entries: Sequence[Entry], title: str = "All effects") -> list[Part]:
    """Return the forest plot of statements; none where no effect is known."""
    points = ((s["unit"], _point(s, e.title if len(entries) > 1 else "")) for e in entries for s in e.statements)
    note = (
        "Dot and line: an effect with its 95% interval; of a claim about a mean, the mean less chance or less the "
        "number claimed. Solid line at 0: no effect. Dashed: the least size, or the margin, that a claim names. A "
        "hollow dot is of a statement that is not settled."
    )
    forest = Forest.of(points, title, note)
    return [forest] if forest.groups else []


def _point(s: StatementData, where: str) -> Point:
    margin, sign = s["margin"], s.get("sign", 0)
    bounds: tuple[float, ...] = ()
    if np.isfinite(margin) and margin > 0:
        bounds = (-margin, margin) if s["kind"] == "equivalence" else (sign * margin,) * bool(sign)
    numbers = s["effect"], s["low"], s["high"]
    return Point(s["claim"], where, s["verdict"], LEVEL[s["verdict"]], *numbers, bounds)


def _asked(card: Card) -> list[Part]:
    """Return up to five real questions: the first of each behaviour, then the second, and so on."""
    rows = list(_taken(card))[:_ASKED]
    about = (
        f"{len(rows)} of the questions, each chosen by its place, not by its answer. What “counts as right” is the "
        "answer that the metric's number is for, such as “she” of “she” and “he”; it need not be the true one."
    )
    return [AskedCases(title="What was asked", about=about, rows=tuple(rows))] if rows else []


def _taken(card: Card) -> Iterator[AskedCase]:
    queues: list[list[tuple[Entry, StatementData, Example]]] = [
        [(e, s, x) for s in e.statements for x in s.get("asked", ())] for e in card.entries
    ]
    seen = set[str]()
    for place in range(max(map(len, queues), default=0)):
        for queue in queues:
            if place >= len(queue):
                continue
            e, s, x = queue[place]
            if (prompt := ends(x["prompt"])) not in seen:
                seen.add(prompt)
                why = f"{e.title}; {x['where']}" if x.get("where") else e.title
                answer, number = x["answer"].strip(), f"{signed(x['value'])} {s['unit']}"
                metric = f"{s['metric'].replace('_', ' ')} {number}"
                reply = Reply("the model", answer, metric) if answer else Reply("the model", number, "")
                yield AskedCase(why, prompt, x["target"].strip() if answer else "", (reply,))


def _again(card: Card, line: Line) -> list[Part]:
    return [Again.of(line)]


def _statements(card: Card) -> list[Part]:
    return [Statements.of(e) for e in card.entries]


def _origin(card: Card) -> list[Part]:
    return [Origin(title="Provenance", facts=card_facts(card))]


def card_facts(card: Card) -> tuple[tuple[str, str], ...]:
    """Return where a card's numbers come from."""
    versions = ", ".join(f"{k} {v}" for k, v in card.versions.items())
    facts = [("Model", card.model), ("Fingerprint", card.identity), ("Cost", cost_line(card.cost))]
    return (*facts, ("Versions", versions))


@text_of.register
def card_text(card: Card) -> str:
    """Return every behaviour with its statements and how well single cases are predicted."""
    lines = [f"Behaviour card of {card.model}"]
    for e in card.entries:
        lines += ["", f"{e.title}: {counted(e.cases, 'case')}, {with_unit([e.metric], e.unit)}"]
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
    return Contents(f"Study: {study.name or study.model}", _parts(study.card(), study_line(study)))


@text_of.register
def study_text(study: Study) -> str:
    """Return the positive control and every statement with its verdict."""
    metric = with_unit([study.metric.name], study.metric.unit)
    lines = [f"{study.name or 'Study'}: {counted(len(study.frame), 'case')}, {metric}"]
    if study.control is not None:
        lines.append(f"positive control {study.control.verdict}: {study.control.words}")
    for s in study.statements:
        lines.append(f"{s.verdict:>12}  {s.words}" + (f" ({s.reason})" if s.reason else ""))
    lines += [f"Note: {n}" for n in study.notes]
    return joined(part for line in lines for part in paragraph(line, 14))
