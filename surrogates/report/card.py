"""Behaviour card → one self-contained HTML page, or a page of two cards side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from surrogates.report.explanation import Part
from surrogates.report.page import _environment
from surrogates.report.text import cost_line

if TYPE_CHECKING:
    from surrogates.statements.card import Card, Entry

__all__ = ["page"]

_LEVEL = {"supported": "good", "refuted": "poor", "inconclusive": "weak", "not testable": "fair"}
_EXAMPLES = 3
_BASELINES = {
    "value": "measured",
    "chance": "by chance (answers exchanged)",
    "unconditional": "answers alone, without their prompts",
}


def page(card: Card, other: Card | None = None) -> str:
    """A whole HTML document."""
    if other is None:
        title = f"Behaviour card: {card.model}"
        parts = [_overview(card), *(_entry(e) for e in card.entries), _provenance([card])]
    else:
        title = f"Behaviour cards: {card.model} and {other.model}"
        parts = [_sides(card, other), _provenance([card, other])]
    return _environment().get_template("page.html").render(title=title, parts=parts)


def _overview(card: Card) -> Part:
    counts = card.table["verdict"].value_counts()
    rows = [{"verdict": v, "level": _LEVEL[v], "count": int(counts.get(v, 0))} for v in _LEVEL]
    return Part("overview", data={"rows": rows, "seconds": f"{card.seconds:.0f}", "cost": cost_line(vars(card.cost))})


def _entry(e: Entry) -> Part:
    reach: dict[str, float] = {}
    for s in e.statements:
        sizes = [abs(v) for v in (s["effect"], s["low"], s["high"]) if np.isfinite(v)]
        reach[s["unit"]] = max([reach.get(s["unit"], 0.0), *sizes])
    rows = []
    for s in e.statements:
        known = np.isfinite(s["effect"])
        worst = s["worst"]
        rows.append(
            {
                "claim": s["claim"],
                "verdict": s["verdict"],
                "level": _LEVEL[s["verdict"]],
                "reason": s["reason"],
                "margin": f"{s['margin']:.2g} {s['unit']}" if s["kind"] == "equivalence" and known else "",
                "unit": s["unit"] if s["unit"] != e.unit else "",
                "effect": _signed(s["effect"]) if known else "",
                "interval": f"[{s['low']:.2g}, {s['high']:.2g}]".replace("-", "−") if known else "",
                "entities": s["entities"],
                "precision": f"{s['precision']:.0%}" if np.isfinite(s["precision"]) else "",
                "alone": _signed(s["unconditional"]) if np.isfinite(s.get("unconditional", np.nan)) else "",
                "bar": _bar(s, reach[s["unit"]] or 1.0) if known else None,
                "worst": ", ".join(f"{k}: {v}" for k, v in worst["levels"].items()) if worst else "",
                "examples": [_example(x) for x in s["examples"][:_EXAMPLES]],
            }
        )
    foretold = ""
    if e.prediction is not None and np.isfinite(e.prediction.scores["r2"]):
        scores, told = e.prediction.scores, e.prediction.summary()
        foretold = (
            f"Stitched together, this {told}; Brier score {scores['brier']:.3f} (constant "
            f"{scores['brier_constant']:.3f}), calibration error {scores['calibration']:.2f}."
        )
    means = [f"{_BASELINES[n]} {_signed(v)} {e.unit}" for n, v in e.baselines.items() if np.isfinite(v)]
    baselines = f"Mean of all cases: {'; '.join(means)}." if means else ""
    for name, cell in e.extremes.items():
        where = ", ".join(f"{k}: {v}" for k, v in cell["levels"].items())
        number = f"{_signed(cell['value'])} {e.unit} [{cell['low']:.2g}, {cell['high']:.2g}]".replace("-", "−")
        baselines += f" {name.capitalize()} combination: {number} ({where})."
    data = {
        "rows": rows,
        "baselines": baselines,
        "alone": any(r["alone"] for r in rows),
        "metric": e.metric.replace("_", " "),
        "unit": e.unit,
        "control": dict(e.control),
    }
    return Part("statements", e.title, {**data, "cases": e.cases, "prediction": foretold, "notes": list(e.notes)})


def _example(x: Any) -> dict[str, str]:
    prompt = x["prompt"]
    text = prompt if isinstance(prompt, str) else " | ".join(f"{role}: {content}" for role, content in prompt)
    return {
        "prompt": text if len(text) < 400 else f"{text[:200]} … {text[-200:]}",
        "target": x["target"],
        "answer": x["answer"],
        "value": _signed(x["value"]),
    }


def _bar(s: Any, reach: float) -> dict[str, str]:
    def at(v: float) -> float:
        return 50 + 50 * float(np.clip(v / reach, -1, 1))

    left, right = sorted((0.0, s["effect"]))
    return {
        "sign": "up" if s["effect"] >= 0 else "down",
        "left": f"{at(left):.2f}",
        "width": f"{at(right) - at(left):.2f}",
        "low": f"{at(s['low']):.2f}",
        "span": f"{at(s['high']) - at(s['low']):.2f}",
    }


def _sides(card: Card, other: Card) -> Part:
    table = card.compare(other)
    rows = [
        {
            "behaviour": row.behaviour,
            "claim": row.claim,
            "first": _side(row.verdict, row.effect),
            "second": _side(row.other_verdict, row.other_effect),
            "difference": _signed(row.difference),
            "apart": bool(row.apart),
        }
        for row in table.itertuples()
    ]
    return Part("sides", "Side by side", {"rows": rows, "names": [card.model, other.model]})


def _side(verdict: str, effect: float) -> dict[str, str]:
    """A verdict of one card; what it does not hold is said to be so."""
    return {"verdict": verdict or "not on this card", "level": _LEVEL.get(verdict, "fair"), "effect": _signed(effect)}


def _provenance(cards: list[Card]) -> Part:
    items = {}
    for i, card in enumerate(cards):
        mark = f" {i + 1}" if len(cards) > 1 else ""
        items[f"Model{mark}"] = card.model
        items[f"Fingerprint{mark}"] = card.identity
        items[f"Cost{mark}"] = cost_line(vars(card.cost))
        items[f"Versions{mark}"] = ", ".join(f"{k} {v}" for k, v in card.versions.items())
    return Part("provenance", "Provenance", {"items": items})


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−") if np.isfinite(value) else ""
