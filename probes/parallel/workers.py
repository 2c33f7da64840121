"""Workers: a model asked in several processes, threads or machines at once, through whatever engine joblib has.

joblib runs the batches on its own processes ("loky", the default), on threads, or on a Ray or Dask cluster, as
``joblib.parallel_config`` says. The model travels to a worker once and stays there. Workers only compute: the process
that asks receives every batch as it is finished and is the only one that writes the store. A worker that dies costs
the batches it was working on; they are sent out again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import ceil
from typing import Any, Self, overload

import numpy as np
import pandas as pd

from probes.asking.batching import batches
from probes.deferred import take
from probes.errors import InputError, integer
from probes.model import Generator, Identity, Model
from probes.outputs.named import by_name
from probes.parallel.worker import Outcome, Recipe
from probes.parallel.worker_pool import SHARE, WorkerPool

__all__ = ["GeneratorWorkers", "Workers", "distribute"]


@overload
def distribute(model: Model, n_jobs: int | None = 2, worth: float = 0.0) -> Workers: ...


@overload
def distribute(model: Generator, n_jobs: int | None = 2, worth: float = 0.0) -> GeneratorWorkers: ...


@overload
def distribute(model: Model | Generator, n_jobs: int | None = 2, worth: float = 0.0) -> Workers | GeneratorWorkers: ...


def distribute(model: Model | Generator, n_jobs: int | None = 2, worth: float = 0.0) -> Workers | GeneratorWorkers:
    """Wrap a model so that several workers answer at once.

    Parameters
    ----------
    model : Model or Generator
        Must be picklable where workers are processes. Its identity is taken once: make new workers after changing it.
    n_jobs : int or None, default 2
        How many workers; -1 for as many as the engine has, None for what ``joblib.parallel_config`` says. With one,
        the model is asked in this process.
    worth : float, default 0.0
        Seconds of work that this process does before it starts others, so that they are started for what takes longer.

    Raises
    ------
    InputError
        If the model cannot be pickled to be sent to workers that are processes.

    Notes
    -----
    A model behind a server is asked by this process whatever the workers, since its requests travel side by side anyway
    and its caps and limits are counted here; workers fit.

    Examples
    --------
    >>> from probes import as_model
    >>> with distribute(as_model(lambda Z: Z[:, 0] * 2), n_jobs=1) as twice:
    ...     twice(np.array([[1.0], [3.0]]))
    array([[2.],
           [6.]])
    """
    if isinstance(model, (Workers, GeneratorWorkers)):
        return model
    if n_jobs is not None and (n_jobs := integer("n_jobs", n_jobs)) == 0:
        raise InputError("n_jobs", "be a number of workers, -1 for all, or None", n_jobs)
    if not isinstance(model, (Generator, Model)):
        raise InputError("model", "be a Model or Generator, see as_model", model)
    pool = WorkerPool(model, n_jobs, worth)
    return GeneratorWorkers(model, pool) if isinstance(model, Generator) else Workers(model, pool)


class _Pooled:
    """Has a pool of workers: one identity all the time, and workers that can be stopped."""

    pool: WorkerPool
    _identity: Identity

    @property
    def shipments(self) -> dict[str, int]:
        """How often the model was unpacked by each worker, by host and process number."""
        return dict(self.pool.shipments)

    def identity(self) -> Identity:
        return self._identity

    def close(self) -> None:
        """Stop the workers."""
        self.pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Workers(_Pooled, Model):
    """A model asked through workers; made by :func:`distribute`. A context manager: leaving it stops the workers.

    Attributes
    ----------
    model : Model
        The wrapped model, which gives identity, unit, outputs, sizes and digests.
    """

    def __init__(self, model: Model, pool: WorkerPool, recipe: Recipe | None = None):
        self.model = model
        self.pool = pool
        self.recipe = recipe
        self.unit, self.outputs, self.size_unit = model.unit, model.outputs, model.size_unit
        self.steady, self.fallible, self.at_once = model.steady, model.fallible, model.at_once
        self.remote, self.compared, self.half = model.remote, model.compared, model.half
        self.neighbours, self.vouched = model.neighbours, model.vouched
        # inputs are cut up here, so a caller hands over all it has
        self.batch = 2**62 if pool.many() and not model.remote else model.batch
        self._identity = model.identity()

    def sizes(self, inputs: Any) -> np.ndarray:
        return self.model.sizes(inputs)

    def digests(self, inputs: Any) -> list[bytes]:
        return self.model.digests(inputs)

    def order(self, inputs: Any) -> np.ndarray:
        return self.model.order(inputs)

    def tokens(self, inputs: Any) -> int:
        return self.model.tokens(inputs)

    def direct(self) -> Callable[[Any], Any] | None:
        return self.model.direct()

    def as_direct(self, values: np.ndarray) -> np.ndarray:
        return self.model.as_direct(values)

    def check_instance(self, rendered: Callable[[], Any]) -> None:
        self.model.check_instance(rendered)

    def met_as(self, identity: Identity) -> str:
        return self.model.met_as(identity)

    def ask_one_by_one(self, why: str) -> None:
        self.model.ask_one_by_one(why)
        self.neighbours = why
        if self.model.remote or not self.pool.many():
            self.batch = 1

    def randomised(self, rng: np.random.Generator, inputs: Any) -> Model | None:
        return self.model.randomised(rng, inputs)

    def __call__(self, inputs: Any) -> np.ndarray:
        rows: dict[int, np.ndarray] = {}
        for where, values in self.answers(inputs):
            rows.update(zip(where.tolist(), np.asarray(values), strict=True))
        return np.stack([rows[i] for i in range(len(inputs))])

    def answers(self, inputs: Any) -> Iterator[tuple[np.ndarray, Any]]:
        """Yield the answers of every batch as soon as a worker has finished it.

        Raises
        ------
        ModelError
            If the model fails, or workers keep dying; what was answered before has been handed on.
        """
        if self.model.remote or not self.pool.many():
            yield from self.model.answers(inputs)
        else:
            done = 0
            for where, values in self._here(inputs):
                done += len(where)
                yield where, values
            rest = np.arange(done, len(inputs))
            for where, values in self._there(take(inputs, rest)) if len(rest) else ():
                yield rest[where], values
        self.outputs, self.reason = self.model.outputs, self.model.reason

    def _here(self, inputs: Any) -> Iterator[tuple[np.ndarray, Any]]:
        """Yield answers of this process to ever more leading inputs, until workers are worth their start."""
        done, rest = 0, np.inf
        while done < len(inputs) and self.pool.waits(rest):
            lead = np.arange(done, min(len(inputs), 2 * done + 1 if self.pool.pays(rest) else len(inputs)))
            some, before = take(inputs, lead), self.pool.spent
            for rows in batches(self.model, some):
                with self.pool.clock():
                    answers = list(self.model.answers(take(some, rows)))
                for where, values in answers:
                    yield lead[rows[where]], values
            done += len(lead)
            rest = (self.pool.spent - before) / len(lead) * (len(inputs) - done)

    def _there(self, inputs: Any) -> Iterator[tuple[np.ndarray, Any]]:
        """Yield answers of workers."""
        total = int(self.model.sizes(inputs).sum())
        most = max(1, min(self.model.batch, ceil(total / (self.pool.size * SHARE))))
        left = dict(enumerate(batches(self.model, inputs, limit=most)))
        for outcome in self.pool.work(left, inputs, self.recipe):
            self._learn(outcome)
            yield outcome.where, self._in_order(outcome)

    def _in_order(self, outcome: Outcome) -> np.ndarray:
        """Return a worker's answers with their columns in the order that the first answers had."""
        if outcome.outputs in (None, self.model.outputs) or self.model.outputs is None:
            return outcome.values
        frame = pd.DataFrame(outcome.values, columns=list(outcome.outputs))
        return by_name(frame, self.model.outputs, "The model").to_numpy()

    def recall(self, outputs: tuple[str, ...]) -> None:
        self.model.recall(outputs)
        self.outputs = self.model.outputs

    def _learn(self, outcome: Outcome) -> None:
        """Tell the wrapped model what it would have learnt from answering here."""
        if self.model.outputs is None:
            self.model.outputs = outcome.outputs
        self.model.reason = outcome.reason or self.model.reason
        self.model.batch = min(self.model.batch, outcome.batch)


class GeneratorWorkers(_Pooled, Generator):
    """A model of text whose answers are scored through workers; made by :func:`distribute`. Text is written here."""

    def __init__(self, model: Generator, pool: WorkerPool):
        self.model = model
        self.pool = pool
        self.steady, self.fallible, self.remote = model.steady, model.fallible, model.remote
        self._identity = model.identity()

    @property
    def used(self) -> int:  # type: ignore[override]
        """Tokens that the wrapped model has used."""
        return self.model.used

    def generation(self, prompt: Any, max_new_tokens: int) -> bytes:
        return self.model.generation(prompt, max_new_tokens)

    def generate(self, prompt: Any, max_new_tokens: int) -> str:
        return self.model.generate(prompt, max_new_tokens)

    def generations(self, prompts: Sequence[Any], max_new_tokens: int) -> Iterator[tuple[int, str | None, str]]:
        return self.model.generations(prompts, max_new_tokens)

    def reading_notes(self, prompts: Sequence[Any]) -> tuple[str, ...]:
        return self.model.reading_notes(prompts)

    def randomised(self, rng: np.random.Generator, inputs: Any) -> Generator | None:
        return self.model.randomised(rng, inputs)

    def scoring(self, answer: str, prompt: Any) -> Workers:
        recipe = Recipe("scoring", (answer, prompt))
        return Workers(self.model.scoring(answer, prompt), self.pool, recipe)

    def pairs(self) -> Model | None:
        pairs = self.model.pairs()
        return None if pairs is None else Workers(pairs, self.pool, Recipe("pairs"))
