"""CaseDifference → the parts of its page, and text."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from math import isfinite

from probes.rounding import between, percent, rounded, score, signed
from surrogates.difference.case_difference import CaseDifference
from surrogates.report.page import Contents, contents
from surrogates.report.part import Part, made
from surrogates.report.parts.arms import Answers, Arms, Leaves, Said
from surrogates.report.parts.origin import Origin
from surrogates.report.parts.statements import Statements
from surrogates.report.terminal import paragraph
from surrogates.results.provenance import cost_line
from surrogates.results.result import text_of
from surrogates.visible import joined

__all__ = ["case_difference_contents", "case_difference_text"]


@contents.register
def case_difference_contents(difference: CaseDifference) -> Contents:
    """Take a difference over cases apart."""
    makers: list[Callable[[CaseDifference], list[Part]]] = [_said, _arms, _statements, _leaves, _answers, _origin]
    before, after = difference.names
    return Contents(f"Change from {before} to {after}: {difference.entry.title}", made(makers, difference))


def _said(d: CaseDifference) -> list[Part]:
    return [Said(title="Verdict", verdict=d.verdict, notes=d.notes)]


def _arms(d: CaseDifference) -> list[Part]:
    return [Arms.of(d.arms, d.names, d.entry.unit)]


def _statements(d: CaseDifference) -> list[Part]:
    return [Statements.of(d.entry, d.controls)]


def _leaves(d: CaseDifference) -> list[Part]:
    return [Leaves.of(d.leaves, d.surrogates, d.entry.unit)] if len(d.leaves) else []


def _answers(d: CaseDifference) -> list[Part]:
    return [Answers.of(d.flips, d.names, len(d.cases))] if len(d.flips) else []


def _origin(d: CaseDifference) -> list[Part]:
    facts = [
        *((f"Model, {name}", model) for name, model in zip(d.names, d.models, strict=True)),
        ("Statements frozen as", d.frozen[:16]),
        ("Cost", cost_line(d.entry.cost)),
    ]
    return [Origin(title="Provenance", facts=tuple(facts))]


@text_of.register
def case_difference_text(difference: CaseDifference) -> str:
    """Write the verdict, the arms beside each other, and every statement."""
    (before, after), entry = difference.names, difference.entry
    lines = paragraph(f"Change from {before} to {after}: {entry.metric} ({entry.unit}), {entry.cases} cases")
    lines += paragraph(f"Verdict: {difference.verdict}")
    lines += ["", f"{'change':>9}  {'95% interval':^21}  {'p':>7}  {'became right':>12}  {'wrong':>6}  {'KL':>7}"]
    for row in difference.arms.itertuples():
        change, span, p = signed(row.change), between(row.low, row.high), rounded(row.p)
        right, wrong, kl = percent(row.to_right), percent(row.to_wrong), rounded(row.kl)
        told = f"{change:>9}  {span:^21}  {p:>7}  {right:>12}  {wrong:>6}  {kl:>7}  {row.arm}"
        several = f", {int(row.draws)} draws" if row.draws > 1 else ""
        lines.append(told + several + (f" ({row.unit})" if row.unit != entry.unit else ""))
    lines.append("")
    for s, beside in zip_longest(entry.statements, difference.controls.itertuples()):
        lines.append(f"{s['verdict']:>12}  {s['words']}" + (f" ({s['reason']})" if s["reason"] else ""))
        if beside is not None and isfinite(beside.control):
            control = f"{signed(beside.control)} {between(beside.control_low, beside.control_high)}"
            beyond = f"{signed(beside.beyond)} {between(beside.beyond_low, beside.beyond_high)}"
            lines.append(f"{'':>14}random controls there {control}; beyond them {beyond}".rstrip())
    if len(difference.surrogates):
        said = ", ".join(f"{r.surrogate} {score(r.r2)}" for r in difference.surrogates.itertuples())
        most = difference.surrogates["permuted"].max()
        lines += paragraph(f"R² on held-out entities: {said}; at most {score(most)} with shuffled changes.")
    lines += [line for note in difference.notes for line in paragraph(f"Note: {note}")]
    wrapped = [part for line in lines for part in paragraph(line, 14) or [""]]
    return joined([*wrapped, "", *paragraph(cost_line(entry.cost))])
