"""The workers of one model, whatever engine joblib runs them on.

Every task names the model by a token and brings one batch. A worker that has the model answers; one that has not says
so, and the batch is sent again with the model. What dead workers leave is sent out again.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

import cloudpickle
import numpy as np
from joblib import Parallel, delayed
from joblib.parallel import get_active_backend

from probes.deferred import take
from probes.errors import InputError, IomapError, ModelError, describe
from probes.model import Generator, Model
from probes.parallel.dask_tasks import DaskTasks
from probes.parallel.worker import LOCAL_MODELS, Outcome, Recipe, answer_batch, numbered, shares_memory
from probes.rounding import counted

__all__ = ["SHARE", "WorkerPool"]

log = logging.getLogger(__name__)

T = TypeVar("T")

#: batches a worker gets in one round, so that a slow one does not keep the others waiting
SHARE = 4
#: how often workers may die in one call before it is given up
DEATHS = 3


def _is_ray(backend: object) -> bool:
    return type(backend).__name__ == "RayBackend"


def _is_dask(backend: object) -> bool:
    return type(backend).__name__ == "DaskDistributedBackend"


class WorkerPool:
    """The workers of one model: what they were sent, and joblib's handle on them.

    Parameters
    ----------
    model : Model or Generator
    n_jobs : int or None
        How many workers; None for what ``joblib.parallel_config`` says.
    worth : float, default 0.0
        Seconds of work that are done in this process before processes are started, which takes about as long.

    Attributes
    ----------
    shipments : dict of str to int
        How often the model was unpacked by each worker, by host and process number.
    spent : float
        Seconds of work done in this process.
    """

    def __init__(self, model: Model | Generator, n_jobs: int | None, worth: float = 0.0):
        self.model = model
        self.n_jobs, self.worth = n_jobs, worth
        self.spent = 0.0
        self.token = uuid.uuid4().hex
        self.shipments: dict[str, int] = {}
        self._parallel: Any = None
        self._engine: Any = None
        self._payload: np.ndarray | None = None
        self._sent = False

    @property
    def size(self) -> int:
        """How many workers there are.

        Raises
        ------
        InputError
            If they were to be forks of this process: where it has threads, a fork may wait for ever.
        """
        backend, n_jobs = get_active_backend()
        wanted = self.n_jobs if self.n_jobs is not None else n_jobs
        size = max(1, int(backend.effective_n_jobs(1 if wanted is None else wanted)))
        if size > 1 and type(backend).__name__ == "MultiprocessingBackend":
            rule = "name an engine that does not fork a process with threads: loky, threading, dask or ray"
            raise InputError("parallel_config", rule, "multiprocessing")
        return size

    def many(self) -> bool:
        """Return whether there are several; a cluster's single worker is not this process either."""
        backend, _ = get_active_backend()
        return self.size > 1 or _is_ray(backend) or _is_dask(backend)

    def waits(self, rest: float = np.inf) -> bool:
        """Return whether work is done here, with so many seconds of it left: processes are not worth a start yet."""
        backend, _ = get_active_backend()
        idle = self._parallel is None and type(backend).__name__ == "LokyBackend"
        return idle and self.many() and (self.spent < self.worth or not self.pays(rest))

    def pays(self, rest: float) -> bool:
        """Return whether processes would have saved more of the work, with so many seconds left, than they cost."""
        return (self.spent + rest) * (1 - 1 / self.size) >= self.worth

    @contextmanager
    def clock(self) -> Iterator[None]:
        """Count what is done meanwhile as work done here."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.spent += time.perf_counter() - start

    def prepare(self) -> None:
        """Pickle what workers are sent, so that a model that cannot be sent is refused before any question.

        Raises
        ------
        InputError
        """
        backend, _ = get_active_backend()
        if self._payload is None and self.many() and not (self.model.remote or shares_memory(backend)):
            try:
                self._payload = np.frombuffer(cloudpickle.dumps(self.model), dtype=np.uint8)
            except Exception as error:
                problem = f"{type(error).__name__}: {describe(str(error), 200)}"
                asked = getattr(self.model, "function", self.model)  # as the user knows it
                raise InputError("model", f"be picklable to be sent to workers ({problem})", asked) from error

    def work(self, left: dict[int, np.ndarray], inputs: Any, recipe: Recipe | None) -> Iterator[Outcome]:
        """Yield outcomes with answers, of all batches that are `left`; those of dead workers are sent again.

        Raises
        ------
        ModelError
            If the model fails, or workers die too often.
        """
        deaths, lacked = 0, False
        while left:
            here = self._start()
            errors: list[Exception] = []
            try:
                payload = None if here or (self._sent and not deaths and not lacked) else self._shipment()
                lacked = False
                jobs = (
                    delayed(answer_batch)(self.token, payload, recipe, number, where, take(inputs, where))
                    for number, where in list(left.items())
                    if not errors
                )
                for outcome in self._run(jobs):
                    if outcome.unpacked:
                        self.shipments[outcome.worker] = self.shipments.get(outcome.worker, 0) + 1
                    lacked |= outcome.lacking
                    if not outcome.lacking:
                        left.pop(outcome.number)
                        if len(outcome.where):
                            yield outcome
                        if outcome.error is not None:  # no more is sent out; batches in progress are waited for
                            errors.append(outcome.error)
                if errors:
                    raise errors[0]
                self._sent = True
            except (IomapError, GeneratorExit, KeyboardInterrupt):
                self.close()
                raise
            except Exception as error:
                self.close()
                if errors:  # the model's failure came before the worker's death
                    raise errors[0] from error
                deaths += 1
                unanswered = sum(map(len, left.values()))
                number, be = counted(unanswered, "input"), "is" if unanswered == 1 else "are"
                problem = f"{type(error).__name__}: {describe(str(error), 200)}"
                if deaths > DEATHS:
                    raise ModelError(
                        f"Workers died {deaths} times ({problem}); {number} {be} without an answer. "
                        "Earlier answers are kept: run again and only these are asked."
                    ) from error
                log.warning("a worker died (%s); %s %s sent out again", problem, number, be)

    def map(self, function: Callable[[Any], T], items: Sequence[Any]) -> Iterator[T]:
        """Yield a function of each item, in their order, computed by the workers where there are several.

        What dead workers leave is computed here.
        """
        results: dict[int, T] = {}
        if len(items) > 1 and self.many():
            self._start()
            try:
                for i, value in self._run(delayed(numbered)(function, i, item) for i, item in enumerate(items)):
                    results[i] = value
            except (GeneratorExit, KeyboardInterrupt):
                self.close()
                raise
            except Exception as error:  # noqa: BLE001 - whatever ended the engine, the work can be done here
                log.warning("a worker died (%s: %s); its work is done here", type(error).__name__, error)
                self.close()
        for i, item in enumerate(items):
            yield results[i] if i in results else function(item)

    def _start(self) -> bool:
        """Start joblib's workers; return whether they share this process's memory."""
        backend, _ = get_active_backend()
        if self._parallel is None or self._engine is not backend:
            self.close()
            self._engine = backend
            self._parallel = self._runner(backend)
            self._parallel.__enter__()
        if shared := shares_memory(backend):
            LOCAL_MODELS[self.token] = self.model
        return shared

    def _runner(self, backend: Any) -> Any:
        if _is_dask(backend):
            return DaskTasks(backend)
        options: dict[str, Any] = {"n_jobs": self.n_jobs, "batch_size": 1, "max_nbytes": "100K"}
        try:
            return Parallel(return_as="generator_unordered", **options)
        except ValueError:  # an engine that hands back everything at once
            return Parallel(**options)

    def _run(self, jobs: Iterator[Any]) -> Iterator[Any]:
        if self._parallel.return_generator:
            yield from self._parallel(jobs)
            return
        while round_ := list(islice(jobs, self.size * SHARE)):  # so that answers are kept on the way
            yield from self._parallel(round_)

    def _shipment(self) -> Any:
        """Return the model as bytes, in a form that the engine carries to each worker's side once."""
        self.prepare()
        if _is_ray(self._engine):
            import ray

            return ray.put(self._payload)
        if _is_dask(self._engine):
            return self._engine.client.scatter(self._payload, hash=False)
        return self._payload  # joblib maps large arrays into memory

    def close(self) -> None:
        """Stop the workers; they are started again when needed."""
        parallel, self._parallel, self._sent = self._parallel, None, False
        LOCAL_MODELS.pop(self.token, None)
        if parallel is not None:
            try:
                parallel.__exit__(None, None, None)
            except Exception as error:  # noqa: BLE001 - the engine may be gone already
                log.info("workers could not be stopped: %s", error)
