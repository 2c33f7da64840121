"""A surrogate of a model over rows of a table → the parts of its page, and text."""

from __future__ import annotations

from probes.rounding import Scale, score
from surrogates.many.global_surrogate import GlobalSurrogate
from surrogates.report.curves import named
from surrogates.report.page import Contents, contents
from surrogates.report.part import Part, made
from surrogates.report.parts.arms import Said
from surrogates.report.parts.effects import Terms
from surrogates.report.parts.trust import Judgement
from surrogates.report.plots.predictions_plot import predicted_rows
from surrogates.report.terminal import paragraph
from surrogates.results.result import text_of
from surrogates.visible import joined

__all__ = ["global_contents", "global_text"]


@contents.register
def global_contents(surrogate: GlobalSurrogate) -> Contents:
    """Take a global surrogate apart."""
    return Contents(
        f"Global surrogate: {surrogate.output} ({surrogate.unit})", made([_head, _terms, _judged], surrogate)
    )


def _head(g: GlobalSurrogate) -> list[Part]:
    return [Said(verdict=f"{_heading(g)}. {_fidelity(g)}.", notes=())]


def _terms(g: GlobalSurrogate) -> list[Part]:
    table = g.terms.rename(columns={"weight": g.output})
    return [Terms.of(table, (g.output,), g.surrogate)]


def _judged(g: GlobalSurrogate) -> list[Part]:
    return [Judgement.of(g.fidelity, lambda _: predicted_rows(g), Scale.of(g.fidelity.observed.flat))]


def _heading(g: GlobalSurrogate) -> str:
    return f"{named(g.surrogate, (g.output,))} of {g.output} ({g.unit}) over {g.fidelity.rows} rows"


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
