"""The Entry: one behaviour on a card, its statements as plain data with a predictor of single cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NotRequired, TypedDict

from surrogates.results.plain import plain, read
from surrogates.statements.case_predictor import CasePredictor
from surrogates.statements.verdicts import Judged

__all__ = ["Entry", "Example", "Extreme", "StatementData", "statement_data"]

#: entities whose pulls are kept: of more the file would be long, and pairing matters less
_MOST = 2000

Verdict = Literal["supported", "refuted", "inconclusive", "not testable"]


class Example(TypedDict):
    """A case that was asked: one that contradicts a statement, or one of a set, ``where`` in words."""

    prompt: str | list[tuple[str, str]]
    target: str
    answer: str
    value: float
    where: NotRequired[str]


class Extreme(TypedDict):
    """A combination of levels with the mean of its cases and a 95% interval over entities."""

    levels: Mapping[str, str]
    value: float
    low: float
    high: float


class StatementData(TypedDict):
    """A :class:`~surrogates.statements.verdicts.Judged` as plain data.

    Beside its fields: ``claim``, the statement in words without numbers; ``subject``, what it is about, which the first
    cards did not write down; ``kind``, ``margin`` and ``sign`` of the statement. Cards of earlier versions lack what is
    not required.
    """

    claim: str
    subject: NotRequired[str]
    kind: str
    margin: float
    words: str
    verdict: Verdict
    reason: str
    metric: str
    unit: str
    effect: float
    low: float
    high: float
    standardised: float
    entities: int
    cases: int
    coverage: float
    precision: float
    precision_low: float
    precision_high: float
    p: float
    p_against: float
    discovery: float
    unconditional: float
    parts: Mapping[str, Mapping[str, float]]
    worst: Mapping[str, Any]
    examples: list[Example]
    digest: str
    sign: NotRequired[int]
    asked: NotRequired[list[Example]]
    error: NotRequired[float]
    df: NotRequired[float]
    level: NotRequired[str]
    pulls: NotRequired[Mapping[str, tuple[int, float]]]


def statement_data(judged: Judged) -> StatementData:
    """Convert a tested statement to plain data."""
    statement = judged.statement
    about = {
        "claim": statement.claim(judged.metric, judged.unit),
        "subject": statement.subject,
        "kind": statement.kind,
        "margin": statement.min_effect,
        "sign": statement.sign,
    }
    kept = {name: getattr(judged, name) for name in StatementData.__annotations__ if name not in about}
    if len(kept["pulls"]) > _MOST:
        kept["pulls"] = {}
    data: StatementData = read(StatementData, plain(about | kept))
    return data


@dataclass(frozen=True)
class Entry:
    """One behaviour on a card.

    Attributes
    ----------
    name, title, metric, unit : str
    control : dict
        The positive control: ``words`` and ``verdict``.
    statements : tuple of StatementData
    cost : dict
    cases : int
    prediction : CasePredictor or None
    notes : tuple of str
    baselines : dict
        Means over all cases: ``value`` of the metric; ``chance``, the targets exchanged with the other listed answers;
        ``unconditional``, the answers scored without their prompts, where the model can do that.
    extremes : dict
        ``best`` and ``worst`` combination of levels: ``levels``, ``value``, and a 95% interval over entities, ``low``
        to ``high``, that holds for all combinations together.
    """

    name: str
    title: str
    metric: str
    unit: str
    control: Mapping[str, str]
    statements: tuple[StatementData, ...]
    cost: Mapping[str, int | float]
    cases: int
    prediction: CasePredictor | None = None
    notes: tuple[str, ...] = ()
    baselines: Mapping[str, float] = field(default_factory=dict)
    extremes: Mapping[str, Extreme] = field(default_factory=dict)
