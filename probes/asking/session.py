"""A Session: one question put to its model, design after design; it owns the cost."""

from __future__ import annotations

import json
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import numpy as np

from probes.asking.allowance import Allowance
from probes.asking.answers import Answers, Interrupted
from probes.asking.ask import again, ask, forecast
from probes.asking.ask_batch import Run
from probes.asking.ask_many import Share
from probes.asking.cost import Cost, Forecast
from probes.asking.generate import complete
from probes.asking.question import Question
from probes.asking.repeats import Repeats, noise_key, rows_to_repeat
from probes.deferred import ready
from probes.design import Design
from probes.errors import ModelError
from probes.model import Generator, Identity, Model
from probes.models.adapt import ModelLike, as_model
from probes.outputs.arrays import LARGEST
from probes.outputs.reply_texts import OfTexts
from probes.outputs.target import Target, is_function
from probes.outputs.threshold import Above
from probes.probe import Probe
from probes.rounding import alone
from probes.store.store import Store, open_store

__all__ = ["Reply", "Session", "StoreLike"]

#: questions that are asked twice of a model which a name says is steady
VOUCHED = 2

StoreLike: TypeAlias = Store | str | Path | None


@dataclass(frozen=True)
class Reply:
    """Answers to a design, with the number explained.

    Attributes
    ----------
    answers : Answers
        Raw, of every row that was answered; the cost is all that the session has paid so far.
    target : Target
    """

    answers: Answers
    target: Target

    @property
    def design(self) -> Design:
        """The rows that were answered."""
        return self.answers.design

    @cached_property
    def y(self) -> np.ndarray:
        """The number explained, ``(n, k)``.

        Raises
        ------
        ModelError
            If one of them is not finite, or their size is beyond what can be squared.
        """
        y = self.target(self.answers.y)
        if not np.isfinite(y).all():
            raise ModelError(
                f"{self.target.unit} of {self.target.outputs[0]} must be finite; for {int((~np.isfinite(y)).sum())} of "
                f"{len(y)} questions the probability is exactly 0 or 1. Explain the probability itself instead."
            )
        most = np.abs(y).max()
        if most > LARGEST or 0 < most < 1 / LARGEST:
            rule = f"have numbers of a size from {1 / LARGEST:g} to {LARGEST:g}"
            raise ModelError(f"{self.target.outputs[0]} must {rule}; the largest is {alone(most)}. Scale the output.")
        return y


class Session:
    """Asks one question.

    Parameters
    ----------
    question : Question
    budget : int, optional
        The most inputs the model may be asked; by default 256 rows.
    store, progress
        As for :func:`~surrogates.local.explain.explain`.
    run : Run, optional
        Where answers of a model are kept that is not identifiable beyond this run.

    Attributes
    ----------
    question : Question
    allowance : Allowance
        What the budget pays for.
    answer : str or None
        The continuation that is scored; of a model that writes it, once :attr:`scorer` was used.
    repeats : Repeats or None
        Rows that were asked twice.
    target : Target or None
        The number explained, once the first answer came.
    outputs : tuple of str or None
        The order in which outputs of these names are taken; None takes them as the model has them.

    Raises
    ------
    InputError
    """

    def __init__(
        self,
        question: Question,
        budget: int | None = None,
        store: StoreLike = "default",
        progress: bool | None = None,
        run: Run | None = None,
    ):
        self.question, self.progress = question, progress
        self.store = open_store(store)
        self.run = Run() if run is None else run
        self.allowance = Allowance.of(question, budget)
        self.answer = question.answer
        self.repeats: Repeats | None = None
        self.target: Target | None = None
        self.outputs: tuple[str, ...] | None = None
        self._bill = [Cost()]

    @property
    def cost(self) -> Cost:
        """What has been paid so far, for this question and those made from it."""
        return self._bill[0]

    @property
    def noisy(self) -> bool:
        """Whether the model was seen to answer the same question differently."""
        return self.repeats is not None and self.repeats.noisy

    @property
    def unanswered(self) -> int:
        """Distinct model inputs that were not answered."""
        return len(self.run.unanswered)

    @cached_property
    def scorer(self) -> Model:
        """The model that answers rows; one that writes text is scored on its answer, which it writes if need be."""
        model, probe = self.question.model, self.question.probe
        if not isinstance(model, Generator):
            self.run.identity(model, self.question.taken)
            return model
        prompt = probe.render(probe.instance[None])[0]
        if self.answer is None:
            self.answer, cost = complete(model, prompt, probe.max_new_tokens, self.store)
            self._pay(cost)
        scorer = model.scoring(self.answer, prompt)
        self.question.check_target(scorer)
        return scorer

    @property
    def identity(self) -> Identity:
        """Of the model that answers rows."""
        return self.run.identity(self.scorer)

    def ask(self, design: Design) -> Reply:
        """Ask a design; what is known already is not asked again.

        Raises
        ------
        InputError
            If the target is none of the outputs.
        ModelError, StoreError
            As for :func:`~probes.asking.ask.ask`.
        Interrupted
            On Ctrl-C, with the answers so far.
        """
        self._try_target(design)
        try:
            answers = ask(self.scorer, self.question.probe, design, self.store, self.progress, self.run)
        except Interrupted as stop:
            if stop.answers is None:
                raise
            self._pay(stop.answers.cost)
            raise Interrupted(self._finished(stop.answers)) from stop
        return self.receive(answers)

    def receive(self, answers: Answers) -> Reply:
        """Take answers to a design, paid for now, and see whether the model repeats itself."""
        self._pay(answers.cost)
        try:
            self._repeat(answers)
        except KeyboardInterrupt as stop:  # everything else is known
            raise Interrupted(self._finished(answers)) from stop
        return self.reply(self._finished(answers))

    def reply(self, answers: Answers) -> Reply:
        """Return answers with the number explained, which the first of them settle."""
        if self.target is None:
            decision = None
            if not self.question.targeted:
                said = self.scorer.decisions(ready(self.question.probe.render(self.question.probe.instance[None])))
                decision = int(said[0]) if said is not None and said[0] >= 0 else None
            self.target = self.question.resolved(answers.outputs, answers.unit, answers.y, decision)
        return Reply(answers, self.target)

    def instance(self, design: Design) -> Answers:
        """Ask the instance alone, which shows the names of the outputs."""
        first = ask(self.scorer, self.question.probe, Design(design.Z[:1], 0), self.store, False, self.run)
        self._pay(first.cost)
        return self._ordered(first)

    def _ordered(self, answers: Answers) -> Answers:
        """Put the outputs of answers in the order in which they are taken."""
        return answers if self.outputs is None else answers.in_order(self.outputs)

    def settle(self, design: Design) -> Reply:
        """Ask the instance alone, which settles the target."""
        return self.reply(self.instance(design))

    def share(self, design: Design) -> Share:
        """Return this question's share in one stream of many; see :func:`probes.asking.ask_many.ask_together`."""
        return Share(self.question.probe, design, self.run)

    def wrote(self) -> str | None:
        """Return what the model wrote to the instance, where numbers are made of its texts and it was asked."""
        inner = getattr(self.scorer, "model", self.scorer)  # of one that workers answer for
        if not isinstance(inner, OfTexts):
            return None
        return inner.wrote(self.question.probe.render(self.question.probe.instance[None])[0])

    def forecast(self, design: Design, trial: int = 0) -> Forecast:
        """Forecast the cost of a design; see :func:`probes.asking.ask.forecast`. A missing answer is generated."""
        expected = forecast(self.scorer, self.question.probe, design, self.store, self.run, trial)
        repeated = self.question.probe.replicates * self.question.varies * self.allowance.repeats
        beside = repeated * self.allowance.beside
        twice = repeated - beside
        asked = expected.questions - expected.known
        doubted = beside + self.question.probe.replicates * VOUCHED * (self.question.vouched and asked > 0)
        more = 1 + (twice + doubted) / asked if asked else 1.0
        return replace(
            expected,
            questions=expected.questions + twice,
            calls=expected.calls + (twice + doubted > 0),
            checks=expected.checks + doubted,
            tokens=round(expected.tokens * more),
            seconds=None if expected.seconds is None else expected.seconds * more,
        )

    def at(self, probe: Probe) -> Session:
        """Open a session for another region, with the same model, answer, target and bill."""
        other = copy(self)
        other.question = self.question.at(probe)
        return other

    def put_to(self, model: ModelLike) -> Session:
        """Open a session for another model, with the same region, answer, target and bill."""
        target = self.question.target if self.target is None else self.target
        other = Session(
            replace(self.question, model=as_model(model), target=target, answer=self.answer),
            store=self.store,
            progress=self.progress,
        )
        other._bill = self._bill
        return other

    def _pay(self, cost: Cost) -> None:
        self._bill[0] += cost

    def _try_target(self, design: Design) -> None:
        """Ask the instance first where only its answer shows that a target is wrong: that costs no more."""
        question = self.question
        named = self.target is None and question.targeted and not is_function(question.target)
        if named and (self.scorer.outputs is None or isinstance(question.target, Above)):
            self.settle(design)

    def _repeat(self, answers: Answers) -> None:
        """Ask the instance and some sampled rows again, once."""
        if self.repeats is None and self.question.varies:
            self.repeats = self._asked_twice(answers, self.allowance.repeats)
        elif self.repeats is None and self.question.vouched:
            self._doubt(answers)

    def _asked_twice(self, answers: Answers, count: int) -> Repeats:
        rows = rows_to_repeat(answers, count)
        second, cost = again(self.scorer, self.question.probe, answers, rows)
        if self.question.vouched or self.allowance.beside:  # as first contact, besides the budget
            cost.checks, cost.rows = cost.checks + cost.rows, 0
        self._pay(cost)
        once, twice = (self._ordered(replace(answers, y=y, replicates=None)).y for y in (answers.y[rows], second))
        return Repeats(once, twice, float(np.ptp(answers.y[~answers.missing])))

    def _doubt(self, answers: Answers) -> None:
        """Ask two questions again of a model that only a name says is steady, if it was asked; more if it is not.

        That it is not is kept, so that answers from the store are not taken for exact.
        """
        key = noise_key(self.identity)
        known = key in self.store.get([key])
        if known or (answers.cost.rows and key not in self.run.memory.get([key])):
            self.run.memory.put({key: json.dumps(False)}, self.identity.id)  # others of this run need not ask
            first = self._asked_twice(answers, self.allowance.repeats if known else VOUCHED)
            if first.noisy and not known:
                self.store.put({key: json.dumps(True)}, self.identity.id)
                first = self._asked_twice(answers, self.allowance.repeats)
            self.repeats = first

    def _finished(self, answers: Answers) -> Answers:
        """Drop the rows that were not answered, and count all that has been paid; noisy answers are never exact."""
        answers = replace(self._ordered(answers).complete(), cost=self.cost)
        if self.noisy:
            answers = replace(answers, design=replace(answers.design, population=np.inf), noisy=True)
        return answers
