"""Parts about where two models differ among rows: rules with how often they differ there, a tree, and such rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from probes.rounding import between, percent, rounded, score, signed
from surrogates.report.labels import with_unit
from surrogates.report.part import Part
from surrogates.report.parts.statements import LEVEL
from surrogates.report.styles import CLAIM, EXAMPLE, NARROW, SHARE, STACK, TABLE, TAG

__all__ = ["DifferingRows", "RegionLeaves", "Regions", "ShareBar"]

#: rows that a page shows
_SHOWN = 12
#: characters of an input at most, half from either end
_LONGEST = 400


@dataclass(frozen=True)
class ShareBar:
    """A share with its interval and another one to compare it with: lengths in percent."""

    width: str
    low: str
    span: str
    beside: str

    @classmethod
    def of(cls, value: float, low: float, high: float, beside: float) -> ShareBar:
        """Make it of shares from 0 to 1.

        Examples
        --------
        >>> ShareBar.of(0.5, 0.25, 0.75, 0.1)
        ShareBar(width='50.0', low='25.0', span='50.0', beside='10.0')
        """
        shares = (value, low, high - low, beside)
        return cls(*(f"{100 * float(np.clip(np.nan_to_num(share), 0, 1)):.1f}" for share in shares))


@dataclass(frozen=True)
class RegionRow:
    """One rule: how often the two differ where it holds, and elsewhere."""

    number: int
    rule: str
    verdict: str
    level: str
    precision: str
    interval: str
    elsewhere: str
    share: str
    recall: str
    change: str
    bar: ShareBar | None


@dataclass(frozen=True, kw_only=True)
class Regions(Part):
    """Rules that say where the two differ, tested on held-out rows."""

    template = "regions.html"
    style = (TABLE, TAG, CLAIM, NARROW, STACK, SHARE)
    at_once = True

    rows: tuple[RegionRow, ...]
    together: str
    change: str

    @classmethod
    def of(cls, rules: pd.DataFrame, together: pd.DataFrame, unit: str) -> Regions:
        """Make it of rules and of how they do together, one rule at least."""
        rows = tuple(
            RegionRow(
                i,
                row.rule,
                row.verdict,
                LEVEL[row.verdict],
                percent(row.precision),
                between(row.low, row.high, percent),
                percent(row.elsewhere),
                percent(row.share),
                percent(row.recall),
                signed(row.change),
                ShareBar.of(row.precision, row.low, row.high, row.elsewhere) if np.isfinite(row.low) else None,
            )
            for i, row in enumerate(rules.itertuples(), start=1)
        )
        return cls(
            title="Where they differ",
            rows=rows,
            together=together_in_words(together),
            change=with_unit(["change"], unit),
        )


def together_in_words(together: pd.DataFrame) -> str:
    """Say how well all rules together tell the rows where two models differ."""
    whole = together.iloc[-1]
    first = "The rule" if len(together) == 1 else f"The {len(together)} rules together"
    return (
        f"{first}: precision {percent(whole['precision'])}, recall {percent(whole['recall'])}, F1 {score(whole['f1'])} "
        f"{between(whole['low'], whole['high'], score)}; found the same way in shuffled differences, F1 "
        f"{score(whole['shuffled'])}."
    )


@dataclass(frozen=True, kw_only=True)
class RegionLeaves(Part):
    """A small tree of the change, and how well surrogates predict it."""

    template = "region_leaves.html"
    style = (TABLE,)

    rows: tuple[tuple[str, str, str, str, str], ...]
    fits: tuple[tuple[str, int, str, str], ...]
    change: str

    @classmethod
    def of(cls, leaves: pd.DataFrame, surrogates: pd.DataFrame, name: str, unit: str) -> RegionLeaves:
        """Make it of the leaves, the surrogates, and the number that changes."""
        rows = tuple(
            (r.rule, signed(r.change), between(r.low, r.high), percent(r.differ), percent(r.share))
            for r in leaves.itertuples()
        )
        fits = tuple((r.surrogate, int(r.terms), score(r.r2), score(r.permuted)) for r in surrogates.itertuples())
        change = with_unit([f"change of {name}"], unit)
        return cls(title="How much it changes", rows=rows, fits=fits, change=change)


@dataclass(frozen=True, kw_only=True)
class DifferingRows(Part):
    """Rows where the two differ, the largest changes first."""

    template = "differing_rows.html"
    style = (TABLE, NARROW, STACK, EXAMPLE)

    rows: tuple[tuple[str, str, str, str, str], ...]
    names: tuple[str, str]
    count: int
    asked: int

    @classmethod
    def of(cls, differences: pd.DataFrame, names: tuple[str, str], asked: int) -> DifferingRows:
        """Make it of the rows that differ."""
        rows = tuple(
            (
                r.input if len(r.input) < _LONGEST else f"{r.input[: _LONGEST // 2]} … {r.input[-_LONGEST // 2 :]}",
                r.said_before or rounded(r.before),
                r.said_after or rounded(r.after),
                signed(r.change),
                str(int(r.rule)) if r.rule else "",
            )
            for r in differences.head(_SHOWN).itertuples()
        )
        return cls(title="Rows where they differ", rows=rows, names=names, count=len(differences), asked=asked)
