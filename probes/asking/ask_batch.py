"""ask_part(): one batch of inputs put to a model, none twice, each answer kept before it is used."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from probes.asking.batching import answered, batches, shown, take
from probes.asking.cost import Cost
from probes.errors import ModelError, describe
from probes.model import Identity, Model
from probes.store.store import Store

__all__ = ["Part", "Run", "ask_part", "keys_of", "uneven"]

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
    """

    memory: Store = field(default_factory=Store)
    seen: set[bytes] = field(default_factory=set)
    unanswered: set[bytes] = field(default_factory=set)
    unbooked: set[bytes] = field(default_factory=set)
    lost: Cost = field(default_factory=Cost)


def keys_of(identity: Identity, model: Model, inputs: Any) -> list[bytes]:
    return [hashlib.sha256(identity.id.encode() + digest).digest() for digest in model.digests(inputs)]


@dataclass(frozen=True)
class Part:
    """Answers to inputs.

    Attributes
    ----------
    raw : ndarray ``(n, K)``
        NaN where an input was not answered.
    keys : list of n bytes
        What they are remembered under.
    asked : ndarray ``(m,)``
        Numbers of the inputs that the model was asked just now, or in a call of this run that failed.
    """

    raw: np.ndarray
    keys: list[bytes]
    asked: np.ndarray


def ask_part(
    model: Model,
    identity: Identity,
    inputs: Any,
    memory: Store,
    cost: Cost,
    run: Run,
    bar: Any,
    needed: bool = True,
) -> Part:
    """Answers to inputs; each distinct one that is not known is asked once.

    If the first of all is `needed` and not answered, nothing else is asked.
    """
    keys = keys_of(identity, model, inputs)
    if needed and not run.seen and keys[0] in run.unanswered:
        raise _nothing(model)
    first: dict[bytes, int] = {}
    same = np.array([first.setdefault(key, i) for i, key in enumerate(keys)], dtype=int)
    known = {k: v for k, v in memory.get(first).items() if not isinstance(v, str)}
    late = known.keys() & run.unbooked
    cost.reused += len(known.keys() - run.seen - late)
    settled = known.keys() | run.unanswered
    missing = np.array([i for k, i in first.items() if k not in settled], dtype=int)
    log.info("asking %d of %d distinct questions, %d known", len(missing), len(first), len(known))
    raw = _Raw(len(keys))
    raw.put([first[k] for k in known], list(known.values()))
    if len(missing):
        todo = take(inputs, missing)
        alone = int(not run.seen and missing[0] == 0)
        for batch in batches(model, todo, alone):
            for part, values in answered(model, todo, batch, cost):
                where, good = missing[part], np.isfinite(values).all(axis=1)
                if good.any():
                    kept, answers = where[good], values[good]
                    fresh = dict(zip([keys[i] for i in kept], answers, strict=True))
                    memory.put(fresh, identity.id)
                    run.unbooked.update(fresh)
                    raw.put(kept, answers)
                if not good.all():
                    left_out = np.isnan(values).all(axis=1) & model.fallible
                    run.unanswered.update(keys[i] for i in where[left_out])
                    if not (good | left_out).all():
                        i = int(np.argmin(good | left_out))
                        what = describe(shown(todo, int(part[i])))
                        raise ModelError(
                            f"The model must answer with finite numbers; got {values[i]} for the input {what}."
                        )
                bar.update(len(part))
                if needed and alone and keys[0] in run.unanswered:
                    raise _nothing(model)
    bar.update(len(keys) - len(missing))
    run.seen.update(first)
    run.unbooked.difference_update(first)
    if raw.values is None:
        raise ModelError(f"The model answered none of {len(first)} questions. {model.reason}".rstrip())
    return Part(raw.values[same], keys, np.sort(np.append(missing, [first[key] for key in late]).astype(int)))


class _Raw:
    """Answers as they come: ``values (n, K)``, NaN where there is none yet; None as long as nobody knows K."""

    def __init__(self, n: int):
        self.n = n
        self.values: np.ndarray | None = None

    def put(self, where: Sequence[int] | np.ndarray, answers: Sequence[np.ndarray] | np.ndarray) -> None:
        widths = {len(answer) for answer in answers}
        if self.values is not None:
            widths.add(self.values.shape[1])
        if len(widths) > 1:
            raise uneven(widths)
        if len(where):
            if self.values is None:
                self.values = np.full((self.n, *widths), np.nan)
            self.values[np.asarray(where)] = answers


def _nothing(model: Model) -> ModelError:
    told = "The model did not answer the instance itself, so nothing else was asked."
    return ModelError(f"{told} {model.reason}".rstrip())


def uneven(widths: set[int]) -> ModelError:
    return ModelError(f"The model must return as many outputs for every input; got {sorted(widths)}.")
