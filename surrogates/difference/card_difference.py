"""The CardDifference: what differs between two behaviour cards, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar

import pandas as pd

from probes.rounding import between, signed
from surrogates.results.plain import Columns
from surrogates.results.provenance import CostData, no_cost
from surrogates.results.result import SavedResult
from surrogates.statements.card_pairs import DIFFER, NOT_TESTED, NUMBERS, WORDS

if TYPE_CHECKING:
    pass

__all__ = ["ASKED", "CardDifference"]

#: columns of words of the questions that both cards hold
ASKED = "behaviour where prompt target answer other_answer metric unit"


@dataclass(frozen=True)
class CardDifference(SavedResult):
    """Two behaviour cards side by side: two models, or one model at two dates, asked about the same behaviours.

    Attributes
    ----------
    table : DataFrame
        One row an effect, those of the first card first: ``behaviour``, what either card claims of it (``claim``,
        ``other_claim``; empty where it has no such statement), ``metric, unit``, either card's ``verdict, effect``
        (``other_verdict, other_effect``), the ``difference`` (second minus first) with its 95% interval ``low`` to
        ``high``, ``p`` (two-sided, adjusted by Holm for all rows that are tested), the ``entities`` that it rests on
        and how many of them are on both cards (``shared``), the ``outcome``: "differ", "no clear difference" or "not
        tested", and a ``reason``. ``apart`` says whether the outcome is "differ".
    names, models : (str, str)
        What the two are called, and their identities.
    asked : DataFrame
        Questions that stand on both cards with either answer: ``behaviour, where, prompt, target, answer, other_answer,
        metric, unit, value, other_value``.
    costs : (dict, dict)
        What the answers behind either card cost.
    notes : tuple of str
    """

    kind: ClassVar[str] = "card difference"
    named: ClassVar[str] = "a difference of behaviour cards"

    table: Annotated[pd.DataFrame, Columns(WORDS, NUMBERS)]
    names: tuple[str, str]
    models: tuple[str, str] = ("", "")
    asked: Annotated[pd.DataFrame, Columns(ASKED, "value other_value")] = field(
        default_factory=pd.DataFrame, repr=False
    )
    costs: tuple[CostData, CostData] = field(default_factory=lambda: (no_cost(), no_cost()))
    notes: tuple[str, ...] = ()

    @property
    def differing(self) -> pd.DataFrame:
        """The rows that differ, the smallest p first."""
        rows = self.table[self.table["outcome"] == DIFFER]
        return rows.sort_values("p", kind="stable", ignore_index=True)

    @property
    def verdict(self) -> str:
        """What may be said, in two or three sentences."""
        first, second = (f"“{name}”" for name in self.names)
        tested, found = self.table[self.table["outcome"] != NOT_TESTED], self.differing
        left = len(self.table) - len(tested)
        rest = f" {left} more {'is' if left == 1 else 'are'} not tested." if left else ""
        if not len(tested):
            return f"No effect stands on both cards with a number, so nothing is said of {first} and {second}.{rest}"
        of = f"of the {len(tested)} effects" if len(tested) > 1 else "of the one effect"
        if not len(found):
            return (
                f"{first} and {second} differ clearly in none {of} that both cards have. That does not prove them "
                f"equal: the intervals say how large a difference may be.{rest}"
            )
        row, most = found.iloc[0], "all" if 1 < len(found) == len(tested) else len(found)
        size = f"{signed(row['difference'])} {row['unit']} {between(row['low'], row['high'])}"
        return (
            f"{first} and {second} differ clearly in {most} {of} that both cards have. The surest is that of "
            f"“{row['claim']}” ({row['behaviour']}): in {second} less that in {first} it is {size}.{rest}"
        )
