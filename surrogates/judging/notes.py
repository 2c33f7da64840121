"""Warnings about the number explained, as opposed to those about how it was asked."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from probes.asking.answers import Answers
from probes.probe import Replication, rows_used
from probes.rounding import alone, counted, given, score
from surrogates.judging.agreement import varies
from surrogates.judging.curve_notes import about_a_curve
from surrogates.judging.fidelity import Fidelity
from surrogates.judging.verdict import PERMUTED

__all__ = [
    "UNMET",
    "below",
    "cautions",
    "covered",
    "inherited",
    "labels",
    "noisy",
    "one_by_one",
    "said",
    "short_of_all",
    "uncertified",
]

log = logging.getLogger(__name__)

#: the rule of ``until`` was about the number explained as well
UNMET = "The budget was spent before the rule to stop was met."
#: beginnings of warnings that hold figures of the number explained
_UNPROVED, _SETTLED = "R² of at least ", "Every possible question was asked: R² is exactly "
_NOISE = "The model answers the same question differently each time"

#: the most whole numbers that may be labels, and the fewest answers that say so
_LABELS, _ENOUGH = 10, 16
#: a step between all of them that numbers of classes do not have
_STEPS = 5
_ALL_INTEGERS = 2.0**53  # from here on every float is an integer


def labels(answers: Answers) -> tuple[str, ...]:
    """Warn that answers look like numbers of classes, of which averages and differences mean nothing.

    A model of unit "output" whose answers, one for each background row, are a few whole numbers that classes are
    numbered by: from 0 or 1 on, −1 for none. Numbers below that, and steps of five or more, are scores; of 0 and 1
    alone the mean is a frequency.
    """
    drawn = answers.replicates  # before they are averaged over background rows
    each = answers.y if drawn is None else drawn.reshape(-1, drawn.shape[2])
    if answers.unit != "output" or len(each) < _ENOUGH:
        return ()
    for name, column in zip(answers.outputs, each.T, strict=True):
        values = np.unique(column)
        if (
            2 <= len(values) <= _LABELS
            and (values % 1 == 0).all()
            and np.abs(values).max() < _ALL_INTEGERS
            and set(values) != {0, 1}
            and values[0] >= -1
            and np.gcd.reduce(np.diff(values).astype(int)) < _STEPS
        ):  # exact: whole numbers
            shown = ", ".join(f"{value:.0f}" for value in values).replace("-", "−")
            note = (
                f"All answers of {name} are whole numbers ({shown}). If they are labels of classes, averages of "
                "them mean nothing: return one column a class, or probabilities."
            )
            log.warning(note)
            return (note,)
    return ()


@contextmanager
def said(times: int) -> Iterator[None]:
    """Log what is said of labels so many times at most for each output, however many explanations it is about."""
    before = Counter[str]()

    def few(record: logging.LogRecord) -> bool:
        before[name := str(record.msg).partition("(")[0]] += 1
        return before[name] <= times

    log.addFilter(few)
    try:
        yield
    finally:
        log.removeFilter(few)


def short_of_all(budget: int, every: int, enough: int) -> str:
    """Say why a budget of as many inputs as there are possible questions does not ask them all."""
    return (
        f"The budget of {budget:,} pays for the model's own answer too, so that not all {every:,} possible inputs "
        f"could be asked; budget={enough} pays for all."
    )


def uncertified(r2: float) -> str:
    """Warn that a fidelity could not be certified."""
    return f"{_UNPROVED}{given(r2)} could not be certified within the budget."


def below(r2: float, worst: float) -> str:
    """Warn that the exact fidelity is below the one asked for."""
    return f"{_SETTLED}{score(worst)}, below the {given(r2)} asked for."


def covered(notes: Sequence[str], used: int, drawn: Replication | None, unknown: Sequence[str] = ()) -> list[str]:
    """Say of a probe's numbers that intervals hold for all background rows, and which have none; other notes as given.

    Parameters
    ----------
    notes : sequence of str
        The probe's.
    used : int
        Background rows used.
    drawn : Replication or None
        How they were drawn, where they are not all.
    unknown : sequence of str
        Features that have no interval.
    """
    if drawn is None:
        return list(notes)
    old = rows_used(used, drawn.population)
    stand, are = ("stands", "is") if used == 1 else ("stand", "are")
    said = (
        f"{used} of {drawn.population} background rows {stand} for all. Intervals of effects cover that choice; R² is "
        "against answers averaged over the rows used, and indices and Shapley values are for these rows alone. More "
        "rows (background_rows=) make intervals narrower."
    )
    lacking = []
    if unknown:
        shown = ", ".join(unknown[:5]) + (f" and {more} more" if (more := len(unknown) - 5) > 0 else "")
        wanted = min(10 * max(used, 10), drawn.population)
        lacking = [
            f"No interval for {shown}: {counted(used, 'background row')} {are} too few for so skewed or rare values, "
            f"or for effects that depend on them so steeply. Use more: background_rows={wanted}."
        ]
    return [part for note in notes for part in ([said, *lacking] if note == old else [note])]


def noisy(ceiling: Sequence[float]) -> str:
    """Warn that the model answers differently each time, with the R² that its noise leaves for each output."""
    if any(value <= 0 for value in ceiling):
        return (
            f"{_NOISE}, by as much as anything that the features change: ask each question several times and average."
        )
    most = ", ".join(map(score, ceiling))
    return f"{_NOISE}: by questions asked twice, its noise leaves an R² of about {most} for a perfect surrogate."


def one_by_one(why: str) -> str:
    """Warn that answers depend on what else is in a batch."""
    return f"{why} Every input was asked alone."


def cautions(
    y: np.ndarray, judged: Fidelity, change: bool = False, replicates: np.ndarray | None = None
) -> tuple[str, ...]:
    """Warn about numbers ``(n, k)``, row 0 the instance's, given how a surrogate of them was judged.

    They are answers of a model, or how another one's answers differ from them; `replicates` ``(n, R, K)`` are the raw
    answers for single background rows.
    """
    said = "the change is" if change else "the model says"
    notes = [
        f"For this input {said} {alone(y[0, j])} ({judged.outputs[j]}), far from anything the sample led to "
        "expect: an effect that needs many features together is out of sight of random removal."
        for j in np.flatnonzero(judged.misses)
    ]
    if any(p > PERMUTED and low <= p for p, low in zip(judged.permuted, judged.r2_low, strict=True)):
        notes.append("The method found structure in shuffled answers, so its fidelity is not to be believed.")
    spread, size = np.ptp(y, axis=0), np.abs(y).max(axis=0)
    notes += [
        f"{'Changes' if change else 'Answers'} of {judged.outputs[j]} differ by at most {alone(spread[j])} at a size "
        f"of {alone(size[j])}, which is within rounding and is not explained. If it matters, subtract a constant "
        "in the model."
        for j in np.flatnonzero((spread > 0) & ~varies(y))
    ]
    still = spread == 0
    if change:
        notes += [
            f"Both models gave the same {judged.outputs[j]} to every question."
            if not size[j]
            else f"The change of {judged.outputs[j]} is {alone(y[0, j])} whatever the features are: none has a "
            "part in it."
            for j in np.flatnonzero(still)
        ]
    elif still.all():
        notes.append(_unmoved(replicates))
    elif still.any():
        notes.append(f"Never changed: {', '.join(judged.outputs[j] for j in np.flatnonzero(still))}.")
    return tuple(notes)


def _unmoved(replicates: np.ndarray | None) -> str:
    """Say that no answer changed, or that the answers for single background rows did and their averages did not."""
    said = "The model's answer never changed"
    spread = 0.0 if replicates is None else np.ptp(replicates, axis=0).max()
    if spread == 0 or replicates is None:
        return f"{said}."
    size = np.abs(replicates).max()
    why = "" if varies(replicates.reshape(len(replicates), -1)).any() else ", which is within rounding"
    return (
        f"{said} on average over background rows; for single rows it differs by up to {alone(spread)} at a size of "
        f"{alone(size)}{why}."
    )


def _without_numbers(warning: str) -> str:
    """Take the numbers out of a warning: files of earlier versions have them with other digits."""
    return re.sub(r"[-−<>]?\d[\d.,e+-]*", "", warning)


def inherited(warnings: Sequence[str], y: np.ndarray, judged: Fidelity, answers: Answers) -> tuple[str, ...]:
    """Select the warnings of an explanation that hold for any other number made of the same answers.

    Parameters
    ----------
    warnings : sequence of str
        Of the explanation of numbers `y`.
    y : ndarray ``(n, k)``
    judged : Fidelity
    answers : Answers
    """
    replaced = {*map(_without_numbers, cautions(y, judged, replicates=answers.replicates)), UNMET}
    kept = [w for w in warnings if _without_numbers(w) not in replaced]
    kept = [w for w in kept if not w.startswith((_UNPROVED, _SETTLED, _NOISE))]
    kept = [w for w in kept if not about_a_curve(w)]
    if answers.noisy:
        kept.append(f"{_NOISE}; how much of that is in this part is not known.")
    return tuple(kept)
