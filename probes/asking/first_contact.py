"""First contact: whether a model answers as the user's own object does, and alone as in a batch.

Before a model is asked anything else, the first four inputs of a design (the instance, the reference and two sampled
rows) are answered alone, in one batch, and by the user's own object, where the adapter does more than call it. Answers
that differ from the object's are refused, with both numbers; a model whose answers depend on what else is in the batch
is asked one input at a time. The answers alone are kept as those of the design. What came out is remembered in the
store, so that each model is met once; a run whose answers are all known asks nothing.

Two answers differ if they are further apart than a thousandth of the range of these answers (a twentieth in half
precision), than rounding, and than twice the noise, where the same input, asked again, is answered differently. A
second batch must differ too.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from probes.asking.ask_batch import Run, keys_of, known_outputs, not_finite, outputs_key, uneven
from probes.asking.batching import Portions, shown
from probes.asking.cost import Cost
from probes.deferred import ready, take
from probes.design import Design
from probes.errors import ModelError, describe
from probes.model import Identity, Model
from probes.outputs.arrays import as_outputs
from probes.probe import Probe
from probes.store.store import Store

__all__ = ["REMEMBERED", "FirstContact"]

log = logging.getLogger(__name__)

#: beginning of what is remembered of a model; what follows says how a batch changes its answers
REMEMBERED = "first contact: "
#: rows of a design that are compared
_ROWS = 4
#: share of the range of answers, and of the largest of them, that two answers may differ by; in half precision, where
#: order of sums alone moved a token's log-probability by .33 nats of 8.4 (SmolLM2-135M, bfloat16, 430 tokens)
_FULL, _HALF = (1e-3, 1e-5), (5e-2, 5e-2)


class FirstContact:
    """The first contact of a run with a model.

    Parameters
    ----------
    model : Model
    identity : Identity
    items : sequence of (Probe, Design)
        What will be asked; the first design of at least four rows gives the inputs that are compared.
    memory : Store
        Where answers are kept.
    run : Run

    Attributes
    ----------
    done : bool
        Whether there is nothing to compare (any more).
    """

    def __init__(
        self, model: Model, identity: Identity, items: Sequence[tuple[Probe, Design]], memory: Store, run: Run
    ):
        self.model, self.identity, self.memory, self.run = model, identity, memory, run
        self._item = next(((probe, design) for probe, design in items if len(design) >= _ROWS), None)
        self._key = hashlib.sha256(f"{model.met_as(identity)}:first contact".encode()).digest()
        known = memory.get([self._key]).get(self._key)
        if isinstance(known, str) and (why := known.removeprefix(REMEMBERED)) and not model.neighbours:
            model.ask_one_by_one(why)
        self._compared = model.compared and model.batch > 1
        nothing = self._item is None or not (self._compared or model.direct())
        self.done = run.met or known is not None or nothing

    def before(self, inputs: Any, cost: Cost) -> None:
        """Meet the model before the first of `inputs` that is not known yet is asked; add what that costs to `cost`.

        Raises
        ------
        ModelError
            If the user's own object answers differently, or the model fails.
        """
        if not self.done and not (keys := set(keys_of(self.identity, self.model, inputs))) <= self._settled(keys):
            self._meet(cost)

    def inputs(self) -> tuple[list[bytes], Any]:
        """The distinct inputs that are compared, and their keys."""
        assert self._item is not None
        probe, design = self._item
        rows = np.array([0, 1, max(2, design.fixed), max(2, design.fixed) + 1])
        rows = rows if rows[-1] < len(design) else np.arange(_ROWS)
        rendered = take(probe.render(design.Z[rows]), np.arange(_ROWS) * probe.replicates)
        keys = keys_of(self.identity, self.model, rendered)
        distinct = sorted(keys.index(key) for key in set(keys))
        return [keys[i] for i in distinct], take(rendered, np.array(distinct))

    def forecast(self) -> tuple[set[bytes], Cost]:
        """Keys of the inputs that first contact would ask, and what it would cost besides their first answers."""
        keys, inputs = self.inputs()
        object_, batch = self.model.direct() is not None, self._compared and len(keys) > 1
        known = self._settled(set(keys)) if self.identity.persistent else set()
        size = int(self.model.sizes(inputs).sum()) if self.model.size_unit == "tokens" else 0
        again = object_ + batch
        extra = again * len(keys) + len(known)
        together = len(keys) if self.model.remote else 1
        calls = (1 + object_) * len(keys) + batch * together
        return set(keys), Cost(calls=calls, tokens=again * size, checks=extra)

    def _settled(self, keys: set[bytes]) -> set[bytes]:
        return (set(self.memory.get(keys)) | self.run.unanswered) & keys

    def _meet(self, cost: Cost) -> None:
        if not self.run.seen and (outputs := known_outputs(self.identity, self.memory)) is not None:
            self.model.recall(outputs)
        keys, inputs = self.inputs()
        new = set(keys) - self._settled(set(keys))
        spent = Cost()
        alone = self._alone(keys, inputs, new, spent)
        there = np.flatnonzero(~np.isnan(alone).any(axis=1))
        if len(there) and there[0] == 0:  # else the instance has no answer, and whoever asks for it says so
            inputs, alone = take(inputs, there), alone[there]
            self._compare_object(inputs, alone, spent)
            self._keep(
                {keys[i]: row for i, row in zip(there, alone, strict=True) if keys[i] in new - self.run.unbooked}
            )
            if self._compared and (why := self._apart_in_batch(inputs, alone, spent)):
                log.warning("%s Inputs are asked one at a time.", why)
                self.model.ask_one_by_one(why)
            self.memory.put({self._key: REMEMBERED + self.model.neighbours}, self.identity.id)
        self.done = self.run.met = True
        spent.rows, spent.checks = len(new), spent.rows - len(new)
        cost.add(spent)

    def _alone(self, keys: Sequence[bytes], inputs: Any, new: set[bytes], cost: Cost) -> np.ndarray:
        """Answers ``(n, K)`` one at a time, up to the first if a fallible model has none to it; NaN for the others.

        They are kept at once where nothing is left that could refuse them.
        """
        rows, final = list[np.ndarray](), self.model.direct() is None
        for i, key in enumerate(keys):
            [row] = _answers(self.model, take(inputs, np.array([i])), cost)
            rows.append(row)
            if not np.isfinite(row).all():
                if not (self.model.fallible and np.isnan(row).all()):
                    raise not_finite(row, shown(inputs, i))
                self.run.unanswered.add(key)
                if i == 0:
                    break
            elif final and key in new:
                self._keep({key: row})
        return _table(rows)

    def _keep(self, fresh: dict[bytes, np.ndarray]) -> None:
        """Keep answers to inputs of the design; whoever asks for them next has paid for them."""
        names = {}
        if self.model.outputs is not None and known_outputs(self.identity, self.memory) is None:
            names = {outputs_key(self.identity): json.dumps(self.model.outputs)}
        self.run.check(self.model)
        self.memory.put({**fresh, **names}, self.identity.id)
        self.run.unbooked.update(fresh)

    def _compare_object(self, inputs: Any, alone: np.ndarray, cost: Cost) -> None:
        """Compare answers ``(n, K)`` with those of the user's own object.

        Raises
        ------
        ModelError
            If they differ, with both numbers.
        """
        direct = self.model.direct()
        if direct is None:
            return
        rows, theirs = _of_object(direct, self.model, inputs, cost)
        inputs, mine = take(inputs, rows), self.model.as_direct(alone[rows])
        if mine.shape != theirs.shape:
            raise uneven({mine.shape[1], theirs.shape[1]})

        def again() -> np.ndarray:
            return _of_object(direct, self.model, inputs, cost)[1]

        where = _apart(mine, theirs, self.model, lambda: _noise(theirs, again(), again()))
        if where is not None:
            i, j = where
            name = "" if self.model.outputs is None or j >= len(self.model.outputs) else f" ({self.model.outputs[j]})"
            raise ModelError(
                f"{type(self.model).__name__} does not answer as the object that it was given does: for the input "
                f"{describe(shown(inputs, i))} it gives {mine[i, j]:.6g}{name}, the object itself "
                f"{theirs[i, j]:.6g}. Nothing else was asked and nothing kept. Pass a function that asks your object, "
                "as_model(lambda inputs: ...)."
            )

    def _apart_in_batch(self, inputs: Any, alone: np.ndarray, cost: Cost) -> str:
        """Say how a batch changes answers ``(n, K)``; empty where it does not, seen in two batches."""
        if len(alone) < 2:
            return ""
        model = self.model

        def together() -> np.ndarray:
            values = _table(_answers(model, inputs, cost))
            return np.where(np.isnan(values).all(axis=1, keepdims=True) & model.fallible, alone, values)

        def again() -> np.ndarray:
            return _table([_answers(model, take(inputs, np.array([i])), cost)[0] for i in range(len(alone))])

        noise = cache(lambda: _noise(alone, again(), again()))
        first = together()
        where = _apart(first, alone, model, noise)
        if where is None or _apart(together(), alone, model, noise) is None:
            return ""
        numbers = f"{alone[where]:.6g} alone and {first[where]:.6g} in a batch of {len(alone)}"
        return f"The model's answers depend on what else is in a batch: for one input {numbers}."


def _answers(model: Model, inputs: Any, cost: Cost) -> list[np.ndarray]:
    """Answers to inputs that the model is handed together, each ``(K,)``."""
    rows: dict[int, np.ndarray] = {}

    def keep(where: np.ndarray, values: np.ndarray) -> None:
        rows.update(zip(where.tolist(), values, strict=True))

    for portion in Portions(model, inputs, cost):
        with portion:
            for where, raw in model.answers(portion.inputs):
                portion.hand_on(where, raw, keep)
    return [rows[i] for i in range(len(inputs))]


def _of_object(direct: Callable[[Any], Any], model: Model, inputs: Any, cost: Cost) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the inputs that the user's own object answers, and its answers; it must answer the first."""
    answers = dict[int, np.ndarray]()
    for i in range(len(inputs)):
        one, start = ready(take(inputs, np.array([i]))), time.perf_counter()
        try:
            answers[i] = as_outputs(direct(one), 1, "The object itself")[0]
        except Exception as error:
            if i == 0:
                text = f"The object itself raised {type(error).__name__}: {describe(str(error), 200)}"
                raise ModelError(f"{text} for the input {describe(shown(inputs, i))}.") from error
            log.info("the object itself cannot answer %s: %s", describe(shown(inputs, i)), error)
        cost.add(Cost(1, 1, 0, model.tokens(one), time.perf_counter() - start))
    return np.array(list(answers)), _table(list(answers.values()))


def _table(rows: Sequence[np.ndarray]) -> np.ndarray:
    if len(widths := {len(row) for row in rows}) > 1:
        raise uneven(widths)
    return np.array(rows)


def _noise(*answers: np.ndarray) -> np.ndarray:
    """Return the largest range ``(K,)`` of several answers ``(n, K)`` to the same inputs; NaN is none."""
    return (np.nanmax(answers, axis=0) - np.nanmin(answers, axis=0)).max(axis=0)


def _apart(
    given: np.ndarray, expected: np.ndarray, model: Model, noise: Callable[[], np.ndarray]
) -> tuple[int, int] | None:
    """Where answers ``(n, K)`` differ most from the expected ones, if they do; `noise` ``(K,)`` is measured then."""
    share, rounding = _HALF if model.half else _FULL
    allowed = share * np.ptp(expected, axis=0) + rounding * np.abs(expected).max()
    difference = np.where(np.isfinite(given), np.abs(given - expected), np.inf)
    if (difference <= allowed).all():
        return None
    allowed = np.maximum(allowed, 2 * noise())
    if (difference <= allowed).all():
        return None
    excess = np.where(difference > allowed, difference / np.maximum(allowed, np.finfo(float).tiny), 0)
    i, j = np.unravel_index(int(np.argmax(excess)), excess.shape)
    return int(i), int(j)
