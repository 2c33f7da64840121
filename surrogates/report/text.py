"""An explanation as a few lines of plain text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from probes.probe import Feature
from probes.rounding import Scale, score
from probes.views import View
from surrogates.local.explanation import NOT_RAW, Explanation
from surrogates.report.curves import named
from surrogates.report.names import named as shown_names
from surrogates.report.names import renamed
from surrogates.report.parts.phrases import phrase_rows
from surrogates.report.sentence import change_line
from surrogates.results.provenance import cost_line
from surrogates.results.result import text_of
from surrogates.visible import in_line, joined

#: said where effects first stand
AVERAGES = "Average effects over the questions asked; they need not add up to the model's answer."

__all__ = [
    "AVERAGES",
    "effect_lines",
    "fitted_here",
    "label_of",
    "scale_of",
    "shown_terms",
    "span_of",
    "summary",
    "with_shown_names",
]

_ROWS = 10
_BAR = 12


@text_of.register
def summary(explanation: Explanation) -> str:
    """Write fidelity first, then what matters, with intervals."""
    fidelity, target = explanation.fidelity, explanation.target
    unit = scale_of(explanation).unit(target.unit)
    head = f"{named(explanation.surrogate, target.outputs)} of {', '.join(target.outputs)} ({unit})"
    lines = [*textwrap.wrap(head, 100), *str(fidelity).split("\n")]
    lines += textwrap.wrap(f"Verdict: {fidelity.verdict}", 100)
    if explanation.answer is not None:
        lines += textwrap.wrap(f"Answer: {explanation.answer}", 100, subsequent_indent="        ")
    lines += [*_phrase_lines(explanation), *_model_lines(explanation)]
    if change := change_line(explanation):
        lines += textwrap.wrap(f"Small change: {change}", 100, subsequent_indent="       ")
    if explanation.certificate is not None:
        lines += textwrap.wrap(str(explanation.certificate), 100)
    lines += [line for f in explanation.checks for line in textwrap.wrap(f"Check {f}", 100)]
    lines += [line for w in explanation.warnings for line in textwrap.wrap(f"Note: {w}", 100)]
    if len(explanation.comparison) > 1:
        shown = ", ".join(f"{r.family} {score(r.r2)} with {r.terms} terms" for r in explanation.comparison.itertuples())
        lines += textwrap.wrap(f"Compared: R² {shown}", 100)
    lines += ["", *textwrap.wrap(AVERAGES, 100)]
    refused = fidelity.refused()
    for output in target.outputs:
        table = with_shown_names(explanation.attributions, explanation.features, explanation.view)
        table = table[table["output"] == output]
        muted = refused[target.outputs.index(output)]
        shown = output if len(target.outputs) > 1 else ""
        lines += ["", *effect_lines(table, "effect", shown, scale_of(explanation), muted)]
    if not explanation.raw_answers_kept:
        lines += ["", *textwrap.wrap(NOT_RAW, 100)]
    return joined([*lines, "", cost_line(explanation.provenance["cost"])])


def scale_of(explanation: Explanation) -> Scale:
    """Return the scale on which an explanation's effects and answers are shown."""
    return Scale.of([*explanation.attributions["attribution"], *explanation.y[:2].flat])


def fitted_here(explanation: Explanation) -> np.ndarray:
    """Return what the surrogate says for the instance, ``(k,)``."""
    return explanation.predict(explanation.answers.design.Z[:1]).reshape(-1)


def effect_lines(table: pd.DataFrame, what: str, output: str, scale: Scale, muted: bool = False) -> list[str]:
    """Write the strongest rows ``feature, value, attribution, low, high`` of one output as lines under a heading.

    Bars are faint where effects are `muted`, since a verdict says not to use them.
    """
    largest = float(table["attribution"].abs().max())
    lines = [f"{what:>9}  {'95% interval':^21}  {'':{_BAR}}  {output}".rstrip()]
    for row in table.head(_ROWS).itertuples():
        length = round(_BAR * (abs(row.attribution) / largest)) if largest > 0 and abs(row.attribution) > 0 else 0
        effect, span = scale.signed(row.attribution), span_of(row, scale)
        lines.append(f"{effect:>9}  {span:^21}  {('░' if muted else '█') * length:{_BAR}}  {label_of(row)}")
    if len(table) > _ROWS:
        lines.append(f"{'':>9}  {'':21}  {'':{_BAR}}  … and {len(table) - _ROWS} more in .attributions")
    return lines


def with_shown_names(table: pd.DataFrame, features: Sequence[Feature], view: View) -> pd.DataFrame:
    """Return rows about features under the names that are shown."""
    names = shown_names(features, view)
    return table.assign(feature=[names.get(name, name) for name in table["feature"]])


def shown_terms(explanation: Explanation) -> pd.DataFrame:
    """Return ``Explanation.terms`` with features under the names that are shown."""
    features = tuple(renamed(explanation.features, explanation.view))
    return replace(explanation, features=features).terms


def label_of(row: Any) -> str:
    """Return the name of a row's feature with its value, cut where it is long."""
    name = in_line(f"{row.feature} = {row.value}" if row.value and row.value != row.feature else row.feature)
    return shortened_name(name)


def shortened_name(name: str) -> str:
    """Cut a name where it is long."""
    return textwrap.shorten(name, 60, placeholder=" …") if len(name) > 60 else name


def span_of(row: Any, scale: Scale) -> str:
    """Return the interval of a row's effect."""
    return scale.between(row.low, row.high) if row.low <= row.high else "not known"


def _phrase_lines(explanation: Explanation) -> list[str]:
    """Return where each phrase of a language model's answer comes from, by its strongest clear source."""
    parts = explanation.by_phrase
    if parts is None:
        return []
    scale = scale_of(parts)
    lines = [f"Phrases ({scale.unit(parts.target.unit)}), each with its clearest source and R²:"]
    for row in phrase_rows(parts, scale):
        source = shortened_name(f"{row.sources[0].effect} {row.sources[0].text}") if row.sources else "no clear source"
        lines.append(f"  {row.phrase:<18}  {source}  ({row.r2})")
    return lines


def _model_lines(explanation: Explanation) -> list[str]:
    """Return the model's two answers: for this input, and for the one that effects are measured from."""
    parts, scale, view = [], scale_of(explanation), explanation.view
    whole, nothing = view.get("whole", "for this input"), view.get("nothing", "for the reference")
    for output, y, fitted in zip(explanation.target.outputs, explanation.y.T, fitted_here(explanation), strict=True):
        named = f"{output} " if len(explanation.target.outputs) > 1 else ""
        here, reference, said = map(scale.rounded, (y[0], y[1], fitted))
        parts.append(f"{named}{here} {whole} (the surrogate says {said}), {reference} {nothing}")
    return textwrap.wrap(f"Model: {'; '.join(parts)}", 100, subsequent_indent="       ")
