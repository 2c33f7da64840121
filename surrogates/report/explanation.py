"""Explanation → the parts of its page."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from surrogates.local.explanation import NOT_RAW, Explanation
from surrogates.report.figures import comparison_plot, held_out
from surrogates.report.page import Contents, contents
from surrogates.report.part import Note, Part, made, picture
from surrogates.report.parts.effects import Terms, effects_parts
from surrogates.report.parts.instance import Numbers, instance_parts
from surrogates.report.parts.origin import Origin
from surrogates.report.parts.trust import Checks, Comparison, Judgement, Verdict
from surrogates.report.text import AVERAGES, fitted_here, scale_of

__all__ = ["explanation_contents", "explanation_parts"]


@contents.register
def explanation_contents(explanation: Explanation) -> Contents:
    """Take an explanation apart."""
    target = explanation.target
    return Contents(f"Explanation: {', '.join(target.outputs)} ({target.unit})", explanation_parts(explanation))


def explanation_parts(explanation: Explanation) -> list[Part]:
    """Return the parts of an explanation, in the order in which they are read."""
    makers: list[Callable[[Explanation], list[Part]]] = [
        _verdict,
        _not_raw,
        _numbers,
        _instance,
        _effects,
        _judgement,
        _checks,
        _comparison,
        _terms,
        _provenance,
    ]
    return made(makers, explanation)


def _verdict(ex: Explanation) -> list[Part]:
    return [Verdict.of(ex.fidelity, None if ex.certificate is None else str(ex.certificate), ex.warnings)]


def _not_raw(ex: Explanation) -> list[Part]:
    return [] if ex.raw_answers_kept else [Note(text=NOT_RAW)]


def _numbers(ex: Explanation) -> list[Part]:
    target, fitted = ex.target, fitted_here(ex)
    return [Numbers.of(ex.y[0], ex.y[1], target.outputs, target.unit, ex.features, ex.view, scale_of(ex), fitted)]


def _instance(ex: Explanation) -> list[Part]:
    target = ex.target
    return instance_parts(
        ex.attributions,
        target.outputs,
        target.unit,
        ex.features,
        ex.view,
        ex.answer,
        scale_of(ex),
        refused=ex.fidelity.refused(),
    )


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
    )


def _judgement(ex: Explanation) -> list[Part]:
    return [Judgement.of(ex.fidelity, partial(held_out, unit=ex.target.unit), scale_of(ex))]


def _checks(ex: Explanation) -> list[Part]:
    return [Checks.of(ex.checks)] if ex.checks else []


def _comparison(ex: Explanation) -> list[Part]:
    """Return the families that were compared, where there was a choice."""
    if len(ex.comparison) < 2:
        return []
    return [Comparison.of(ex.comparison, picture(ex, comparison_plot, (4.8, 3.2)))]


def _terms(ex: Explanation) -> list[Part]:
    return [Terms.of(ex.terms, ex.target.outputs, ex.surrogate)]


def _provenance(ex: Explanation) -> list[Part]:
    return [Origin.of(ex.provenance, ex.view)]
