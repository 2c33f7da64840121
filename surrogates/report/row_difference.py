"""RowDifference → the parts of its page, and text."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from probes.rounding import between, percent, score
from surrogates.difference.row_difference import RowDifference
from surrogates.report.page import Contents, contents
from surrogates.report.part import Part, made
from surrogates.report.parts.again import Again
from surrogates.report.parts.arms import Said
from surrogates.report.parts.asked_cases import AskedCase, AskedCases, Reply, ends
from surrogates.report.parts.change import Flips
from surrogates.report.parts.head import Head
from surrogates.report.parts.origin import Origin
from surrogates.report.parts.regions import DifferingRows, RegionLeaves, Regions, together_in_words
from surrogates.report.parts.switch import Panel, Switch
from surrogates.report.repeat_call import row_difference_line
from surrogates.report.sentence import quoted, worded
from surrogates.report.terminal import paragraph, width
from surrogates.results.provenance import cost_line
from surrogates.results.result import text_of
from surrogates.visible import joined

__all__ = ["row_difference_contents", "row_difference_text"]

#: where rules begin in a line of text
_RULE = 54


@contents.register
def row_difference_contents(difference: RowDifference) -> Contents:
    """Take a difference over rows apart."""
    makers: list[Callable[[RowDifference], list[Part]]] = [_head, _notes, _asked, _again, _found, _origin]
    before, after = difference.names
    return Contents(f"Where {after} differs from {before}", made(makers, difference))


def _head(d: RowDifference) -> list[Part]:
    """Say how often the two differ, where, and how that was tested."""
    test = int((d.rows["part"] == "test").sum())
    evidence = f"{len(d.rows):,} rows were put to both"
    evidence += f"; rules were found in one part of them and tested on the other {test:,}." if len(d.rules) else "."
    evidence += " That says where the two differ among rows like these, not which of them is right."
    if not d.others:
        return [Head(warning="", said=d.verdict, change=_first_rule(d), evidence=evidence)]
    each = tuple(f"{said} {_first_rule(of)}".strip() for said, of in zip(d.verdicts, d.outputs.values(), strict=True))
    return [Head(warning="", said="Where the two differ, output by output:", each=each, change="", evidence=evidence)]


def _first_rule(d: RowDifference) -> str:
    """Say the first rule that holds on rows that did not find it, of the first output; empty where none does."""
    held = d.rules[d.rules["verdict"] == "supported"]
    if not len(held):
        return ""
    row = held.iloc[0]
    return (
        f"The first rule, {quoted(row['rule'], 120)}: there they differ in {percent(row['precision'])} "
        f"{between(row['low'], row['high'], percent)}, elsewhere in {percent(row['elsewhere'])}."
    )


def _notes(d: RowDifference) -> list[Part]:
    return [Said(verdict="", notes=d.notes)] if d.notes else []


def _asked(d: RowDifference) -> list[Part]:
    """Return five real rows: where the two differ most and in the middle, and where they agree."""
    moved, same = d.differences, d.rows[d.rows["differs"] == 0]
    picked = [("they differ, by the most", moved, 0), ("they differ, by a typical amount", moved, len(moved) // 2)]
    picked += [("they differ, by the least", moved, len(moved) - 1)]
    picked += [("they agree", same, 0), ("they agree", same, len(same) // 2)]
    rows = dict[str, AskedCase]()
    for why, table, place in picked:
        if len(table):
            row = table.iloc[place]
            rows.setdefault(row["input"], AskedCase(why, ends(row["input"]), "", _replies(d, row)))
    of = f", of {d.number}" if d.others else ""
    about = f"{len(rows)} of the {len(d.rows):,} rows: where the two differ{of}, by how much, and where they agree."
    return [AskedCases(title="What was asked", about=about, rows=tuple(rows.values()))]


def _replies(d: RowDifference, row: pd.Series) -> tuple[Reply, ...]:
    sides = ((row["said_before"], row["before"]), (row["said_after"], row["after"]))
    return tuple(
        Reply(name, said or worded(value, d.unit), f"{d.number} {worded(value, d.unit)}" if said else "")
        for name, (said, value) in zip(d.names, sides, strict=True)
    )


def _again(d: RowDifference) -> list[Part]:
    return [Again.of(row_difference_line(d))]


def _found(d: RowDifference) -> list[Part]:
    """Return what was found; of several outputs, one at a time."""
    if not d.others:
        return _of_output(d)
    return [Switch(panels=tuple(Panel(name, tuple(_of_output(of))) for name, of in d.outputs.items()))]


def _of_output(d: RowDifference) -> list[Part]:
    return [*_regions(d), *_flips(d), *_leaves(d), *_rows(d)]


def _regions(d: RowDifference) -> list[Part]:
    return [Regions.of(d.rules, d.together, d.unit)] if len(d.rules) else []


def _flips(d: RowDifference) -> list[Part]:
    return [Flips.of(d.flips, d.names)] if len(d.flips) else []


def _leaves(d: RowDifference) -> list[Part]:
    return [RegionLeaves.of(d.leaves, d.surrogates, d.number, d.unit)] if len(d.surrogates) else []


def _rows(d: RowDifference) -> list[Part]:
    return [DifferingRows.of(d.differences, d.names, len(d.rows))] if len(d.differences) else []


def _origin(d: RowDifference) -> list[Part]:
    each = (f"{name}, by more than {worded(of.margin, of.unit)}" for name, of in d.outputs.items())
    differ = "decisions" if np.isnan(d.margin) else "; ".join(each)
    facts = [
        *((f"Model, {name}", model) for name, model in zip(d.names, d.models, strict=True)),
        ("Compared", differ),
        ("Rows", f"{len(d.rows)}, of which {int((d.rows['part'] == 'test').sum())} tested the rules"),
        ("Cost", cost_line(d.cost)),
    ]
    return [Origin(title="Provenance", facts=tuple(facts))]


@text_of.register
def row_difference_text(difference: RowDifference) -> str:
    """Write the verdict and every rule with how often the two differ there."""
    d, (before, after) = difference, difference.names
    lines = paragraph(f"Where {after} differs from {before}: {len(d.rows)} rows")
    for name, of in d.outputs.items():
        lines += ["", *paragraph(f"Output {name}")] if d.others else []
        lines += _output_lines(of)
    lines += [line for note in d.notes for line in paragraph(f"Note: {note}")]
    wrapped = [part for line in lines for part in paragraph(line, 4) or [""]]
    return joined([*wrapped, "", *paragraph(cost_line(d.cost))])


def _output_lines(d: RowDifference) -> list[str]:
    lines = paragraph(f"Verdict: {d.verdict}")
    if len(d.rules):
        lines += ["", f"{'verdict':>12}  {'differ':>6}  {'95% interval':^16}  {'else':>5}  {'rows':>5}  rows with"]
    indent = _RULE if width() > _RULE + 20 else 4
    for row in d.rules.itertuples():
        shares = f"{percent(row.precision):>6}  {between(row.low, row.high, percent):^16}  {percent(row.elsewhere):>5}"
        lines += paragraph(f"{row.verdict:>12}  {shares}  {percent(row.share):>5}  {row.rule}", indent)
    if len(d.together):
        lines += paragraph(together_in_words(d.together))
    if len(d.surrogates):
        said = ", ".join(f"{r.surrogate} {score(r.r2)}" for r in d.surrogates.itertuples())
        most = d.surrogates["permuted"].max()
        lines += paragraph(f"R² of the change on held-out rows: {said}; at most {score(most)} when shuffled.")
    return lines
