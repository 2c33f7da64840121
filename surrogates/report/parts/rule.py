"""Parts about an anchor, and about the certainty of Shapley values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from probes.probe import Feature
from probes.views import View
from surrogates.report.part import Part
from surrogates.report.parts.instance import Block, blocks
from surrogates.report.scripts import script
from surrogates.report.styles import NOTE, PICTURE, PIECES, TABLE, VERDICT

__all__ = ["Anchored", "ConditionRow", "Conditions", "Rule", "Shares", "Standing", "ValueRow", "Values"]


@dataclass(frozen=True, kw_only=True)
class Rule(Part):
    """A rule in words, and how sure it is."""

    template = "rule.html"
    style = (VERDICT, NOTE)
    at_once = True

    words: str
    holds: str
    level: str
    reference: str
    precision: str
    sure: str
    asked: str
    proved: bool
    rows: int
    coverage: str
    unconditional: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Anchored(Part):
    """A text with what the rule keeps."""

    template = "anchored.html"
    style = (PIECES,)
    script = script("roving.js", "pieces.js")
    at_once = True

    blocks: tuple[Block, ...]
    share: str
    unit: str
    removal: str

    @classmethod
    def of(cls, kept: set[str], share: str, features: Sequence[Feature], view: View) -> Anchored:
        """Make it of the names of features that stay."""

        def shade(name: str) -> tuple[str, str, str]:
            return ("up", "0.50", "in the rule") if name in kept else ("up", "0", "")

        shown = blocks(view, features, shade)
        return cls(title="What it rests on", blocks=shown, share=share, unit=view["unit"], removal=view["removal"])


@dataclass(frozen=True)
class ValueRow:
    """One feature of a row: its value, and what replaces it."""

    feature: str
    value: str
    background: str


@dataclass(frozen=True, kw_only=True)
class Values(Part):
    """The row, folded away where a rule stands before it."""

    template = "values.html"
    style = (TABLE,)

    rows: tuple[ValueRow, ...]
    open: bool


@dataclass(frozen=True)
class ConditionRow:
    """One condition in words, and what replaces the value else."""

    words: str
    background: str


@dataclass(frozen=True, kw_only=True)
class Conditions(Part):
    """The conditions of a rule about a table or a cube."""

    template = "conditions.html"
    style = (TABLE,)

    rows: tuple[ConditionRow, ...]
    background: bool


@dataclass(frozen=True, kw_only=True)
class Shares(Part):
    """A figure of how often the answer is the same, with the rule and without."""

    template = "shares.html"
    style = (PICTURE,)

    picture: str


@dataclass(frozen=True, kw_only=True)
class Standing(Part):
    """How sure Shapley values, or indices of pairs, are."""

    template = "standing.html"
    style = (NOTE,)
    at_once = True

    exact: bool
    rows: int
    warnings: tuple[str, ...]
    how: str = ", in pairs of a question and its complement"
    sums: str = "They add up to the model's number for this input less that without any feature."
