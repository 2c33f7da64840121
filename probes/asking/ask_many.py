"""ask_together(): many probes' questions to one model as a single stream."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from probes.asking.answers import Answers
from probes.asking.ask import gathered, put
from probes.asking.ask_batch import Batch, Run
from probes.asking.cost import Cost
from probes.asking.first_contact import FirstContact
from probes.deferred import Deferred, take
from probes.design import Design
from probes.model import Model
from probes.probe import Probe
from probes.progress import Bar
from probes.store.store import Store

__all__ = ["Share", "ask_together"]


@dataclass(frozen=True)
class Share:
    """One probe's share in a stream of questions.

    Attributes
    ----------
    probe : Probe
    design : Design
    run : Run
        What was asked about this probe; what is asked for it here is added.
    """

    probe: Probe
    design: Design
    run: Run = field(default_factory=Run)


def ask_together(
    model: Model, items: Sequence[Share], store: Store, run: Run, progress: bool | None = False
) -> list[Answers]:
    """Ask the designs of several probes as one batch of questions: no question twice, full batches.

    Parameters
    ----------
    model : Model
    items : sequence of Share
    store : Store
    run : Run
        The run that they all are a part of; it keeps the answers of a model that is not identifiable beyond it.
    progress : bool, optional
        As for :func:`~probes.asking.ask.ask`.

    Returns
    -------
    list of Answers
        One an item, with its share of the cost: questions that two items share are paid for by the first; calls and
        seconds are divided by the number of questions, and add up to the whole.

    Raises
    ------
    ModelError, StoreError
        As :func:`~probes.asking.ask.ask` does; what was answered before is kept.

    Examples
    --------
    >>> from probes import CallableModel, MaskProbe, cube
    >>> model, design = CallableModel(lambda Z: Z.sum(axis=1), "sum"), Design(cube(2), 0)
    >>> first, second = ask_together(model, [Share(MaskProbe(2), design)] * 2, Store(), Run())
    >>> second.y.ravel(), first.cost.rows, second.cost.rows
    (array([0., 1., 1., 2.]), 4, 0)
    """
    identity = run.identity(model)
    memory = store if identity.persistent else run.memory
    rendered = [item.probe.render(item.design.Z) for item in items]
    groups: dict[Hashable, list[int]] = {}
    for i, inputs in enumerate(rendered):
        groups.setdefault(_form(inputs), []).append(i)
    contact = FirstContact(model, identity, [(item.probe, item.design) for item in items], memory, run)
    answers: dict[int, Answers] = {}
    with Bar(sum(map(len, rendered)), "asking", "row", progress) as bar:
        for members in groups.values():
            cost, ends = Cost(), np.cumsum([0, *(len(rendered[i]) for i in members)])
            inputs = _joined([rendered[i] for i in members])
            try:
                contact.before(inputs, cost)
                batch = Batch(model, identity, inputs, memory, cost, run, bar)
                put(model, batch.portions, batch.keep)
                every, newly = batch.raw(), batch.asked
            except BaseException:
                run.lost += cost
                raise
            cost, run.lost = cost + run.lost, Cost()
            counts = np.histogram(newly, ends)[0]
            calls, tokens = (_divided(total, counts) for total in (cost.calls, cost.tokens))
            for number, i in enumerate(members):
                item, rows = items[i], slice(*ends[number : number + 2])
                keys = batch.keys[rows]
                distinct = set(keys)
                asked = newly[(newly >= ends[number]) & (newly < ends[number + 1])] - ends[number]
                item.run.seen.update(distinct)
                item.run.unanswered.update(distinct & run.unanswered)
                share = Cost(
                    int(calls[number]),
                    len(asked),
                    len(distinct) - len(asked) - len(distinct & run.unanswered - {keys[j] for j in asked}),
                    model.tokens(take(rendered[i], asked)) if model.size_unit else int(tokens[number]),
                    cost.seconds * len(asked) / max(int(counts.sum()), 1),
                    cost.checks if number == 0 else 0,
                )
                raw = every[rows].reshape(len(item.design), item.probe.replicates, -1)
                answers[i] = gathered(model, identity, item.probe, item.design, [raw], memory, share)
    return [answers[i] for i in range(len(items))]


def _divided(total: int, counts: np.ndarray) -> np.ndarray:
    """Divide an integer among counts in proportion to them, into integers that add up to it."""
    return np.diff(np.rint(np.cumsum([0, *counts]) / max(counts.sum(), 1) * total).astype(int))


def _form(inputs: Any) -> Hashable:
    """Return what inputs must share to be one batch without a change of type."""
    if isinstance(inputs, pd.DataFrame):
        return tuple(inputs.columns), tuple(inputs.dtypes)
    if isinstance(inputs, Deferred):
        return "deferred", inputs.form
    return (inputs.dtype, inputs.shape[1:]) if hasattr(inputs, "shape") else None


def _joined(parts: list[Any]) -> Any:
    if len(parts) == 1:
        return parts[0]
    if isinstance(parts[0], pd.DataFrame):
        return pd.concat(parts, ignore_index=True)
    if hasattr(parts[0], "detach"):
        import torch

        return torch.cat(parts)
    if isinstance(parts[0], Deferred):
        return Deferred.joined(parts)
    return np.concatenate(parts) if isinstance(parts[0], np.ndarray) else [row for part in parts for row in part]
