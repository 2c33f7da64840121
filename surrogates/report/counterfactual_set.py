"""Counterfactuals → the parts of their page, and text."""

from __future__ import annotations

from collections.abc import Callable

from surrogates.local.counterfactual_set import Counterfactuals
from surrogates.report.names import model_name
from surrogates.report.page import Contents, contents
from surrogates.report.part import Part, made
from surrogates.report.parts.arms import Said
from surrogates.report.parts.changed_rows import ChangedRows, said
from surrogates.report.parts.head import Head
from surrogates.report.parts.origin import Origin
from surrogates.report.sentence import quoted
from surrogates.report.terminal import paragraph
from surrogates.results.provenance import cost_line
from surrogates.results.result import text_of
from surrogates.visible import joined

__all__ = ["counterfactual_contents", "counterfactual_text"]


@contents.register
def counterfactual_contents(found: Counterfactuals) -> Contents:
    """Take counterfactuals apart."""
    makers: list[Callable[[Counterfactuals], list[Part]]] = [_head, _notes, _rows, _origin]
    return Contents(f"Counterfactuals: {found.wanted}", made(makers, found))


def _here(found: Counterfactuals) -> str:
    return f"The model answers {said(found, found.decision, found.answer)} for this row."


def _nearest(found: Counterfactuals) -> str:
    if not len(found):
        return f"No row with {found.wanted} was found."
    first, changes = found.answers.iloc[0], found.changed(1)
    pairs = ", ".join(f"{quoted(row.column)} {row.after} instead of {row.before}" for row in changes.itertuples())
    return f"With {pairs} it answers {said(found, first['decision'], first['answer'])}."


def _evidence(found: Counterfactuals) -> str:
    limit = "; then the budget was spent" if found.exhausted else ""
    return (
        f"{found.asked:,} rows were asked{limit}. Every row shown here was answered by the model itself. Changed "
        "values are ones that the background holds. This is about the model: in the world, changing one thing may "
        "change others."
    )


def _head(found: Counterfactuals) -> list[Part]:
    warning = "" if len(found) else _nearest(found)
    change = _nearest(found) if len(found) else ""
    return [Head(warning=warning, said=_here(found), change=change, evidence=_evidence(found))]


def _notes(found: Counterfactuals) -> list[Part]:
    return [Said(verdict="", notes=found.warnings)] if found.warnings else []


def _rows(found: Counterfactuals) -> list[Part]:
    return [ChangedRows.of(found)] if len(found) else []


def _origin(found: Counterfactuals) -> list[Part]:
    facts = [("Model", found.provenance.get("model", "")), ("Wanted", found.wanted), ("Cost", cost_line(found.cost))]
    return [Origin(title="Provenance", facts=tuple(facts))]


@text_of.register
def counterfactual_text(found: Counterfactuals) -> str:
    """Write what is wanted, and what would have to be different."""
    lines = paragraph(f"Counterfactuals of {model_name(found.provenance.get('model', ''))}: {found.wanted}", 4)
    lines += paragraph(_here(found), 4)
    for answer in found.answers.itertuples():
        changes = found.changed(answer.counterfactual)
        lines += ["", *paragraph(f"{answer.counterfactual}. {said(found, answer.decision, answer.answer)}", 4)]
        for row in changes.itertuples():
            lines += paragraph(f"   {row.column}: {row.before} → {row.after}", 6)
    lines += [line for note in found.warnings for line in paragraph(f"Note: {note}", 6)]
    return joined([*lines, "", *paragraph(cost_line(found.cost))])
