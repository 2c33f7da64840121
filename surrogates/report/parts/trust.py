"""Parts about how far a result can be trusted: verdict, judgement, checks, families compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from probes.rounding import Scale, between, score
from surrogates.judging.fidelity import Fidelity
from surrogates.local.finding import Finding
from surrogates.report.part import Part, level, picture
from surrogates.report.plots.kinds import Plot, draw_into
from surrogates.report.styles import CHECK, NOTE, PICTURE, PROOF, TABLE, VERDICT

__all__ = ["Checks", "Comparison", "Judgement", "Verdict"]


#: outputs whose held-out answers are drawn
_SCATTERS = 12


@dataclass(frozen=True)
class VerdictRow:
    """One output: its verdict in words, R² with its interval, rank agreement."""

    output: str
    verdict: str
    level: str
    r2: str
    rank: str


@dataclass(frozen=True, kw_only=True)
class Verdict(Part):
    """How far to trust an explanation, first of all."""

    template = "verdict.html"
    style = (VERDICT, PROOF, NOTE)
    at_once = True

    rows: tuple[VerdictRow, ...]
    held: str
    proof: str | None
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, f: Fidelity, proof: str | None, warnings: Sequence[str], change: bool = False) -> Verdict:
        """Make it of a fidelity (of a model, or of a change), the words of a certificate, and warnings."""
        verdicts, refused = f.judgement(change), f.refused(change)
        rows = tuple(
            VerdictRow(
                name,
                verdicts[j],
                "poor" if refused[j] else level(f.r2_low[j]),
                f.scored(j),
                score(f.rank[j]),
            )
            for j, name in enumerate(f.outputs)
        )
        held = f"exact: all {f.rows} possible questions were asked" if f.exact else f"on {f.rows} held-out answers"
        return cls(title="How far to trust this", rows=rows, held=held, proof=proof, warnings=tuple(warnings))


@dataclass(frozen=True)
class JudgementRow:
    """One output: held-out R² of the surrogate, of baselines and of the control; rank agreement; errors by thirds."""

    output: str
    surrogate: str
    constant: str
    leave_one_out: str
    permuted: str
    rank: str
    thirds: str


@dataclass(frozen=True)
class Scatter:
    """A figure of one output's held-out answers against predictions."""

    output: str
    picture: str


@dataclass(frozen=True, kw_only=True)
class Judgement(Part):
    """How fidelity was measured, with a figure of predictions against answers for each output."""

    template = "judgement.html"
    style = (TABLE, PICTURE)

    rows: tuple[JudgementRow, ...]
    pictures: tuple[Scatter, ...]
    exact: bool
    count: int

    @classmethod
    def of(cls, f: Fidelity, drawn: Callable[[str], Plot], scale: Scale) -> Judgement:
        """Make it of a fidelity, and of what plots the held-out answers of an output by its name."""
        errors = f.thirds["error"].to_numpy().reshape(-1, 3)
        rows = tuple(
            JudgementRow(
                name,
                f.scored(j),
                score(f.constant[j]),
                score(f.leave_one_out[j], missing="not asked: too dear for this budget"),
                score(f.permuted[j]),
                f.ranked(j),
                ", ".join(scale.signed(error, missing="none") for error in errors[j]),
            )
            for j, name in enumerate(f.outputs)
        )
        pictures = tuple(Scatter(name, picture(drawn(name), draw_into, (3.9, 3.6))) for name in f.outputs[:_SCATTERS])
        return cls(title="How it was judged", rows=rows, pictures=pictures, exact=f.exact, count=f.rows)


@dataclass(frozen=True)
class CheckRow:
    """One check: whether it passed, what it found, how many inputs it asked."""

    name: str
    mark: str
    level: str
    finding: str
    asked: int


@dataclass(frozen=True, kw_only=True)
class Checks(Part):
    """What checks of an explanation found."""

    template = "checks.html"
    style = (TABLE, CHECK)

    rows: tuple[CheckRow, ...]

    @classmethod
    def of(cls, findings: Sequence[Finding]) -> Checks:
        """Make it of findings."""
        marks = {True: ("passed", "good"), False: ("failed", "poor"), None: ("not possible", "weak")}
        rows = tuple(CheckRow(f.name, *marks[f.passed], f.sentence, f.cost["rows"]) for f in findings)
        return cls(title="Checks", rows=rows)


@dataclass(frozen=True)
class ComparisonRow:
    """One family: its number of terms, held-out R² with its interval, and R² less the penalty for terms."""

    family: str
    terms: str
    r2: str
    score: str


@dataclass(frozen=True, kw_only=True)
class Comparison(Part):
    """The families that were compared, the one shown first."""

    template = "comparison.html"
    style = (TABLE, PICTURE)

    rows: tuple[ComparisonRow, ...]
    picture: str

    @classmethod
    def of(cls, table: pd.DataFrame, picture: str) -> Comparison:
        """Make it of rows ``family, terms, r2, r2_low, r2_high, score`` and a figure."""
        rows = tuple(
            ComparisonRow(
                row.family,
                str(row.terms),
                f"{score(row.r2)} {between(row.r2_low, row.r2_high, score)}",
                score(row.score),
            )
            for row in table.itertuples()
        )
        return cls(title="Families compared", rows=rows, picture=picture)
