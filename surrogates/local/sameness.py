"""When an answer counts as the same as the instance's: a tolerance, a function, the class, or the nearer end."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any, TypeAlias

import numpy as np

from probes.asking.answers import Answers
from probes.asking.session import Reply
from probes.errors import InputError, ModelError
from probes.outputs.target import Target
from probes.rounding import alone
from surrogates.local.anchor import Said
from surrogates.local.wanted import classes_of

__all__ = ["Same", "SameLike", "said_of", "sameness"]

#: from raw outputs ``(n, K)`` to whether each counts as the same answer, ``(n,)``
Same: TypeAlias = Callable[[np.ndarray], np.ndarray]
#: whatever anchor() takes as same
SameLike: TypeAlias = Callable[[np.ndarray], Any] | float | None


def sameness(ends: Reply, wanted: SameLike, targeted: bool) -> tuple[Same, str]:
    """Choose a test of raw outputs, given the answers for the instance and the reference, and put it in words."""
    answers, target, y = ends.answers, ends.target, ends.y
    if callable(wanted):
        return _same_by_function(wanted, target), "the answer counts as the same"
    name = target.outputs[0]
    if isinstance(wanted, Real):
        reach, middle = float(wanted), y[0]
        words = f"{name} is within {alone(reach)} of {alone(y[0, 0])}"
        return lambda raw: (np.abs(target(raw) - middle) <= reach).all(axis=1), words
    if _by_class(answers, targeted):
        top = int(np.argmax(answers.y[0]))
        return lambda raw: raw.argmax(axis=1) == top, f"the answer is {answers.outputs[top]}"
    if y.shape[1] > 1:
        raise InputError("target", "name one output, or same say what counts as the same", target.outputs)
    if np.isclose(y[0, 0], y[1, 0], rtol=1e-9, atol=0):
        rule = "be given: the answers for the instance and the reference are equal, none is nearer"
        raise InputError("same", rule, float(y[0, 0]))
    border, up = (y[0, 0] + y[1, 0]) / 2, y[0, 0] > y[1, 0]
    words = f"{name} is {'above' if up else 'below'} {alone(border)}, nearer to the instance than to the reference"
    return lambda raw: (target(raw)[:, 0] > border) == up, words


def _by_class(answers: Answers, targeted: bool) -> bool:
    """Whether the class decided for is what counts."""
    several = not targeted and answers.y.shape[1] > 1
    return several and bool(classes_of(answers.y[:2], answers.outputs, answers.unit))


def said_of(ends: Reply, wanted: SameLike, targeted: bool) -> Said:
    """Return what the model says of the instance and of the reference."""
    answers = ends.answers
    outputs, unit, y, decided = list(ends.target.outputs), ends.target.unit, ends.y, list[str]()
    if wanted is None and _by_class(answers, targeted):
        top = answers.y[:2].argmax(axis=1)
        decided = [answers.outputs[j] for j in top]
        shown = list(dict.fromkeys(top.tolist()))
        outputs, unit, y = [answers.outputs[j] for j in shown], answers.unit, answers.y[:, shown]
    return Said(outputs=outputs, unit=unit, instance=y[0].tolist(), reference=y[1].tolist(), decided=decided)


def _same_by_function(function: Callable[[np.ndarray], Any], target: Target) -> Same:
    """Wrap a user's function of the explained numbers, checked."""

    def same(raw: np.ndarray) -> np.ndarray:
        y = target(raw)
        try:
            truth = np.asarray(function(y))
        except Exception as error:
            raise ModelError(f"same raised {type(error).__name__}: {error}") from error
        if truth.dtype.kind == "f" and np.isnan(truth).any():
            raise ModelError("same must return truth values; got NaN.")
        if truth.shape not in ((len(raw),), (len(raw), 1)):
            raise ModelError(f"same must return one truth value a row, {len(raw)}; got shape {truth.shape}.")
        return truth.astype(bool).reshape(len(raw))

    return same
