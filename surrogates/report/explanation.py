"""Explanation → the parts of its page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from surrogates.local.explanation import NOT_RAW, Explanation
from surrogates.report.labels import with_unit
from surrogates.report.page import Contents, contents
from surrogates.report.part import Note, Part, made, picture
from surrogates.report.parts.again import Again
from surrogates.report.parts.any_phrase import any_phrase_parts
from surrogates.report.parts.by_terms import by_terms_parts
from surrogates.report.parts.drawn import drawn_parts
from surrogates.report.parts.effects import Terms, effects_parts
from surrogates.report.parts.head import Head
from surrogates.report.parts.instance import Numbers, Remark, answer_parts
from surrogates.report.parts.origin import Origin
from surrogates.report.parts.pairs import Pairs, pair_marks
from surrogates.report.parts.phrases import Phrases
from surrogates.report.parts.questions import Questions
from surrogates.report.parts.switch import by_output
from surrogates.report.parts.trust import Checks, Comparison, Judgement, Verdict
from surrogates.report.parts.view_kinds import InstanceEffects, instance_parts
from surrogates.report.parts.what_if import what_if_parts
from surrogates.report.parts.zoomed import Zoomed
from surrogates.report.plots.families_plot import families
from surrogates.report.plots.kinds import draw_into
from surrogates.report.plots.predictions_plot import predictions
from surrogates.report.repeat_line import repeat_line
from surrogates.report.sentence import change_line, evidence_line, said_line, warning_line
from surrogates.report.text import AVERAGES, fitted_here, scale_of, shown_terms

__all__ = ["explanation_contents", "explanation_parts", "parts_in_short"]

#: takes some parts out of an explanation
Maker: TypeAlias = Callable[[Explanation], list[Part]]


@contents.register
def explanation_contents(explanation: Explanation) -> Contents:
    """Take an explanation apart."""
    target = explanation.target
    return Contents(f"Explanation: {with_unit(target.outputs, target.unit)}", explanation_parts(explanation))


def explanation_parts(explanation: Explanation) -> list[Part]:
    """Return the parts of an explanation, in the order in which they are read."""
    makers: list[Maker] = [
        _head,
        *_first(explanation),
        _zoomed,
        _numbers,
        *_middle(explanation),
        _what_if,
        drawn_parts,
        _judgement,
        by_terms_parts,
        _checks,
        _comparison,
        _terms,
        _provenance,
    ]
    return made(makers, explanation)


def parts_in_short(explanation: Explanation) -> list[Part]:
    """Return the parts that stand for an explanation among many others: no figures, no questions, no provenance."""
    return made([*_first(explanation, _phrases_alone), _numbers, _depends, _pairs], explanation)


def _middle(ex: Explanation) -> list[Maker]:
    """Return questions and effects; an input that is seen, such as an image, stands before questions told in words."""
    told = ex.view["kind"] in ("text", "table", "cube")
    return [_questions, _again, _depends] if told else [_depends, _questions, _again]


def _pairs(ex: Explanation) -> list[Part]:
    """Return the list of pairs, whose numbers stand at the words of a text."""
    return [part for part in drawn_parts(ex) if isinstance(part, Pairs)]


def _first(ex: Explanation, phrases: Maker | None = None) -> list[Maker]:
    """Return what is read first: of an answer in phrases these, else the verdict."""
    shown = phrases or _phrases
    return [_verdict, _not_raw, _answer, shown] if ex.by_phrase is None else [_answer, shown, _verdict, _not_raw]


def _head(ex: Explanation) -> list[Part]:
    return [Head(warning=warning_line(ex), said=said_line(ex), change=change_line(ex), evidence=evidence_line(ex))]


def _questions(ex: Explanation) -> list[Part]:
    return [Questions.of(ex)]


def _again(ex: Explanation) -> list[Part]:
    return [Again.of(repeat_line(ex))]


def _verdict(ex: Explanation) -> list[Part]:
    part = Verdict.of(ex.fidelity, None if ex.certificate is None else str(ex.certificate), ex.warnings)
    about = f"The mean over all {len(ex.answers.outputs)} tokens of the answer: words that recur weigh most in it."
    return [replace(part, title=f"{_whole(ex)}{part.title}"), *([Remark(text=about)] if _whole(ex) else [])]


def _whole(ex: Explanation) -> str:
    """Begin a title about all tokens of an answer, where its phrases have a part of their own."""
    return "The whole answer. " if ex.by_phrase is not None else ""


def _not_raw(ex: Explanation) -> list[Part]:
    return [] if ex.raw_answers_kept else [Note(text=NOT_RAW)]


def _numbers(ex: Explanation) -> list[Part]:
    target, fitted = ex.target, fitted_here(ex)
    return [Numbers.of(ex.y[0], ex.y[1], target.outputs, target.unit, ex.features, ex.view, scale_of(ex), fitted)]


def _zoomed(ex: Explanation) -> list[Part]:
    """Return how a document was taken apart, where one was."""
    return [] if ex.zoom is None else [Zoomed.of(ex.zoom, ex.fidelity.rows, ex.target, scale_of(ex))]


def _answer(ex: Explanation) -> list[Part]:
    return answer_parts(ex.view, ex.answer)


def _phrases(ex: Explanation) -> list[Part]:
    """Return the phrases that were fitted, then the answer to select any from."""
    selectable = any_phrase_parts(ex)
    return [*([] if ex.by_phrase is None else [Phrases.of(ex.by_phrase, not selectable)]), *selectable]


def _phrases_alone(ex: Explanation) -> list[Part]:
    return [] if ex.by_phrase is None else [Phrases.of(ex.by_phrase, True)]


def _what_if(ex: Explanation) -> list[Part]:
    return what_if_parts(ex, scale_of(ex))


def _depends(ex: Explanation) -> list[Part]:
    return by_output(ex.target.outputs, _instance(ex), _effects(ex), note=AVERAGES)


def _instance(ex: Explanation) -> list[Part]:
    target = ex.target
    effects = InstanceEffects(
        ex.attributions,
        target.outputs,
        target.unit,
        ex.features,
        ex.view,
        scale_of(ex),
        f"{_whole(ex)}{'Where it comes from' if ex.answer else 'What it depends on'}",
        ex.fidelity.refused(),
        pair_marks(ex),
    )
    return instance_parts(effects)


def _effects(ex: Explanation) -> list[Part]:
    return effects_parts(
        ex.attributions,
        ex.target.outputs,
        ex.target.unit,
        ex.view,
        "Average effects on",
        scale_of(ex),
        ex.fidelity.refused(),
        AVERAGES,
        ex.features,
        ex.fidelity.clear,
    )


def _judgement(ex: Explanation) -> list[Part]:
    return [Judgement.of(ex.fidelity, lambda name: predictions(ex, name), scale_of(ex))]


def _checks(ex: Explanation) -> list[Part]:
    return [Checks.of(ex.checks)] if ex.checks else []


def _comparison(ex: Explanation) -> list[Part]:
    """Return the families that were compared, where there was a choice."""
    if len(ex.comparison) < 2:
        return []
    return [Comparison.of(ex.comparison, picture(families(ex), draw_into, (4.8, 3.2)))]


def _terms(ex: Explanation) -> list[Part]:
    return [Terms.of(shown_terms(ex), ex.target.outputs, ex.surrogate)]


def _provenance(ex: Explanation) -> list[Part]:
    return [Origin.of(ex.provenance, ex.view)]
