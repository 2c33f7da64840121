"""Dependence → the parts of its page, and text."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from probes.rounding import Scale
from surrogates.local.dependence import Dependence
from surrogates.report.labels import bracketed
from surrogates.report.names import model_name
from surrogates.report.page import Contents, contents
from surrogates.report.part import Part, made
from surrogates.report.parts.arms import Said
from surrogates.report.parts.dependence_figure import DependenceFigure
from surrogates.report.parts.head import Head
from surrogates.report.parts.origin import Origin
from surrogates.report.sentence import quoted
from surrogates.report.terminal import paragraph
from surrogates.results.provenance import cost_line
from surrogates.results.result import text_of
from surrogates.visible import joined

__all__ = ["dependence_contents", "dependence_text"]

#: values that are printed
_PRINTED = 12


@contents.register
def dependence_contents(result: Dependence) -> Contents:
    """Take a dependence apart."""
    makers: list[Callable[[Dependence], list[Part]]] = [_head, _notes, _figure, _origin]
    return Contents(f"How {result.output} depends on {result.feature}", made(makers, result))


def _said(result: Dependence) -> str:
    table = result.table
    scale = Scale.of(table["mean"])
    if len(table) == 1:
        mean = f"{scale.rounded(table['mean'].iloc[0])}{bracketed(scale.unit(result.unit))}"
        return f"With {quoted(result.feature)} at {table['value'].iloc[0]}, {result.output} is on average {mean}."
    low, high = table.loc[table["mean"].idxmin()], table.loc[table["mean"].idxmax()]
    if low["mean"] == high["mean"]:
        return (
            f"With {quoted(result.feature)} changed and all else as it is, {result.output} is on average "
            f"{scale.rounded(low['mean'])}{bracketed(scale.unit(result.unit))} at each of {len(table)} values."
        )
    return (
        f"With {quoted(result.feature)} changed and all else as it is, {result.output} is on average "
        f"{scale.rounded(low['mean'])} at {low['value']} and {scale.rounded(high['mean'])} at {high['value']}"
        f"{bracketed(scale.unit(result.unit))}, the least and the most of {len(table)} values."
    )


def _head(result: Dependence) -> list[Part]:
    evidence = (
        f"{len(result.curves):,} of {result.population:,} background rows were asked with every value. Where the "
        "column goes together with others, some of these rows may never occur."
    )
    return [Head(warning="", said=_said(result), change="", evidence=evidence)]


def _notes(result: Dependence) -> list[Part]:
    return [Said(verdict="", notes=result.warnings)] if result.warnings else []


def _figure(result: Dependence) -> list[Part]:
    return [DependenceFigure.of(result)]


def _origin(result: Dependence) -> list[Part]:
    facts = [("Model", result.provenance.get("model", "")), ("Cost", cost_line(result.cost))]
    return [Origin(title="Provenance", facts=tuple(facts))]


@text_of.register
def dependence_text(result: Dependence) -> str:
    """Write the mean answer at some of the values."""
    head = f"{result.output} by {result.feature}, of {model_name(result.provenance.get('model', ''))}"
    lines = [*paragraph(head, 4), *paragraph(_said(result), 4), ""]
    table = result.table
    some = table.iloc[:: max(1, -(-len(table) // _PRINTED))]
    scale = Scale.of(pd.concat([some["low"], some["high"]]))
    lines += [
        f"  {scale.rounded(r.mean):>10}  {scale.between(r.low, r.high):^20}  {r.value}" for r in some.itertuples()
    ]
    lines += [line for note in result.warnings for line in paragraph(f"Note: {note}", 6)]
    return joined([*lines, "", *paragraph(cost_line(result.cost))])
