"""A surrogate of a model over rows of a table → the parts of its page, and text."""

from __future__ import annotations

import numpy as np

from probes.rounding import Scale, in_unit, score
from surrogates.judging.verdict import PERMUTED
from surrogates.many.global_surrogate import GlobalSurrogate
from surrogates.report.curves import named
from surrogates.report.labels import with_unit
from surrogates.report.page import Contents, contents
from surrogates.report.part import Part, made
from surrogates.report.parts.again import Again
from surrogates.report.parts.arms import Said
from surrogates.report.parts.asked_cases import AskedCase, AskedCases, Reply
from surrogates.report.parts.effects import Terms
from surrogates.report.parts.head import Head
from surrogates.report.parts.trust import Judgement
from surrogates.report.plots.predictions_plot import predicted_rows
from surrogates.report.repeat_call import global_line
from surrogates.report.sentence import listed, quoted
from surrogates.report.terminal import paragraph
from surrogates.results.result import text_of
from surrogates.visible import joined

__all__ = ["global_contents", "global_text"]

#: columns that are named in the head
_NAMES = 5


@contents.register
def global_contents(surrogate: GlobalSurrogate) -> Contents:
    """Take a global surrogate apart."""
    makers = [_lead, _head, _asked, _again, _terms, _judged]
    return Contents(f"Global surrogate: {with_unit([surrogate.output], surrogate.unit)}", made(makers, surrogate))


def _lead(g: GlobalSurrogate) -> list[Part]:
    """Say how well the model is predicted from row to row, and by what; a poor fit comes first."""
    f = g.fidelity
    sure = np.isfinite(f.r2_low[0]) and f.r2_low[0] > 0
    shuffled = np.isfinite(f.permuted[0]) and f.permuted[0] > PERMUTED and not f.r2_low[0] > f.permuted[0]
    refused = not sure or shuffled
    warning = "Do not use it: on rows it had not seen it may do no better than a constant." if refused else ""
    names = list(dict.fromkeys(g.columns[j].name for term in g.surrogate.terms_ for j in term.features))
    about = f" It reads {_some(names)}." if names and not refused else ""
    many = f"{len(g.terms)} terms" if len(g.terms) != 1 else "one term"
    said = (
        f"The model was asked for {quoted(g.output)} of {f.rows} rows, and a readable model of {many} was fitted to "
        f"its answers.{about}"
    )
    evidence = (
        f"For rows it had not seen it predicts the model's number with R² {f.scored(0)}. It is about the model, not "
        "about what is true of the rows, and about rows like these."
    )
    return [Head(warning=warning, said=said, change="", evidence=evidence)]


def _some(names: list[str]) -> str:
    more = len(names) - _NAMES
    return listed([*map(quoted, names[:_NAMES]), *([f"{more} more"] if more > 0 else [])])


def _asked(g: GlobalSurrogate) -> list[Part]:
    if not len(g.asked):
        return []
    scale = Scale.of([*g.asked["model"], *g.asked["surrogate"]])
    unit = scale.unit(g.unit)
    rows = tuple(
        AskedCase(
            row.why,
            row.row,
            "",
            (
                Reply("the model", in_unit(scale.rounded(row.model), unit), ""),
                Reply("the surrogate fitted without this row", in_unit(scale.rounded(row.surrogate), unit), ""),
            ),
        )
        for row in g.asked.itertuples()
    )
    about = f"{len(rows)} of the {g.fidelity.rows} rows, the worst miss among them."
    return [AskedCases(title="What was asked", about=about, rows=rows)]


def _again(g: GlobalSurrogate) -> list[Part]:
    return [Again.of(global_line(g))]


def _head(g: GlobalSurrogate) -> list[Part]:
    return [Said(verdict=f"{_heading(g)}. {_fidelity(g)}.", notes=())]


def _terms(g: GlobalSurrogate) -> list[Part]:
    table = g.terms.rename(columns={"weight": g.output})
    return [Terms.of(table, (g.output,), g.surrogate)]


def _judged(g: GlobalSurrogate) -> list[Part]:
    return [Judgement.of(g.fidelity, lambda _: predicted_rows(g), Scale.of(g.fidelity.observed.flat))]


def _heading(g: GlobalSurrogate) -> str:
    return f"{named(g.surrogate, (g.output,))} of {with_unit([g.output], g.unit)} over {g.fidelity.rows} rows"


def _fidelity(g: GlobalSurrogate) -> str:
    f = g.fidelity
    return (
        f"R² {f.scored(0)}, rank agreement {f.ranked(0)} on rows it was not fitted to; R² {score(f.permuted[0])} on "
        "shuffled answers"
    )


@text_of.register
def global_text(g: GlobalSurrogate) -> str:
    """Return the family, its held-out fidelity, and the heaviest terms."""
    scale = Scale.of(g.terms["weight"])
    lines = [f"{scale.signed(row.weight):>9}  {row.term}" for row in g.terms.head(12).itertuples()]
    head = [*paragraph(_heading(g), 4), *paragraph(_fidelity(g), 4), f"{'weight':>9}  term ({scale.unit(g.unit)})"]
    return joined([*head, *(part for line in lines for part in paragraph(line, 11))])
