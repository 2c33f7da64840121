"""Answers: a design and what a model answered to it; Interrupted carries those that came before Ctrl-C."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from probes.asking.cost import Cost
from probes.design import Design
from probes.errors import InputError, ModelError

__all__ = ["Answers", "Interrupted", "same_names"]


def same_names(before: Sequence[str], after: Sequence[str]) -> bool:
    """Return whether outputs have the same names, each once, in whatever order."""
    return len(set(before)) == len(before) and sorted(before) == sorted(after)


@dataclass(frozen=True)
class Answers:
    """A model's answers to a design.

    Attributes
    ----------
    design : Design
    y : ndarray ``(n, K)``
        Raw outputs, averaged over the probe's replicates. A row of NaN was not answered (fallible models only).
    outputs : tuple of str
        Names of the K outputs.
    unit : str
    probe : str
        Digest of the probe.
    model : str
        Identity of the model.
    cost : Cost
    noisy : bool
        Whether the model was seen to answer the same question differently.
    reason : str
        Why the last unanswered question was not answered, in words.
    neighbours : str
        How answers were seen to depend on what else is in a batch, in words; then inputs were asked one by one.
    replicates : ndarray ``(n, R, K)`` or None
        Raw outputs for each replicate, where there are several or one is a sample; in memory only.
    """

    design: Design
    y: np.ndarray
    outputs: tuple[str, ...]
    unit: str
    probe: str
    model: str
    cost: Cost = field(default_factory=Cost)
    noisy: bool = False
    reason: str = ""
    neighbours: str = ""
    replicates: np.ndarray | None = field(default=None, repr=False, compare=False)

    def __sub__(self, other: Answers) -> Answers:
        """Return what changed from `other` to this: the same questions, the same unit, answers subtracted.

        Raises
        ------
        InputError
            If design, probe, outputs or unit differ.
        """
        if not isinstance(other, Answers):
            return NotImplemented
        for name in ("probe", "unit", "outputs"):
            if getattr(self, name) != getattr(other, name):
                raise InputError(
                    "answers", f"have the same {name} to be subtracted", (getattr(self, name), getattr(other, name))
                )
        if self.design.digest != other.design.digest:
            raise InputError(
                "answers", "come from the same design to be subtracted", (self.design.digest, other.design.digest)
            )
        pair = f"{self.model} minus {other.model}"
        y, cost = self.y - other.y, self.cost + other.cost
        noisy = self.noisy or other.noisy
        return Answers(self.design, y, self.outputs, self.unit, self.probe, pair, cost, noisy)

    def in_order(self, outputs: Sequence[str]) -> Answers:
        """Return these answers with their outputs in the order of the same names; as they are where names differ."""
        if tuple(outputs) == self.outputs or not same_names(outputs, self.outputs):
            return self
        place = [self.outputs.index(name) for name in outputs]
        each = None if self.replicates is None else self.replicates[..., place]
        return replace(self, y=self.y[:, place], outputs=tuple(outputs), replicates=each)

    @property
    def missing(self) -> np.ndarray:
        """Whether each question was left without an answer, ``(n,)``."""
        return np.isnan(self.y).any(axis=1)

    def complete(self) -> Answers:
        """Return these answers without the questions that were not answered.

        Raises
        ------
        ModelError
            If the instance or the reference is among them.
        """
        gone = self.missing
        if not gone.any():
            return self
        if gone[: min(2, self.design.fixed)].any():
            which = "instance itself" if gone[0] else "reference"
            said = f"The model did not answer the {which}; {int((~gone).sum())} other answers are kept."
            raise ModelError(f"{said} {self.reason}".rstrip())
        each = None if self.replicates is None else self.replicates[~gone]
        return replace(self, design=self.design.only(~gone), y=self.y[~gone], replicates=each)


class Interrupted(KeyboardInterrupt):
    """Ctrl-C while a model was asked.

    Attributes
    ----------
    answers : Answers or None
        To every row of the design that had been answered, as a design of its own (see :func:`ask`); None if not even
        the fixed rows had.
    """

    def __init__(self, answers: Answers | None):
        super().__init__("interrupted")
        self.answers = answers
