"""Any Python callable from a batch of inputs to numbers."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from probes.errors import ModelError, describe
from probes.model import Identity, Model
from probes.outputs.arrays import as_outputs

__all__ = ["CallableModel", "adopt"]


class CallableModel(Model):
    """A function as a model.

    Parameters
    ----------
    function : callable
        Takes a batch (list of texts or chats, array, data frame), returns ``(n,)`` or ``(n, k)`` numbers, or a data
        frame whose columns name the outputs. With ``batched=False`` it takes one input and returns one row.
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
        self.name = name
        self._run = uuid.uuid4().hex
        self.unit = unit
        self.outputs = outputs
        self.batch = 256

    def identity(self) -> Identity:
        return Identity(f"callable:{self.name or self._run}", self.name is not None)

    def __call__(self, inputs: Any) -> np.ndarray:
        label = getattr(self.function, "__name__", type(self.function).__name__)
        try:
            if self.batched:
                values = self.function(inputs)
            else:
                rows = (inputs.iloc[[i]] for i in range(len(inputs))) if isinstance(inputs, pd.DataFrame) else inputs
                values = [np.ravel(self.function(row)) for row in rows]
        except Exception as error:
            hint = (
                ""
                if not self.batched
                else (" It was given a batch; if it takes one input at a time, wrap it: as_model(f, batched=False).")
            )
            raise ModelError(
                f"The callable {label} raised {type(error).__name__}: {describe(str(error), 200)} "
                f"on a batch of {len(inputs)} inputs.{hint}"
            ) from error
        if isinstance(values, pd.DataFrame):
            self.outputs = tuple(map(str, values.columns))
        return as_outputs(values, len(inputs), f"The callable {label}")


#: place among the adapters: lower ones are tried first
PLACE = 90


def adopt(model: object, name: str | None, batched: bool) -> Model | None:
    """Adopt any callable, the last resort."""
    return CallableModel(model, name, batched=batched) if callable(model) and not isinstance(model, type) else None
