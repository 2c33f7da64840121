"""Which answers are wanted in place of the instance's: another decision, or a number in a range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from probes.errors import InputError
from probes.outputs.target import Target
from probes.rounding import given

__all__ = ["DesiredLike", "Wanted", "classes_of", "range_of"]

#: whatever counterfactuals() takes as desired: a class by name or number, or (low, high)
DesiredLike: TypeAlias = str | int | tuple[float | None, float | None] | None
#: units of answers that the highest of several decides; of a single one that its sign decides
_CLASSES, _SIGNED = ("logit", "log-odds", "margin", "probability"), ("logit", "log-odds", "margin")
#: what probabilities of all classes may miss a sum of 1 by, in single precision
_SUM = 1e-5


@dataclass(frozen=True)
class Wanted:
    """A test of raw answers, and how far they are from passing it.

    Attributes
    ----------
    classes : tuple of str
        Decisions that there are; empty where a number is wanted in a range.
    decided, desired : int
        The instance's, and the one wanted; −1 for any other than the instance's.
    low, high : float
    target : Target
        The number that is wanted in the range.
    words : str
        What is wanted.
    """

    classes: tuple[str, ...]
    decided: int
    desired: int
    low: float
    high: float
    target: Target
    words: str

    @classmethod
    def of(
        cls, raw: np.ndarray, outputs: tuple[str, ...], unit: str, target: Target, desired: DesiredLike, targeted: bool
    ) -> Wanted:
        """Read what the user wants, given the raw answer ``(1, K)`` for the instance.

        Raises
        ------
        InputError
        """
        if isinstance(desired, (tuple, list)):
            return cls._in_range(raw, target, desired)
        classes = () if targeted else classes_of(raw, outputs, unit)
        if not classes:
            rule = "be (low, high), either None where it is open: the model's answer is a number, not a class"
            raise InputError("desired", rule, desired)
        decided = int(scores(raw, unit)[0].argmax())
        if desired is None:
            return cls(classes, decided, -1, -np.inf, np.inf, target, f"a decision other than {classes[decided]}")
        wanted = _number(desired, classes)
        if wanted == decided:
            raise InputError("desired", f"be another decision than the row's own, {classes[decided]}", desired)
        return cls(classes, decided, wanted, -np.inf, np.inf, target, f"the decision {classes[wanted]}")

    @classmethod
    def _in_range(cls, raw: np.ndarray, target: Target, desired: Any) -> Wanted:
        low, high = range_of(desired)
        if len(target.outputs) > 1:
            raise InputError("target", "name one output, whose number is wanted in the range", target.outputs)
        here = float(target(raw)[0, 0])
        if low <= here <= high:
            raise InputError("desired", f"be a range that the row's own answer, {given(here)}, is not in", desired)
        name = target.outputs[0]
        words = {
            (True, True): f"{name} from {given(low)} to {given(high)}",
            (True, False): f"{name} of at least {given(low)}",
            (False, True): f"{name} of at most {given(high)}",
        }[(bool(np.isfinite(low)), bool(np.isfinite(high)))]
        return cls((), -1, -1, low, high, target, words)

    def reached(self, raw: np.ndarray, unit: str) -> np.ndarray:
        """How far raw answers ``(n, K)`` are beyond the border of what is wanted, ``(n,)``; wanted from 0 on."""
        if not self.classes:
            y = self.target(raw)[:, 0]
            return np.minimum(y - self.low, self.high - y)
        each = scores(raw, unit)
        if self.desired < 0:
            others = np.delete(each, self.decided, axis=1).max(axis=1)
            return self._beyond(others - each[:, self.decided])
        others = np.delete(each, self.desired, axis=1).max(axis=1)
        return self._beyond(each[:, self.desired] - others)

    def _beyond(self, gap: np.ndarray) -> np.ndarray:
        """A tie is not yet another decision."""
        return np.where(gap > 0, gap, np.minimum(gap, -np.finfo(float).tiny))

    def holds(self, decision: int) -> bool:
        """Whether what the user's object decided for, by number, is wanted."""
        return decision != self.decided if self.desired < 0 else decision == self.desired

    def said(self, raw: np.ndarray, unit: str) -> list[str]:
        """What raw answers ``(n, K)`` decide for; empty words where a number is wanted."""
        if not self.classes:
            return [""] * len(raw)
        return [self.classes[i] for i in scores(raw, unit).argmax(axis=1)]


def range_of(desired: Any) -> tuple[float, float]:
    """Both ends of a range that is wanted.

    Raises
    ------
    InputError
    """
    rule = "be (low, high), either None where it is open, with low ≤ high"
    if len(desired) != 2 or any(isinstance(e, (bool, str)) for e in desired) or desired[0] is desired[1] is None:
        raise InputError("desired", rule, desired)
    try:
        low, high = (open_ if e is None else float(e) for e, open_ in zip(desired, (-np.inf, np.inf), strict=True))
    except (TypeError, ValueError) as error:
        raise InputError("desired", rule, desired) from error
    if not low <= high or not (np.isfinite(low) or np.isfinite(high)):
        raise InputError("desired", rule, desired)
    return low, high


def classes_of(raw: np.ndarray, outputs: tuple[str, ...], unit: str) -> tuple[str, ...]:
    """The decisions that raw answers are about; none for plain numbers."""
    if len(outputs) == 1:
        return (f"not {outputs[0]}", outputs[0]) if unit in _SIGNED else ()
    probable = unit == "output" and (raw >= 0).all() and np.allclose(raw.sum(axis=1), 1, atol=_SUM)
    return outputs if unit in _CLASSES or probable else ()


def scores(raw: np.ndarray, unit: str) -> np.ndarray:
    """Numbers of which the highest decides: of a single signed one also its opposite."""
    return np.hstack([-raw, raw]) if raw.shape[1] == 1 and unit in _SIGNED else raw


def _number(desired: object, classes: tuple[str, ...]) -> int:
    if isinstance(desired, (int, np.integer)) and not isinstance(desired, bool) and str(desired) not in classes:
        if 0 <= desired < len(classes):
            return int(desired)
    elif str(desired) in classes:
        return classes.index(str(desired))
    raise InputError("desired", f"be one of the decisions {', '.join(classes)}, or its number", desired)
