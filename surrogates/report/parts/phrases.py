"""The part about where each phrase of a language model's answer comes from."""

from __future__ import annotations

from dataclasses import dataclass

from probes.rounding import Scale
from surrogates.judging.fidelity import Fidelity
from surrogates.local.explanation import Explanation
from surrogates.report.names import named
from surrogates.report.part import Part, level
from surrogates.report.parts.instance import ShadedText
from surrogates.report.styles import PIECES, STACK, TABLE, TAG

__all__ = ["PhraseRow", "Phrases", "Source", "phrase_rows"]

#: sources of a phrase that are named
_SOURCES = 2
#: nats that a source must add at least: it makes the phrase a tenth likelier
_LEAST = 0.1
#: said of a phrase that is predicted, but that nothing makes clearly likelier
_UNCLEAR = "Nothing that was removed makes it clearly likelier."


@dataclass(frozen=True)
class Source:
    """A feature that makes a phrase likelier, and by how much."""

    text: str
    effect: str
    interval: str


@dataclass(frozen=True)
class PhraseRow:
    """One phrase: what it comes from, how well that predicts it, and what may be relied on."""

    phrase: str
    sources: tuple[Source, ...]
    r2: str
    verdict: str
    level: str


def phrase_rows(ex: Explanation, scale: Scale) -> tuple[PhraseRow, ...]:
    """Return a row for each output of an explanation by phrases; without a clear source it has none."""
    rows, names = [], named(ex.features, ex.view)
    for j, phrase in enumerate(ex.target.outputs):
        table = ex.attributions[ex.attributions["output"] == phrase]
        clear = table.head(0 if ex.fidelity.refused()[j] else ex.fidelity.clear[j])
        raising = clear[clear["attribution"] >= _LEAST].head(_SOURCES)
        sources = tuple(
            Source(names[row.feature], scale.signed(row.attribution), scale.between(row.low, row.high))
            for row in raising.itertuples()
        )
        verdict = ex.fidelity.verdicts[j] if sources or ex.fidelity.refused()[j] else _UNCLEAR
        rows.append(PhraseRow(phrase, sources, ex.fidelity.scored(j), verdict, _level(ex.fidelity, j)))
    return tuple(rows)


def _level(fidelity: Fidelity, j: int) -> str:
    return "poor" if fidelity.refused()[j] else level(fidelity.r2_low[j])


@dataclass(frozen=True, kw_only=True)
class Phrases(Part):
    """Where each phrase of an answer comes from; unless another part does, with the text shaded for each, folded."""

    template = "phrases.html"
    style = (TABLE, STACK, TAG, PIECES)
    at_once = True

    rows: tuple[PhraseRow, ...]
    unit: str
    shaded: tuple[ShadedText, ...]

    @classmethod
    def of(cls, ex: Explanation, shade: bool) -> Phrases:
        """Make it of an explanation by phrases; `shade` says whether the text is shown for each."""
        scale = Scale.of([*ex.attributions["attribution"], *ex.y[:2].flat])
        unit, refused = ex.target.unit, ex.fidelity.refused()
        tables = [ex.attributions[ex.attributions["output"] == name] for name in ex.target.outputs]
        shaded = tuple(
            ShadedText.of(table, name, unit, ex.features, ex.view, scale, muted)
            for table, name, muted in zip(tables, ex.target.outputs, refused, strict=True)
            if shade and ex.view["kind"] == "text"
        )
        title = "Where each phrase of the answer comes from"
        return cls(title=title, rows=phrase_rows(ex, scale), unit=scale.unit(unit), shaded=shaded)
