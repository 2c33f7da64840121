"""Many explanations → one page, all of them first, then the few that stand for them; text; a table for notebooks."""

from __future__ import annotations

from html import escape

import numpy as np

from probes.rounding import Scale, percent, score
from surrogates.judging.verdict import refuses
from surrogates.many.explanation_set import ExplanationSet
from surrogates.report.explanation import explanation_parts
from surrogates.report.figures import fidelity_histogram
from surrogates.report.page import Contents, card, contents
from surrogates.report.part import Note, Part, picture
from surrogates.report.parts.arms import Said
from surrogates.report.parts.effects import Effects
from surrogates.report.parts.instance import Answer, Numbers, Remark, ShadedText
from surrogates.report.parts.many import Failures, Importance, Spread
from surrogates.report.parts.phrases import Phrases
from surrogates.report.parts.switch import Switch
from surrogates.report.parts.trust import Verdict
from surrogates.results.result import fragment_of, text_of
from surrogates.visible import joined

__all__ = ["set_contents", "set_fragment", "set_text"]

_SHOWN = 10
#: parts of one explanation that are shown within the page of many
_WITHIN = (Verdict, Numbers, Answer, Phrases, ShadedText, Effects, Switch, Note)


@contents.register
def set_contents(explanations: ExplanationSet, picked: int = 3) -> Contents:
    """Take a set apart; the `picked` most telling explanations are shown."""
    parts: list[Part] = [_all(explanations)]
    if len(explanations):
        fidelity = explanations.fidelity
        parts.append(Spread.of(fidelity, picture(fidelity, fidelity_histogram, (4.8, 3.0))))
        parts += [*_importance(explanations), *_picked(explanations, picked)]
    if explanations.failures:
        parts.append(Failures.of(explanations.failures))
    return Contents(f"{len(explanations)} explanations", parts)


def _all(explanations: ExplanationSet) -> Part:
    words = set_text(explanations).split("\n\n", 1)[0].split("\nFailed:", 1)[0].replace("\n", ". ")
    return Said(verdict=f"{words}. {_usable(explanations)}{'. '.join(explanations.cost_lines())}.", notes=())


def _usable(explanations: ExplanationSet) -> str:
    """Say how many explanations may be used by their verdicts."""
    if not len(explanations):
        return ""
    table = explanations.fidelity
    refused = table.assign(refused=table["verdict"].map(refuses)).groupby("item", sort=False)["refused"].any()
    count = int(refused.sum())
    if not count:
        return "No verdict is against using one of them. "
    return f"Of {len(refused)} inputs, {len(refused) - count} may be used; for {count} the verdict is against it. "


def _importance(explanations: ExplanationSet) -> list[Part]:
    unit = ", ".join(explanations.units)
    tables = explanations.summary().groupby("output", sort=False)
    return [Importance.of(table, str(output), unit) for output, table in tables]


def _picked(explanations: ExplanationSet, count: int) -> list[Part]:
    parts: list[Part] = []
    for row, explanation in zip(explanations.picks(count).itertuples(), explanations.pick(count), strict=True):
        share = f"With those before it, it shows {percent(row.covered)} of what matters over all items."
        parts.append(Remark(title=f"Item {row.item}", text=share))
        parts += [part for part in explanation_parts(explanation) if isinstance(part, _WITHIN)]
    return parts


@fragment_of.register
def set_fragment(explanations: ExplanationSet) -> str:
    """Write how many there are, and the features that matter most, as a table."""
    if not len(explanations):
        return f"<p>{escape(_counts(explanations))}</p>"
    parts: list[Part] = [Said(verdict=f"{_counts(explanations)}.", notes=()), *_importance(explanations)]
    return card(Contents("", parts))


def _counts(explanations: ExplanationSet) -> str:
    words = [f"{len(explanations)} explanations"]
    if explanations.failures:
        words.append(f"{len(explanations.failures)} failed")
    if explanations.interrupted:
        words.append("interrupted before the rest")
    return ", ".join(words)


@text_of.register
def set_text(explanations: ExplanationSet) -> str:
    """Write how many there are, how far they can be trusted, the features that matter most, the cost, failures."""
    lines = [_counts(explanations)]
    scores = explanations.scores
    if len(scores):
        low, middle, high = np.quantile(scores, (0.1, 0.5, 0.9))
        fair = float((scores >= 0.7).mean())
        lines.append(
            f"Held-out R²: median {score(middle)}, from {score(scores.min())} to {score(scores.max())} "
            f"(80% between {score(low)} and {score(high)}); at least 0.70 for {percent(fair)}"
        )
    if len(explanations):
        lines += ["", *_summary_lines(explanations), "", *explanations.cost_lines()]
    lines += [f"Failed: {failure}" for failure in explanations.failures[:_SHOWN]]
    return joined(lines)


def _summary_lines(explanations: ExplanationSet) -> list[str]:
    table = explanations.summary()
    scale = Scale.of(table["importance"])
    lines = [f"{'mean |effect|':>13}  {'95% interval':^19}  ({scale.unit(', '.join(explanations.units))})"]
    many = table["output"].nunique() > 1
    for row in table.head(_SHOWN).itertuples():
        name = f"{row.feature} → {row.output}" if many else row.feature
        lines.append(f"{scale.rounded(row.importance):>13}  {scale.between(row.low, row.high):^19}  {name}")
    if len(table) > _SHOWN:
        lines.append(f"{'':13}  {'':19}  … and {len(table) - _SHOWN} more in .summary()")
    return lines
