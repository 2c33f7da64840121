"""An Inquiry: one model, one region, one number explained; it can be put any design at any time.

What :func:`explain`, the checks, Shapley values and anchors share: they differ only in which questions they ask and in
what they make of the answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from inspect import signature
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from probes.context import ContextProbe
from probes.design import MINIMUM, Design
from probes.errors import InputError, ModelError
from probes.model import Generator, Identity, Model
from probes.models import as_model
from probes.probe import Probe
from probes.query import Answers, Cost, Forecast, Interrupted, Run, ask, complete, forecast, repeats_itself
from probes.store import Store, open_store
from probes.tabular import TabularProbe
from probes.target import LOG_ODDS, Target, custom, resolve
from probes.text import TextProbe

__all__ = ["Inquiry", "as_probe", "as_seed"]

QUESTIONS = 256


class Inquiry:
    """What is asked of whom: everything about a question except the rows.

    Parameters
    ----------
    model, probe, background, target, store, progress
        As for :func:`~surrogates.explain.explain`.

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
        # what nobody can fingerprint may not repeat itself: the instance is asked twice
        self.unsure = self._model is not None and not self._model.identity().persistent
        self._compared = False
        self._store = open_store(store)
        self._run = Run()
        self._check_target()

    @property
    def spare(self) -> int:
        """Model inputs besides the rows of the first design: a generated answer, the instance asked twice."""
        return int(self.generated) + self.probe.replicates * self.unsure

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
        rows = (int(budget) - self.spare) // each
        least = min(MINIMUM + 2, 2 ** len(self.probe.features))
        if rows < least:
            how = f" of {each} model inputs each" if each > 1 else ""
            extra = f", and {self.spare} more" if self.spare else ""
            raise InputError(
                "budget", f"be at least {least * each + self.spare} ({least} questions{how}{extra})", budget
            )
        return rows

    def ask(self, design: Design) -> Answers:
        """Answers to a design, with a user's own target function applied; what is known already is not asked again.

        Raises
        ------
        Interrupted
            On Ctrl-C, with the answers so far.
        """
        model, cost = self._scorer(design.Z[:1])
        if self.number is None and self._target is not None and model.outputs is None and not self._own_function():
            first = ask(model, self.probe, Design(design.Z[:1], 0), self._store, False, self._run)
            cost += first.cost
            resolve(self._target, first.outputs, first.unit, first.y[0])  # a wrong name costs the instance, no more
        try:
            answers = ask(model, self.probe, design, self._store, self.progress, self._run)
            if not self._compared and self.unsure:
                try:
                    self.noisy = not repeats_itself(model, self.probe, answers)
                except KeyboardInterrupt as stop:  # everything else is known
                    raise Interrupted(answers) from stop
            self._compared = True
        except Interrupted as stop:
            raise Interrupted(None if stop.answers is None else self._finished(stop.answers, cost)) from stop
        return self._finished(answers, cost)

    def forecast(self, design: Design, trial: int = 0) -> Forecast:
        """What :meth:`ask` would cost; see :func:`probes.query.forecast`. A missing answer is generated for it."""
        model, _ = self._scorer(design.Z[:1])
        told = forecast(model, self.probe, design, self._store, self._run, trial)
        again = self.probe.replicates * self.unsure  # the instance, to see whether the model repeats itself
        return replace(told, questions=told.questions + again, calls=told.calls + (again > 0))

    def identity(self) -> Identity:
        """Of the model that is asked; a language model needs its answer for it."""
        return self._scorer(self.probe.instance[None])[0].identity()

    @property
    def targeted(self) -> bool:
        """Whether the user said what to explain."""
        return self._target is not None

    def y(self, answers: Answers) -> np.ndarray:
        """The number explained, ``(n, k)``, of answers."""
        if self.number is None:
            self.number = resolve(self._resolvable(), answers.outputs, answers.unit, answers.y[0])
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
        other = Inquiry(model, self.probe, None, self._own_function() or self.number, self._store, self.progress)
        other.answer_is(self.answer)
        return other

    def _check_target(self) -> None:
        if self._model is not None and self._model.outputs is not None and self._own_function() is None:
            count = len(self._model.outputs)
            resolve(self._target, self._model.outputs, self._model.unit, np.zeros(count))  # a wrong name costs no call

    def _scorer(self, instance: np.ndarray) -> tuple[Model, Cost]:
        """The model that answers rows; a generator first writes the answer that it is then scored on."""
        if self._model is not None:
            return self._model, Cost()
        assert self._generator is not None
        prompt, cost = self.probe.render(instance)[0], Cost()
        if self.answer is None:
            self.answer, cost = complete(self._generator, prompt, self.probe.max_new_tokens, self._store)
        self._model = self._generator.scoring(self.answer, prompt)
        self._check_target()
        return self._model, cost

    def _finished(self, answers: Answers, cost: Cost) -> Answers:
        if self.noisy:  # nothing is exact
            answers = replace(answers, design=replace(answers.design, population=np.inf), noisy=True)
        if (function := self._own_function()) is not None:
            y = custom(function, answers.y)
            label = getattr(function, "__name__", "target")
            names = (label,) if y.shape[1] == 1 else tuple(f"{label} {j}" for j in range(y.shape[1]))
            answers = replace(answers, y=y, outputs=names, unit="target")
        return replace(answers, cost=answers.cost + cost)

    def _own_function(self) -> Any:
        return self._target if callable(self._target) and not isinstance(self._target, Target) else None

    def _resolvable(self) -> Any:
        return "all" if self._own_function() is not None else self._target


def as_probe(probe: Any, background: pd.DataFrame | np.ndarray | None = None) -> Probe:
    """The probe a user means by a plain string, row or dict.

    Raises
    ------
    InputError
        If it is none of these, or a row comes without background.
    """
    if isinstance(probe, Probe):
        if background is not None:
            raise InputError("background", "be given to the probe itself, or with a plain row", background)
        return probe
    if background is not None:
        return TabularProbe(probe, background)
    if isinstance(probe, str):
        return TextProbe(probe)
    if isinstance(probe, Mapping) and {"context", "question"} <= set(probe):
        known = signature(ContextProbe).parameters
        if odd := [key for key in probe if key not in known]:
            raise InputError("probe", f"be a dict with keys of ContextProbe ({', '.join(known)})", odd)
        return ContextProbe(**probe)
    if isinstance(probe, (pd.Series, pd.DataFrame, Mapping, np.ndarray)):
        raise InputError("background", "come with a table row: the rows that absent values are replaced from", None)
    raise InputError(
        "probe", "be a probe, a text, a table row with background=, or a dict with context and question", probe
    )


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
