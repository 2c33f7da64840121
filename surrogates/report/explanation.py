"""What a report is made of: an explanation becomes a list of parts, each plain data with the template that draws it.

Text is escaped in one place, by the template engine, where it becomes HTML. A part that fails is replaced by a note, so
that one bad figure does not cost the page.
"""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from probes.probe import Feature
from surrogates.report.figures import comparison_plot, fidelity_plot
from surrogates.report.text import cost_line

if TYPE_CHECKING:
    from surrogates.local.explanation import Explanation

__all__ = [
    "Part",
    "answer_parts",
    "blocks",
    "effects_parts",
    "instance_parts",
    "made",
    "numbers_part",
    "parts",
    "provenance_part",
]

log = logging.getLogger(__name__)

_TABLE_ROWS = 60


@dataclass(frozen=True)
class Part:
    """One section of a page.

    Parameters
    ----------
    kind : str
        Names the macro that draws it.
    title : str
    data : dict
        Plain values for the macro.
    """

    kind: str
    title: str = ""
    data: dict[str, Any] = field(default_factory=dict)


def parts(explanation: Explanation) -> list[Part]:
    """An explanation as parts, in the order they are read."""
    makers: list[Callable[[Explanation], list[Part]]] = [
        _verdict,
        _numbers,
        _instance,
        _effects,
        _judgement,
        _checks,
        _comparison,
        _terms,
        _provenance,
    ]
    return made(makers, explanation)


def made(makers: Sequence[Callable[[Any], list[Part]]], result: Any) -> list[Part]:
    """What makers of parts make of a result, one after the other; a part that fails leaves a note."""
    page: list[Part] = []
    for make in makers:
        try:
            page += make(result)
        except Exception as error:  # noqa: BLE001 - the rest of the report is worth having
            log.warning("a part of the report could not be made (%s): %s", make.__name__.strip("_"), error)
            page.append(Part("note", data={"text": f"This part could not be drawn: {type(error).__name__}: {error}"}))
    return page


def _verdict(ex: Explanation) -> list[Part]:
    f = ex.fidelity
    rows = [
        {
            "output": name,
            "verdict": f.verdicts[j],
            "level": _level(f.r2_low[j]),
            "r2": _number(f.r2[j]),
            "interval": _interval(f.r2_low[j], f.r2_high[j]),
            "rank": _number(f.rank[j]),
        }
        for j, name in enumerate(f.outputs)
    ]
    held = f"exact: all {f.rows} possible questions were asked" if f.exact else f"on {f.rows} held-out answers"
    proof = None if ex.certificate is None else str(ex.certificate)
    data = {"rows": rows, "held": held, "proof": proof, "warnings": list(ex.warnings), "unit": ex.target.unit}
    return [Part("verdict", "How far to trust this", data)]


def _numbers(ex: Explanation) -> list[Part]:
    """What the model itself says about the instance and the reference."""
    return [numbers_part(ex.y[0], ex.y[1], ex.target.outputs, ex.target.unit, ex.features, ex.view)]


def numbers_part(
    instance: np.ndarray,
    reference: np.ndarray,
    outputs: Sequence[str],
    unit: str,
    features: Sequence[Feature],
    view: dict[str, Any],
) -> Part:
    """The answers ``(k,)`` for the instance and the reference."""
    real = any(f.kind == "real" for f in features)
    gone = {"text": "with every feature removed", "table": "with every feature replaced"}
    told = "one step of every feature away" if real else gone.get(view["kind"], "with every feature absent")
    rows = [
        {
            "output": name,
            "instance": f"{instance[j]:.4g}".replace("-", "−"),
            "reference": f"{reference[j]:.4g}".replace("-", "−"),
        }
        for j, name in enumerate(outputs)
    ]
    return Part("numbers", data={"rows": rows, "unit": unit, "reference": told})


def _instance(ex: Explanation) -> list[Part]:
    return instance_parts(ex.attributions, ex.target.outputs, ex.target.unit, ex.features, ex.view, ex.answer)


def instance_parts(
    table: pd.DataFrame,
    outputs: Sequence[str],
    unit: str,
    features: Sequence[Feature],
    view: dict[str, Any],
    answer: str | None,
) -> list[Part]:
    """The instance with what features do, rows ``output, feature, attribution, low, high``."""
    found = answer_parts(view, answer)
    if view["kind"] == "text":
        many = len(outputs) > 1
        title = "Where it comes from" if answer else "What it depends on"
        for name in outputs:
            own = table[table["output"] == name].set_index("feature")
            found.append(_highlighted(own, title + (f": {name}" if many else ""), unit, features, view))
    if view["kind"] == "table":
        found.append(Part("law", data={"text": f"The region asked about: {view['law']}."}))
    return found


def answer_parts(view: dict[str, Any], answer: str | None) -> list[Part]:
    """A language model's answer, where there is one."""
    if not answer:
        return []
    return [Part("answer", "The answer explained", {"text": answer, "question": view.get("question")})]


def _highlighted(table: pd.DataFrame, title: str, unit: str, features: Sequence[Feature], view: dict[str, Any]) -> Part:
    """The text with every feature shaded by its effect, faintly where the interval holds zero."""
    largest = float(table["attribution"].abs().max()) or 1.0

    def shade(name: str) -> dict[str, str]:
        row = table.loc[name]
        sure = row["low"] > 0 or row["high"] < 0
        strength = abs(row["attribution"]) / largest * (0.75 if sure else 0.3)
        return {
            "sign": "up" if row["attribution"] >= 0 else "down",
            "strength": f"{strength:.2f}",
            "tip": f"{row['attribution']:+.3g} {_interval(row['low'], row['high'])} {unit}",
        }

    return Part("text", title, {"blocks": blocks(view, features, shade), **_removed(view)})


def blocks(
    view: dict[str, Any], features: Sequence[Feature], shade: Callable[[str], dict[str, str]]
) -> list[dict[str, Any]]:
    """The text in pieces, each with its glue and with what `shade` says of the feature."""
    return [
        {
            "title": block["title"],
            "pieces": [
                {"before": block["glue"][i], "text": text, **shade(features[block["offset"] + i].name)}
                for i, text in enumerate(block["pieces"])
            ],
            "after": block["glue"][-1],
        }
        for block in view["blocks"]
    ]


def _removed(view: dict[str, Any]) -> dict[str, str]:
    return {"unit": view["unit"], "removal": view["removal"]}


def _effects(ex: Explanation) -> list[Part]:
    return effects_parts(ex.attributions, ex.target.outputs, ex.target.unit, ex.view, "Average effects on")


def effects_parts(
    effects: pd.DataFrame, outputs: Sequence[str], unit: str, view: dict[str, Any], title: str
) -> list[Part]:
    """A table with bars an output, of rows ``output, feature, value, attribution, low, high``."""
    found = []
    background = {row["name"]: row["background"] for row in view.get("rows", [])}
    for name in outputs:
        table = effects[effects["output"] == name]
        reach = float(np.nanmax(np.abs(table[["attribution", "low", "high"]].to_numpy()))) or 1.0
        rows = [
            {
                "feature": row.feature,
                "value": row.value if row.value != row.feature else "",
                "background": background.get(row.feature, ""),
                "effect": f"{row.attribution:+.3g}".replace("-", "−"),
                "interval": _interval(row.low, row.high),
                "sign": "up" if row.attribution >= 0 else "down",
                **_bar(row.attribution, row.low, row.high, reach),
            }
            for row in table.head(_TABLE_ROWS).itertuples()
        ]
        data = {
            "rows": rows,
            "unit": unit,
            "more": max(0, len(table) - _TABLE_ROWS),
            "output": name,
            "background": bool(background),
            "values": any(row["value"] for row in rows),
        }
        found.append(Part("effects", f"{title} {name}", data))
    return found


def _bar(value: float, low: float, high: float, reach: float) -> dict[str, str]:
    """Positions in percent on an axis from −reach to reach."""
    left, right = sorted((0.0, value))

    def at(v: float) -> float:
        return 50 + 50 * v / reach

    return {
        "left": f"{at(left):.2f}",
        "width": f"{at(right) - at(left):.2f}",
        "low": f"{at(low):.2f}",
        "span": f"{at(high) - at(low):.2f}",
    }


def _judgement(ex: Explanation) -> list[Part]:
    f = ex.fidelity
    rows = [
        {
            "output": name,
            "surrogate": f"{_number(f.r2[j])} {_interval(f.r2_low[j], f.r2_high[j])}",
            "constant": _number(f.constant[j]),
            "leave_one_out": _number(f.leave_one_out[j], "not asked: too dear for this budget"),
            "permuted": _number(f.permuted[j]),
            "rank": f"{_number(f.rank[j])} {_interval(f.rank_low[j], f.rank_high[j])}",
        }
        for j, name in enumerate(f.outputs)
    ]
    picture = _svg(ex, fidelity_plot, (4.2, 3.8))
    return [
        Part("judgement", "How it was judged", {"rows": rows, "picture": picture, "exact": f.exact, "count": f.rows})
    ]


def _checks(ex: Explanation) -> list[Part]:
    """What was found when the explanation was put to the test."""
    if not ex.checks:
        return []
    marks = {True: ("passed", "good"), False: ("failed", "poor"), None: ("not possible", "weak")}
    rows = [
        {
            "name": f.name,
            "mark": marks[f.passed][0],
            "level": marks[f.passed][1],
            "told": f.told,
            "asked": f.cost["rows"],
        }
        for f in ex.checks
    ]
    return [Part("checks", "Checks", {"rows": rows})]


def _comparison(ex: Explanation) -> list[Part]:
    """The families that were compared, where there was a choice."""
    if len(ex.comparison) < 2:
        return []
    rows = [
        {
            "family": row.family,
            "terms": str(row.terms),
            "r2": f"{_number(row.r2)} {_interval(row.r2_low, row.r2_high)}",
            "score": _number(row.score),
        }
        for row in ex.comparison.itertuples()
    ]
    return [Part("comparison", "Families compared", {"rows": rows, "picture": _svg(ex, comparison_plot, (4.8, 3.2))})]


def _svg(ex: Any, draw: Callable[..., Any], size: tuple[float, float]) -> str:
    """A figure as a data URI; drawn without touching matplotlib's global state."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    draw(ex, figure.add_subplot())
    buffer = io.BytesIO()
    with rc_context({"svg.fonttype": "path", "svg.hashsalt": "iomap"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()


def _terms(ex: Explanation) -> list[Part]:
    table = ex.terms.head(_TABLE_ROWS)
    rows = [
        {"term": row["term"], "weights": [f"{row[name]:+.4g}".replace("-", "−") for name in ex.target.outputs]}
        for _, row in table.iterrows()
    ]
    intercept = [f"{v:.4g}".replace("-", "−") for v in np.atleast_1d(ex.surrogate.intercept_)]
    data = {
        "rows": rows,
        "outputs": list(ex.target.outputs),
        "intercept": intercept,
        "more": len(ex.terms) - len(table),
    }
    return [Part("terms", "The surrogate itself", data)]


def _provenance(ex: Explanation) -> list[Part]:
    p = ex.provenance
    return [provenance_part(p, ex.view, f"{p['family']}({', '.join(f'{k}={v!r}' for k, v in p['settings'].items())})")]


def provenance_part(p: dict[str, Any], view: dict[str, Any], family: str | None = None) -> Part:
    """Where the numbers come from."""
    items = {
        "Model": p["model"],
        "Probe": p["probe"],
        "Questions": f"{p['questions']} of {p['replicates']} model inputs each"
        if p["replicates"] > 1
        else str(p["questions"]),
        "Cost": cost_line(p["cost"]),
        **({"Family": family} if family else {}),
        "Seed": str(p["random_state"]),
        "Versions": ", ".join(f"{k} {v}" for k, v in p["versions"].items()),
    }
    if view.get("system"):
        items["System prompt"] = view["system"]
    return Part("provenance", "Provenance", {"items": items})


def _number(value: float, missing: str = "not defined") -> str:
    return missing if not np.isfinite(value) else f"{value:.2f}".replace("-", "−")


def _interval(low: float, high: float) -> str:
    return "" if not (np.isfinite(low) and np.isfinite(high)) else f"[{low:.3g}, {high:.3g}]".replace("-", "−")


def _level(low: float) -> str:
    if not np.isfinite(low) or low <= 0:
        return "poor"
    return "good" if low >= 0.7 else "fair" if low >= 0.4 else "weak"
