"""An Inquiry: one model, one region, one number explained; it can be put any design at any time.

What :func:`explain`, the checks, Shapley values and anchors share: they differ only in which questions they ask and in
what they make of the answers.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from itertools import count
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from probes.asking.ask import Answers, Cost, Forecast, Interrupted, Run, again, ask, forecast
from probes.asking.ask_many import Together
from probes.asking.generate import complete
from probes.design import MINIMUM, Design
from probes.errors import InputError, ModelError
from probes.inputs.adapt import as_probe
from probes.model import Generator, Identity, Model
from probes.models.adapt import as_model
from probes.outputs.target import LOG_ODDS, Target, resolve
from probes.probe import Probe
from probes.store.store import Store, open_store

__all__ = ["Inquiry", "as_seed"]

QUESTIONS = 256
#: questions that are asked twice of a model that may not repeat itself, at most one in 32
AGAIN = 8


class Inquiry:
    """What is asked of whom: everything about a question except the rows.

    Parameters
    ----------
    model, probe, background, target, store, progress
        As for :func:`~surrogates.local.explain.explain`.
    run : Run, optional
        Where answers of a model are kept that is not identifiable beyond this run.

    Attributes
    ----------
    probe : Probe
    answer : str or None
        For language models, once asked: the continuation that is scored.
    generative : bool
        Whether the model writes text.
    generated : bool
        Whether the model wrote the answer itself.
    noisy : bool
        Whether the model was seen to answer the same question differently.
    unsure : bool
        Whether it might: some questions are asked twice then.
    fallible : bool
        Whether the model may leave questions unanswered.
    number : Target or None
        The number explained, once asked.
    """

    def __init__(
        self,
        model: object,
        probe: Any,
        background: pd.DataFrame | np.ndarray | None = None,
        target: Any = None,
        store: Store | str | Path | None = "default",
        progress: bool | None = None,
        run: Run | None = None,
    ):
        self.probe = as_probe(probe, background)
        self.answer = self.probe.answer
        self.noisy = False
        self.number: Target | None = None
        self.progress = progress
        asked = as_model(model)
        self._target = target
        self._generator = asked if isinstance(asked, Generator) else None
        self._model: Model | None = None if isinstance(asked, Generator) else asked
        if self._generator is not None and isinstance(target, str) and target != LOG_ODDS:
            self._target = None
            self.answer = self.answer if self.answer is not None else target
        self.generative = self._generator is not None
        self.generated = self.generative and self.answer is None
        # what nobody can fingerprint may not repeat itself
        self.unsure = not asked.steady or (self._model is not None and not self._model.identity().persistent)
        self.fallible = asked.fallible
        self._twice = AGAIN
        self._repeats: tuple[np.ndarray, np.ndarray] | None = None
        self._store = open_store(store)
        self._run = Run() if run is None else run
        self._told: Answers | None = None
        self._paid = Cost()
        self._check_target()

    @property
    def spare(self) -> int:
        """Model inputs besides the rows of the first design: a generated answer, questions asked twice."""
        return int(self.generated) + self.probe.replicates * self._twice * self.unsure

    def rows(self, budget: int | None) -> int:
        """Rows that a budget of model inputs allows.

        Raises
        ------
        InputError
            If they are too few to fit and judge anything.
        """
        if budget is None:
            return QUESTIONS
        if not isinstance(budget, Integral) or isinstance(budget, bool) or budget < 1:
            raise InputError("budget", "be a positive integer", budget)
        each = self.probe.replicates
        rows = self._within(int(budget))
        least = min(MINIMUM + 2, 2 ** len(self.probe.features))
        if rows < least:
            how = f" of {each} model inputs each" if each > 1 else ""
            enough = self.budget_for(least)
            extra = f", and {self.spare} more" if self.spare else ""
            raise InputError("budget", f"be at least {enough} ({least} questions{how}{extra})", budget)
        return rows

    def _within(self, budget: int) -> int:
        """Rows that a budget pays for; a larger one pays for more questions that are asked twice."""
        each = self.probe.replicates
        self._twice = max(1, min(AGAIN, budget // (32 * each)))
        return (budget - self.spare) // each

    def budget_for(self, rows: int) -> int:
        """The smallest budget of model inputs that allows so many rows."""
        return next(b for b in count(rows * self.probe.replicates) if self._within(b) >= rows)

    def ask(self, design: Design) -> Answers:
        """Answers to a design; what is known already is not asked again.

        Raises
        ------
        Interrupted
            On Ctrl-C, with the answers so far.
        """
        model = self._scorer(design.Z[:1])
        cost, self._paid = self._paid, Cost()
        known = self._told if self._told is not None and self._told.design.digest == design.digest else None
        unnamed = known is None and model.outputs is None
        if self.number is None and self._target is not None and unnamed and not self._own_function():
            first = ask(model, self.probe, Design(design.Z[:1], 0), self._store, False, self._run)
            cost += first.cost
            resolve(self._target, first.outputs, first.unit, first.y[0])  # a wrong name costs the instance, no more
        try:
            answers = known or ask(model, self.probe, design, self._store, self.progress, self._run)
            self._told = None
            if self._repeats is None and self.unsure:
                try:
                    self._repeat(model, answers)
                except KeyboardInterrupt as stop:  # everything else is known
                    raise Interrupted(answers) from stop
        except Interrupted as stop:
            raise Interrupted(None if stop.answers is None else self._finished(stop.answers, cost)) from stop
        return self._finished(answers, cost)

    def _repeat(self, model: Model, answers: Answers) -> None:
        """Ask the instance and some sampled questions again, and see whether the answers differ by more than rounding.

        A batch of another size may change the last digits.
        """
        rows = np.r_[0, answers.design.fixed + answers.design.block : len(answers.design)]
        rows = rows[~answers.missing[rows]][: self._twice]
        first, second = answers.y[rows], again(model, self.probe, answers, rows)
        self._repeats = first, second
        close = np.isclose(second, first, rtol=1e-4, atol=1e-4 * float(np.ptp(answers.y[~answers.missing])))
        self.noisy = bool((~close & np.isfinite(second)).any())

    def ceiling(self, y: np.ndarray) -> tuple[float, ...]:
        """The R² ``(k,)`` that is left for a perfect surrogate of answers `y` ``(n, k)``; empty without noise.

        1 − σ² / var(y), the noise variance σ² being half the mean squared difference of answers to one question.
        """
        if not self.noisy or self._repeats is None:
            return ()
        number = self.number
        assert number is not None
        first, second = (number(raw) for raw in self._repeats)
        noise = np.nanmean((first - second) ** 2, axis=0) / 2
        spread = y.var(axis=0)
        return tuple(float(1 - a / b) if b > 0 else float("nan") for a, b in zip(noise, spread, strict=True))

    def forecast(self, design: Design, trial: int = 0) -> Forecast:
        """What :meth:`ask` would cost; see :func:`probes.asking.ask.forecast`. A missing answer is generated for it."""
        model = self._scorer(design.Z[:1])
        told = forecast(model, self.probe, design, self._store, self._run, trial)
        twice = self.probe.replicates * self.unsure * self._twice  # to see whether the model repeats itself
        asked = told.questions - told.known
        more = 1 + twice / asked if asked else 1.0
        return replace(
            told,
            questions=told.questions + twice,
            calls=told.calls + (twice > 0),
            tokens=round(told.tokens * more),
            seconds=None if told.seconds is None else told.seconds * more,
        )

    def identity(self) -> Identity:
        """Of the model that is asked; a language model needs its answer for it."""
        return self.scorer().identity()

    def scorer(self) -> Model:
        """The model that answers rows; a generator first writes the answer that it is then scored on."""
        return self._scorer(self.probe.instance[None])

    def together(self, design: Design) -> Together:
        """This inquiry's part in one stream of questions; see :func:`probes.asking.ask_many.ask_together`."""
        return Together(self.probe, design, self._run)

    def told(self, answers: Answers) -> None:
        """Answers that were asked for together with others': the next :meth:`ask` of their design takes them."""
        self._told = answers

    @property
    def unanswered(self) -> int:
        """Distinct model inputs that were not answered."""
        return len(self._run.unanswered)

    @property
    def targeted(self) -> bool:
        """Whether the user said what to explain."""
        return self._target is not None

    def y(self, answers: Answers) -> np.ndarray:
        """The number explained, ``(n, k)``, of answers."""
        if self.number is None:
            function = self._own_function()
            self.number = (
                resolve(self._target, answers.outputs, answers.unit, answers.y[0])
                if function is None
                else Target.of_function(function, answers.y)
            )
        y = self.number(answers.y)
        if not np.isfinite(y).all():
            raise ModelError(
                f"{self.number.unit} of {self.number.outputs[0]} must be finite; for {int((~np.isfinite(y)).sum())} of "
                f"{len(y)} questions the probability is exactly 0 or 1. Explain the probability itself instead."
            )
        return y

    def answer_is(self, answer: str | None) -> None:
        """Score this answer; a language model is not to write one."""
        if self.generative and answer is not None:
            self.answer, self.generated = answer, False

    def at(self, probe: Probe) -> Inquiry:
        """The same question about another region: same model, same answer, same number."""
        other = copy(self)
        other.probe = probe
        return other

    def put_to(self, model: object) -> Inquiry:
        """The same question put to another model."""
        other = Inquiry(model, self.probe, None, self.number, self._store, self.progress)
        other.answer_is(self.answer)
        return other

    def _check_target(self) -> None:
        if self._model is not None and self._model.outputs is not None and self._own_function() is None:
            count = len(self._model.outputs)
            resolve(self._target, self._model.outputs, self._model.unit, np.zeros(count))  # a wrong name costs no call

    def _scorer(self, instance: np.ndarray) -> Model:
        if self._model is not None:
            return self._model
        assert self._generator is not None
        prompt = self.probe.render(instance)[0]
        if self.answer is None:
            self.answer, cost = complete(self._generator, prompt, self.probe.max_new_tokens, self._store)
            self._paid += cost
        self._model = self._generator.scoring(self.answer, prompt)
        self._check_target()
        return self._model

    def _finished(self, answers: Answers, cost: Cost) -> Answers:
        answers = answers.complete()
        if self.noisy:  # nothing is exact
            answers = replace(answers, design=replace(answers.design, population=np.inf), noisy=True)
        return replace(answers, cost=answers.cost + cost)

    def _own_function(self) -> Any:
        return self._target if callable(self._target) and not isinstance(self._target, Target) else None


def as_seed(random_state: int | np.random.Generator | None) -> int:
    """The seed that a random_state means; None draws a fresh one.

    Raises
    ------
    InputError
    """
    if random_state is None or isinstance(random_state, np.random.Generator):
        return int(np.random.default_rng(random_state).integers(2**31))
    if not isinstance(random_state, Integral) or random_state < 0:
        raise InputError("random_state", "be a non-negative integer, a numpy Generator or None", random_state)
    return int(random_state)
