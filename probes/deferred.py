"""Deferred: inputs that are rendered when they are needed, a few at a time.

Two thousand images of 224 × 224 floats fill 1.2 GB. A probe of large inputs returns them deferred: they are rendered
once for their digests and once for the model, in portions, and never stand in memory together.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["Deferred", "ready", "take"]


@dataclass(frozen=True, eq=False)
class Deferred:
    """A batch of n inputs that are rendered when they are needed.

    Attributes
    ----------
    make : callable
        Of numbers of inputs ``(m,)``: renders the batch of these m inputs.
    index : ndarray of int ``(n,)``
        The numbers of the inputs of this batch.
    at_once : int
        The most inputs that are rendered together.
    form : hashable
        What the inputs of batches must share to be joined to one.

    Examples
    --------
    >>> squares = Deferred(lambda index: index**2, np.arange(5), at_once=2)
    >>> len(squares), int(squares[3]), squares[np.array([1, 2])].now()
    (5, 9, array([1, 4]))
    """

    make: Callable[[np.ndarray], Any]
    index: np.ndarray
    at_once: int
    form: Hashable = None

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, where: Any) -> Any:
        """Return one input, rendered; of an array or a slice the deferred batch."""
        if np.ndim(where) or isinstance(where, slice):
            return replace(self, index=self.index[where])
        return _entry(self.make(self.index[[where]]), 0)

    def __iter__(self) -> Iterator[Any]:
        for batch in self.batches():
            yield from (_entry(batch, i) for i in range(len(batch)))

    def batches(self) -> Iterator[Any]:
        """Render the inputs, a few at a time and in their order."""
        for start in range(0, len(self), self.at_once):
            yield self.make(self.index[start : start + self.at_once])

    def now(self) -> Any:
        """Render all of them."""
        return self.make(self.index)

    @classmethod
    def joined(cls, parts: Sequence[Deferred]) -> Deferred:
        """Join batches of one form to a single one, in their order."""
        ends = np.cumsum([0, *map(len, parts)])

        def make(index: np.ndarray) -> Any:
            part = np.searchsorted(ends, index, side="right") - 1
            order = np.argsort(part, kind="stable")
            groups = [index[part == p] - ends[p] for p in np.unique(part)]
            batches = [parts[p][group].now() for p, group in zip(np.unique(part), groups, strict=True)]
            return _in_order(batches, np.argsort(order))

        return cls(make, np.arange(ends[-1]), min(part.at_once for part in parts), parts[0].form)


def _entry(batch: Any, i: int) -> Any:
    """Return an input of a batch; of a frame its row."""
    return batch.iloc[i] if isinstance(batch, pd.DataFrame) else batch[i]


def _in_order(batches: list[Any], order: np.ndarray) -> Any:
    """Join frames, arrays, tensors or lists, and return their entries in this order."""
    if isinstance(batches[0], pd.DataFrame):
        return pd.concat(batches, ignore_index=True).iloc[order].reset_index(drop=True)
    if isinstance(batches[0], list):
        entries = [entry for batch in batches for entry in batch]
        return [entries[i] for i in order]
    if isinstance(batches[0], np.ndarray):
        return np.concatenate(batches)[order]
    import torch

    return torch.cat(batches)[order]


def ready(inputs: Any) -> Any:
    """Return a batch as a model takes it: rendered, where it was deferred."""
    return inputs.now() if isinstance(inputs, Deferred) else inputs


def take(inputs: Any, index: np.ndarray) -> Any:
    """Take some of a batch of inputs, in the order of `index`."""
    if isinstance(inputs, pd.DataFrame):
        return inputs.iloc[index].reset_index(drop=True)
    whole = isinstance(inputs, (np.ndarray, Deferred)) or hasattr(inputs, "detach")
    return inputs[index] if whole else [inputs[i] for i in index]
