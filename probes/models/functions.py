"""Any Python callable from a batch of inputs to numbers."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from probes.errors import ModelError, describe
from probes.model import Identity, Model
from probes.models.handed import handed
from probes.outputs.arrays import as_outputs
from probes.outputs.named import by_name, with_names
from probes.rounding import counted

__all__ = ["CallableModel", "adopt"]

_ONE_BY_ONE = " It was given a batch; if it takes one input at a time, wrap it: as_model(f, batched=False)."


class CallableModel(Model):
    """A function as a model.

    Parameters
    ----------
    function : callable
        Takes a batch (list of texts or chats, array, data frame), returns ``(n,)`` or ``(n, k)`` numbers; or numbers
        with names, which are taken by name: a data frame, or for each input a mapping of names to numbers or a list
        of ``{"label": …, "score": …}``. With ``batched=False`` it takes one input and returns one row.
    name : str, optional
        Identifies the function beyond this run; without it answers are kept for one run only.
    batched : bool, default True
    unit : str, default "output"
        Unit of what the function returns.
    """

    def __init__(
        self,
        function: Callable[[Any], Any],
        name: str | None = None,
        *,
        batched: bool = True,
        unit: str = "output",
        outputs: tuple[str, ...] | None = None,
    ):
        self.function = function
        self.batched = batched
        self.name, self.vouched = name, name is not None
        self._run = uuid.uuid4().hex
        self.unit = unit
        self.outputs = outputs
        self.batch = 256
        self.compared = batched
        self._named = False

    def identity(self) -> Identity:
        return Identity(f"callable:{self.name or self._run}", self.name is not None)

    def __call__(self, inputs: Any) -> np.ndarray:
        label = getattr(self.function, "__name__", type(self.function).__name__)
        n = len(inputs)
        given = [*map(handed, inputs)] if isinstance(inputs, list) else inputs  # it may change what it is given
        advice = _ONE_BY_ONE if self.batched else ""
        try:
            if self.batched:
                values = self.function(given)
            else:
                rows = (inputs.iloc[[i]] for i in range(len(inputs))) if isinstance(inputs, pd.DataFrame) else given
                values = _stacked([self.function(row) for row in rows])
        except Exception as error:
            advice = "" if isinstance(error, KeyError) else advice  # what is not there is not in one input either
            raise ModelError(
                f"The callable {label} raised {type(error).__name__}: {describe(str(error), 200)} "
                f"on a batch of {counted(n, 'input')}.{advice}"
            ) from error
        source = f"The callable {label}"
        if (frame := with_names(values)) is not None:
            known = self.outputs if self._named or set(self.outputs or ()) == set(frame.columns) else None
            values = frame if known is None else by_name(frame, known, source)
            self.outputs, self._named = tuple(values.columns), True
        return as_outputs(values, n, source, advice)

    def recall(self, outputs: tuple[str, ...]) -> None:
        if self.outputs is None or sorted(self.outputs) == sorted(outputs):
            self.outputs = outputs


def _stacked(rows: list[Any]) -> Any:
    """Join answers to one input each: by name where they have names."""
    if rows and all(isinstance(row, pd.DataFrame) and len(row) == 1 for row in rows):
        return [dict(zip(map(str, row.columns), row.iloc[0], strict=True)) for row in rows]
    lists = [row[0] if isinstance(row, list) and len(row) == 1 and isinstance(row[0], list) else row for row in rows]
    return lists if with_names(lists) is not None else [np.ravel(row) for row in rows]


#: place among the adapters: lower ones are tried first
PLACE = 90


def adopt(model: object, name: str | None, batched: bool) -> Model | None:
    """Adopt any callable, the last resort."""
    return CallableModel(model, name, batched=batched) if callable(model) and not isinstance(model, type) else None
