"""Targets: a model's raw output → the number explained, with its unit.

A target is a small pure function with one signature, ``(n, K)`` raw outputs → ``(n, k)`` numbers. Raw outputs are kept
with the answers, so another target of the same answers costs no call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from scipy.special import logsumexp

from probes.errors import InputError, ModelError
from probes.outputs.threshold import Above

__all__ = ["Target", "TargetLike", "is_function", "resolve"]


def _identity(raw: np.ndarray, columns: list[int]) -> np.ndarray:
    return raw[:, columns]


def _mean(raw: np.ndarray, columns: Sequence[int] | np.ndarray) -> np.ndarray:
    return raw[:, columns].mean(axis=1, keepdims=True)


def _log_odds(raw: np.ndarray, columns: list[int]) -> np.ndarray:
    """Compute log p − log(1 − p) of softmax classes from their logits, stable at any confidence."""
    others = [[j for j in range(raw.shape[1]) if j != c] for c in columns]
    return np.column_stack(
        [raw[:, c] - logsumexp(raw[:, rest], axis=1) for c, rest in zip(columns, others, strict=True)]
    )


def _sequence_log_odds(raw: np.ndarray, columns: list[int]) -> np.ndarray:
    """Compute log p − log(1 − p) of an entire answer from its tokens' log-probabilities, stable near p = 1."""
    total = np.minimum(raw[:, columns].sum(axis=1, keepdims=True), 0.0)
    with np.errstate(divide="ignore"):
        return total - np.log(-np.expm1(total))


def _probability_log_odds(raw: np.ndarray, columns: list[int]) -> np.ndarray:
    """Compute log p − log(1 − p) of probabilities; infinite at 0 and 1."""
    with np.errstate(divide="ignore"):
        return np.log(raw[:, columns]) - np.log1p(-raw[:, columns])


LOG_ODDS = "log-odds"
#: kind of a target that a user's function computes, and the unit of its numbers
FUNCTION = "function"
FUNCTION_UNIT = "target"

KINDS: dict[str, Callable[[np.ndarray, list[int]], np.ndarray]] = {
    "identity": _identity,
    "mean": _mean,
    "log_odds": _log_odds,
    "sequence_log_odds": _sequence_log_odds,
    "probability_log_odds": _probability_log_odds,
}


@dataclass(frozen=True)
class Target:
    """The number explained.

    Parameters
    ----------
    kind : {"identity", "mean", "log_odds", "sequence_log_odds", "probability_log_odds", "function"}
        Columns as they are; their mean as one number; each class's log-odds against all others, from logits; the
        log-odds of an answer from its tokens' log-probabilities; those of probabilities; what a function makes of them.
    columns : tuple of int
        Raw outputs that enter; empty for a function, which takes all.
    outputs : tuple of str
        Names of the k numbers.
    unit : str
        Their unit; "target" for a function.
    function : callable, optional
        Raw outputs ``(n, K)`` → numbers ``(n, k)`` or ``(n,)``, for kind "function" alone. It is not written to files.
    sizes : tuple of k int, optional
        For kind "mean" with several numbers: how many of `columns`, in their order, enter each.

    Examples
    --------
    >>> Target("mean", (0, 1), ("answer",), "nats")(np.array([[-1.0, -3.0, 9.0]]))
    array([[-2.]])
    """

    kind: str
    columns: tuple[int, ...]
    outputs: tuple[str, ...]
    unit: str
    function: Callable[[np.ndarray], Any] | None = field(default=None, hash=False)
    sizes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in (*KINDS, FUNCTION):
            raise InputError("kind", f"be one of {', '.join((*KINDS, FUNCTION))}", self.kind)
        if (self.kind == FUNCTION) != callable(self.function):
            raise InputError("function", f'be a function for kind "{FUNCTION}", and left out for others', self.function)
        if self.kind == FUNCTION:
            if self.columns:
                raise InputError("columns", f'be empty for kind "{FUNCTION}"', self.columns)
            if self.unit != FUNCTION_UNIT:
                raise InputError("unit", f'be "{FUNCTION_UNIT}" for kind "{FUNCTION}"', self.unit)
        elif not self.columns or min(self.columns) < 0:
            raise InputError("columns", "hold numbers of outputs, from 0", self.columns)
        split = self.kind == "mean" and len(self.sizes) == len(self.outputs) and sum(self.sizes) == len(self.columns)
        if self.sizes and not (split and min(self.sizes) > 0):
            raise InputError("sizes", 'share out the columns of a "mean", some for each output', self.sizes)

    def __repr__(self) -> str:
        """Show what it computes; keys of stored explanations hold this, so `sizes` stand only where there are any."""
        shown = ("kind", "columns", "outputs", "unit", *(["sizes"] if self.sizes else []))
        return f"Target({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

    @classmethod
    def of_function(cls, function: Callable[[np.ndarray], Any], raw: np.ndarray) -> Target:
        """Make a target of a function, with a name for each number that it returns for raw outputs ``(n, K)``.

        Raises
        ------
        ModelError
            If it does not return one finite row per answer.
        """
        count = custom(function, raw).shape[1]
        label = getattr(function, "__name__", "target")
        names = (label,) if count == 1 else tuple(f"{label} {j}" for j in range(count))
        return cls(FUNCTION, (), names, FUNCTION_UNIT, function)

    def __call__(self, raw: np.ndarray) -> np.ndarray:
        """Return raw outputs ``(n, K)`` → numbers ``(n, k)``.

        Raises
        ------
        ModelError
            If it is a function and does not return one finite row of k numbers per answer.
        """
        if self.sizes:
            ends = np.cumsum(self.sizes)[:-1]
            return np.hstack([_mean(np.asarray(raw, dtype=float), part) for part in np.split(self.columns, ends)])
        if self.function is None:
            return KINDS[self.kind](np.asarray(raw, dtype=float), list(self.columns))
        y = custom(self.function, raw)
        if y.shape[1] != len(self.outputs):
            raise ModelError(
                f"The target function must return as many numbers every time; got {y.shape[1]}, "
                f"and {len(self.outputs)} before."
            )
        return y


#: whatever a user may pass as target
TargetLike: TypeAlias = Target | Above | Callable[[np.ndarray], Any] | str | int | Sequence[str | int] | None


def is_function(target: object) -> bool:
    """Return whether a function computes the target."""
    return target.function is not None if isinstance(target, Target) else callable(target)


def resolve(target: Any, outputs: Sequence[str], unit: str, instance: np.ndarray) -> Target:
    """Convert a target argument to a Target.

    Parameters
    ----------
    target : None, "all", "log-odds", str, int, list of these, or Target
        None explains the mean token log-probability of a language model's answer, the class that a classifier gives
        the instance, and every output of anything else. "log-odds" explains log p − log(1 − p) of the whole answer, or
        of that class's probability.
    outputs : sequence of str
        Names of the raw outputs.
    unit : str
        Unit of the raw outputs.
    instance : ndarray ``(K,)``
        Raw outputs for the instance.

    Raises
    ------
    InputError
        If an output is not one of the model's.
    """
    count = len(outputs)
    if isinstance(target, Target):
        if max(target.columns, default=0) >= count:
            raise InputError("target", f"use the model's {count} outputs", target)
        return target
    if unit == "nats" and target is None:
        return Target("mean", tuple(range(count)), ("mean token log-prob",), "nats")
    if isinstance(target, str) and target == LOG_ODDS and LOG_ODDS not in outputs:
        if unit == "nats":
            return Target("sequence_log_odds", tuple(range(count)), ("log-odds of the answer",), LOG_ODDS)
        if unit == "probability":
            column = int(np.argmax(instance))
            return Target("probability_log_odds", (column,), (str(outputs[column]),), LOG_ODDS)
        target = None if unit in ("logit", "log-odds") else target
    classes = unit in ("logit", "log-odds", "margin", "probability") and count > 1
    if target is None and classes:
        columns = [int(np.argmax(instance))]
    elif target is None or (isinstance(target, str) and target == "all" and "all" not in outputs):
        columns = list(range(count))
    else:
        several = isinstance(target, (list, tuple, np.ndarray))
        columns = [_column(t, outputs) for t in (target if several else [target])]
        if not columns or len(set(columns)) < len(columns):
            raise InputError("target", "name at least one output, and none twice", target)
    kind = "log_odds" if unit == "logit" and count > 1 else "identity"
    shown = "log-odds" if kind == "log_odds" else unit
    return Target(kind, tuple(columns), tuple(outputs[c] for c in columns), shown)


def _column(target: Any, outputs: Sequence[str]) -> int:
    if str(target) in outputs and not (isinstance(target, (int, np.integer)) and len(set(outputs)) < len(outputs)):
        named = [column for column, name in enumerate(outputs) if name == str(target)]
        if len(named) > 1:
            rule = f"be the number of one output, of which several have this name: {', '.join(map(str, named[:12]))}"
            raise InputError("target", rule, target)
        return named[0]
    if isinstance(target, (int, np.integer)) and not isinstance(target, bool) and 0 <= target < len(outputs):
        return int(target)
    shown = ", ".join(map(repr, outputs[:12])) + (", …" if len(outputs) > 12 else "")
    raise InputError("target", f'be one of the model\'s outputs ({shown}), a list of them, or "all"', target)


def custom(function: Callable[[np.ndarray], Any], raw: np.ndarray) -> np.ndarray:
    """Return the numbers a user's target function makes of raw outputs, checked; shape ``(n, k)``.

    Raises
    ------
    ModelError
        If it does not return one finite row per answer.
    """
    from probes.outputs.arrays import as_outputs

    try:
        values = function(raw)
    except Exception as error:
        kind = type(error).__name__
        raise ModelError(f"The target function raised {kind} on raw outputs of shape {raw.shape}: {error}") from error
    y = as_outputs(values, len(raw), "The target function")
    if not np.isfinite(y).all():
        raise ModelError("The target function must return finite numbers; got NaN or infinity.")
    return y
