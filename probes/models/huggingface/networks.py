"""The kinds of network of transformers that can be explained, by their heads: one table for objects and folders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from probes.errors import InputError, require
from probes.model import Generator, Model
from probes.models.huggingface import causal_lm, classifier, masked_lm, question_answering, seq2seq, token_classifier
from probes.models.huggingface import image_classifier as images
from probes.models.huggingface.encoder import Encoder
from probes.models.huggingface.similarity import similarity
from probes.models.huggingface.weights import configuration

__all__ = ["of_folder", "of_network"]


class _Head(NamedTuple):
    """A head: what it is called, the table of transformers that lists its networks, and what adopts and loads them."""

    name: str
    mapping: str
    module: Any
    loaded: Any


#: in the order in which they are tried: some networks are in two tables
_HEADS = (
    _Head("a sequence classifier", "MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING", classifier, classifier.TextClassifier),
    _Head("an image classifier", "MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING", images, images.ImageClassifier),
    _Head("a sequence-to-sequence model", "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING", seq2seq, seq2seq.Seq2SeqLM),
    _Head("a causal language model", "MODEL_FOR_CAUSAL_LM_MAPPING", causal_lm, causal_lm.CausalLM),
    _Head("a masked language model", "MODEL_FOR_MASKED_LM_MAPPING", masked_lm, masked_lm.MaskedLM),
    _Head(
        "a question-answering model",
        "MODEL_FOR_QUESTION_ANSWERING_MAPPING",
        question_answering,
        question_answering.ExtractiveQA,
    ),
    _Head(
        "a token classifier",
        "MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING",
        token_classifier,
        token_classifier.TokenClassifier,
    ),
)


def _flat(names: Iterable[Any]) -> Iterator[str]:
    """Yield names of classes; a configuration may have several."""
    for name in names:
        yield from name if isinstance(name, (tuple, list)) else (str(name),)


def of_network(network: Any, tokenizer: Any = None, name: str | None = None) -> Model | Generator:
    """Adopt a network with its tokenizer, or with the one that lies beside its weights.

    Raises
    ------
    InputError
        For a network with no head that is known, with the way out.
    """
    others = (head.module.of_network(network, tokenizer, name) for head in _HEADS if head.module is not causal_lm)
    found = next((adopted for adopted in others if adopted is not None), None)
    return causal_lm.of_network(network, tokenizer, name) if found is None else found


def of_folder(folder: Path, name: str | None) -> Model | Generator:
    """Load what a folder holds, by the class that its configuration names; an encoder if it says how tokens are pooled.

    Raises
    ------
    InputError
        For a folder that holds something else.
    """
    require("transformers", "a folder with a model")
    from transformers.models.auto import modeling_auto

    named = configuration(folder, "model").get("architectures")
    named = set(map(str, named)) if isinstance(named, list) else set()
    for head in _HEADS:
        if named & set(_flat(getattr(modeling_auto, f"{head.mapping}_NAMES").values())):
            loaded: Model | Generator = head.loaded.from_pretrained(folder)
            loaded.name = name  # type: ignore[union-attr]
            return loaded
    if (folder / "modules.json").is_file():
        return similarity(Encoder.from_pretrained(folder), name=name)
    kinds = ", ".join(head.name for head in _HEADS)
    raise InputError(
        "model", f"hold {kinds} or an encoder with modules.json, not {sorted(named) or 'no name'}", str(folder)
    )
