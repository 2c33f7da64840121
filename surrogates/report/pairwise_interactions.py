"""Indices of features and of pairs → the parts of a page, and text."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from probes.rounding import Scale, counted
from surrogates.local.pairwise_interactions import INDEX_NAMES, PairwiseInteractions
from surrogates.report.labels import bracketed, feature_labels, with_unit
from surrogates.report.names import named
from surrogates.report.page import Contents, contents
from surrogates.report.part import Part, made
from surrogates.report.parts.effects import effects_parts
from surrogates.report.parts.head import Head
from surrogates.report.parts.instance import Numbers, answer_parts, reference_in_words
from surrogates.report.parts.origin import Origin
from surrogates.report.parts.rule import Standing
from surrogates.report.parts.switch import by_output
from surrogates.report.sentence import numbered, quoted
from surrogates.report.terminal import input_lines, paragraph
from surrogates.report.text import LONGEST, effect_lines
from surrogates.results.result import text_of
from surrogates.visible import joined

__all__ = ["interactions_contents", "interactions_text", "set_labels"]

#: what the numbers add up to
_SUMS = {
    "k-sii": "Features and pairs add up to the model's number for this input less that without any feature.",
    "shapley": "Features add up to the model's number for this input less that without any feature; pairs say how much "
    "two features change each other's effect.",
    "banzhaf": "Pairs say how much two features change each other's effect; the numbers need not add up to the "
    "model's.",
}


@contents.register
def interactions_contents(found: PairwiseInteractions) -> Contents:
    """Take interaction indices apart."""
    title = f"{_title(found)}: {with_unit(found.outputs, found.unit)}"
    return Contents(title, made([_head, _standing, _numbers, _effects, _origin], found))


def _title(f: PairwiseInteractions) -> str:
    return f"Features and pairs by {INDEX_NAMES[f.index][0]}"


def set_labels(found: PairwiseInteractions, labels: Mapping[str, str]) -> dict[str, str]:
    """Return how each row of the table is shown, given how each feature is."""
    names = [feature.name for feature in found.features]
    return {
        " × ".join(names[i] for i in subset): " × ".join(labels.get(names[i], names[i]) for i in subset)
        for subset in found.subsets
    }


def _head(f: PairwiseInteractions) -> list[Part]:
    """Say what the model said of both ends, and which pair is the strongest that is clear."""
    gone, asked = reference_in_words(f.features, f.view), f.provenance.get("questions", 0)
    ends = f"{numbered(f.outputs, f.here, f.unit)} for this input, and {numbered(f.outputs, f.base, f.unit)} {gone}"
    first = f"Of the answer {quoted(f.answer)} the model's number is {ends}." if f.answer else f"The model said {ends}."
    many = f"All {asked:,} possible" if f.exact else f"{asked:,}"
    sure = "so these numbers are exact" if f.exact else "and 95% intervals say how sure these numbers are"
    evidence = f"{many} questions were asked, {sure}." if asked else ""
    return [Head(warning="", said=first, change=_strongest(f), evidence=evidence)]


def _strongest(f: PairwiseInteractions) -> str:
    """Say which pair is the strongest that is clear; nothing where none is."""
    names = [feature.name for feature in f.features]
    pairs = {" × ".join(names[i] for i in s): s for s in f.subsets if len(s) == 2}
    clear = (row for row in _table(f).itertuples() if row.feature in pairs and (row.low > 0 or row.high < 0))
    if (top := next(clear, None)) is None:
        return "No pair of features has an interaction that is clearly different from zero."
    where = f" for {quoted(top.output)}" if len(f.outputs) > 1 else ""
    shown = named(f.features, f.view, 60)
    both = " and ".join(
        shown[names[i]] if f.view.get("kind") == "text" else quoted(names[i]) for i in pairs[str(top.feature)]
    )
    span = "" if f.exact else f" {_scale(f).between(top.low, top.high)}"
    value = f"{_scale(f).signed(top.attribution)}{span}"
    return f"The strongest clear interaction{where} is that of {both}: {value}."


def _standing(f: PairwiseInteractions) -> list[Part]:
    """Show how sure the numbers are, and what they add up to."""
    rows = f.provenance.get("questions", 0)
    return [
        Standing(title="How sure these are", exact=f.exact, rows=rows, warnings=f.warnings, how="", sums=_SUMS[f.index])
    ]


def _numbers(f: PairwiseInteractions) -> list[Part]:
    return [Numbers.of(f.here, f.base, f.outputs, f.unit, f.features, f.view, _scale(f))]


def _effects(f: PairwiseInteractions) -> list[Part]:
    labels, title = set_labels(f, named(f.features, f.view)), "Features and pairs for"
    table = _table(f)
    table = table.assign(feature=[labels.get(name, name) for name in table["feature"]])
    parts = effects_parts(table, f.outputs, f.unit, f.view, title, _scale(f), what="index")
    return [*answer_parts(f.view, f.answer), *by_output(f.outputs, [], parts)]


def _origin(f: PairwiseInteractions) -> list[Part]:
    return [Origin.of(f.provenance, f.view)]


def _scale(f: PairwiseInteractions) -> Scale:
    return Scale.of([*f.table["index"], *f.base, *f.here])


def _table(f: PairwiseInteractions) -> pd.DataFrame:
    """Return the indices under the names that effects have."""
    table = f.table.rename(columns={"features": "feature", "index": "attribution"})
    return table.assign(value=table["feature"].map({feature.name: feature.value for feature in f.features}).fillna(""))


@text_of.register
def interactions_text(f: PairwiseInteractions) -> str:
    """Return the strongest features and pairs with intervals."""
    how = "exact: every question was asked" if f.exact else f"{counted(f.cost['rows'], 'input')} asked"
    scale, table = _scale(f), _table(f)
    lines = [*paragraph(f"{_title(f)}{bracketed(scale.unit(f.unit), how)}", 4), *input_lines(f.features, f.view)]
    lines += paragraph(f"Answer: “{f.answer.strip()}”", 8) if f.answer is not None else []
    gone = reference_in_words(f.features, f.view)
    each = [
        f"{scale.rounded(a)} for this input, {scale.rounded(b)} {gone}" for a, b in zip(f.here, f.base, strict=True)
    ]
    several = len(f.outputs) > 1
    said = [f"{name} {words}" for name, words in zip(f.outputs, each, strict=True)] if several else each
    lines += paragraph("Model: " + "; ".join(said), 7)
    labels = set_labels(f, feature_labels(f.features, f.view, LONGEST))
    for output in f.outputs:
        lines += effect_lines(
            table[table["output"] == output], labels, "index", output if several else "", scale, more=".table"
        )
    return joined([*lines, *(line for note in f.warnings for line in paragraph(f"Note: {note}", 6))])
