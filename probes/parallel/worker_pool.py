"""A crew: the workers of one model, whatever engine joblib runs them on.

Every task names the model by a token and brings one batch. A worker that has the model answers; one that has not says
so, and the batch is sent again with the model. What dead workers leave is sent out again.
"""

from __future__ import annotations

import copy
import hashlib
import logging
import os
import socket
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

import cloudpickle
import numpy as np
from joblib import Parallel, delayed
from joblib.parallel import get_active_backend

from probes.asking.ask import put
from probes.asking.batching import Portions, take
from probes.asking.cost import Cost
from probes.errors import InputError, IomapError, ModelError, describe
from probes.model import Generator, Model

__all__ = ["SHARE", "Crew", "Outcome", "Recipe"]

log = logging.getLogger(__name__)

T = TypeVar("T")

#: batches a worker gets in one round, so that a slow one does not keep the others waiting
SHARE = 4
#: how often workers may die in one call before it is given up
_DEATHS = 3
#: models that a worker keeps
_KEPT = 4


@dataclass(frozen=True)
class Recipe:
    """How a worker makes the model that is asked from the one it was sent: a method and its arguments."""

    method: str
    arguments: tuple[Any, ...] = ()

    @property
    def mark(self) -> str:
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


class Crew:
    """The workers of one model: what they were sent, and joblib's handle on them."""

    def __init__(self, model: Model | Generator, n_jobs: int | None):
        self.model = model
        self.n_jobs = n_jobs
        self.token = uuid.uuid4().hex
        self.shipments: dict[str, int] = {}
        self._parallel: Any = None
        self._engine: object = None
        self._payload: np.ndarray | None = None
        self._sent = False

    @property
    def size(self) -> int:
        """How many workers there are."""
        backend, n_jobs = get_active_backend()
        wanted = self.n_jobs if self.n_jobs is not None else n_jobs
        return max(1, int(backend.effective_n_jobs(1 if wanted is None else wanted)))

    def many(self) -> bool:
        """Whether there are several; a cluster's single worker is not this process either."""
        backend, _ = get_active_backend()
        return self.size > 1 or type(backend).__name__ in ("RayBackend", "DaskDistributedBackend")

    def pack(self) -> None:
        """Make ready what workers are sent, so that a model that cannot be sent is told before any question.

        Raises
        ------
        InputError
        """
        backend, _ = get_active_backend()
        if self._payload is None and self.many() and not (self.model.remote or _shares(backend)):
            try:
                self._payload = np.frombuffer(cloudpickle.dumps(self.model), dtype=np.uint8)
            except Exception as error:
                told = f"{type(error).__name__}: {describe(str(error), 200)}"
                raise InputError("model", f"be picklable to be sent to workers ({told})", self.model) from error

    def work(self, left: dict[int, np.ndarray], inputs: Any, recipe: Recipe | None) -> Iterator[Outcome]:
        """Outcomes with at least one answer, of all batches that are `left`; those of dead workers are sent again."""
        deaths, lacked = 0, False
        while left:
            here = self._hired()
            payload = None if here or (self._sent and not deaths and not lacked) else self._shipment()
            lacked = False
            errors: list[Exception] = []
            jobs = (
                delayed(_work)(self.token, payload, recipe, number, where, take(inputs, where))
                for number, where in list(left.items())
                if not errors
            )
            try:
                for outcome in self._run(jobs):
                    if outcome.unpacked:
                        self.shipments[outcome.worker] = self.shipments.get(outcome.worker, 0) + 1
                    lacked |= outcome.lacking
                    if not outcome.lacking:
                        left.pop(outcome.number)
                        if len(outcome.where):
                            yield outcome
                        if outcome.error is not None:  # no more is sent out; what others are at is waited for
                            errors.append(outcome.error)
                if errors:
                    raise errors[0]
                self._sent = True
            except (IomapError, GeneratorExit, KeyboardInterrupt):
                self.close()
                raise
            except Exception as error:
                self.close()
                if errors:  # said before somebody died
                    raise errors[0] from error
                deaths += 1
                unanswered = sum(map(len, left.values()))
                told = f"{type(error).__name__}: {describe(str(error), 200)}"
                if deaths > _DEATHS:
                    raise ModelError(
                        f"Workers died {deaths} times ({told}); {unanswered} inputs are without an answer. "
                        "Earlier answers are kept: run again and only these are asked."
                    ) from error
                log.warning("a worker died (%s); %d inputs are sent out again", told, unanswered)

    def map(self, function: Callable[[Any], T], items: Sequence[Any]) -> Iterator[T]:
        """A function of each item, in their order, computed by the workers where there are several.

        What dead workers leave is computed here.
        """
        found: dict[int, T] = {}
        if len(items) > 1 and self.many():
            self._hired()
            try:
                for i, value in self._run(delayed(_numbered)(function, i, item) for i, item in enumerate(items)):
                    found[i] = value
            except (GeneratorExit, KeyboardInterrupt):
                self.close()
                raise
            except Exception as error:  # noqa: BLE001 - whatever ended the engine, the work can be done here
                log.warning("a worker died (%s: %s); its work is done here", type(error).__name__, error)
                self.close()
        for i, item in enumerate(items):
            yield found[i] if i in found else function(item)

    def _hired(self) -> bool:
        """Have joblib's workers ready; says whether they share this process's memory."""
        backend, _ = get_active_backend()
        if self._parallel is None or self._engine is not backend:
            self.close()
            self._engine = backend
            options: dict[str, Any] = {"n_jobs": self.n_jobs, "batch_size": 1, "max_nbytes": "100K"}
            try:
                self._parallel = Parallel(return_as="generator_unordered", **options)
            except ValueError:  # an engine that hands back everything at once
                self._parallel = Parallel(**options)
            self._parallel.__enter__()
        shares = _shares(backend)
        if shares:
            _HERE[self.token] = self.model
        return shares

    def _run(self, jobs: Iterator[Any]) -> Iterator[Any]:
        if self._parallel.return_generator:
            yield from self._parallel(jobs)
            return
        while some := list(islice(jobs, self.size * SHARE)):  # so that answers are kept on the way
            yield from self._parallel(some)

    def _shipment(self) -> Any:
        """The model as bytes, in a form that the engine carries to each worker's side once."""
        self.pack()
        if type(self._engine).__name__ == "RayBackend":
            import ray

            return ray.put(self._payload)
        return self._payload  # joblib maps large arrays into memory, Dask scatters them

    def close(self) -> None:
        """Let the workers go; they are hired again when needed."""
        parallel, self._parallel, self._sent = self._parallel, None, False
        _HERE.pop(self.token, None)
        if parallel is not None:
            try:
                parallel.__exit__(None, None, None)
            except Exception as error:  # noqa: BLE001 - the engine may be gone already
                log.info("workers could not be let go: %s", error)


#: models asked by threads of this process
_HERE: dict[str, Model | Generator] = {}
#: models that this process was sent as a worker, and those made from them
_SENT: OrderedDict[tuple[str, str], Any] = OrderedDict()
_MINE = threading.local()


def _shares(backend: Any) -> bool:
    """Whether an engine's workers share this process's memory."""
    return bool(getattr(backend, "supports_sharedmem", False))


def _numbered(function: Callable[[Any], T], number: int, item: Any) -> tuple[int, T]:
    return number, function(item)


def _work(token: str, payload: Any, recipe: Recipe | None, number: int, where: np.ndarray, part: Any) -> Outcome:
    """Answer one batch; runs in the worker."""
    me = f"{socket.gethostname()}:{os.getpid()}"
    try:
        model, unpacked = _model(token, payload, recipe)
    except Exception as raised:  # noqa: BLE001 - a module that the worker does not have, say: trying again is no use
        told = f"{type(raised).__name__}: {describe(str(raised), 200)}"
        return Outcome(number, worker=me, error=ModelError(f"The model could not be unpacked by a worker ({told})."))
    if model is None:
        return Outcome(number, worker=me, lacking=True)
    rows: list[np.ndarray] = []
    values: list[np.ndarray] = []
    error: Exception | None = None

    def keep(some: np.ndarray, answers: np.ndarray) -> None:
        rows.append(some)
        values.append(answers)

    try:
        put(model, Portions(model, part, Cost()), keep)  # smaller ones where a larger one did not fit into memory
    except Exception as raised:  # noqa: BLE001 - travels back, with what was answered before
        error = raised
    if not rows:
        return Outcome(number, worker=me, unpacked=unpacked, error=error, reason=model.reason)
    whole = np.concatenate(values)
    at = where[np.concatenate(rows)]
    return Outcome(number, at, whole, me, unpacked, False, error, model.outputs, model.reason, model.batch)


def _model(token: str, payload: Any, recipe: Recipe | None) -> tuple[Any, bool]:
    """The model to ask, None if it has not been sent; and whether it was unpacked just now."""
    if token in _HERE:  # a thread takes a copy of its own, because models keep notes while they answer
        mine = _MINE.__dict__.setdefault("models", OrderedDict())
        return _made(mine, (token, ""), lambda: copy.copy(_HERE[token]), recipe), False
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
    """A model by its key, and from it what a recipe makes; the last few are kept."""
    if key not in known:
        known[key] = make()
    known.move_to_end(key)
    base = model = known[key]
    if recipe is not None:
        own = (key[0], recipe.mark)
        if own not in known:
            known[own] = getattr(base, recipe.method)(*recipe.arguments)
        known.move_to_end(own)
        known.move_to_end(key)
        model = known[own]
    while len(known) > _KEPT:
        known.popitem(last=False)
    return model
