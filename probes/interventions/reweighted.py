"""A model whose weights were changed: a copy, of which the base knows nothing; and quantisation."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np

from probes.errors import InputError, integer
from probes.interventions.intervened import Intervened, Scoped
from probes.models.adapt import as_model
from probes.models.huggingface.causal_lm import CausalLM
from probes.models.huggingface.classifier import TextClassifier

__all__ = ["Reweighted", "ReweightedClassifier", "quantise", "unchanged"]

#: bits of rounded weights, and types that all numbers are computed in
_BITS, _TYPES = {"int8": 8, "int4": 4}, ("bfloat16", "float16")


class _Changed(Scoped):
    """A model made from another of its kind by changing weights.

    Attributes
    ----------
    base : CausalLM or TextClassifier
    words : str
        What was done, in a few words.
    """

    base: Any
    words: str

    def __repr__(self) -> str:
        base = repr(self.base) if isinstance(self.base, Scoped) else type(self.base).__name__
        return f"{base} {self.words}"

    def control(self, random_state: int = 0) -> Any:
        """Make the base with every changed tensor moved as far as here, in a direction drawn at random.

        Where fewer bits changed what is computed but no weight, every weight is moved by as much as they round.
        """
        import torch

        rng = np.random.default_rng(integer("random_state", random_state, least=0))
        network = deepcopy(self.base.module)
        now = dict(self.module.named_parameters())
        kinds = {now[name].dtype for name, weight in network.named_parameters() if now[name].dtype != weight.dtype}
        if kinds and all(bool((now[name] == weight).all()) for name, weight in network.named_parameters()):
            kind = max(kinds, key=lambda k: torch.finfo(k).eps)
            with torch.no_grad():
                for weight in network.parameters():
                    drawn = torch.from_numpy(rng.uniform(-0.5, 0.5, tuple(weight.shape)).astype(np.float32))
                    size = max(torch.finfo(kind).eps, torch.finfo(weight.dtype).eps)
                    weight.mul_(1 + size * drawn.to(weight.device, weight.dtype))
            words = f"with weights moved at random by as much as {str(kind).removeprefix('torch.')} rounds"
            return reweighted(self.base, network, words)
        with torch.no_grad():
            for name, weight in network.named_parameters():
                moved = float((now[name].float() - weight.float()).norm())
                if moved > 0:
                    drawn = torch.from_numpy(rng.standard_normal(tuple(weight.shape), dtype=np.float32))
                    step = drawn.to(weight.device) * (moved / float(drawn.norm()))
                    weight.copy_((weight.float() + step).to(weight.dtype))
        return reweighted(self.base, network, "with weights moved as far at random")


class Reweighted(_Changed, CausalLM):
    """A causal language model made from another by changing weights. Ask it as any other; the base stays what it is.

    Parameters
    ----------
    base : CausalLM
    module : transformers.PreTrainedModel
        The base's network with other weights.
    words : str
        What was done, in a few words.

    Attributes
    ----------
    base : CausalLM
    words : str
    """

    def __init__(self, base: CausalLM, module: Any, words: str):
        super().__init__(
            module,
            base.tokenizer,
            batch_tokens=base.batch_tokens,
            share_prefixes=base.share_prefixes,
            template_options=base.template_options,
        )
        self.base, self.words = base, words


class ReweightedClassifier(_Changed, TextClassifier):
    """A text classifier made from another by changing weights."""

    def __init__(self, base: TextClassifier, module: Any, words: str):
        super().__init__(module, base.tokenizer, encoding=base.encoding, function=base.function)
        self.base, self.words = base, words


def reweighted(base: Any, module: Any, words: str) -> Any:
    """Make a model of the base's kind of a network with other weights."""
    kind = ReweightedClassifier if isinstance(base, TextClassifier) else Reweighted
    return kind(base, module, words)


def unchanged(model: Any) -> tuple[Any, Any]:
    """Return a language model or a text classifier, and a copy of its network to change.

    Raises
    ------
    InputError
        For anything else, and for one to whose activations something is done.
    """
    base = as_model(model)
    if not isinstance(base, (CausalLM, TextClassifier)):
        raise InputError("model", "be a causal language model or a text classifier of transformers in memory", model)
    if isinstance(base, Intervened):
        raise InputError("model", "have its weights changed before its activations", repr(base))
    return base, deepcopy(base.module)


def quantise(model: Any, to: str = "int8") -> Any:
    """Make the model with its weights rounded to fewer bits.

    Parameters
    ----------
    model : CausalLM or TextClassifier, or what becomes one
        Stays as it is.
    to : {"int8", "int4", "bfloat16", "float16"}, default "int8"
        Whole numbers: each row of every linear layer but the last is rounded to 255 (or 15) steps of its largest
        weight, and computed with as before. The others: all weights and all that is computed have this type.

    Returns
    -------
    Reweighted
        A model of the same kind; its ``control()`` has weights moved as far at random, or by as much as a type rounds
        where weights have it already.

    Raises
    ------
    InputError

    Notes
    -----
    Rounding by rows to the largest weight, symmetric and without data ("absmax"), is the plainest of the schemes in
    use; answers are those of such a model, memory and time are not.
    """
    import torch

    if to not in (*_BITS, *_TYPES):
        raise InputError("to", f"be one of {', '.join((*_BITS, *_TYPES))}", to)
    base, network = unchanged(model)
    if to in _TYPES:
        return reweighted(base, network.to(getattr(torch, to)), f"in {to}")
    steps = 2 ** (_BITS[to] - 1) - 1
    linear = [part for part in network.modules() if isinstance(part, torch.nn.Linear)]
    head = linear[-1] if isinstance(base, TextClassifier) else network.get_output_embeddings()
    with torch.no_grad():
        for part in network.modules():
            # GPT-2's linear layers keep their weights the other way round
            side = {"Linear": 1, "Conv1D": 0}.get(type(part).__name__)
            if side is not None and part is not head:
                size = part.weight.abs().amax(dim=side, keepdim=True).clamp(min=torch.finfo(part.weight.dtype).tiny)
                part.weight.copy_((part.weight / size * steps).round() * size / steps)
    return reweighted(base, network, f"with weights rounded to {to}")
