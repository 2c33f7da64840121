"""A forest of statements: effects with intervals, and verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from probes.errors import InputError
from surrogates.difference.card_difference import CardDifference
from surrogates.difference.case_difference import CaseDifference
from surrogates.difference.one_vector import VectorShare
from surrogates.report.labels import cut, wrapped
from surrogates.report.plots.drawing import INK, SOFT, VERDICTS, height_of, literal, rows
from surrogates.report.plots.kinds import Plot, plotted
from surrogates.statements.card import Card
from surrogates.statements.card_pairs import DIFFER, NOT_TESTED, UNCLEAR
from surrogates.statements.entry import Entry
from surrogates.statements.study import Study
from surrogates.visible import in_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["MARKERS", "Forest", "statements"]

#: marks of verdicts, told apart without colour
MARKERS = {"supported": "o", "refuted": "X", "inconclusive": "D", "not testable": "s", DIFFER: "o", UNCLEAR: "D"}
#: letters of a claim and its verdict in one line
_ONE_LINE = 46
#: letters of a card's name
_CARD = 24
#: their colours, and those of differences of cards
COLOURS = {**VERDICTS, DIFFER: VERDICTS["supported"], UNCLEAR: VERDICTS["inconclusive"]}


@dataclass(frozen=True, kw_only=True)
class Forest(Plot):
    """Effects of statements with 95% intervals, the first statement on top.

    Attributes
    ----------
    claims, verdicts : tuple of n str
    effect, low, high : ndarray ``(n,)``
    axis : str
        What effects are, and their unit.
    """

    claims: tuple[str, ...]
    verdicts: tuple[str, ...]
    effect: np.ndarray
    low: np.ndarray
    high: np.ndarray
    axis: str

    @property
    def size(self) -> tuple[float, float]:
        return 7.5, height_of(len(self.claims), 0.55)

    def draw(self, ax: Axes) -> None:
        """Draw a point for each statement; its shape and colour say the verdict."""
        place = np.arange(len(self.claims))[::-1]
        errors = np.nan_to_num(np.abs(np.array([self.low, self.high]) - self.effect))
        ax.errorbar(self.effect, place, xerr=errors, fmt="none", ecolor=SOFT, elinewidth=1, capsize=3)
        for x, y, verdict in zip(self.effect, place, self.verdicts, strict=True):
            ax.scatter([x], [y], color=COLOURS[verdict], marker=MARKERS[verdict], s=36, zorder=3)
        ax.axvline(0, color=INK, linewidth=0.8)
        rows(ax, [_label(*both) for both in zip(self.claims, self.verdicts, strict=True)])
        ax.set_xlabel(literal(self.axis), loc="right")

    @classmethod
    def of(cls, entry: Entry, change: str = "") -> Forest:
        """Take the statements in the unit of a behaviour; those that could not be tested have no effect."""
        shown = [s for s in entry.statements if s["unit"] in (entry.unit, "") and np.isfinite(s["effect"])]
        effect, low, high = (np.array([s[name] for s in shown], dtype=float) for name in ("effect", "low", "high"))
        claims, verdicts = tuple(s["claim"] for s in shown), tuple(s["verdict"] for s in shown)
        axis = f"{entry.metric.replace('_', ' ')} ({entry.unit}){change}"
        return cls(claims=claims, verdicts=verdicts, effect=effect, low=low, high=high, axis=axis)


def _label(claim: str, verdict: str) -> str:
    """Return a claim in two lines at most, with its verdict."""
    line = f"{claim} ({verdict})"
    return literal(line if len(line) <= _ONE_LINE else f"{wrapped(in_line(claim), 40)}\n({verdict})")


@plotted("statements", Card, first=True)
def statements(card: Card, behaviour: str | None = None) -> Forest:
    """Take the statements about one behaviour on a card, the first by default."""
    if not card.entries:
        raise InputError("card", "hold at least one behaviour", "none")
    return Forest.of(card.entries[0] if behaviour is None else card.entry(behaviour))


@plotted("statements", Study, first=True)
def statements_of_study(study: Study) -> Forest:
    """Take the statements of a study."""
    return Forest.of(study.entry())


@plotted("statements", CaseDifference, first=True)
def statements_of_change(difference: CaseDifference) -> Forest:
    """Take the statements about a change."""
    before, after = difference.names
    return Forest.of(difference.entry, f", {before} to {after}")


@plotted("statements", CardDifference, first=True)
def statements_of_cards(difference: CardDifference) -> Forest:
    """Take the differences that were tested, in the unit that most of them have."""
    tested = difference.table[difference.table["outcome"] != NOT_TESTED]
    if not len(tested):
        raise InputError("difference", "have an effect that was tested", "none")
    unit = str(tested["unit"].mode().iloc[0])
    shown = tested[tested["unit"] == unit]
    first, second = difference.names
    return Forest(
        claims=tuple(row.claim or row.other_claim for row in shown.itertuples()),
        verdicts=tuple(shown["outcome"]),
        effect=shown["difference"].to_numpy(dtype=float),
        low=shown["low"].to_numpy(dtype=float),
        high=shown["high"].to_numpy(dtype=float),
        axis=f"{cut(second, _CARD)} less {cut(first, _CARD)} ({unit})",
    )


@plotted("statements", VectorShare, first=True)
def statements_of_vector(found: VectorShare) -> Forest:
    """Take the shares of a change that a vector and random ones make."""
    table = found.claims
    return Forest(
        claims=tuple(table["claim"]),
        verdicts=tuple(table["verdict"]),
        effect=table["share"].to_numpy(dtype=float),
        low=table["low"].to_numpy(dtype=float),
        high=table["high"].to_numpy(dtype=float),
        axis="share of the change",
    )
