"""A network of transformers with its tokenizer or image processor, as ``(model, tokenizer)``."""

from __future__ import annotations

from typing import Any

from probes.errors import InputError
from probes.model import Generator, Model
from probes.models.huggingface.networks import of_network
from probes.models.huggingface.weights import of_transformers

__all__ = ["adopt"]

#: place among the adapters: lower ones are tried first
PLACE = 35


def adopt(model: object, name: str | None, batched: bool) -> Model | Generator | None:
    """Adopt a network with a head that is known, with its tokenizer, or an image classifier with its processor."""
    pair: tuple[Any, ...] = model if isinstance(model, tuple) else ()
    transformers = next(filter(None, map(of_transformers, pair)), None) if len(pair) == 2 else None
    if transformers is None:
        return None
    network, tokenizer = pair
    if hasattr(network, "_orig_mod") or isinstance(getattr(network, "module", None), transformers.PreTrainedModel):
        rule = "hold the network itself (a compiled one has it as _orig_mod, a parallel one as module)"
        raise InputError("model", rule, type(network).__name__)
    if not isinstance(network, transformers.PreTrainedModel) or not callable(tokenizer):
        raise InputError("model", "be (model, tokenizer), in this order", tuple(type(part).__name__ for part in pair))
    return of_network(network, tokenizer, name)
