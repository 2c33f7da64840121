"""The worker's side: a batch comes with the token of a model, answers go back.

A worker keeps the last few models that it was sent, and those made from them; threads of the caller's process use the
caller's model itself.
"""

from __future__ import annotations

import copy
import hashlib
import os
import socket
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import cloudpickle
import numpy as np

from probes.asking.ask import put
from probes.asking.batching import Portions
from probes.asking.cost import Cost
from probes.errors import ModelError, describe
from probes.model import Generator, Model

__all__ = ["LOCAL_MODELS", "Outcome", "Recipe", "answer_batch", "numbered", "shares_memory"]

T = TypeVar("T")

#: models that a worker keeps
_KEPT = 4


@dataclass(frozen=True)
class Recipe:
    """How a worker makes the model that is asked from the one it was sent: a method and its arguments."""

    method: str
    arguments: tuple[Any, ...] = ()

    @property
    def mark(self) -> str:
        """SHA-256 of method and arguments, in hexadecimal."""
        return hashlib.sha256(repr((self.method, self.arguments)).encode()).hexdigest()


@dataclass(frozen=True)
class Outcome:
    """What comes back for one batch.

    Attributes
    ----------
    number : int
        Of the batch.
    where : ndarray ``(m,)``
        Which inputs are answered: fewer than were sent where the model failed on the way.
    values : ndarray ``(m, K)``
    worker : str
    unpacked : bool
        Whether the worker unpacked the model for this.
    lacking : bool
        Whether it had no model to ask.
    error : Exception or None
    outputs : tuple of str or None
    reason : str
    batch : int
        The most that the worker's model takes at once by now.
    """

    number: int
    where: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=int))
    values: np.ndarray = field(default_factory=lambda: np.empty((0, 1)))
    worker: str = ""
    unpacked: bool = False
    lacking: bool = False
    error: Exception | None = None
    outputs: tuple[str, ...] | None = None
    reason: str = ""
    batch: int = 0


#: models asked by threads of this process
LOCAL_MODELS: dict[str, Model | Generator] = {}
#: models that this process was sent as a worker, and those made from them
_SENT: OrderedDict[tuple[str, str], Any] = OrderedDict()
_THREAD = threading.local()


def shares_memory(backend: Any) -> bool:
    """Return whether an engine's workers share this process's memory."""
    return bool(getattr(backend, "supports_sharedmem", False))


def numbered(function: Callable[[Any], T], number: int, item: Any) -> tuple[int, T]:
    """Apply a function to an item; return its number with the result."""
    return number, function(item)


def answer_batch(token: str, payload: Any, recipe: Recipe | None, number: int, where: np.ndarray, part: Any) -> Outcome:
    """Answer one batch; runs in the worker.

    Parameters
    ----------
    token : str
        Names the model.
    payload : ndarray of uint8, reference of the engine, or None
        The pickled model; None where the worker should have it.
    recipe : Recipe or None
    number : int
        Of the batch.
    where : ndarray ``(m,)``
        Which inputs the batch holds.
    part : batch of m inputs
    """
    me = f"{socket.gethostname()}:{os.getpid()}"
    try:
        model, unpacked = _model(token, payload, recipe)
    except Exception as raised:  # noqa: BLE001 - a module that the worker does not have, say: trying again is no use
        problem = f"{type(raised).__name__}: {describe(str(raised), 200)}"
        error = ModelError(f"The model could not be unpacked by a worker ({problem}).")
        return Outcome(number, worker=me, error=error)
    if model is None:
        return Outcome(number, worker=me, lacking=True)
    rows: list[np.ndarray] = []
    values: list[np.ndarray] = []
    failure: Exception | None = None

    def keep(some: np.ndarray, answers: np.ndarray) -> None:
        rows.append(some)
        values.append(answers)

    try:
        put(model, Portions(model, part, Cost()), keep)  # smaller ones where a larger one did not fit into memory
    except Exception as raised:  # noqa: BLE001 - travels back, with what was answered before
        failure = raised
    if not rows:
        return Outcome(number, worker=me, unpacked=unpacked, error=failure, reason=model.reason)
    return Outcome(
        number,
        where[np.concatenate(rows)],
        np.concatenate(values),
        me,
        unpacked,
        lacking=False,
        error=failure,
        outputs=model.outputs,
        reason=model.reason,
        batch=model.batch,
    )


def _model(token: str, payload: Any, recipe: Recipe | None) -> tuple[Any, bool]:
    """Return the model to ask (None if it has not been sent), and whether it was unpacked just now."""
    if token in LOCAL_MODELS:  # a thread takes a copy, because models keep notes while they answer
        copies = _THREAD.__dict__.setdefault("models", OrderedDict())
        return _made(copies, (token, ""), lambda: copy.copy(LOCAL_MODELS[token]), recipe), False
    unpacked = False
    if (token, "") not in _SENT:
        if payload is None:
            return None, False
        if not isinstance(payload, np.ndarray):
            import ray

            payload = ray.get(payload)
        # bytes that the caller made itself and the engine brought, as it brings every task; never from a file or a user
        _SENT[token, ""] = cloudpickle.loads(payload.tobytes())
        unpacked = True
    return _made(_SENT, (token, ""), None, recipe), unpacked


def _made(known: OrderedDict[tuple[str, str], Any], key: tuple[str, str], make: Any, recipe: Recipe | None) -> Any:
    """Return a model by its key, or what a recipe makes of it; the last few are kept."""
    if key not in known:
        known[key] = make()
    known.move_to_end(key)
    base = model = known[key]
    if recipe is not None:
        derived = (key[0], recipe.mark)
        if derived not in known:
            known[derived] = getattr(base, recipe.method)(*recipe.arguments)
        known.move_to_end(derived)
        known.move_to_end(key)
        model = known[derived]
    while len(known) > _KEPT:
        known.popitem(last=False)
    return model
