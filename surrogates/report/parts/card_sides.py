"""The part that puts two behaviour cards side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from probes.rounding import between, in_unit, rounded, signed
from surrogates.report.part import Part
from surrogates.report.parts.statements import LEVEL
from surrogates.report.styles import CLAIM, NARROW, STACK, TABLE, TAG
from surrogates.statements.card_pairs import DIFFER, NOT_TESTED, UNCLEAR

__all__ = ["FOUND", "CardSides"]

#: class of what is found of a difference
FOUND = {DIFFER: "holds", UNCLEAR: "unsettled", NOT_TESTED: "untested"}


@dataclass(frozen=True)
class Side:
    """A statement on one of two cards: its verdict and effect."""

    verdict: str
    level: str
    effect: str

    @classmethod
    def of(cls, verdict: str, effect: float, unit: str) -> Side:
        """Make it of a verdict, empty for a statement that the card does not have."""
        size = in_unit(signed(effect), unit) if np.isfinite(effect) else ""
        return cls(verdict or "not on this card", LEVEL.get(verdict, "untested"), size)


@dataclass(frozen=True)
class SidesRow:
    """An effect on two cards, and what is found of their difference."""

    behaviour: str
    claim: str
    other_claim: str
    sides: tuple[Side, Side]
    difference: str
    interval: str
    p: str
    entities: str
    outcome: str
    level: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class CardSides(Part):
    """The statements of two cards side by side, in the same words, metric and unit."""

    template = "card_sides.html"
    style = (TABLE, TAG, CLAIM, NARROW, STACK)

    rows: tuple[SidesRow, ...]
    names: tuple[str, str]

    @classmethod
    def of(cls, table: pd.DataFrame, names: tuple[str, str]) -> CardSides:
        """Make it of the table of a difference of cards."""
        rows = tuple(
            SidesRow(
                row.behaviour,
                row.claim or row.other_claim,
                row.other_claim if row.claim and row.other_claim != row.claim else "",
                (
                    Side.of(row.verdict, row.effect, row.unit),
                    Side.of(row.other_verdict, row.other_effect, row.unit),
                ),
                in_unit(signed(row.difference), row.unit) if np.isfinite(row.difference) else "",
                between(row.low, row.high),
                rounded(row.p),
                str(int(row.entities)) if row.entities else "",
                row.outcome,
                FOUND[row.outcome],
                row.reason,
            )
            for row in table.itertuples()
        )
        return cls(title="Side by side", rows=rows, names=names)
