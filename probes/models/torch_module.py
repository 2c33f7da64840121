"""Any torch module over arrays: rows of a table, series."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from probes.model import Identity, Model
from probes.models.evaluating import evaluating
from probes.models.functions import CallableModel
from probes.models.huggingface.weights import fingerprint

__all__ = ["TorchModule", "adopt"]


class TorchModule(CallableModel):
    """A torch module over arrays, asked in evaluation mode and without gradients.

    Parameters
    ----------
    module : torch.nn.Module
        Takes a tensor of its weights' type whose first axis are inputs, and returns ``(n,)`` or ``(n, k)`` numbers.
    name : str, optional
        Identifies it where its parts are not all of torch's own classes, whose weights tell.
    """

    def __init__(self, module: Any, name: str | None = None):
        self.module = module
        super().__init__(self.answering(), name, unit="output")

    def answering(self) -> Callable[[Any], Any]:
        """Return the function from a batch of inputs to the module's numbers."""

        def answer(inputs: Any) -> Any:
            with evaluating(self.module) as module:
                return module(self.encoded(inputs)).float()

        answer.__name__ = f"{type(self.module).__name__}.__call__"
        return answer

    def encoded(self, inputs: Any) -> Any:
        """Return inputs as the tensor that the module reads."""
        import torch

        first = next(self.module.parameters(), torch.zeros(1))
        return torch.tensor(np.asarray(inputs), dtype=first.dtype, device=first.device)

    def identity(self) -> Identity:
        known = Identity(self.name, True) if self.name else fingerprint(self.module)
        mark = known.id if known.persistent else self._run
        return Identity(f"predictor:{type(self.module).__name__}:__call__:{mark}", known.persistent)


#: place among the adapters: before other objects that predict
PLACE = 49


def adopt(model: object, name: str | None, batched: bool) -> Model | None:
    """Adopt a torch module over arrays."""
    ours = any(k.__module__.split(".")[0] == "torch" and k.__name__ == "Module" for k in type(model).__mro__)
    return TorchModule(model, name) if ours and batched and not isinstance(model, type) else None
