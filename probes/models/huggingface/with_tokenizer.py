"""A network of transformers with its tokenizer, as ``(model, tokenizer)``."""

from __future__ import annotations

from typing import Any

from probes.errors import InputError
from probes.model import Generator, Model
from probes.models.huggingface import causal_lm, classifier
from probes.models.huggingface.weights import of_transformers

__all__ = ["adopt"]

#: place among the adapters: lower ones are tried first
PLACE = 35


def adopt(model: object, name: str | None, batched: bool) -> Model | Generator | None:
    """Adopt a sequence classifier or a causal language model with its tokenizer."""
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
    return classifier.of_network(network, tokenizer, name) or causal_lm.of_network(network, tokenizer, name)
