"""The part that shows rules as cards: if this, then so much; how often it held, and whether it holds here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from probes.rounding import percent
from surrogates.local.explanation import Explanation
from surrogates.report.curves import weights_unit
from surrogates.report.names import condition_words, renamed
from surrogates.report.part import Part
from surrogates.report.text import scale_of
from surrogates.terms import Box

__all__ = ["RuleCard", "RuleCards"]

#: cards that are open and that there are, and outputs whose effects stand on one
_OPEN, _CARDS, _OUTPUTS = 8, 60, 3


@dataclass(frozen=True)
class RuleEffect:
    """What a rule adds to one output, and the model's mean answers where it holds and where it does not."""

    output: str
    effect: str
    there: str
    elsewhere: str


@dataclass(frozen=True)
class RuleCard:
    """One rule: its conditions, effects, how often it held among the questions, and whether it holds here."""

    conditions: tuple[str, ...]
    sign: str
    effects: tuple[RuleEffect, ...]
    share: str
    count: int
    here: bool


@dataclass(frozen=True, kw_only=True)
class RuleCards(Part):
    """The rules of a surrogate, the largest effect first."""

    template = "rule_cards.html"
    style = (
        """\
.iomap .cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); gap: .6rem;
  margin: .5rem 0; }
.iomap .ruled { border: 1px solid var(--line); border-left: 5px solid rgba(var(--hue), .8); border-radius: 4px;
  padding: .5rem .8rem; }
.iomap .ruled p { margin: 0 0 .25rem; }
.iomap .ruled em { font-style: normal; font-size: .72rem; letter-spacing: .06em; color: var(--soft); }
.iomap .ruled .off { color: var(--soft); } .iomap .ruled .on { font-weight: 600; }
.iomap .muted .ruled { --hue: 140, 140, 140; }""",
    )

    rows: tuple[RuleCard, ...]
    folded: tuple[RuleCard, ...]
    left_out: int
    asked: int
    holding: int
    start: str
    unit: str
    answers: str
    curved: bool
    muted: bool

    @classmethod
    def of(cls, ex: Explanation) -> RuleCards | None:
        """Make it of an explanation by rules; None by anything else."""
        terms, coef = ex.surrogate.terms_, np.atleast_2d(ex.surrogate.coef_)
        order = np.argsort(-np.abs(coef).sum(axis=0), kind="stable")
        rules = [(i, term) for i in order if isinstance(term := terms[i], Box) and term.conditions]
        if not rules:
            return None
        Z, features, names = ex.answers.design.Z, renamed(ex.features, ex.view), ex.target.outputs
        distinct, first = np.unique(Z, axis=0, return_index=True)
        y, scale = ex.y[first], scale_of(ex)
        cards = []
        for i, term in rules[:_CARDS]:
            holds = term(distinct) > 0
            effects = tuple(
                RuleEffect(
                    name if len(names) > 1 else "",
                    scale.signed(coef[j, i]),
                    scale.rounded(float(y[holds, j].mean())) if holds.any() else "",
                    scale.rounded(float(y[~holds, j].mean())) if not holds.all() else "",
                )
                for j, name in enumerate(names[:_OUTPUTS])
            )
            cards.append(
                RuleCard(
                    tuple(condition_words(condition, features, ex.view) for condition in term.conditions),
                    "up" if coef[0, i] >= 0 else "down",
                    effects,
                    percent(float(holds.mean())),
                    int(holds.sum()),
                    bool(term(Z[:1])[0]),
                )
            )
        return cls(
            title="The surrogate: rules",
            rows=tuple(cards[:_OPEN]),
            folded=tuple(cards[_OPEN:]),
            left_out=len(rules) - len(cards),
            asked=len(distinct),
            holding=sum(bool(term(Z[:1])[0]) for _, term in rules),
            start=", ".join(scale.rounded(v) for v in np.atleast_1d(ex.surrogate.intercept_)[:_OUTPUTS]),
            unit=weights_unit(ex.surrogate, scale.unit(ex.target.unit)),
            answers=scale.unit(ex.target.unit),
            curved=ex.surrogate.curved,
            muted=all(ex.fidelity.refused()),
        )
