"""Batches: inputs put to a model in the order and the portions that suit it, answers handed on as they come."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from probes.asking.cost import Cost
from probes.design import Design
from probes.errors import IomapError, ModelError, describe
from probes.model import Model
from probes.outputs.arrays import as_outputs

__all__ = ["answered", "batches", "parts_of", "shown", "take"]

log = logging.getLogger(__name__)

#: rows in the first part of a design that is asked; each later part is half as large as all before it
FIRST = 64
#: how engines say that memory is full, where they raise no error of their own for it
_FULL = ("can't allocate memory", "out of memory", "alloc_failed")


def take(inputs: Any, index: np.ndarray) -> Any:
    """Some of a batch of inputs, in the order of `index`."""
    if isinstance(inputs, pd.DataFrame):
        return inputs.iloc[index].reset_index(drop=True)
    return inputs[index] if isinstance(inputs, np.ndarray) else [inputs[i] for i in index]


def shown(inputs: Any, i: int) -> Any:
    """One input in plain Python, for an error."""
    if isinstance(inputs, pd.DataFrame):
        return inputs.iloc[i].to_dict()
    return inputs[i].tolist() if isinstance(inputs, np.ndarray) else inputs[i]


def batches(model: Model, inputs: Any, first_alone: int = 0, limit: int | None = None) -> Iterator[np.ndarray]:
    """Index arrays: the first input alone, so that a model that cannot answer costs one call; then by size.

    A batch has at most `limit` work units, by default as many as the model takes at once.
    """
    sizes = np.asarray(model.sizes(inputs))
    most = model.batch if limit is None else limit
    if first_alone:
        yield np.arange(first_alone)
    if len(sizes) and (sizes == 1).all():
        order = np.asarray(model.order(inputs))
        order = order[order >= first_alone]
        step = max(1, int(min(most, len(order))))
        yield from (order[start : start + step] for start in range(0, len(order), step))
        return
    current: list[int] = []
    longest = 0
    for i in model.order(inputs):
        if i < first_alone:
            continue
        longest = max(longest, int(sizes[i]))
        if current and longest * (len(current) + 1) > most:
            yield np.array(current)
            current, longest = [], int(sizes[i])
        current.append(int(i))
    if current:
        yield np.array(current)


def answered(model: Model, inputs: Any, batch: np.ndarray, cost: Cost) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Answers of one batch as they come, halved as often as memory demands: pairs of indices and values ``(len, K)``.

    Raises
    ------
    ModelError
        If the model fails, leaves an input out, or answers with anything but one row of numbers an input.
    """
    part = take(inputs, batch)
    left = np.ones(len(batch), dtype=bool)
    start = time.perf_counter()
    try:
        for where, raw in model.answers(part):
            values = as_outputs(raw, len(where), f"The model ({type(model).__name__})")
            left[where] = False
            cost.calls += 1
            cost.rows += len(where)
            cost.tokens += model.tokens(take(part, where))
            cost.seconds += time.perf_counter() - start
            yield batch[where], values
            start = time.perf_counter()
    except Exception as error:
        if not _out_of_memory(error) or len(batch) == 1:
            if isinstance(error, IomapError):
                raise
            told = describe(str(error), 200)
            raise ModelError(f"{type(model).__name__} raised {type(error).__name__}: {told}") from error
        log.warning("out of memory with %d inputs; going on with half as many", len(batch))
        model.batch = max(1, int(model.sizes(part).max()) * len(batch) // 2)
    else:
        if left.any():
            raise ModelError(f"{type(model).__name__} left {int(left.sum())} of {len(batch)} inputs without an answer.")
        return
    for half in np.array_split(batch[left], 2):
        if len(half):
            yield from answered(model, inputs, half, cost)


def _out_of_memory(error: BaseException | None) -> bool:
    if error is None:
        return False
    torch = sys.modules.get("torch")
    kinds = (MemoryError, torch.OutOfMemoryError) if torch is not None else (MemoryError,)
    told = isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _FULL)
    return isinstance(error, kinds) or told or _out_of_memory(error.__cause__)


def parts_of(design: Design, at_once: int = 1) -> list[int]:
    """Row numbers at which parts end, from 0: each part is half as large as all before it.

    A model that works on several inputs at a time gets whole rounds, after the first input, which is asked alone.
    """
    ends, rows = [0], 1 + _rounds(max(FIRST, design.fixed + design.block) - 1, at_once)
    while rows < len(design):
        ends.append(rows)
        rows += _rounds(rows // 2, at_once)
    return [*ends, len(design)]


def _rounds(rows: int, at_once: int) -> int:
    return -(-rows // at_once) * at_once
