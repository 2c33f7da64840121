"""A surrogate of a model over rows of a table → the parts of its page, and text."""

from __future__ import annotations

from surrogates.many.global_surrogate import GlobalSurrogate
from surrogates.report.curves import named
from surrogates.report.figures import global_plot
from surrogates.report.page import Contents, contents
from surrogates.report.part import Note, Part, made, picture
from surrogates.report.parts.effects import Terms
from surrogates.report.parts.trust import Judgement
from surrogates.results.result import text_of

__all__ = ["global_contents", "global_text"]


@contents.register
def global_contents(surrogate: GlobalSurrogate) -> Contents:
    """Take a global surrogate apart."""
    return Contents(
        f"Global surrogate: {surrogate.output} ({surrogate.unit})", made([_head, _terms, _judged], surrogate)
    )


def _head(g: GlobalSurrogate) -> list[Part]:
    return [Note(text=f"{_heading(g)}. {_fidelity(g)}.")]


def _terms(g: GlobalSurrogate) -> list[Part]:
    table = g.terms.rename(columns={"weight": g.output})
    return [Terms.of(table, (g.output,), g.surrogate)]


def _judged(g: GlobalSurrogate) -> list[Part]:
    return [Judgement.of(g.fidelity, picture(g, global_plot, (4.2, 3.8)))]


def _heading(g: GlobalSurrogate) -> str:
    return f"{named(g.surrogate, (g.output,))} of {g.output} ({g.unit}) over {g.fidelity.rows} rows"


def _fidelity(g: GlobalSurrogate) -> str:
    f = g.fidelity
    return (
        f"R² {f.r2[0]:.2f} [{f.r2_low[0]:.2f}, {f.r2_high[0]:.2f}], rank agreement {f.rank[0]:.2f} on rows it was "
        f"not fitted to; {f.permuted[0]:.2f} on shuffled answers"
    )


@text_of.register
def global_text(g: GlobalSurrogate) -> str:
    """Return the family, its held-out fidelity, and the heaviest terms."""
    return f"{_heading(g)}\n{_fidelity(g)}\n{g.terms.head(12).to_string(index=False)}"
