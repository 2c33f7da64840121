"""CaseDifference → the parts of its page, and text."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from math import isfinite

import numpy as np
import pandas as pd

from probes.rounding import between, in_unit, percent, rounded, score, signed
from surrogates.difference.case_difference import CaseDifference
from surrogates.report.card import forest_of
from surrogates.report.labels import with_unit
from surrogates.report.page import Contents, contents
from surrogates.report.part import Part, made
from surrogates.report.parts.again import Again
from surrogates.report.parts.arms import Answers, Arms, Leaves, Said
from surrogates.report.parts.asked_cases import AskedCase, AskedCases, Reply, ends
from surrogates.report.parts.head import Head
from surrogates.report.parts.origin import Origin
from surrogates.report.parts.statements import Statements
from surrogates.report.repeat_call import case_difference_line
from surrogates.report.sentence import quoted
from surrogates.report.terminal import paragraph
from surrogates.results.provenance import cost_line
from surrogates.results.result import text_of
from surrogates.visible import joined

__all__ = ["case_difference_contents", "case_difference_text"]


@contents.register
def case_difference_contents(difference: CaseDifference) -> Contents:
    """Take a difference over cases apart."""
    makers: list[Callable[[CaseDifference], list[Part]]] = [
        _head,
        _notes,
        _asked,
        _again,
        _arms,
        _forest,
        _statements,
        _leaves,
        _answers,
        _origin,
    ]
    before, after = difference.names
    return Contents(f"Change from {before} to {after}: {difference.entry.title}", made(makers, difference))


def _head(d: CaseDifference) -> list[Part]:
    """Say what changed on average and for how many cases, and what it rests on."""
    flips, (before, after) = d.flips, d.names
    known = np.isfinite(d.cases[["right_before", "right_after"]].to_numpy(dtype=float)).all(axis=1)
    said = f"From {quoted(before)} to {quoted(after)}. {d.verdict}"
    change = ""
    if known.any():
        right = int((flips["right_after"] > flips["right_before"]).sum())
        wrong = len(flips) - right
        change = f"Of {int(known.sum())} cases with a right answer, {right} became right and {wrong} became wrong."
    entities = d.cases["entity"].nunique()
    evidence = (
        f"{len(d.cases):,} cases about {entities:,} entities were put to both; intervals count entities. "
        "It holds for cases like these, and does not say which of the two is better."
    )
    return [Head(warning="", said=said, change=change, evidence=evidence)]


def _notes(d: CaseDifference) -> list[Part]:
    return [Said(verdict="", notes=d.notes)] if d.notes else []


def _asked(d: CaseDifference) -> list[Part]:
    """Return real cases by how much they changed: the most up, the most down, the middle, and one by its place."""
    order = d.cases.sort_values(["change", "case_id"], kind="stable", ignore_index=True)
    picked = {len(order) // 2: "the middle change"}
    if order["change"].iloc[0] < 0:
        picked[0] = "changed down the most"
    if order["change"].iloc[-1] > 0:
        picked[len(order) - 1] = "changed up the most"
    rows = [_case(d, order.iloc[i], picked[i]) for i in sorted(picked, reverse=True)]
    rows.append(_case(d, d.cases.iloc[0], "the first case"))
    shown = tuple({row.prompt: row for row in reversed(rows)}.values())[::-1]
    return [AskedCases(title="What was asked", about=f"{len(shown)} of the {len(d.cases):,} cases.", rows=shown)]


def _case(d: CaseDifference, row: pd.Series, why: str) -> AskedCase:
    right = str(row["target"]).strip() if row["said_before"].strip() else ""
    return AskedCase(why, ends(row["prompt"]), right, _replies(d, row))


def _replies(d: CaseDifference, row: pd.Series) -> tuple[Reply, ...]:
    metric = d.entry.metric.removeprefix("change of ").replace("_", " ")
    sides = ((row["said_before"], row["before"]), (row["said_after"], row["after"]))
    numbers = [in_unit(rounded(value), d.entry.unit) for _, value in sides]
    return tuple(
        Reply(name, said.strip(), f"{metric} {number}") if said.strip() else Reply(name, number, "")
        for name, (said, _), number in zip(d.names, sides, numbers, strict=True)
    )


def _again(d: CaseDifference) -> list[Part]:
    return [Again.of(case_difference_line(d))]


def _arms(d: CaseDifference) -> list[Part]:
    return [Arms.of(d.arms, d.names, d.entry.unit)]


def _forest(d: CaseDifference) -> list[Part]:
    return forest_of([d.entry], "Effects of the change")


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
    lines = paragraph(f"Change from {before} to {after}: {with_unit([entry.metric], entry.unit)}, {entry.cases} cases")
    lines += paragraph(f"Verdict: {difference.verdict}")
    lines += ["", f"{'change':>8}  {'95% interval':^18}  {'p':>7}  {'to right':>8}  {'to wrong':>8}  {'KL':>6}"]
    for row in difference.arms.itertuples():
        change, span, p = signed(row.change), between(row.low, row.high), rounded(row.p)
        right, wrong, kl = percent(row.to_right), percent(row.to_wrong), rounded(row.kl)
        told = f"{change:>8}  {span:^18}  {p:>7}  {right:>8}  {wrong:>8}  {kl:>6}  {row.arm}"
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
