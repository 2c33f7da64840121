"""An explanation as a few lines of plain text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from probes.probe import Feature
from probes.rounding import Scale, counted, in_unit, score
from probes.views import View
from surrogates.local.explanation import NOT_RAW, Explanation
from surrogates.report.curves import named
from surrogates.report.labels import cut, cut_apart, feature_labels, with_unit
from surrogates.report.names import named as shown_names
from surrogates.report.names import renamed
from surrogates.report.parts.phrases import phrase_rows
from surrogates.report.parts.zoomed import first_unit, found_rows
from surrogates.report.sentence import change_line, written
from surrogates.report.terminal import input_lines, paragraph, signed_bar, width
from surrogates.results.provenance import cost_line
from surrogates.results.result import text_of
from surrogates.visible import in_line, joined

#: said where effects first stand
AVERAGES = "Average effects over the questions asked; they need not add up to the model's answer."

__all__ = [
    "AVERAGES",
    "LONGEST",
    "effect_lines",
    "fitted_here",
    "named_within",
    "scale_of",
    "shown_terms",
    "span_of",
    "summary",
    "with_shown_names",
]

#: rows of effects, and parts of a document that were found
_ROWS, _FOUND = 10, 5
#: letters of a bar to either side, and of a label at most
_HALF, LONGEST = 6, 80
#: letters of what a model wrote
_WRITTEN = 600


@text_of.register
def summary(explanation: Explanation) -> str:
    """Write fidelity first, then what was asked and said, then what matters, with intervals."""
    fidelity, target = explanation.fidelity, explanation.target
    unit = scale_of(explanation).unit(target.unit)
    lines = paragraph(f"{named(explanation.surrogate, target.outputs)} of {with_unit(target.outputs, unit)}", 4)
    lines += [line for one in str(fidelity).split("\n") for line in paragraph(one, 4)]
    lines += paragraph(f"Verdict: {fidelity.verdict}", 9)
    lines += input_lines(explanation.features, explanation.view)
    if explanation.answer is not None:
        lines += paragraph(f"Answer: “{explanation.answer.strip()}”", 8)
    if text := written(explanation):
        lines += paragraph(f"Written: “{text if len(text) <= _WRITTEN else text[:_WRITTEN].rstrip() + '…'}”", 9)
    lines += [*_phrase_lines(explanation), *_model_lines(explanation)]
    if change := change_line(explanation):
        lines += paragraph(f"Small change: {change}", 7)
    if explanation.certificate is not None:
        lines += paragraph(str(explanation.certificate))
    lines += _found_lines(explanation)
    lines += [line for f in explanation.checks for line in paragraph(f"Check {f}", 6)]
    lines += [line for w in explanation.warnings for line in paragraph(f"Note: {w}", 6)]
    if len(explanation.comparison) > 1:
        shown = ", ".join(
            f"{r.family} {score(r.r2)} with {counted(r.terms, 'term')}" for r in explanation.comparison.itertuples()
        )
        lines += paragraph(f"Compared: R² {shown}", 10)
    lines += ["", *paragraph(AVERAGES)]
    refused, labels = fidelity.refused(), feature_labels(explanation.features, explanation.view, LONGEST)
    for output in target.outputs:
        table = explanation.attributions[explanation.attributions["output"] == output]
        muted = refused[target.outputs.index(output)]
        shown = output if len(target.outputs) > 1 else ""
        lines += ["", *effect_lines(table, labels, "effect", shown, scale_of(explanation), muted)]
    if not explanation.raw_answers_kept:
        lines += ["", *paragraph(NOT_RAW)]
    return joined([*lines, "", *paragraph(cost_line(explanation.provenance["cost"]))])


def scale_of(explanation: Explanation) -> Scale:
    """Return the scale on which an explanation's effects and answers are shown."""
    return Scale.of([*explanation.attributions["attribution"], *explanation.y[:2].flat])


def fitted_here(explanation: Explanation) -> np.ndarray:
    """Return what the surrogate says for the instance, ``(k,)``."""
    return explanation.predict(explanation.answers.design.Z[:1]).reshape(-1)


def effect_lines(
    table: pd.DataFrame,
    labels: Mapping[str, str],
    what: str,
    output: str,
    scale: Scale,
    muted: bool = False,
    more: str = ".attributions",
) -> list[str]:
    """Write the strongest rows ``feature, attribution, low, high`` of one output as lines under a heading.

    Bars point to the right for what raises the output, to the left for what lowers it; they are faint where effects
    are `muted`, since a verdict says not to use them. `more` is where the rest of them can be had.
    """
    largest, half = float(table["attribution"].abs().max()), _HALF
    lines = [f"{what:>8}  {'95% interval':^18}  {'−':<{half}}0{'+':>{half}}  {in_line(output)}".rstrip()]
    names = named_within(labels, table["feature"].head(_ROWS), 33 + 2 * half)
    for row in table.head(_ROWS).itertuples():
        effect, span = scale.signed(row.attribution), span_of(row, scale)
        bar = signed_bar(row.attribution, largest, half, muted)
        lines.append(f"{effect:>8}  {span:^18}  {bar}  {names[row.feature]}".rstrip())
    if len(table) > _ROWS:
        lines.append(f"{'':>8}  {'':18}  {'':{2 * half + 1}}  … and {len(table) - _ROWS} more in {more}")
    return lines


def with_shown_names(table: pd.DataFrame, features: Sequence[Feature], view: View) -> pd.DataFrame:
    """Return rows about features under the names that are shown."""
    names = shown_names(features, view)
    return table.assign(feature=[names.get(name, name) for name in table["feature"]])


def shown_terms(explanation: Explanation) -> pd.DataFrame:
    """Return ``Explanation.terms`` with features under the names that are shown."""
    features = tuple(renamed(explanation.features, explanation.view))
    return replace(explanation, features=features).terms


def named_within(labels: Mapping[str, str], features: Iterable[str], before: int) -> dict[str, str]:
    """Return the labels of features by their names, cut to what a line has room for."""
    shown = {feature: in_line(labels.get(feature, feature)) for feature in features}
    short = cut_apart(shown.values(), max(width() - before, 12))
    return {feature: short[label] for feature, label in shown.items()}


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
        source, room = "no clear source", max(width() - 26 - len(row.r2), 12)
        if row.sources:
            effect, name = row.sources[0].effect, in_line(row.sources[0].text)
            source = f"{effect} {cut(name, max(room - len(effect) - 1, 10))}"
        lines.append(f"  {f'“{row.phrase}”':<18}  {source}  ({row.r2})")
    return lines


def _found_lines(explanation: Explanation) -> list[str]:
    """Return what the search of a document found, in words."""
    zoom = explanation.zoom
    if zoom is None:
        return []
    rows = found_rows(zoom, scale_of(explanation))
    unit = first_unit(explanation.target, scale_of(explanation))
    whose = " of what the document does to all outputs" if len(explanation.target.outputs) > 1 else ""
    said = [
        f"{row.part} {in_line(row.how)}; without it "
        + (f"{in_unit(row.change, unit)} ({row.share}{whose})" if row.share else row.change)
        for row in rows[:_FOUND]
    ]
    more = [f"and {len(rows) - _FOUND} more in .zoom.found"] if len(rows) > _FOUND else []
    none = "no small set of parts was singled out: see the effects of the parts"
    lines = [line for one in [*(said or [none]), *more] for line in paragraph(f"Found: {one}", 7)]
    words = ", ".join(f"“{in_line(str(word))}”" for word in zoom.words["word"][:_FOUND])
    lines += paragraph(f"Words of it that matter: {words}", 7) if words else []
    left = f"Left whole: {zoom.whole} of {len(zoom.runs)} parts; effects inside one may cancel"
    return [*lines, *(paragraph(left, 7) if zoom.whole else [])]


def _model_lines(explanation: Explanation) -> list[str]:
    """Return the model's two answers: for this input, and for the one that effects are measured from."""
    parts, scale, view = [], scale_of(explanation), explanation.view
    whole, nothing = view.get("whole", "for this input"), view.get("nothing", "for the reference")
    for output, y, fitted in zip(explanation.target.outputs, explanation.y.T, fitted_here(explanation), strict=True):
        named = f"{output} " if len(explanation.target.outputs) > 1 else ""
        here, reference, said = map(scale.rounded, (y[0], y[1], fitted))
        parts.append(f"{named}{here} {whole} (the surrogate says {said}), {reference} {nothing}")
    return paragraph(f"Model: {'; '.join(parts)}", 7)
