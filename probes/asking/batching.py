"""Batches: the order and the portions in which a model is best asked, and what becomes of one that fails.

:func:`put` is the only caller of a model.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from probes.asking.cost import Cost
from probes.deferred import Deferred, ready, take
from probes.design import Design
from probes.errors import IomapError, ModelError, describe
from probes.model import Model, as_prompt, is_chat
from probes.outputs.arrays import as_outputs
from probes.rounding import counted

__all__ = ["Portion", "Portions", "batches", "if_empty", "parts_of", "shown"]

log = logging.getLogger(__name__)

#: rows in the first part of a design that is asked; each later part is half as large as all before it
FIRST = 64
#: how engines say that memory is full, where they raise no error of their own for it
_FULL = ("can't allocate memory", "out of memory", "alloc_failed")


def shown(inputs: Any, i: int) -> Any:
    """Show one input in plain Python, for an error."""
    if isinstance(inputs, pd.DataFrame):
        return inputs.iloc[i].to_dict()
    one = inputs[i]
    return one.tolist() if isinstance(one, (np.ndarray, np.generic)) and one.ndim < 2 else one


def if_empty(asked: Any) -> str:
    """Say what to do where a model cannot answer an empty text, if that is what it was asked."""
    text = as_prompt(asked)[-1][1] if is_chat(asked) else asked
    if not isinstance(text, str) or text.strip():
        return ""
    return ' A text that was asked is empty, all of it removed: TextProbe(text, replacement="…") leaves none empty.'


def batches(model: Model, inputs: Any, first_alone: int = 0, limit: int | None = None) -> Iterator[np.ndarray]:
    """Yield index arrays: the first input alone, so that a model that cannot answer costs one call; then by size.

    A batch has at most `limit` work units, by default as many as the model takes at once.
    """
    sizes = np.asarray(model.sizes(inputs))
    most = model.batch if limit is None else limit
    most = min(most, inputs.at_once) if isinstance(inputs, Deferred) else most
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


class Portions:
    """Inputs waiting for an answer, in portions that suit the model; each is halved as often as memory demands.

    Parameters
    ----------
    model : Model
    inputs : batch of n inputs
    cost : Cost
        What the answers cost is added to it.
    first_alone : int, default 0
        How many leading inputs make a portion of their own.
    """

    def __init__(self, model: Model, inputs: Any, cost: Cost, first_alone: int = 0):
        self.model, self.inputs, self.cost = model, inputs, cost
        self._batches = batches(model, inputs, first_alone) if len(inputs) else iter(())
        self._halves: list[np.ndarray] = []

    def __iter__(self) -> Iterator[Portion]:
        for batch in self._batches:
            self._halves.append(batch)
            while self._halves:
                yield Portion(self, self._halves.pop())

    def halve(self, rows: np.ndarray) -> None:
        """Put rows back as two portions, the next to be asked."""
        self._halves += [half for half in reversed(np.array_split(rows, 2)) if len(half)]


class Portion:
    """Inputs for one call of a model; as a context it counts the cost, and turns failures into errors or halves.

    Attributes
    ----------
    rows : ndarray ``(m,)``
        Numbers of the inputs.
    inputs : batch of m inputs
    """

    def __init__(self, portions: Portions, rows: np.ndarray):
        self.rows, self.inputs = rows, ready(take(portions.inputs, rows))
        self._portions, self._left, self._asking = portions, np.ones(len(rows), dtype=bool), True
        self._start = 0.0

    def checked(self, where: np.ndarray, raw: Any) -> np.ndarray:
        """Check and count answers ``(len(where), K)`` to some of the inputs; the clock stops.

        Raises
        ------
        ModelError
            If they are anything but one row of numbers an input.
        """
        model, cost = self._portions.model, self._portions.cost
        values = as_outputs(raw, len(where), f"The model ({type(model).__name__})")
        self._left[where] = False
        cost.calls += 1
        cost.rows += len(where)
        cost.tokens += model.tokens(take(self.inputs, where))
        cost.seconds += time.perf_counter() - self._start
        self._asking = False
        return values

    def hand_on(self, where: np.ndarray, raw: Any, keep: Callable[[np.ndarray, np.ndarray], None]) -> None:
        """Keep answers ``(len(where), K)`` to some of the inputs, on Ctrl-C too: they are paid for.

        Raises
        ------
        ModelError
            As for :meth:`checked`.
        """
        try:
            keep(self.rows[where], self.checked(where, raw))
        except KeyboardInterrupt:
            keep(self.rows[where], as_outputs(raw, len(where), type(self._portions.model).__name__))
            raise
        self.__enter__()  # the clock goes on

    def __enter__(self) -> Portion:
        self._start, self._asking = time.perf_counter(), True
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> bool:
        """Raise ModelError where the model failed or left an input out; where memory is full, ask for halves."""
        model, left = self._portions.model, int(self._left.sum())
        name = type(model).__name__
        if error is None:
            if left:
                raise ModelError(f"{name} left {left} of {counted(len(self.rows), 'input')} without an answer.")
            return False
        if not isinstance(error, Exception) or not self._asking:
            return False
        if not _out_of_memory(error) or len(self.rows) == 1:
            advice = next(filter(None, map(if_empty, self.inputs)), "") if isinstance(self.inputs, list) else ""
            if isinstance(error, IomapError) and not (advice and type(error) is ModelError):
                return False
            known = isinstance(error, IomapError)
            said = str(error) if known else f"{name} raised {type(error).__name__}: {describe(str(error), 200)}"
            raise ModelError(f"{said}{advice}") from error
        log.warning("out of memory with %d inputs; going on with half as many", len(self.rows))
        model.batch = max(1, int(model.sizes(self.inputs).max()) * len(self.rows) // 2)
        self._portions.halve(self.rows[self._left])
        return True


def _out_of_memory(error: BaseException | None) -> bool:
    if error is None:
        return False
    torch = sys.modules.get("torch")
    kinds = (MemoryError, torch.OutOfMemoryError) if torch is not None else (MemoryError,)
    said = isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _FULL)
    return isinstance(error, kinds) or said or _out_of_memory(error.__cause__)


def parts_of(design: Design, at_once: int = 1) -> list[int]:
    """Return row numbers at which parts end, from 0: each part is half as large as all before it.

    A model that works on several inputs at a time gets whole rounds, after the first input, which is asked alone.
    """
    ends, rows = [0], 1 + _rounds(max(FIRST, design.fixed + design.block) - 1, at_once)
    while rows < len(design):
        ends.append(rows)
        rows += _rounds(rows // 2, at_once)
    return [*ends, len(design)]


def _rounds(rows: int, at_once: int) -> int:
    return -(-rows // at_once) * at_once
