"""An anchor, or Shapley values → the parts of a page each, and text."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from probes.rounding import Scale, counted, percent
from surrogates.local.anchor import Anchor
from surrogates.local.shapley_values import ShapleyValues
from surrogates.report.labels import bracketed, feature_labels, with_unit
from surrogates.report.names import condition_words, named, renamed, rule_words
from surrogates.report.page import Contents, contents
from surrogates.report.part import Part, made, picture
from surrogates.report.parts.effects import effects_parts
from surrogates.report.parts.head import Head
from surrogates.report.parts.instance import Numbers, answer_parts, reference_in_words
from surrogates.report.parts.origin import Origin
from surrogates.report.parts.rule import ConditionRow, Conditions, Rule, Shares, Standing, ValueRow, Values
from surrogates.report.parts.switch import by_output
from surrogates.report.parts.view_kinds import InstanceEffects, InstanceKept, instance_parts, kept_parts
from surrogates.report.parts.waterfall import waterfall_parts
from surrogates.report.plots.kinds import draw_into
from surrogates.report.plots.precision_plot import precision
from surrogates.report.sentence import numbered, quoted
from surrogates.report.terminal import input_lines, paragraph
from surrogates.report.text import LONGEST, effect_lines
from surrogates.results.result import text_of
from surrogates.visible import joined

__all__ = ["anchor_contents", "anchor_text", "shapley_contents", "shapley_text"]


@contents.register
def anchor_contents(anchor: Anchor) -> Contents:
    """Take an anchor apart."""
    makers = [_anchor_head, _rule, _said, _anchored, _conditions, _row, _shares, _origin]
    return Contents("Anchor", made(makers, anchor))


def _anchor_head(a: Anchor) -> list[Part]:
    """Say what the model said and what settles it; a rule that is not proved is not named."""
    said, asked, change = a.said, a.provenance.get("questions", 0), f"{_without_rule(a)}."
    if said is None:
        first = ""
    elif said["decided"]:
        first = f"The model said {quoted(said['decided'][0])}."
    else:
        first = f"The model said {numbered(said['outputs'], np.array(said['instance'], dtype=float), said['unit'])}."
    if a.rule.conditions:
        sure = "exactly" if a.exact else f"at least {percent(a.low)} with {percent(a.confidence)} confidence"
        often = f"in {percent(a.precision)} of those asked ({sure}); without that rule, in {percent(a.unconditional)}"
        rule = re.sub(r" (present|absent|kept|replaced)(?= and |$)", r" is \1", rule_words(a))
        change = f"Whenever {rule}: {a.holds}, {often}."
    many = f"All {asked:,} possible" if a.exact else f"{asked:,}"
    covers = f"; the rule holds in {percent(a.coverage)} of all variations" if a.rule.conditions and a.proved else ""
    unproved = f"No rule is proved: none reached a precision of {percent(a.asked)} within the budget."
    return [
        Head(
            warning="" if a.proved else unproved,
            said=first,
            change=change if a.proved else "",
            evidence=f"{many} questions were asked{covers}." if asked else "",
        )
    ]


def _rule(a: Anchor) -> list[Part]:
    """Return the rule, and how sure it is."""
    at_least = f"at least {percent(a.low)} with {percent(a.confidence)} confidence"
    return [
        Rule(
            title="The rule",
            words=rule_words(a) if a.rule.conditions else "",
            holds=a.holds if a.rule.conditions else _without_rule(a),
            level="poor" if not a.proved else "good" if a.rule.conditions else "plain",
            reference="" if a.rule.conditions else _of_reference(a),
            precision=percent(a.precision),
            sure="exact: every possible question was asked" if a.exact else at_least,
            asked=percent(a.asked),
            proved=a.proved,
            rows=a.rows,
            coverage=percent(a.coverage),
            unconditional=percent(a.unconditional),
            warnings=a.warnings,
        )
    ]


def _without_rule(a: Anchor) -> str:
    """Say what an anchor without conditions means."""
    return f"No rule is needed here: whatever the features are, {a.holds}" if a.rows else "No rule was found"


def _of_reference(a: Anchor) -> str:
    """Say what the reference answers, where there is no rule."""
    gone = reference_in_words(a.features, a.view)
    if a.said is not None and a.said["decided"]:
        here, there = a.said["decided"]
        also = "also " if here == there else ""
        words = f"The model says {here} for this input and {also}{there} {gone}"
    else:
        words = f"The number {gone} stands below"
    return f"{words}. A rule says what keeps an answer that else changes; here hardly any question changes it."


def _said(a: Anchor) -> list[Part]:
    """Return the model's numbers for the instance and the reference."""
    if (said := a.said) is None:
        return []
    ends = np.array([said["instance"], said["reference"]], dtype=float)
    here, there = ends
    return [Numbers.of(here, there, said["outputs"], said["unit"], a.features, a.view, Scale.of(ends.flat))]


def _row(a: Anchor) -> list[Part]:
    """Return the values of a table's row."""
    rows = tuple(ValueRow(row["name"], row["value"], row["background"]) for row in a.view.get("rows", []))
    return [Values(title="The row", rows=rows, open=not a.rule.conditions)] if rows else []


def _anchored(a: Anchor) -> list[Part]:
    """Return the instance with what the rule keeps."""
    names = frozenset(a.features[i].name for i, _, _ in a.rule.conditions)
    return [*answer_parts(a.view, a.answer), *kept_parts(InstanceKept(names, percent(a.precision), a.features, a.view))]


def _conditions(a: Anchor) -> list[Part]:
    """Return the conditions of a table's or a cube's rule; a text shows them in place."""
    if a.view["kind"] == "text" or not a.rule.conditions:
        return []
    background = {row["name"]: row["background"] for row in a.view.get("rows", [])}
    shown, mixed = renamed(a.features, a.view), a.view["kind"] == "mixed"
    rows = tuple(
        ConditionRow(
            condition_words(condition, shown, a.view) if mixed else row.words,
            background.get(row.feature, "") if row.high == float("inf") else "",
        )
        for row, condition in zip(a.table.itertuples(), a.rule.conditions, strict=True)
    )
    return [Conditions(title="Conditions", rows=rows, background=any(row.background for row in rows))]


def _shares(a: Anchor) -> list[Part]:
    """Show how often the answer is the same, with the rule and without."""
    if not a.rule.conditions:
        return []
    return [Shares(title="With the rule, and without", picture=picture(precision(a), draw_into, (6.4, 1.9)))]


def _origin(result: Anchor | ShapleyValues) -> list[Part]:
    return [Origin.of(result.provenance, result.view)]


@text_of.register
def anchor_text(a: Anchor) -> str:
    """Return the rule, its precision and coverage."""
    head = f"IF {rule_words(a)} THEN {a.holds}" if a.rule.conditions else f"{_without_rule(a)}."
    sure = "exact" if a.exact else f"at least {percent(a.low)} with {percent(a.confidence)} confidence"
    notes = [] if a.proved else ["The precision asked for was not proved within the budget."]
    without = f"; without the rule {percent(a.unconditional)}" if a.rule.conditions else ""
    known = percent(a.precision, "not known")
    precision = f"precision {known} ({sure}, {a.rows} answers{without}), coverage {percent(a.coverage)}"
    asked = input_lines(a.features, a.view) + (paragraph(f"Answer: “{a.answer.strip()}”", 8) if a.answer else [])
    said = [line for one in (*_said_lines(a), *notes, *a.warnings) for line in paragraph(one, 7)]
    return joined([*paragraph(head, 4), *paragraph(precision, 4), *asked, *said])


def _said_lines(a: Anchor) -> list[str]:
    if (said := a.said) is None:
        return []
    scale = Scale.of([*said["instance"], *said["reference"]])
    decided = said["decided"] or ["", ""]
    names = ["" if name == "output" else f"{name} " for name in said["outputs"]]
    each = [
        f"{name}{scale.rounded(here)} for this input, {scale.rounded(there)} {reference_in_words(a.features, a.view)}"
        for name, here, there in zip(names, said["instance"], said["reference"], strict=True)
    ]
    classes = f"decides for {decided[0]}, {decided[1]} for the reference; " if said["decided"] else ""
    return [f"Model: {classes}{'; '.join(each)}{bracketed(scale.unit(said['unit']))}"]


@contents.register
def shapley_contents(values: ShapleyValues) -> Contents:
    """Take Shapley values apart."""
    title = f"Shapley values: {with_unit(values.outputs, values.unit)}"
    return Contents(title, made([_shapley_head, _standing, _numbers, _depends, _waterfall, _origin], values))


def _shapley_head(v: ShapleyValues) -> list[Part]:
    """Say what the model said of both ends, and where most of the difference goes, if that is clear."""
    here, asked = v.base + v.values.sum(axis=1), v.provenance.get("questions", 0)
    gone = reference_in_words(v.features, v.view)
    ends = f"{numbered(v.outputs, here, v.unit)} for this input, and {numbered(v.outputs, v.base, v.unit)} {gone}"
    first = f"Of the answer {quoted(v.answer)} the model's number is {ends}." if v.answer else f"The model said {ends}."
    table = _table(v)
    top = next((row for row in table.itertuples() if row.low > 0 or row.high < 0), None)
    change = ""
    if top is not None:
        where = f" for {quoted(top.output)}" if len(v.outputs) > 1 else ""
        span = "" if v.exact else f" {_scale(v).between(top.low, top.high)}"
        value = f"{_scale(v).signed(top.attribution)}{span}"
        name = (
            named(v.features, v.view, 60)[str(top.feature)]
            if v.view.get("kind") == "text"
            else quoted(str(top.feature))
        )
        change = f"Of the difference{where} {name} has the largest value that is clear: {value}."
    many = f"All {asked:,} possible" if v.exact else f"{asked:,}"
    sure = "so these values are exact" if v.exact else "and 95% intervals say how sure these values are"
    evidence = f"{many} questions were asked, {sure}." if asked else ""
    return [Head(warning="", said=first, change=change, evidence=evidence)]


def _standing(v: ShapleyValues) -> list[Part]:
    """Show how sure the values are."""
    rows = v.provenance["questions"]
    return [Standing(title="How sure these are", exact=v.exact, rows=rows, warnings=v.warnings)]


def _numbers(v: ShapleyValues) -> list[Part]:
    return [Numbers.of(v.base + v.values.sum(axis=1), v.base, v.outputs, v.unit, v.features, v.view, _scale(v))]


def _depends(v: ShapleyValues) -> list[Part]:
    return [*answer_parts(v.view, v.answer), *by_output(v.outputs, _instance(v), _values(v))]


def _instance(v: ShapleyValues) -> list[Part]:
    effects = InstanceEffects(_table(v), v.outputs, v.unit, v.features, v.view, _scale(v), "What it depends on")
    return instance_parts(effects)


def _waterfall(v: ShapleyValues) -> list[Part]:
    return waterfall_parts(v, _scale(v))


def _values(v: ShapleyValues) -> list[Part]:
    title = "Shapley values for"
    return effects_parts(
        _table(v), v.outputs, v.unit, v.view, title, _scale(v), features=v.features, what="Shapley value"
    )


def _scale(v: ShapleyValues) -> Scale:
    return Scale.of([*v.values.flat, *v.base, *(v.base + v.values.sum(axis=1))])


def _table(v: ShapleyValues) -> pd.DataFrame:
    """Return the values under the names that effects have."""
    table = v.table.rename(columns={"features": "feature", "index": "attribution"})
    return table.assign(value=table["feature"].map({f.name: f.value for f in v.features}))


@text_of.register
def shapley_text(v: ShapleyValues) -> str:
    """Return the strongest values with intervals."""
    how = "exact: every question was asked" if v.exact else f"{counted(v.cost['rows'], 'input')} asked"
    scale, table = _scale(v), _table(v)
    lines = [
        *paragraph(f"Shapley values of the model{bracketed(scale.unit(v.unit), how)}", 4),
        *input_lines(v.features, v.view),
    ]
    lines += paragraph(f"Answer: “{v.answer.strip()}”", 8) if v.answer is not None else []
    gone = reference_in_words(v.features, v.view)
    here = v.base + v.values.sum(axis=1)
    each = [f"{scale.rounded(a)} for this input, {scale.rounded(b)} {gone}" for a, b in zip(here, v.base, strict=True)]
    lines += paragraph("Model: " + "; ".join(_of_output(v, each)), 7)
    labels = feature_labels(v.features, v.view, LONGEST)
    for output in v.outputs:
        part = table[table["output"] == output]
        lines += effect_lines(part, labels, "value", output if len(v.outputs) > 1 else "", scale, more=".table")
    return joined([*lines, *(line for note in v.warnings for line in paragraph(f"Note: {note}", 6))])


def _of_output(v: ShapleyValues, each: list[str]) -> list[str]:
    """Name the output of each number, where there are several."""
    return [f"{name} {said}" for name, said in zip(v.outputs, each, strict=True)] if len(each) > 1 else each
