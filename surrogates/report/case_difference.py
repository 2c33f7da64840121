"""CaseDifference → the parts of its page, text and a figure."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np

from surrogates.difference.case_difference import CaseDifference
from surrogates.report.figures import statements_plot
from surrogates.report.page import Contents, contents
from surrogates.report.part import Part, interval, made, number, signed
from surrogates.report.parts.arms import Answers, Arms, Leaves, Said
from surrogates.report.parts.origin import Origin
from surrogates.report.parts.statements import Statements
from surrogates.results.provenance import cost_line
from surrogates.results.result import figure_of, text_of
from surrogates.statements.card import Card

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["case_difference_contents", "case_difference_plot", "case_difference_text"]


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
    lines = textwrap.wrap(f"Change from {before} to {after}: {entry.metric} ({entry.unit}), {entry.cases} cases", 100)
    lines += textwrap.wrap(f"Verdict: {difference.verdict}", 100)
    lines += ["", f"{'change':>9}  {'95% interval':^21}  {'p':>6}  {'became right':>12}  {'wrong':>6}  {'KL':>7}"]
    for row in difference.arms.itertuples():
        known = np.isfinite(row.low)
        span = f"[{row.low:+.3g}, {row.high:+.3g}]" if known else ""
        p = "<.001" if row.p < 0.001 else number(row.p, ".3f")
        right, wrong = number(row.to_right, ".1%"), number(row.to_wrong, ".1%")
        told = (
            f"{row.change:>+9.3g}  {span:^21}  {p:>6}  {right:>12}  {wrong:>6}  {number(row.kl, '.2g'):>7}  {row.arm}"
        )
        several = f", {row.draws:.0f} draws" if row.draws > 1 else ""
        lines.append(told + several + (f" ({row.unit})" if row.unit != entry.unit else ""))
    lines.append("")
    for s, beside in zip_longest(entry.statements, difference.controls.itertuples()):
        lines.append(f"{s['verdict']:>12}  {s['words']}" + (f" ({s['reason']})" if s["reason"] else ""))
        if beside is not None and np.isfinite(beside.control):
            control = f"{signed(beside.control, '.3g')} {interval(beside.control_low, beside.control_high)}"
            beyond = f"{signed(beside.beyond, '.3g')} {interval(beside.beyond_low, beside.beyond_high)}"
            lines.append(f"{'':>14}random controls there {control}; beyond them {beyond}".rstrip())
    if len(difference.surrogates):
        said = ", ".join(f"{r.surrogate} {r.r2:.2f}" for r in difference.surrogates.itertuples())
        most = difference.surrogates["permuted"].max()
        lines += textwrap.wrap(f"R² on held-out entities: {said}; at most {most:.2f} with shuffled changes.", 100)
    lines += [line for note in difference.notes for line in textwrap.wrap(f"Note: {note}", 100)]
    return "\n".join([*lines, "", cost_line(entry.cost)])


@figure_of.register(CaseDifference)
def case_difference_plot(difference: CaseDifference, ax: Axes | None = None) -> Axes:
    """Draw the statements about the change as points with 95% intervals."""
    ax = statements_plot(Card("", "", (difference.entry,)), ax)
    before, after = difference.names
    ax.set_xlabel(f"{ax.get_xlabel()}, {before} to {after}".replace("$", r"\$"))
    return ax
