"""CausalLM: a causal language model of transformers, which generates text and scores continuations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from probes.errors import InputError, require
from probes.model import Generator, Prompt
from probes.models.huggingface.continuation import Continuation
from probes.models.huggingface.continuation_pairs import Pairs
from probes.models.huggingface.gguf_file import unpacked
from probes.models.huggingface.weights import (
    is_kind,
    load_network,
    load_tokenizer,
    of_transformers,
    on_device,
    shuffled,
    tokenizer_of,
)
from probes.models.huggingface.writing import Writer

__all__ = ["CausalLM", "adopt"]


class CausalLM(Writer):
    """A causal language model of transformers with its tokenizer.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        With a language-modelling head.
    tokenizer : transformers.PreTrainedTokenizerBase
        Its chat template, where it has one, renders chats.
    name : str, optional
        Replaces the fingerprint of the weights as the identity.
    batch_tokens : int, default 4096
        The most tokens in one padded batch, rows times the longest row.
    share_prefixes : bool, optional
        Whether to compute shared prefixes once (see :mod:`probes.models.huggingface.continuation`). By default on a
        CPU only; never for models whose cache cannot be cut back (sliding windows, recurrent states).
    template_options : mapping, optional
        What the chat template is given besides messages: ``{"tools": [...]}``, or a switch such as
        ``{"enable_thinking": False}``.
    """

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path,
        *,
        gguf_file: str | None = None,
        dtype: str = "float32",
        device: str = "cpu",
        **options: Any,
    ) -> CausalLM:
        """Load a model from a folder, a hub name or a GGUF file (safetensors or GGUF only, no remote code).

        Parameters
        ----------
        path : str or Path
            Folder or hub name; or the path of a ``.gguf`` file itself.
        gguf_file : str, optional
            Name of the GGUF file inside `path`.
        dtype : {"float32", "bfloat16", "float16"}, default "float32"
        device : str, default "cpu"
        **options
            Passed to :class:`CausalLM`.

        Raises
        ------
        MissingExtra
            Without the ``transformers`` extra.

        Notes
        -----
        A GGUF file is unpacked once into the user's cache folder as safetensors (unpacking takes about half a minute
        for 135 million parameters, loading the copy about a second).
        """
        transformers = require("transformers", "CausalLM")
        if dtype not in ("float32", "bfloat16", "float16"):
            raise InputError("dtype", "be one of float32, bfloat16, float16", dtype)
        path = Path(path) if Path(path).exists() else str(path)
        if isinstance(path, Path) and path.suffix == ".gguf":
            path, gguf_file = path.parent, path.name
        if gguf_file is not None:
            path = unpacked(Path(path) / gguf_file, dtype)
        model = on_device(load_network(transformers.AutoModelForCausalLM, path, dtype=dtype), device)
        return cls(model, load_tokenizer(path), **options)

    def randomised(self, rng: np.random.Generator, inputs: Any) -> CausalLM:
        """Return the same network with the entries of every weight tensor permuted."""
        name = self.name and f"{self.name} randomised"
        return CausalLM(
            shuffled(self.module, rng),
            self.tokenizer,
            name,
            batch_tokens=self.batch_tokens,
            template_options=self.template_options,
        )

    def scoring(self, answer: str, prompt: Prompt) -> Continuation:
        return Continuation(self, answer, self.answer_ids(prompt, answer))

    def pairs(self) -> Pairs:
        return Pairs(self)


#: settings of a pipeline's reading that change nothing for one prompt, or only what it shows
_SILENT = ("padding", "generate_kwargs", "continue_final_message", "tokenizer_encode_kwargs")
#: place among the adapters: lower ones are tried first
PLACE = 30


def adopt(model: object, name: str | None, batched: bool) -> Generator | None:
    """Adopt a transformers causal language model or text-generation pipeline."""
    transformers = of_transformers(model)
    if transformers is None:
        return None
    if isinstance(model, transformers.TextGenerationPipeline):
        return _of_pipeline(model, name)
    if isinstance(model, transformers.Pipeline):
        known = (
            "text-classification, zero-shot-classification, token-classification, fill-mask, image-classification or "
            "text-generation"
        )
        raise InputError("model", f"be a pipeline for {known}, or a function from inputs to numbers", model.task)
    return of_network(model, None, name) if isinstance(model, transformers.PreTrainedModel) else None


def _of_pipeline(pipeline: Any, name: str | None) -> CausalLM:
    """Adopt a text-generation pipeline that reads prompts as its tokenizer does; it writes as long as that does.

    Raises
    ------
    InputError
        For one that does more to prompts: what it does is not known.
    """
    import transformers

    own = {"preprocess", "_forward", "postprocess", "forward", "__call__"} & vars(pipeline).keys()
    if type(pipeline) is not transformers.TextGenerationPipeline or own:
        found = f"one with a {sorted(own)[0]} of its own" if own else f"a {type(pipeline).__name__}"
    else:
        read = {k: v for k, v in pipeline._preprocess_params.items() if k not in _SILENT and v not in (None, "")}
        found = f"one with {', '.join(f'{k}={v!r}' for k, v in read.items())}" if read else ""
    if found:
        rule = (
            "be a text-generation pipeline that gives the network the prompt as it is; pass (model, tokenizer), or "
            "TextFunction(lambda prompt: pipe(prompt)[0]['generated_text'])"
        )
        raise InputError("model", rule, found)
    made = CausalLM(pipeline.model, pipeline.tokenizer, name)
    settings = getattr(pipeline, "generation_config", None) or pipeline.model.generation_config
    given = {**(getattr(pipeline, "_generate_kwargs", None) or {}), **pipeline._forward_params}
    made.longest = given.get("max_new_tokens", settings.max_new_tokens)
    return made


def of_network(network: Any, tokenizer: Any = None, name: str | None = None) -> CausalLM:
    """Adopt a causal language model with its tokenizer, or with the one that lies beside its weights.

    Raises
    ------
    InputError
        For another kind of network, with the way out.
    """
    if not is_kind(network, "MODEL_FOR_CAUSAL_LM_MAPPING"):
        kind = type(network).__name__
        rule = (
            "have a head whose outputs are classes, words or spans: "
            f"{kind} has none. similarity((model, tokenizer)) explains how alike an encoder finds two texts; else load "
            "AutoModelForSequenceClassification, or pass a function from inputs to numbers that asks it"
        )
        raise InputError("model", rule, kind)
    return CausalLM(network, tokenizer_of(network) if tokenizer is None else tokenizer, name)
