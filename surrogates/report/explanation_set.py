"""Many explanations → one page: all of them first, an index, then each of them, folded; text; a table for notebooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape

import numpy as np

from probes.rounding import Scale, counted, percent, score
from surrogates.judging.verdict import refuses
from surrogates.local.explanation import Explanation
from surrogates.many.explanation_set import ExplanationSet
from surrogates.many.mean_effects import seldom_clear
from surrogates.report.page import Contents, card, contents
from surrogates.report.part import Part, made, picture
from surrogates.report.parts.again import Again
from surrogates.report.parts.arms import Said
from surrogates.report.parts.asked_cases import AskedCase, AskedCases, Reply
from surrogates.report.parts.beeswarm import Beeswarm
from surrogates.report.parts.head import Head
from surrogates.report.parts.many import Failures, Importance, Spread
from surrogates.report.plots.fidelities_plot import Fidelities
from surrogates.report.plots.kinds import draw_into
from surrogates.report.repeat_call import set_line
from surrogates.report.sentence import numbered, quoted
from surrogates.report.set_items import answer_words, input_words, listing
from surrogates.report.terminal import paragraph
from surrogates.report.text import fitted_here
from surrogates.results.result import fragment_of, text_of
from surrogates.visible import joined

__all__ = ["set_contents", "set_fragment", "set_text"]

_SHOWN = 10
#: outputs whose effects are drawn item by item
_SWARMS = 3
#: items that the head shows, at least and at most
_ASKED = 3, 4
#: dots of all of these
_DOTS = 1500


@contents.register
def set_contents(explanations: ExplanationSet, picked: int = 3, digits: int = 0) -> Contents:
    """Take a set apart; the `picked` most telling explanations are marked, and the first to be on the page.

    With `digits` each explanation has a page of its own, named by its number with so many digits.
    """
    makers: list[Callable[[ExplanationSet], Sequence[Part]]] = [_head, _all]
    if len(explanations):
        within = listing(explanations, picked, digits)
        makers += [_asked, _again, _importance, _swarms, lambda _: [within.index]]
        makers.append(lambda _: [] if within.items is None else [within.items])
        makers.append(_spread)
    if explanations.failures:
        makers.append(_failures)
    return Contents(counted(len(explanations), "explanation"), made(makers, explanations))


def _head(explanations: ExplanationSet) -> list[Part]:
    """Say what matters most over all, and how many may be used."""
    count, failed = len(explanations), len(explanations.failures)
    said = f"{count} inputs were explained, each by itself" if count != 1 else "One input was explained"
    said += f"; {failed} failed." if failed else "."
    if not count:
        return [Head(warning="", said=said, change="", evidence="")]
    table = explanations.fidelity.assign(refused=lambda t: t["verdict"].map(refuses))
    refused = int(table.groupby("item", sort=False)["refused"].any().sum())
    warning = "" if refused < count else "For every input the verdict is against using its explanation."
    row = explanations.summary().iloc[0]
    change = ""
    if not warning:
        scale, unit = Scale.of([row["importance"]]), ", ".join(explanations.units)
        size = f"{scale.rounded(row['importance'])} {scale.unit(unit)} {scale.between(row['low'], row['high'])}"
        has = int(row["items"])  # of words and superpixels each input has its own
        among = "over all of them" if has == count else f"in the {has} of them that {'has' if has == 1 else 'have'} it"
        change = (
            f"What moves the output most {among} is {quoted(row['feature'])}: by {size} on average, either way. It "
            f"raises it in {percent(row['raises'])} of {'the' if has == count else 'these'} items."
        )
    rest = "Each explanation is about its own input: what holds for one need not hold for another."
    evidence = f"{_usable(refused, count)} {rest}"
    return [Head(warning=warning, said=said, change=change, evidence=evidence)]


def _usable(refused: int, count: int) -> str:
    """Say how many explanations may be used by their verdicts."""
    if not refused:
        return "No verdict is against using one of them."
    return f"Of {count} inputs, {count - refused} may be used; for {refused} the verdict is against it."


def _all(explanations: ExplanationSet) -> list[Part]:
    words = ". ".join(_heading(explanations))
    return [Said(verdict=f"{words}. {'. '.join(explanations.cost_lines())}.", notes=_notes(explanations))]


def _notes(explanations: ExplanationSet) -> tuple[str, ...]:
    """Name the features at the top whose mean sizes may be uncertainty alone."""
    if not len(explanations):
        return ()
    unclear = set(seldom_clear(explanations.frame))
    shown = [str(name) for name in dict.fromkeys(explanations.summary()["feature"].head(_SHOWN)) if name in unclear]
    if not shown:
        return ()
    return (
        f"Hardly ever apart from zero in a single explanation: {', '.join(shown)}. What is uncertain has a mean size "
        "above zero even if it does nothing.",
    )


def _asked(explanations: ExplanationSet) -> list[Part]:
    """Return the items that show most, and others to make three, with what the model and their surrogates say."""
    first = {entry.key: entry for entry in explanations.pick(_ASKED[1]).entries}
    for entry in explanations.entries[: _ASKED[0]]:
        if len(first) < _ASKED[0]:
            first.setdefault(entry.key, entry)
    rows = []
    for entry in first.values():
        ex = entry.load()
        rows.append(AskedCase(f"item {entry.label}", input_words(entry.row, ex), "", tuple(_replies(ex))))
    about = f"{len(rows)} of {len(explanations)} inputs, first those whose explanations show most of what matters."
    return [AskedCases(title="What was asked", about=about, rows=tuple(rows))]


def _replies(ex: Explanation) -> Iterator[Reply]:
    yield Reply("the model", answer_words(ex), "")
    yield Reply("its surrogate", numbered(ex.target.outputs, fitted_here(ex), ex.target.unit), "")


def _again(explanations: ExplanationSet) -> list[Part]:
    return [Again.of(set_line(explanations))]


def _importance(explanations: ExplanationSet) -> list[Part]:
    unit = ", ".join(explanations.units)
    tables = explanations.summary().groupby("output", sort=False)
    return [Importance.of(table, str(output), unit) for output, table in tables]


def _swarms(explanations: ExplanationSet) -> list[Part]:
    """Return effects item by item, where items share features."""
    unit, frame = ", ".join(explanations.units), explanations.frame
    parts: list[Part] = []
    drawn = list(explanations.summary().groupby("output", sort=False))[:_SWARMS]
    for output, table in drawn:
        rows = frame if output not in set(frame["output"]) else frame[frame["output"] == output]
        part = Beeswarm.of(rows, list(table["feature"]), str(output), unit, _DOTS // len(drawn))
        parts += [part] if part.rows else []
    return parts


def _spread(explanations: ExplanationSet) -> list[Part]:
    fidelity = explanations.fidelity
    return [Spread.of(fidelity, picture(Fidelities.of(fidelity), draw_into, (4.8, 3.0)))]


def _failures(explanations: ExplanationSet) -> list[Part]:
    return [Failures.of(explanations.failures)]


@fragment_of.register
def set_fragment(explanations: ExplanationSet) -> str:
    """Write how many there are, and the features that matter most, as a table."""
    if not len(explanations):
        return f"<p>{escape(_counts(explanations))}</p>"
    parts: list[Part] = [Said(verdict=f"{_counts(explanations)}.", notes=()), *_importance(explanations)]
    return card(Contents("", parts))


def _counts(explanations: ExplanationSet) -> str:
    words = [counted(len(explanations), "explanation")]
    if explanations.failures:
        words.append(f"{len(explanations.failures)} failed")
    if explanations.interrupted:
        words.append("interrupted before the rest")
    return ", ".join(words)


@text_of.register
def set_text(explanations: ExplanationSet) -> str:
    """Write how many there are, how far they can be trusted, the features that matter most, the cost, failures."""
    lines = _heading(explanations)
    if len(explanations):
        lines += ["", *_summary_lines(explanations), *(f"Note: {note}" for note in _notes(explanations))]
        lines += ["", *explanations.cost_lines()]
    lines += [f"Failed: {failure}" for failure in explanations.failures[:_SHOWN]]
    return joined(line for one in lines for line in paragraph(one, 4) or [""])


def _heading(explanations: ExplanationSet) -> list[str]:
    """Say how many there are, and how far they can be trusted."""
    lines = [_counts(explanations)]
    scores = explanations.scores
    if len(scores):
        low, middle, high = np.quantile(scores, (0.1, 0.5, 0.9))
        fair = float((scores >= 0.7).mean())
        lines.append(
            f"Held-out R²: median {score(middle)}, from {score(scores.min())} to {score(scores.max())} "
            f"(80% between {score(low)} and {score(high)}); at least 0.70 for {percent(fair)}"
        )
    return lines


def _summary_lines(explanations: ExplanationSet) -> list[str]:
    table = explanations.summary()
    scale = Scale.of(table["importance"])
    lines = [f"{'mean |effect|':>13}  {'95% interval':^19}  ({scale.unit(', '.join(explanations.units))})"]
    many = table["output"].nunique() > 1
    for row in table.head(_SHOWN).itertuples():
        name = f"{row.feature} → {row.output}" if many else row.feature
        lines.append(f"{scale.rounded(row.importance):>13}  {scale.between(row.low, row.high):^19}  {name}")
    if len(table) > _SHOWN:
        lines.append(f"{'':13}  {'':19}  … and {len(table) - _SHOWN} more in .summary()")
    return lines
