"""A Batch: inputs put to a model, none twice, each answer kept before it is used."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from probes.asking.batching import Portions, if_empty, shown
from probes.asking.cost import Cost
from probes.asking.taken import Taken
from probes.deferred import take
from probes.digests import digests_of
from probes.errors import ModelError, NoAnswerError, StoreError, describe
from probes.model import Identity, Model
from probes.rounding import counted
from probes.store.store import Store

__all__ = ["Batch", "Run", "keys_of", "known_outputs", "not_finite", "outputs_key", "uneven"]

log = logging.getLogger(__name__)


@dataclass
class Run:
    """What one run has asked so far.

    Attributes
    ----------
    memory : Store
        Answers of a model that is not identifiable beyond this run.
    seen : set of bytes
        Keys of the questions.
    unanswered : set of bytes
        Those among them that a fallible model did not answer; they are not asked again in this run.
    unbooked : set of bytes
        Those that were answered before a call failed: whoever takes them next has paid for them.
    lost : Cost
        Of calls that failed, not booked yet.
    met : bool
        Whether the model has been met, see :mod:`probes.asking.first_contact`.
    """

    memory: Store = field(default_factory=Store)
    seen: set[bytes] = field(default_factory=set)
    unanswered: set[bytes] = field(default_factory=set)
    unbooked: set[bytes] = field(default_factory=set)
    lost: Cost = field(default_factory=Cost)
    met: bool = False
    _identities: dict[int, tuple[Model, Taken]] = field(default_factory=dict)

    def identity(self, model: Model, known: Taken | None = None) -> Identity:
        """Return a model's identity, which is taken once a run, unless it is `known`.

        A fingerprint reads all of a model. Between two runs nothing cheap proves that an object is what it was; within
        one it is taken to be, but for weights of torch, see :meth:`check`.
        """
        if id(model) not in self._identities:
            self._identities[id(model)] = model, known or Taken.of(model)
        return self._identities[id(model)][1].identity

    def check(self, model: Model) -> None:
        """Refuse answers of a model whose weights changed since its identity was taken.

        Raises
        ------
        ModelError
        """
        if id(model) in self._identities:
            self._identities[id(model)][1].check()


def keys_of(identity: Identity, model: Model, inputs: Any) -> list[bytes]:
    """Return the SHA-256 of each input together with the model that is asked: what an answer is remembered under.

    Of a model that is not identifiable beyond this run, whose answers stay in memory, simply both.
    """
    if not identity.persistent:
        asked = hashlib.sha256(identity.id.encode()).digest()
        return [asked + digest for digest in model.digests(inputs)]
    return digests_of(identity.id.encode(), model.digests(inputs))


def outputs_key(identity: Identity) -> bytes:
    """Return what the names of a model's outputs are kept under."""
    return hashlib.sha256(f"{identity.id}:outputs".encode()).digest()


def known_outputs(identity: Identity, memory: Store) -> tuple[str, ...] | None:
    """Return the names under which answers are stored, in their order; None if there are none."""
    key = outputs_key(identity)
    known = memory.get([key]).get(key)
    if not isinstance(known, str):
        return None
    try:
        names = json.loads(known)
    except (ValueError, RecursionError):
        names = None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise StoreError(f"The answer store {memory.path} is damaged: it holds names of outputs that are none.")
    return tuple(names)


class Batch:
    """Inputs put to a model, none twice, each answer kept before it is used.

    Parameters
    ----------
    model : Model
    identity : Identity
    inputs : batch of n inputs
    memory : Store
        Where answers are kept.
    cost : Cost
        What the answers cost is added to it.
    run : Run
    bar : tqdm
    needed : bool, default True
        If the first input of a run is not answered, nothing else is asked.

    Attributes
    ----------
    keys : list of n bytes
        What the answers are remembered under.
    portions : Portions
        The distinct inputs whose answers are not known.

    Raises
    ------
    ModelError
        If the first input is `needed` and known not to be answered.
    """

    def __init__(
        self,
        model: Model,
        identity: Identity,
        inputs: Any,
        memory: Store,
        cost: Cost,
        run: Run,
        bar: Any,
        needed: bool = True,
    ):
        self.model, self.identity, self.memory, self.run, self.bar = model, identity, memory, run, bar
        outputs = None if run.seen else known_outputs(identity, memory)
        self.named = outputs is not None
        if outputs is not None:
            model.recall(outputs)
        self.keys = keys_of(identity, model, inputs)
        if needed and not run.seen and self.keys[0] in run.unanswered:
            raise _nothing(model)
        # from the last to the first, so that the first of equal inputs stays
        numbers = range(len(self.keys) - 1, -1, -1)
        self.first: dict[bytes, int] = dict(zip(reversed(self.keys), numbers, strict=True))
        self.same = np.fromiter(map(self.first.__getitem__, self.keys), dtype=int, count=len(self.keys))
        known = {k: v for k, v in memory.get(self.first).items() if not isinstance(v, str)}
        self.late = known.keys() & run.unbooked
        cost.reused += len(known.keys() - run.seen - self.late)
        settled = known.keys() | run.unanswered
        self.missing = np.array(sorted([i for k, i in self.first.items() if k not in settled]), dtype=int)
        if len(self.missing) and memory.readonly:
            raise StoreError(
                f"The answer store {memory.path} can only be read, and {len(self.missing)} of {len(self.first)} "
                "questions are not in it: nothing is asked, because answers could not be kept. Name another one with "
                "store=PATH."
            )
        log.info("asking %d of %d distinct questions, %d known", len(self.missing), len(self.first), len(known))
        self._raw = _Raw(len(self.keys))
        self._raw.put([self.first[k] for k in known], list(known.values()))
        alone = int(not run.seen and len(self.missing) > 0 and self.missing[0] == 0)
        self.needed = needed and bool(alone)
        self.portions = Portions(model, take(inputs, self.missing), cost, alone)

    def keep(self, rows: np.ndarray, values: np.ndarray) -> None:
        """Keep answers ``(m, K)`` to some of the inputs that were missing.

        Raises
        ------
        ModelError
            If the model changed meanwhile; if one of them is not finite, except where a fallible model did not answer;
            or if the first input is needed and not answered.
        """
        self.run.check(self.model)
        run, where, good = self.run, self.missing[rows], np.isfinite(values).all(axis=1)
        if good.any():
            kept, answers = where[good], values[good]
            keys = [self.keys[i] for i in kept.tolist()]
            self.memory.put_rows(keys, answers, self._outputs(), self.identity.id)
            run.unbooked.update(keys)
            self._raw.put(kept, answers)
        if not good.all():
            left_out = np.isnan(values).all(axis=1) & self.model.fallible
            run.unanswered.update(self.keys[i] for i in where[left_out])
            if not (good | left_out).all():
                i = int(np.argmin(good | left_out))
                raise not_finite(values[i], shown(self.portions.inputs, int(rows[i])))
        self.bar.update(len(rows))
        if self.needed and self.keys[0] in run.unanswered:
            raise _nothing(self.model)

    def _outputs(self) -> dict[bytes, str]:
        """Return the names of the outputs, to be kept with the first answers, whose order they fix."""
        if self.run.seen or self.named or self.model.outputs is None:
            return {}
        self.named = True
        return {outputs_key(self.identity): json.dumps(self.model.outputs)}

    def raw(self) -> np.ndarray:
        """Book what was asked, and return raw outputs ``(n, K)``; NaN where an input was not answered.

        Raises
        ------
        ModelError
            If none was.
        """
        self.bar.update(len(self.keys) - len(self.missing))
        self.run.seen.update(self.first)
        self.run.unbooked.difference_update(self.first)
        if self._raw.values is None:
            raise NoAnswerError(
                f"The model answered none of {counted(len(self.first), 'question')}. {self.model.reason}".rstrip()
            )
        return self._raw.values[self.same]

    @property
    def asked(self) -> np.ndarray:
        """Numbers ``(m,)`` of the inputs asked by this call, or in a call of this run that failed."""
        return np.sort(np.append(self.missing, [self.first[key] for key in self.late]).astype(int))


class _Raw:
    """Answers as they come: ``values (n, K)``, NaN where there is none yet; None as long as nobody knows K."""

    def __init__(self, n: int):
        self.n = n
        self.values: np.ndarray | None = None

    def put(self, where: Sequence[int] | np.ndarray, answers: Sequence[np.ndarray] | np.ndarray) -> None:
        widths = {answers.shape[1]} if isinstance(answers, np.ndarray) else {len(answer) for answer in answers}
        if self.values is not None:
            widths.add(self.values.shape[1])
        if len(widths) > 1:
            raise uneven(widths)
        if len(where):
            if self.values is None:
                self.values = np.full((self.n, *widths), np.nan)
            self.values[np.asarray(where)] = answers


def _nothing(model: Model) -> ModelError:
    said = "The model did not answer the instance itself, so nothing else was asked."
    return ModelError(f"{said} {model.reason}".rstrip())


def not_finite(values: np.ndarray, asked: Any) -> ModelError:
    """The error of a model that answers with NaN or infinity."""
    said = f"The model must answer with finite numbers; got {values} for the input {describe(asked)}."
    return ModelError(f"{said}{if_empty(asked)}")


def uneven(widths: set[int]) -> ModelError:
    """Make the error of a model that returns rows of several lengths."""
    return ModelError(f"The model must return as many outputs for every input; got {sorted(widths)}.")
