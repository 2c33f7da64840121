"""A Question: what is asked of whom. A value; :class:`~probes.asking.session.Session` asks it."""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from probes.asking.taken import Taken
from probes.deferred import ready
from probes.errors import InputError
from probes.inputs.adapt import ProbeLike, RowSettings, as_probe
from probes.model import Generator, Identity, Model
from probes.models.adapt import ModelLike, as_model, check_order
from probes.outputs.scalariser import Scalariser
from probes.outputs.target import LOG_ODDS, Target, TargetLike, is_function, resolve
from probes.outputs.threshold import Above
from probes.probe import Probe

__all__ = ["Question", "answer_in_target"]


@dataclass(frozen=True)
class Question:
    """A model, a probe, and the number that is explained.

    Attributes
    ----------
    model : Model or Generator
    probe : Probe
    target : TargetLike
        What the user wants explained of the model's outputs.
    answer : str or None
        For a language model: the continuation that is scored. None has the model write it.

    Raises
    ------
    InputError
        If the target is none of the outputs that the model names, or there is an answer for a model that writes none.
    """

    model: Model | Generator
    probe: Probe
    target: TargetLike = None
    answer: str | None = None

    def __post_init__(self) -> None:
        if self.answer is not None and not self.generative:
            raise InputError("answer", "be left out: this model does not continue text", self.answer)
        if isinstance(self.model, Model):
            self.check_target(self.model)

    @classmethod
    def of(
        cls,
        model: ModelLike,
        probe: ProbeLike,
        row: RowSettings | None = None,
        target: TargetLike = None,
        answer: str | None = None,
        fallback: str | None = None,
    ) -> Question:
        """Adapt what a user passes.

        Parameters
        ----------
        model, probe, target, answer
            As for :func:`~surrogates.local.explain.explain`.
        row : RowSettings, optional
            What a probe is made with, where `probe` is a row of a table.
        fallback : str, optional
            For a language model: the answer to score where the probe brings none.

        Raises
        ------
        InputError
            For a parameter that breaks its rule.
        """
        check_order(model, probe)
        if isinstance(target, Scalariser):
            rule = "be of numbers: what makes them of texts is the scores= of a TextFunction or an Endpoint"
            raise InputError("target", rule, target)
        known = as_model(model)
        region = as_probe(probe, row, known).read_by(known)
        asked = region.asked_of(known)
        if (old := answer_in_target(asked, target, answer)) is not None:
            target, fallback = None, old
        if answer is not None and (not isinstance(answer, str) or not answer.strip()):
            raise InputError("answer", "be a non-empty string, or None to have it generated", answer)
        if None not in (answer, region.answer) and answer != region.answer:
            raise InputError("answer", f"be the probe's ({region.answer!r}), or be given only once", answer)
        if isinstance(asked, Model):
            asked.check_instance(lambda: ready(region.render(region.instance[None])))
        if isinstance(asked, Generator):
            answer = next((text for text in (answer, region.answer, fallback) if text is not None), None)
        return cls(asked, region, target, answer)

    @property
    def generative(self) -> bool:
        """Whether the model writes text."""
        return isinstance(self.model, Generator)

    @property
    def generates(self) -> bool:
        """Whether the model has to write the answer that it is scored on."""
        return self.generative and self.answer is None

    @cached_property
    def taken(self) -> Taken | None:
        """The model's identity, taken once; None of one that writes text, which is known by what it is scored on."""
        return Taken.of(self.model) if isinstance(self.model, Model) else None

    @property
    def identity(self) -> Identity | None:
        """Of the model, as it was taken."""
        return None if self.taken is None else self.taken.identity

    @cached_property
    def varies(self) -> bool:
        """Whether the model may answer the same question differently; what nobody can fingerprint may."""
        lasting = self.identity is None or self.identity.persistent
        return not self.model.steady or not lasting

    @property
    def vouched(self) -> bool:
        """Whether a name alone says that the model repeats itself."""
        return isinstance(self.model, Model) and self.model.vouched and not self.varies

    @property
    def fallible(self) -> bool:
        """Whether the model may leave questions unanswered."""
        return self.model.fallible

    @property
    def targeted(self) -> bool:
        """Whether the user said what to explain."""
        return self.target is not None

    def at(self, probe: Probe) -> Question:
        """Ask the same question about another region; the model's identity, which takes time, is not taken again."""
        other = replace(self, probe=probe)
        vars(other).update({name: value for name, value in vars(self).items() if name in ("identity", "varies")})
        return other

    def check_target(self, scorer: Model) -> None:
        """Refuse a wrong target of a model that names its outputs; costs no call."""
        if scorer.outputs is not None and not (is_function(self.target) or isinstance(self.target, Above)):
            resolve(self.target, scorer.outputs, scorer.unit, np.zeros(len(scorer.outputs)))

    def resolved(self, outputs: tuple[str, ...], unit: str, raw: np.ndarray, decision: int | None = None) -> Target:
        """Return the number explained, given raw outputs ``(n, K)``, row 0 the instance's.

        Without a target that is the output of this number, if the model has a `decision` of its own.

        Raises
        ------
        InputError, ModelError
        """
        if callable(self.target) and not isinstance(self.target, Target):
            return Target.of_function(self.target, raw)
        if isinstance(self.target, Above):
            return resolve(self.target.labels(outputs, unit, raw[0]), outputs, unit, raw[0])
        if self.target is not None or decision is None:
            return resolve(self.target, outputs, unit, raw[0])
        # by name where that is unique: a class may be called "1" and not be the second
        decided = outputs[decision] if len(set(outputs)) == len(outputs) else decision
        return resolve(decided, outputs, unit, raw[0])


def answer_in_target(model: Model | Generator, target: TargetLike, answer: str | None) -> str | None:
    """Return a language model's answer that is given as `target`, the form until version 0.1; with a warning.

    Raises
    ------
    InputError
        If `answer` is given as well.
    """
    if not isinstance(model, Generator) or not isinstance(target, str) or target == LOG_ODDS:
        return None
    if answer is not None:
        raise InputError("target", 'be "log-odds" or a function where answer is given', target)
    text = f"target={target!r} for the answer of a language model is deprecated: write answer={target!r}."
    warnings.warn(text, DeprecationWarning, stacklevel=_outside())
    return target


def _outside() -> int:
    """Return the stacklevel, for the caller of this function, of the first line that is not in this library."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] in ("probes", "surrogates"):
        level, frame = level + 1, frame.f_back
    return level
