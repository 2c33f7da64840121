"""The parts about counterfactuals: for each, what changed, and what the model answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from probes.rounding import Scale
from surrogates.local.counterfactual_set import Counterfactuals
from surrogates.report.labels import with_unit
from surrogates.report.names import quoted
from surrogates.report.part import Part
from surrogates.report.sentence import worded
from surrogates.report.styles import TABLE

__all__ = ["ChangedRows"]


@dataclass(frozen=True)
class ChangedCell:
    """A column that changed."""

    column: str
    before: str
    after: str
    distance: str


@dataclass(frozen=True)
class ChangedRow:
    """One counterfactual: what the model said, and its changes."""

    heading: str
    said: str
    cells: tuple[ChangedCell, ...]


@dataclass(frozen=True, kw_only=True)
class ChangedRows(Part):
    """Every counterfactual with the columns that changed, and those that stayed."""

    template = "changed_rows.html"
    style = (TABLE,)
    at_once = True

    rows: tuple[ChangedRow, ...]
    kept: str

    @classmethod
    def of(cls, found: Counterfactuals) -> Self:
        """Make it of a result that holds some."""
        far, rows = Scale.of(found.changes["distance"]), []
        for answer in found.answers.itertuples():
            changes = found.changed(answer.counterfactual)
            cells = tuple(
                ChangedCell(row.column, row.before, row.after, far.rounded(row.distance))
                for row in changes.itertuples()
            )
            many = f"{len(cells)} column{'s' * (len(cells) != 1)} changed"
            rows.append(
                ChangedRow(f"{answer.counterfactual}: {many}", said(found, answer.decision, answer.answer), cells)
            )
        changed = set(found.changes["column"])
        kept = ", ".join(
            f"{name} = {value}" for name, value in zip(found.columns, found.values, strict=True) if name not in changed
        )
        return cls(title="What would have to be different", rows=tuple(rows), kept=kept)


def said(found: Counterfactuals, decision: str, answer: float) -> str:
    """What the model answered, in words."""
    if decision:
        return f"{quoted(decision)} ({worded(answer, found.unit)})"
    scale = Scale.of([found.answer, *found.answers["answer"]])
    number = with_unit([scale.rounded(answer)], scale.unit(found.unit))
    return number if found.output == "output" else f"{found.output} {number}"
