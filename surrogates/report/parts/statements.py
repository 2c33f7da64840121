"""Parts about statements: a card's counts, a behaviour's statements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from probes.rounding import between, in_unit, percent, rounded, score, signed
from surrogates.report.labels import with_unit
from surrogates.report.part import Part
from surrogates.report.parts.asked_cases import ends
from surrogates.report.styles import CLAIM, EXAMPLE, NARROW, STACK, TABLE, TAG
from surrogates.statements.case_predictor import CasePredictor
from surrogates.statements.entry import Entry, StatementData
from surrogates.statements.entry import Example as ExampleData

__all__ = ["LEVEL", "Overview", "Statements"]

#: class of a verdict
LEVEL = {"supported": "holds", "refuted": "against", "inconclusive": "unsettled", "not testable": "untested"}
_EXAMPLES = 3
#: the two ends of the combinations of levels, in words without worth
_ENDS = {"best": "Highest", "worst": "Lowest"}
_BASELINES = {
    "value": "measured",
    "chance": "by chance (answers exchanged)",
    "unconditional": "answers alone, without their prompts",
}


@dataclass(frozen=True)
class CountRow:
    """How many statements have a verdict."""

    verdict: str
    level: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Overview(Part):
    """How many statements have each verdict, and what the answers cost."""

    template = "overview.html"
    style = (TAG, CLAIM)
    at_once = True

    rows: tuple[CountRow, ...]
    seconds: str
    cost: str

    @classmethod
    def of(cls, verdicts: pd.Series, seconds: float, cost: str) -> Overview:
        """Make it of verdicts, seconds and the cost in words."""
        counts = verdicts.value_counts()
        rows = tuple(CountRow(v, mark, int(counts.get(v, 0))) for v, mark in LEVEL.items())
        return cls(rows=rows, seconds=f"{rounded(seconds)} s. " if seconds else "", cost=cost)


@dataclass(frozen=True)
class Example:
    """A case: the set it is of, in words, what was asked, the right answer and the model's, and its number."""

    where: str
    prompt: str
    target: str
    answer: str
    value: str

    @classmethod
    def of(cls, x: ExampleData) -> Example:
        """Make it of a case; of a long prompt its ends are kept."""
        return cls(x.get("where", ""), ends(x["prompt"]), x["target"].strip(), x["answer"].strip(), signed(x["value"]))


@dataclass(frozen=True)
class StatementRow:
    """One statement: verdict, claim, effect with interval, what it rests on, a case asked, what contradicts it."""

    claim: str
    verdict: str
    level: str
    reason: str
    margin: str
    unit: str
    effect: str
    interval: str
    entities: int
    precision: str
    alone: str
    control: str
    beyond: str
    worst: str
    asked: tuple[Example, ...]
    examples: tuple[Example, ...]

    @classmethod
    def of(cls, s: StatementData, unit: str, controls: Mapping[str, float]) -> StatementRow:
        """Make it of a statement; `unit` is the card's.

        `controls` is what random controls change on the same cases; empty where there are none.
        """
        known = bool(np.isfinite(s["effect"]))
        levels = s["worst"].get("levels", {})
        return cls(
            claim=s["claim"],
            verdict=s["verdict"],
            level=LEVEL[s["verdict"]],
            reason=s["reason"],
            margin=f"{rounded(s['margin'])} {s['unit']}" if s["kind"] == "equivalence" and known else "",
            unit=s["unit"] if s["unit"] != unit else "",
            effect=signed(s["effect"]),
            interval=between(s["low"], s["high"]) if known else "",
            entities=s["entities"],
            precision=percent(s["precision"]),
            alone=signed(s["unconditional"]),
            control=_with_interval(controls, "control"),
            beyond=_with_interval(controls, "beyond"),
            worst=_levels(levels),
            asked=tuple(map(Example.of, s.get("asked", ()))),
            examples=tuple(Example.of(x) for x in s["examples"][:_EXAMPLES]),
        )


@dataclass(frozen=True, kw_only=True)
class Statements(Part):
    """The statements about one behaviour."""

    template = "statements.html"
    style = (TABLE, TAG, CLAIM, NARROW, STACK, EXAMPLE, ".iomap td.both { white-space: normal; }")
    at_once = True

    rows: tuple[StatementRow, ...]
    baselines: str
    alone: bool
    controlled: bool
    metric: str
    control: Mapping[str, str]
    cases: int
    prediction: str
    notes: tuple[str, ...]

    @classmethod
    def of(cls, e: Entry, controls: pd.DataFrame | None = None) -> Statements:
        """Make it of an entry of a card.

        `controls` has what random controls change, a row a statement, or none.
        """
        known: list[Any] = [] if controls is None else controls.to_dict("records")
        beside = known or [{}] * len(e.statements)
        rows = tuple(StatementRow.of(s, e.unit, control) for s, control in zip(e.statements, beside, strict=True))
        return cls(
            title=e.title,
            rows=rows,
            baselines=_baselines(e),
            alone=any(row.alone for row in rows),
            controlled=any(row.control for row in rows),
            metric=with_unit([e.metric.replace("_", " ")], e.unit),
            control=dict(e.control),
            cases=e.cases,
            prediction=_prediction(e),
            notes=tuple(e.notes),
        )


def _with_interval(numbers: Mapping[str, float], name: str) -> str:
    """Write a number of a table with its interval; empty where it is unknown."""
    if name not in numbers or not np.isfinite(numbers[name]):
        return ""
    return f"{signed(numbers[name])} {between(numbers[f'{name}_low'], numbers[f'{name}_high'])}"


def _baselines(e: Entry) -> str:
    """Say the means of all cases, and the highest and lowest of combinations of levels."""
    means = [f"{_BASELINES[n]} {in_unit(signed(v), e.unit)}" for n, v in e.baselines.items() if np.isfinite(v)]
    words = f"Mean of all cases: {'; '.join(means)}." if means else ""
    for name, cell in e.extremes.items():
        held = f"{in_unit(signed(cell['value']), e.unit)} {between(cell['low'], cell['high'])}"
        words += f" {_ENDS.get(name, name)} mean of a combination: {held} ({_levels(cell['levels'])})."
    return words


def _prediction(e: Entry) -> str:
    """Say how well single cases are predicted, in words; empty where they are not."""
    if e.prediction is None or not np.isfinite(e.prediction.scores["r2"]):
        return ""
    return f"Stitched together, this {e.prediction.summary()}.{_chances(e.prediction)}"


def _chances(fit: CasePredictor) -> str:
    """Say how good the chances are of cases to be above the reference; empty where all of them are, or none."""
    scores = fit.scores
    if not scores["brier_constant"] > 0:
        return ""
    return (
        f" Whether a case is above {rounded(fit.reference)}: Brier score {score(scores['brier'])} (of a constant "
        f"{score(scores['brier_constant'])}), calibration error {score(scores['calibration'])}."
    )


def _levels(levels: Mapping[str, str]) -> str:
    return ", ".join(f"{factor}: {level}" for factor, level in levels.items())
