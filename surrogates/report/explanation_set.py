"""Many explanations → one self-contained HTML page: the whole first, then the few that stand for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from surrogates.report.explanation import Part, _interval, _svg, parts
from surrogates.report.figures import fidelity_histogram
from surrogates.report.page import _environment

if TYPE_CHECKING:
    from surrogates.many.explanation_set import ExplanationSet

__all__ = ["page"]

_ROWS = 40
#: sections of one explanation that are shown within the page of many
_KINDS = ("verdict", "numbers", "answer", "text", "effects", "note")


def page(explanations: ExplanationSet, picked: int = 3) -> str:
    """A whole HTML document."""
    sections = [_whole(explanations)]
    if len(explanations):
        sections += [_fidelity(explanations), *_importance(explanations), *_picked(explanations, picked)]
    sections += _failures(explanations)
    title = f"{len(explanations)} explanations"
    return _environment().get_template("page.html").render(title=title, parts=sections)


def _whole(explanations: ExplanationSet) -> Part:
    told = str(explanations).split("\n\n", 1)[0].split("\nFailed:", 1)[0].replace("\n", ". ")
    return Part("note", data={"text": f"{told}. {'. '.join(explanations.cost_lines())}."})


def _fidelity(explanations: ExplanationSet) -> Part:
    table = explanations.fidelity
    worst = table.sort_values("r2", kind="stable").head(5)
    rows = [
        {"item": str(r.item), "output": r.output, "r2": f"{r.r2:.2f}".replace("-", "−"), "verdict": r.verdict}
        for r in worst.itertuples()
    ]
    data = {"picture": _svg(table, fidelity_histogram, (4.8, 3.0)), "rows": rows}
    return Part("spread", "How far to trust them", data)


def _importance(explanations: ExplanationSet) -> list[Part]:
    table = explanations.summary()
    found = []
    for output, part in table.groupby("output", sort=False):
        reach = float(np.nanmax(part[["importance", "high"]].to_numpy())) or 1.0
        rows = [
            {
                "feature": str(row.feature),
                "items": row.items,
                "effect": f"{row.importance:.3g}",
                "interval": _interval(row.low, row.high),
                "raises": f"{row.raises:.0%}",
                "width": f"{100 * row.importance / reach:.2f}",
                "low": f"{100 * np.nan_to_num(row.low, nan=row.importance) / reach:.2f}",
                "span": f"{100 * np.nan_to_num(row.high - row.low) / reach:.2f}",
            }
            for row in part.head(_ROWS).itertuples()
        ]
        data = {"rows": rows, "more": max(0, len(part) - _ROWS), "unit": ", ".join(explanations.units)}
        found.append(Part("importance", f"Mean size of effects on {output}", data))
    return found


def _picked(explanations: ExplanationSet, count: int) -> list[Part]:
    table = explanations.picks(count)
    found: list[Part] = []
    for row, explanation in zip(table.itertuples(), explanations.pick(count), strict=True):
        share = f"With those before it, it shows {row.covered:.0%} of what matters over all items."
        found.append(Part("law", f"Item {row.item}", {"text": share}))
        found += [part for part in parts(explanation) if part.kind in _KINDS]
    return found


def _failures(explanations: ExplanationSet) -> list[Part]:
    if not explanations.failures:
        return []
    rows = [{"item": str(failure.label), "error": failure.error} for failure in explanations.failures]
    return [Part("failures", "Failed", {"rows": rows})]
