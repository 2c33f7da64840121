"""The part that shows what a reader gains by more terms: held-out R² by how many are read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from probes.rounding import Scale, between, score
from surrogates.judging.by_terms import ByTerms
from surrogates.local.explanation import Explanation
from surrogates.report.drawings import length
from surrogates.report.part import Part
from surrogates.report.styles import SHARE, TABLE
from surrogates.report.text import scale_of

__all__ = ["FidelityByTerms", "by_terms_parts", "gain_line"]

#: outputs that are shown, and R² that is little to lose
_OUTPUTS, _LITTLE = 3, 0.02


@dataclass(frozen=True)
class CountRow:
    """One number of terms: held-out R² with its interval, the typical miss in the unit of the answers, and a bar."""

    terms: int
    r2: str
    interval: str
    miss: str
    width: str
    low: str
    span: str


@dataclass(frozen=True, kw_only=True)
class FidelityByTerms(Part):
    """Held-out R² of one output by how many terms of its surrogate, or leaves of its tree, are read."""

    template = "by_terms.html"
    style = (
        TABLE,
        SHARE,
        """\
.iomap .gains td.n { white-space: normal; }
.iomap .gains td:last-child { width: 38%; }
@container (max-width: 44rem) { .iomap .gains td:last-child { width: 25%; } .iomap .gains .share { min-width: 3rem; }
  .iomap .gains th, .iomap .gains td { padding: .3rem .25rem; } }""",
    )

    rows: tuple[CountRow, ...]
    what: str
    unit: str
    gain: str
    exact: bool
    judged: int
    lead: bool
    muted: bool

    @classmethod
    def of(cls, ex: Explanation, j: int) -> FidelityByTerms | None:
        """Make it of one output of an explanation; None where one number of terms is all there is."""
        by, f = ex.fidelity.by_terms, ex.fidelity
        if not by or len(by[j].terms) < 2 or not np.isfinite(by[j].r2).all():
            return None
        one, scale = by[j], scale_of(ex)
        spread = float(f.observed[:, j].std())
        rows = tuple(
            _row(*numbers, spread, scale) for numbers in zip(one.terms, one.r2, one.r2_low, one.r2_high, strict=True)
        )
        what, several = "leaves" if ex.surrogate.partitions else "terms", len(f.outputs) > 1
        return cls(
            title=f"What more {what} are worth" + (f": {f.outputs[j]}" if several else ""),
            rows=rows,
            what=what,
            unit=scale.unit(ex.target.unit),
            gain=gain_line(one, what),
            exact=f.exact,
            judged=f.rows,
            lead=not j,
            muted=f.refused()[j],
        )


def gain_line(one: ByTerms, what: str) -> str:
    """Say what is lost by reading fewer terms, and from how many on little is gained.

    Examples
    --------
    >>> gain_line(ByTerms((1, 2, 4), (0.3, 0.79, 0.8), (0.2, 0.7, 0.7), (0.4, 0.9, 0.9)), "terms")
    'All 4 terms reach R² 0.80. The strongest 2 reach 0.79: the rest adds little. Reading 1 alone costs 0.50.'
    >>> gain_line(ByTerms((2, 4, 8), (0.3, 0.5, 0.8), (0.2, 0.4, 0.7), (0.4, 0.6, 0.9)), "leaves")
    'All 8 leaves reach R² 0.80. Fewer lose: a tree cut to 4 reaches 0.50, which costs 0.30.'
    """
    total, best = one.terms[-1], one.r2[-1]
    if not one.r2_low[-1] > 0:
        return (
            f"No number of {what} surely predicts better than a constant: with all {total:,} the interval holds zero."
        )
    said = f"All {total:,} {what} reach R² {score(best)}."
    enough = next(i for i, r2 in enumerate(one.r2) if r2 >= best - _LITTLE)
    i = enough if enough < len(one.terms) - 1 else enough - 1
    few = f"{'a tree cut to' if what == 'leaves' else 'the strongest'} {one.terms[i]}"
    reached = f"reach{'es' if what == 'leaves' or one.terms[i] == 1 else ''} {score(one.r2[i])}"
    if i < enough:
        return f"{said} Fewer lose: {few} {reached}, which costs {score(best - one.r2[i])}."
    rest = "the rest adds little" if one.r2[i] <= best + _LITTLE else "the rest makes predictions worse"
    said = f"{said} {few[0].upper()}{few[1:]} {reached}: {rest}."
    return f"{said} Reading {one.terms[0]} alone costs {score(best - one.r2[0])}." if i else said


def by_terms_parts(ex: Explanation) -> list[Part]:
    """Return what more terms are worth for the first outputs, where it was measured."""
    found = (FidelityByTerms.of(ex, j) for j in range(len(ex.target.outputs[:_OUTPUTS])))
    return [part for part in found if part is not None]


def _row(terms: int, r2: float, low: float, high: float, spread: float, scale: Scale) -> CountRow:
    share, start, stop = (100 * float(np.clip(v, 0, 1)) for v in (r2, low, high))
    miss = scale.rounded(spread * float(np.sqrt(max(1 - r2, 0.0))))
    interval = between(low, high, score) if low < high else ""
    return CountRow(terms, score(r2), interval, miss, *map(length, (share, start, stop - start)))
