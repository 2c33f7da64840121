"""What two models answer to the same rows: decisions, numbers, and where they differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import softmax

from probes.asking.answers import Answers, same_names
from probes.asking.ask import again, ask
from probes.asking.ask_batch import Run
from probes.asking.batching import parts_of
from probes.asking.cost import Cost
from probes.cases.measure import answerer
from probes.cases.questions import Questions
from probes.deferred import ready
from probes.design import Design
from probes.errors import InputError
from probes.model import Generator, Model
from probes.outputs.target import Target, TargetLike, is_function, resolve
from probes.probe import Probe
from probes.store.store import Store
from surrogates.difference.overall import CLASSES
from surrogates.difference.two_models import check_same, said_of

__all__ = ["Answered", "Told", "begun", "both_answered", "choices_of", "of_unit", "scorer_of", "told_apart"]

#: margin beyond which two numbers differ, in standard deviations of the first model's
_MARGIN = 0.1
#: units of rounding within which two numbers are the same
_ROUNDING = 64 * np.finfo(float).eps
#: what probabilities of all classes may miss a sum of 1 by, in single precision
_SUM = 1e-5
#: rows that a model which may answer differently is asked twice
_TWICE = 32
#: units of a single number whose sign decides
SIGNED = ("logit", "log-odds", "margin")


@dataclass(frozen=True)
class Answered:
    """Raw answers ``(n, K)`` of one model to all rows, what it decides for, and what that cost.

    Attributes
    ----------
    raw : ndarray ``(n, K)``
        NaN where it did not answer.
    outputs, unit, model, cost
        As of :class:`~probes.asking.answers.Answers`.
    decisions : ndarray of int ``(n,)`` or None
        Numbers of the classes decided for, where there are such.
    classes : tuple of str
        Their names.
    again : tuple of (ndarray ``(r,)``, ndarray ``(r, K)``) or None
        Rows that were asked a second time, and the answers, of a model that may answer differently.
    guessed : bool
        Whether nobody says the unit: numbers are taken for probabilities because they look like them.
    """

    raw: np.ndarray
    outputs: tuple[str, ...]
    unit: str
    model: str
    cost: Cost
    decisions: np.ndarray | None = None
    classes: tuple[str, ...] = ()
    again: tuple[np.ndarray, np.ndarray] | None = None
    guessed: bool = False

    @classmethod
    def first(cls, model: Model, probe: Probe, design: Design, store: Store, run: Run) -> Answered:
        """Ask a model the rows that are asked in one part, without a progress bar."""
        rows = parts_of(design, model.at_once)[1]
        return cls.plain(ask(model, probe, design.head(rows), store, False, run))

    @classmethod
    def plain(cls, answers: Answers) -> Answered:
        """Return answers as they are; numbers that nobody names may turn out to be probabilities."""
        are = answers.unit == "output" and _are_probabilities(answers.y)
        unit = "probability" if are else answers.unit
        return cls(answers.y, answers.outputs, unit, answers.model, answers.cost, guessed=are)

    @classmethod
    def of(
        cls, model: Model, probe: Probe, design: Design, store: Store, progress: bool | None, run: Run, spent: Cost
    ) -> Answered:
        """Ask a model; what was `spent` in the same run is counted as well."""
        answers = ask(model, probe, design, store, progress, run)
        cost, twice = spent + answers.cost, None
        if not (model.steady and model.identity().persistent):
            rows = np.linspace(0, len(design) - 1, min(_TWICE, len(design))).astype(int)
            values, spent = again(model, probe, answers, rows)
            cost, twice = cost + spent, (rows, values)
        return replace(cls.plain(answers), cost=cost, again=twice)._decided(model, probe, design)

    @classmethod
    def more(
        cls, model: Any, known: Answered, choices: Sequence[str] | None, store: Store, run: Run, rows: Any
    ) -> Answered:
        """Ask a model about further rows in the same run, and read the answers as those that are known."""
        if choices is not None:
            return cls.choosing(scorer_of(model), rows, choices, store, False, run)
        questions = Questions(rows)
        answers = ask(model, questions, questions.design, store, False, run)
        made = replace(cls.plain(answers), unit=known.unit, guessed=known.guessed)
        if known.decisions is not None:
            made = made._decided(model, questions, questions.design)
        return made if made.outputs == known.outputs else made.in_order_of(known.outputs)

    def _decided(self, model: Model, probe: Probe, design: Design) -> Answered:
        """Add what the model decides for, where its outputs are classes."""
        if self.unit in SIGNED and len(self.outputs) == 1:
            return replace(
                self, decisions=(self.raw[:, 0] > 0).astype(int), classes=_two_classes(model, self.outputs[0])
            )
        if self.unit not in CLASSES or len(self.outputs) < 2:
            return self
        own = model.decisions(ready(probe.render(design.Z))) if probe.replicates == 1 else None
        highest = np.nan_to_num(self.raw, nan=-np.inf).argmax(axis=1)
        chosen = highest if own is None else np.where(own < 0, highest, own)
        return replace(self, decisions=chosen, classes=self.outputs)

    @classmethod
    def choosing(
        cls,
        scorer: Model,
        prompts: Sequence[Any],
        choices: Sequence[str],
        store: Store,
        progress: bool | None,
        run: Run,
    ) -> Answered:
        """Ask a language model which of some answers is the likeliest, by the probability of each as a whole."""
        tokens = [tuple(scorer.ids((prompts[0], choice))[1]) for choice in choices]  # type: ignore[attr-defined]
        if len(set(tokens)) < len(tokens):
            raise InputError("choices", "be answers of different tokens", list(choices))
        questions = Questions([(prompt, choice) for prompt in prompts for choice in choices])
        answers = ask(scorer, questions, questions.design, store, progress, run)
        total = answers.y[:, 0].reshape(len(prompts), len(choices))
        raw = softmax(total, axis=1)
        who = answers.model, answers.cost
        best = np.nan_to_num(total, nan=-np.inf).argmax(axis=1)
        return cls(raw, tuple(choices), "probability", *who, best, tuple(choices))

    def as_numbers(self) -> Answered:
        """Return answers whose unit was guessed as plain numbers."""
        return replace(self, unit="output", decisions=None, classes=(), guessed=False) if self.guessed else self

    def in_order_of(self, outputs: tuple[str, ...]) -> Answered:
        """Return the same answers with the outputs in another order; of equal ones the first is decided for."""
        place = np.array([self.outputs.index(name) for name in outputs])
        raw, chosen = self.raw[:, place], None
        if self.decisions is not None:
            own, highest = np.argsort(place)[self.decisions], np.nan_to_num(raw, nan=-np.inf).argmax(axis=1)
            rows = np.arange(len(raw))
            chosen = np.where(raw[rows, own] == raw[rows, highest], highest, own)  # exact: a tie
        twice = None if self.again is None else (self.again[0], self.again[1][:, place])
        made = replace(self, raw=raw, outputs=outputs, decisions=chosen, again=twice)
        return replace(made, classes=outputs if self.classes else ())

    def only(self, kept: np.ndarray) -> Answered:
        """Return some of the rows."""
        chosen = None if self.decisions is None else self.decisions[kept]
        twice = self.again
        if twice is not None:
            place, there = np.cumsum(kept) - 1, kept[twice[0]]
            twice = place[twice[0][there]], twice[1][there]
        return replace(self, raw=self.raw[kept], decisions=chosen, again=twice)

    def wavers(self, number: Callable[[np.ndarray], np.ndarray] | None, margin: float) -> tuple[int, int]:
        """Return how many of the rows asked twice were answered otherwise, and of how many.

        Parameters
        ----------
        number : callable or None
            Of raw answers ``(r, K)``; None for decisions.
        margin : float
            What numbers must differ by.
        """
        if self.again is None:
            return 0, 0
        rows, values = self.again
        there = ~np.isnan(values).any(axis=1)
        first, second = self.raw[rows[there]], values[there]
        if number is not None:
            return int((np.abs(number(second) - number(first)) > margin).sum()), len(first)
        single = first.shape[1] == 1
        sides = [(raw[:, 0] > 0) if single else raw.argmax(axis=1) for raw in (first, second)]
        return int((sides[0] != sides[1]).sum()), len(first)

    @property
    def answered(self) -> np.ndarray:
        """Which rows were answered, ``(n,)``."""
        return ~np.isnan(self.raw).any(axis=1)


@dataclass(frozen=True)
class Told:
    """Two models' numbers for the same rows, and where they differ.

    Attributes
    ----------
    before, after : ndarray ``(n,)``
    said : pair of ndarray ``(n,)`` of str, or None
        What they decide for, where they differ by decisions.
    differs : ndarray of bool ``(n,)``
    number, unit : str
        What the numbers are.
    margin : float
        What numbers must differ by; NaN where decisions count.
    wavering : pair of (int, int)
        How many of the rows asked twice either model answered otherwise, and of how many.
    """

    before: np.ndarray
    after: np.ndarray
    said: tuple[np.ndarray, np.ndarray] | None
    differs: np.ndarray
    number: str
    unit: str
    margin: float
    wavering: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))


def _two_classes(model: Model, output: str) -> tuple[str, str]:
    """Name the classes on either side of 0 of a single margin."""
    classes = getattr(getattr(model, "estimator", None), "classes_", None)
    if isinstance(classes, np.ndarray) and len(classes) == 2:
        return str(classes[0]), str(classes[1])
    return f"not {output}", output


def _are_probabilities(raw: np.ndarray) -> bool:
    """Return whether numbers that nobody names are probabilities of two classes or more: not below 0, of sum 1."""
    known = raw[~np.isnan(raw).any(axis=1)]
    return raw.shape[1] > 1 and bool((known >= 0).all() and (np.abs(known.sum(axis=1) - 1) < _SUM).all())


def choices_of(choices: Sequence[str] | None) -> list[str]:
    """Check the answers that a language model chooses from.

    Raises
    ------
    InputError
    """
    if choices is None or isinstance(choices, str) or not all(isinstance(c, str) and c for c in choices):
        raise InputError("choices", "be the answers that a language model chooses from, such as ['yes', 'no']", choices)
    if len(found := list(choices)) < 2 or len(set(found)) < len(found):
        raise InputError("choices", "be two different answers or more", choices)
    return found


def scorer_of(model: Generator) -> Model:
    """Return what gives log-probabilities of answers to prompts.

    Raises
    ------
    InputError
        If a language model gives none.
    """
    scorer = answerer(model)
    if isinstance(scorer, Generator):
        rule = "give log-probabilities of answers; of this one what it writes is taken"
        raise InputError("before", rule, type(scorer).__name__)
    return scorer


def begun(
    models: Sequence[Model],
    probe: Probe,
    design: Design,
    target: TargetLike,
    store: Store,
    runs: Sequence[Run],
    name: str,
) -> list[Cost]:
    """Ask both models the first part of the rows: what cannot be compared is refused before the rest is asked.

    Raises
    ------
    InputError, ModelError
    """
    first = Answered.first(models[0], probe, design, store, runs[0])
    if target is not None and first.answered.any():
        _target(target, first.only(first.answered))
    _, second = both_answered(first, lambda: Answered.first(models[1], probe, design, store, runs[1]), name)
    return [first.cost, second.cost]


def both_answered(first: Answered, ask_second: Any, name: str) -> tuple[Answered, Answered]:
    """Ask the second model as well, and check that both answer with the same numbers.

    Outputs of the same names are put in the order of the first. Numbers without a unit are probabilities where both
    models' are.

    Raises
    ------
    InputError, ModelError
    """
    with said_of(name):
        second = ask_second()
    if first.outputs != second.outputs and same_names(first.outputs, second.outputs):
        second = second.in_order_of(first.outputs)
    if first.unit != second.unit and "output" in (first.unit, second.unit):
        first, second = first.as_numbers(), second.as_numbers()
    check_same(first.outputs, second.outputs, first.unit, second.unit)
    return first, second


def of_unit(first: Answered, second: Answered) -> list[str]:
    """Say that numbers of one model alone look like probabilities."""
    if first.unit != "output" or _are_probabilities(first.raw) == _are_probabilities(second.raw):
        return []
    return [
        "Numbers of one of the two sum to 1 as probabilities do, those of the other do not: both are compared as plain "
        "numbers, and not by what they decide for."
    ]


def told_apart(first: Answered, second: Answered, target: TargetLike, margin: float | None) -> list[Told]:
    """Say where two models differ, for each number that is compared.

    Without target and margin, classifiers differ where they decide differently. Otherwise two differ where one number
    moves by more than the margin.

    Raises
    ------
    InputError
    """
    by_decision = first.decisions is not None and second.decisions is not None
    if target is None and by_decision:
        before, after, number = _of_classes(first, second)
        if margin is None:
            names = np.array(first.classes, dtype=object)
            said = names[first.decisions], names[second.decisions]
            wavering = first.wavers(None, 0.0), second.wavers(None, 0.0)
            return [Told(before, after, said, said[0] != said[1], number, first.unit, float("nan"), wavering)]
        _, differs = _moved(before, after, margin)
        return [Told(before, after, None, differs, number, first.unit, float(margin))]
    made, found = _target(target, first), []
    numbers = made(first.raw), made(second.raw)
    for j, number in enumerate(made.outputs):
        before, after = (side[:, j] for side in numbers)
        least, differs = _moved(before, after, margin)
        shown = float(margin) if margin is not None else _MARGIN * float(before.std())

        def one(raw: np.ndarray, j: int = j) -> np.ndarray:
            return made(raw)[:, j]

        wavering = first.wavers(one, least), second.wavers(one, least)
        found.append(Told(before, after, None, differs, number, made.unit, shown, wavering))
    return found


def _moved(before: np.ndarray, after: np.ndarray, margin: float | None) -> tuple[float, np.ndarray]:
    """Return by how much numbers must differ, of rounding too, and where they do."""
    size = _ROUNDING * max(np.abs(before).max(), np.abs(after).max())
    least = max(float(margin) if margin is not None else _MARGIN * float(before.std()), float(size))
    return least, np.abs(after - before) > least


def _of_classes(first: Answered, second: Answered) -> tuple[np.ndarray, np.ndarray, str]:
    """Take the number of the last of two classes, of more classes that of the one which the first model decides for."""
    if len(first.outputs) == 1:
        return first.raw[:, 0], second.raw[:, 0], first.outputs[0]
    if len(first.outputs) == 2:
        return first.raw[:, 1], second.raw[:, 1], first.outputs[1]
    rows = np.arange(len(first.raw))
    chosen = first.decisions if first.decisions is not None else first.raw.argmax(axis=1)
    return first.raw[rows, chosen], second.raw[rows, chosen], "the first's decision"


def _target(target: TargetLike, answered: Answered) -> Target:
    if is_function(target):
        return Target.of_function(target, answered.raw)  # type: ignore[arg-type]
    return resolve(target, answered.outputs, answered.unit, answered.raw[0])
