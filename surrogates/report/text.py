"""An explanation as a few lines of plain text."""

from __future__ import annotations

import textwrap
from typing import Any

from surrogates.local.explanation import NOT_RAW, Explanation
from surrogates.report.curves import named
from surrogates.results.provenance import cost_line
from surrogates.results.result import text_of

__all__ = ["label_of", "span_of", "summary"]

_ROWS = 10
_BAR = 12


@text_of.register
def summary(explanation: Explanation) -> str:
    """Write fidelity first, then what matters, with intervals."""
    fidelity, target = explanation.fidelity, explanation.target
    head = f"{named(explanation.surrogate, target.outputs)} of {', '.join(target.outputs)} ({target.unit})"
    lines = [*textwrap.wrap(head, 100), str(fidelity)]
    lines += textwrap.wrap(f"Verdict: {fidelity.verdict}", 100)
    if explanation.answer is not None:
        lines += textwrap.wrap(f"Answer: {explanation.answer}", 100, subsequent_indent="        ")
    lines += _model_lines(explanation)
    if explanation.certificate is not None:
        lines += textwrap.wrap(str(explanation.certificate), 100)
    lines += [line for f in explanation.checks for line in textwrap.wrap(f"Check {f}", 100)]
    lines += [line for w in explanation.warnings for line in textwrap.wrap(f"Note: {w}", 100)]
    if len(explanation.comparison) > 1:
        shown = ", ".join(f"{r.family} {r.r2:.2f} with {r.terms} terms" for r in explanation.comparison.itertuples())
        lines += textwrap.wrap(f"Compared: R² {shown}", 100)
    for output in target.outputs:
        table = explanation.attributions[explanation.attributions["output"] == output]
        largest = float(table["attribution"].abs().max())
        lines += [
            "",
            f"{'effect':>9}  {'95% interval':^21}  {'':{_BAR}}  {output if len(target.outputs) > 1 else ''}".rstrip(),
        ]
        for row in table.head(_ROWS).itertuples():
            length = round(_BAR * (abs(row.attribution) / largest)) if largest > 0 and abs(row.attribution) > 0 else 0
            lines.append(f"{row.attribution:>+9.3g}  {span_of(row):^21}  {'█' * length:{_BAR}}  {label_of(row)}")
        if len(table) > _ROWS:
            lines.append(f"{'':>9}  {'':21}  {'':{_BAR}}  … and {len(table) - _ROWS} more in .attributions")
    if not explanation.raw_answers_kept:
        lines += ["", *textwrap.wrap(NOT_RAW, 100)]
    return "\n".join([*lines, "", cost_line(explanation.provenance["cost"])])


def label_of(row: Any) -> str:
    """Return the name of a row's feature with its value, cut where it is long."""
    name = f"{row.feature} = {row.value}" if row.value and row.value != row.feature else row.feature
    return textwrap.shorten(name, 60, placeholder=" …") if len(name) > 60 else name


def span_of(row: Any) -> str:
    """Return the interval of a row's effect."""
    return f"[{row.low:+.3g}, {row.high:+.3g}]" if row.low <= row.high else "not known"


def _model_lines(explanation: Explanation) -> list[str]:
    """Return the model's two answers: for this input, and for the one that effects are measured from."""
    parts, view = [], explanation.view
    whole, nothing = view.get("whole", "for this input"), view.get("nothing", "for the reference")
    for output, y in zip(explanation.target.outputs, explanation.y.T, strict=True):
        named = f"{output} " if len(explanation.target.outputs) > 1 else ""
        parts.append(f"{named}{y[0]:.3g} {whole}, {y[1]:.3g} {nothing}")
    return textwrap.wrap(f"Model: {'; '.join(parts)}", 100, subsequent_indent="       ")
