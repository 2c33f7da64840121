"""Parts about what changed over cases: arms side by side, leaves of a tree, and answers that differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from probes.rounding import between, percent, rounded, score, signed
from surrogates.report.part import Bar, Part, bar
from surrogates.report.styles import AXIS, EXAMPLE, NARROW, STACK, TABLE

__all__ = ["Answers", "Arms", "Leaves", "Said"]

#: flipped answers that a page shows
_SHOWN = 12


@dataclass(frozen=True, kw_only=True)
class Said(Part):
    """What may be said on the whole."""

    template = "said.html"
    at_once = True

    verdict: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ArmRow:
    """One arm: its mean change with interval, and how answers moved."""

    arm: str
    unit: str
    before: str
    after: str
    change: str
    interval: str
    p: str
    to_right: str
    to_wrong: str
    kl: str
    bar: Bar | None


@dataclass(frozen=True, kw_only=True)
class Arms(Part):
    """How the cases moved in each arm, the change in question first."""

    template = "arms.html"
    style = (TABLE, NARROW, STACK, AXIS)
    at_once = True

    rows: tuple[ArmRow, ...]
    names: tuple[str, str]
    unit: str
    answers: bool
    divergence: bool

    @classmethod
    def of(cls, table: pd.DataFrame, names: tuple[str, str], unit: str) -> Arms:
        """Make it of the arms of a difference over cases; bars of one unit have one scale."""
        size = table[["change", "low", "high"]].abs().max(axis=1)
        reach = size.groupby(table["unit"]).max().to_dict()
        rows = tuple(
            ArmRow(
                f"{row.arm}, {int(row.draws)} draws" if row.draws > 1 else row.arm,
                row.unit if row.unit != unit else "",
                rounded(row.before),
                rounded(row.after),
                signed(row.change),
                between(row.low, row.high),
                rounded(row.p),
                percent(row.to_right),
                percent(row.to_wrong),
                rounded(row.kl),
                bar(row.change, row.low, row.high, reach[row.unit] or 1.0) if np.isfinite(row.low) else None,
            )
            for row in table.itertuples()
        )
        answers, divergence = any(r.to_right for r in rows), any(r.kl for r in rows)
        told = {"answers": answers, "divergence": divergence}
        return cls(title="Beside what it is compared with", rows=rows, names=names, unit=unit, **told)


@dataclass(frozen=True)
class LeafRow:
    """One leaf: the cases it holds, and their change with interval."""

    rule: str
    change: str
    interval: str
    entities: int
    share: str


@dataclass(frozen=True, kw_only=True)
class Leaves(Part):
    """Where the change is: a small tree, on held-out cases."""

    template = "leaves.html"
    style = (TABLE,)

    rows: tuple[LeafRow, ...]
    fits: tuple[tuple[str, int, str, str], ...]
    unit: str

    @classmethod
    def of(cls, leaves: pd.DataFrame, surrogates: pd.DataFrame, unit: str) -> Leaves:
        """Make it of the leaves, and of how well surrogates predict."""
        rows = tuple(
            LeafRow(r.rule, signed(r.change), between(r.low, r.high), int(r.entities), percent(r.share))
            for r in leaves.itertuples()
        )
        fits = tuple((r.surrogate, int(r.terms), score(r.r2), score(r.permuted)) for r in surrogates.itertuples())
        return cls(title="Where the change is", rows=rows, fits=fits, unit=unit)


@dataclass(frozen=True, kw_only=True)
class Answers(Part):
    """Cases to which the two say different things."""

    template = "answers.html"
    style = (TABLE, NARROW, STACK, EXAMPLE)

    rows: tuple[tuple[str, str, str, str, str], ...]
    names: tuple[str, str]
    count: int
    cases: int

    @classmethod
    def of(cls, flips: pd.DataFrame, names: tuple[str, str], cases: int) -> Answers:
        """Make it of the cases that differ, the largest changes first."""
        rows = tuple(
            (r.prompt if len(r.prompt) < 400 else f"{r.prompt[:200]} … {r.prompt[-200:]}", r.target, r.said_before,
             r.said_after, signed(r.change))
            for r in flips.head(_SHOWN).itertuples()
        )  # fmt: skip
        return cls(title="Answers that became right or wrong", rows=rows, names=names, count=len(flips), cases=cases)
