"""ask_together(): many probes' questions to one model as a single stream."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from probes.asking.ask import Answers, gathered
from probes.asking.ask_batch import Run, ask_part
from probes.asking.batching import take
from probes.asking.cost import Cost
from probes.design import Design
from probes.model import Model
from probes.probe import Probe
from probes.store.store import Store

__all__ = ["Together", "ask_together"]


@dataclass(frozen=True)
class Together:
    """One probe's part in a stream of questions.

    Attributes
    ----------
    probe : Probe
    design : Design
    run : Run
        What this probe's own run has asked; it takes note of what is asked for it here.
    """

    probe: Probe
    design: Design
    run: Run = field(default_factory=Run)


def ask_together(
    model: Model, items: Sequence[Together], store: Store, run: Run, progress: bool | None = False
) -> list[Answers]:
    """Answers to the designs of several probes, asked as one batch of questions: no question twice, full batches.

    Parameters
    ----------
    model : Model
    items : sequence of Together
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
    >>> first, second = ask_together(model, [Together(MaskProbe(2), design)] * 2, Store(), Run())
    >>> second.y.ravel(), first.cost.rows, second.cost.rows
    (array([0., 1., 1., 2.]), 4, 0)
    """
    identity = model.identity()
    memory = store if identity.persistent else run.memory
    rendered = [item.probe.render(item.design.Z) for item in items]
    groups: dict[Hashable, list[int]] = {}
    for i, inputs in enumerate(rendered):
        groups.setdefault(_form(inputs), []).append(i)
    found: dict[int, Answers] = {}
    hidden = None if progress is None else not progress
    with tqdm(total=sum(map(len, rendered)), desc="asking", unit="row", leave=False, disable=hidden) as bar:
        for members in groups.values():
            cost, ends = Cost(), np.cumsum([0, *(len(rendered[i]) for i in members)])
            inputs = _joined([rendered[i] for i in members])
            try:
                part = ask_part(model, identity, inputs, memory, cost, run, bar)
            except BaseException:
                run.lost += cost
                raise
            cost, run.lost = cost + run.lost, Cost()
            counts = np.histogram(part.asked, ends)[0]
            calls, tokens = (_dealt(total, counts) for total in (cost.calls, cost.tokens))
            for number, i in enumerate(members):
                item, rows = items[i], slice(*ends[number : number + 2])
                keys = part.keys[rows]
                own = set(keys)
                asked = part.asked[(part.asked >= ends[number]) & (part.asked < ends[number + 1])] - ends[number]
                item.run.seen.update(own)
                item.run.unanswered.update(own & run.unanswered)
                share = Cost(
                    int(calls[number]),
                    len(asked),
                    len(own) - len(asked) - len(own & run.unanswered - {keys[j] for j in asked}),
                    model.tokens(take(rendered[i], asked)) if model.size_unit else int(tokens[number]),
                    cost.seconds * len(asked) / max(int(counts.sum()), 1),
                )
                raw = part.raw[rows].reshape(len(item.design), item.probe.replicates, -1).mean(axis=1)
                found[i] = gathered(model, identity, item.probe, item.design, [raw], memory, share)
    return [found[i] for i in range(len(items))]


def _dealt(total: int, counts: np.ndarray) -> np.ndarray:
    """A whole number dealt out in proportion to counts, whole and without a rest."""
    return np.diff(np.rint(np.cumsum([0, *counts]) / max(counts.sum(), 1) * total).astype(int))


def _form(inputs: Any) -> Hashable:
    """What inputs must share to be one batch without a change of type."""
    if isinstance(inputs, pd.DataFrame):
        return tuple(inputs.columns), tuple(inputs.dtypes)
    return (inputs.dtype, inputs.shape[1:]) if isinstance(inputs, np.ndarray) else None


def _joined(parts: list[Any]) -> Any:
    if len(parts) == 1:
        return parts[0]
    if isinstance(parts[0], pd.DataFrame):
        return pd.concat(parts, ignore_index=True)
    return np.concatenate(parts) if isinstance(parts[0], np.ndarray) else [row for part in parts for row in part]
