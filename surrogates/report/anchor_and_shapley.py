"""An anchor, or Shapley values → the parts of a page each, and text."""

from __future__ import annotations

import pandas as pd

from surrogates.local.anchor import Anchor
from surrogates.local.shapley_values import ShapleyValues
from surrogates.report.figures import anchor_plot
from surrogates.report.page import Contents, contents
from surrogates.report.part import Part, made, picture
from surrogates.report.parts.effects import effects_parts
from surrogates.report.parts.instance import Numbers, Remark, answer_parts, instance_parts
from surrogates.report.parts.origin import Origin
from surrogates.report.parts.rule import Anchored, ConditionRow, Conditions, Rule, Shares, Standing
from surrogates.results.result import text_of

__all__ = ["anchor_contents", "anchor_text", "shapley_contents", "shapley_text"]


@contents.register
def anchor_contents(anchor: Anchor) -> Contents:
    """Take an anchor apart."""
    return Contents("Anchor", made([_rule, _anchored, _conditions, _shares, _origin], anchor))


def _rule(a: Anchor) -> list[Part]:
    """Return the rule, and how sure it is."""
    at_least = f"at least {a.low:.3f} with {a.confidence:.0%} confidence"
    return [
        Rule(
            title="The rule",
            words=a.words if a.rule.conditions else "",
            holds=a.holds,
            level="good" if a.proved else "poor",
            precision=f"{a.precision:.3f}",
            sure="exact: every possible question was asked" if a.exact else at_least,
            asked=f"{a.asked:g}",
            proved=a.proved,
            rows=a.rows,
            coverage=f"{a.coverage:.3g}",
            unconditional=f"{a.unconditional:.2f}",
            warnings=a.warnings,
        )
    ]


def _anchored(a: Anchor) -> list[Part]:
    """Return the instance with what the rule keeps."""
    parts = answer_parts(a.view, a.answer)
    if a.view["kind"] == "text":
        kept = {a.features[i].name for i, _, _ in a.rule.conditions}
        parts.append(Anchored.of(kept, f"{a.precision:.1%}", a.features, a.view))
    if a.view["kind"] == "table":
        parts.append(Remark(text=f"The region asked about: {a.view['law']}."))
    return parts


def _conditions(a: Anchor) -> list[Part]:
    """Return the conditions of a table's or a cube's rule; a text shows them in place."""
    if a.view["kind"] == "text" or not a.rule.conditions:
        return []
    background = {row["name"]: row["background"] for row in a.view.get("rows", [])}
    rows = tuple(
        ConditionRow(row.words, background.get(row.feature, "") if row.high == float("inf") else "")
        for row in a.table.itertuples()
    )
    return [Conditions(title="Conditions", rows=rows, background=any(row.background for row in rows))]


def _shares(a: Anchor) -> list[Part]:
    """Show how often the answer is the same, with the rule and without."""
    if not a.rule.conditions:
        return []
    return [Shares(title="With the rule, and without", picture=picture(a, anchor_plot, (6.4, 1.9)))]


def _origin(result: Anchor | ShapleyValues) -> list[Part]:
    return [Origin.of(result.provenance, result.view)]


@text_of.register
def anchor_text(a: Anchor) -> str:
    """Return the rule, its precision and coverage."""
    head = f"IF {a.words} THEN {a.holds}" if a.rule.conditions else f"Always: {a.holds}"
    sure = "exact" if a.exact else f"at least {a.low:.3f} with {a.confidence:.0%} confidence"
    notes = [] if a.proved else ["The precision asked for was not proved within the budget."]
    note = "".join(f"\n{text}" for text in [*notes, *a.warnings])
    return (
        f"{head}\nprecision {a.precision:.3f} ({sure}, {a.rows} answers; without the rule "
        f"{a.unconditional:.2f}), coverage {a.coverage:.3g}{note}"
    )


@contents.register
def shapley_contents(values: ShapleyValues) -> Contents:
    """Take Shapley values apart."""
    title = f"Shapley values: {', '.join(values.outputs)} ({values.unit})"
    return Contents(title, made([_standing, _numbers, _instance, _values, _origin], values))


def _standing(v: ShapleyValues) -> list[Part]:
    """Show how sure the values are."""
    rows = v.provenance["questions"]
    return [Standing(title="How sure these are", exact=v.exact, rows=rows, warnings=v.warnings)]


def _numbers(v: ShapleyValues) -> list[Part]:
    return [Numbers.of(v.base + v.values.sum(axis=1), v.base, v.outputs, v.unit, v.features, v.view)]


def _instance(v: ShapleyValues) -> list[Part]:
    return instance_parts(_table(v), v.outputs, v.unit, v.features, v.view, v.answer)


def _values(v: ShapleyValues) -> list[Part]:
    return effects_parts(_table(v), v.outputs, v.unit, v.view, "Shapley values for")


def _table(v: ShapleyValues) -> pd.DataFrame:
    """Return the values under the names that effects have."""
    table = v.table.rename(columns={"features": "feature", "index": "attribution"})
    return table.assign(value=table["feature"].map({f.name: f.value for f in v.features}))


@text_of.register
def shapley_text(v: ShapleyValues) -> str:
    """Return the strongest values with intervals."""
    how = "exact: every question was asked" if v.exact else f"{v.cost['rows']} inputs asked"
    shown = v.table[["output", "features", "index", "low", "high"]].head(12).to_string(index=False)
    notes = "".join(f"\nNote: {note}" for note in v.warnings)
    return f"Shapley values of the model ({v.unit}; {how})\n{shown}{notes}"
