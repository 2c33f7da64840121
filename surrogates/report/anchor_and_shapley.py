"""An anchor, or Shapley values → one self-contained HTML page each, in the look of an explanation's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from surrogates.report.explanation import (
    Part,
    _svg,
    answer_parts,
    blocks,
    effects_parts,
    instance_parts,
    made,
    numbers_part,
    provenance_part,
)
from surrogates.report.figures import anchor_plot
from surrogates.report.page import _environment

if TYPE_CHECKING:
    from surrogates.local.anchor import Anchor
    from surrogates.local.shapley_values import ShapleyValues

__all__ = ["anchor_fragment", "anchor_page", "shapley_fragment", "shapley_page"]


def anchor_page(anchor: Anchor) -> str:
    """A whole HTML document."""
    return _environment().get_template("page.html").render(title="Anchor", parts=_anchor(anchor))


def anchor_fragment(anchor: Anchor) -> str:
    """The same as a piece of HTML for notebooks."""
    return _environment().get_template("fragment.html").render(parts=_anchor(anchor))


def shapley_page(values: ShapleyValues) -> str:
    """A whole HTML document."""
    title = f"Shapley values: {', '.join(values.outputs)} ({values.unit})"
    return _environment().get_template("page.html").render(title=title, parts=_shapley(values))


def shapley_fragment(values: ShapleyValues) -> str:
    """The same as a piece of HTML for notebooks."""
    return _environment().get_template("fragment.html").render(parts=_shapley(values))


def _anchor(anchor: Anchor) -> list[Part]:
    return made([_rule, _anchored, _conditions, _shares, _origin], anchor)


def _rule(a: Anchor) -> list[Part]:
    """The rule, and how sure it is."""
    sure = (
        "exact: every possible question was asked"
        if a.exact
        else f"at least {a.low:.3f} with {a.confidence:.0%} confidence"
    )
    data = {
        "words": a.words if a.rule.conditions else "",
        "holds": a.holds,
        "level": "good" if a.proved else "poor",
        "precision": f"{a.precision:.3f}",
        "sure": sure,
        "asked": f"{a.asked:g}",
        "proved": a.proved,
        "rows": a.rows,
        "coverage": f"{a.coverage:.3g}",
        "unconditional": f"{a.unconditional:.2f}",
        "warnings": list(a.warnings),
    }
    return [Part("rule", "The rule", data)]


def _anchored(a: Anchor) -> list[Part]:
    """The instance with what the rule holds fast."""
    found = answer_parts(a.view, a.answer)
    if a.view["kind"] == "text":
        kept = {a.features[i].name for i, _, _ in a.rule.conditions}

        def shade(name: str) -> dict[str, str]:
            inside = name in kept
            return {"sign": "up", "strength": "0.50" if inside else "0", "tip": "in the rule" if inside else ""}

        data = {"blocks": blocks(a.view, a.features, shade), "share": f"{a.precision:.1%}"}
        data |= {name: a.view[name] for name in ("unit", "removal")}
        found.append(Part("anchored", "What it rests on", data))
    if a.view["kind"] == "table":
        found.append(Part("law", data={"text": f"The region asked about: {a.view['law']}."}))
    return found


def _conditions(a: Anchor) -> list[Part]:
    """The conditions of a table's or a cube's rule; a text shows them in place."""
    if a.view["kind"] == "text" or not a.rule.conditions:
        return []
    background = {row["name"]: row["background"] for row in a.view.get("rows", [])}
    rows = [
        {"words": row.words, "background": background.get(row.feature, "") if row.high == float("inf") else ""}
        for row in a.table.itertuples()
    ]
    return [Part("conditions", "Conditions", {"rows": rows, "background": any(row["background"] for row in rows)})]


def _shares(a: Anchor) -> list[Part]:
    """How often the answer is the same, with the rule and without."""
    if not a.rule.conditions:
        return []
    return [Part("shares", "With the rule, and without", {"picture": _svg(a, anchor_plot, (6.4, 1.9))})]


def _origin(result: Anchor | ShapleyValues) -> list[Part]:
    return [provenance_part(result.provenance, result.view)]


def _shapley(values: ShapleyValues) -> list[Part]:
    return made([_standing, _numbers, _instance, _values, _origin], values)


def _standing(v: ShapleyValues) -> list[Part]:
    """How sure the values are."""
    data = {
        "exact": v.exact,
        "rows": v.provenance["questions"],
        "warnings": list(v.warnings),
        "many": len(v.outputs) > 1,
    }
    return [Part("standing", "How sure these are", data)]


def _numbers(v: ShapleyValues) -> list[Part]:
    return [numbers_part(v.base + v.values.sum(axis=1), v.base, v.outputs, v.unit, v.features, v.view)]


def _instance(v: ShapleyValues) -> list[Part]:
    return instance_parts(_table(v), v.outputs, v.unit, v.features, v.view, v.answer)


def _values(v: ShapleyValues) -> list[Part]:
    return effects_parts(_table(v), v.outputs, v.unit, v.view, "Shapley values for")


def _table(v: ShapleyValues) -> pd.DataFrame:
    """The values under the names that effects have."""
    table = v.table.rename(columns={"features": "feature", "index": "attribution"})
    return table.assign(value=table["feature"].map({f.name: f.value for f in v.features}))
