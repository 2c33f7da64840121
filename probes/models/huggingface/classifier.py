"""transformers sequence classifiers, and ``pipeline`` objects around them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from probes.errors import InputError, require
from probes.model import Identity, Model
from probes.models.huggingface.weights import fingerprint, on_device, shuffled, token_digests, tokenizer_of

__all__ = ["TextClassifier", "adopt"]

#: texts whose tokens are kept: those of the batch that is asked, and of some before it
_REMEMBERED = 16_384


class TextClassifier(Model):
    """A transformers sequence classifier: texts → one logit per class.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        With a sequence-classification head.
    tokenizer : transformers.PreTrainedTokenizerBase
    name : str, optional
        Replaces the fingerprint of the weights as the identity.

    Raises
    ------
    InputError
        If the model has no class logits, or no tokenizer is given.

    Notes
    -----
    Texts longer than the model's window are cut by the tokenizer; the first such text raises, because a feature that
    is cut off can have no effect.
    """

    size_unit = "tokens"

    def __init__(self, model: Any, tokenizer: Any, name: str | None = None):
        if tokenizer is None:
            raise InputError("tokenizer", "come with a transformers model: TextClassifier(model, tokenizer)", tokenizer)
        self.module = model.eval()
        self.tokenizer = tokenizer
        self.name = name
        labels = model.config.id2label or {}
        # several labels at once are one logistic each, so that a logit is its label's log-odds already
        several = model.config.problem_type == "multi_label_classification"
        self.unit = "output" if model.config.num_labels == 1 else "log-odds" if several else "logit"
        self.outputs = tuple(str(labels.get(i, i)) for i in range(model.config.num_labels))
        limits = (tokenizer.model_max_length, getattr(model.config, "max_position_embeddings", None))
        self._seen: dict[str, list[int]] = {}
        self.limit = min((n for n in limits if n is not None and n < 10**9), default=None)

    @classmethod
    def from_pretrained(cls, path: str | Path, dtype: str = "float32", device: str = "cpu") -> TextClassifier:
        """Load model and tokenizer from a folder or a hub name (safetensors only, no remote code)."""
        transformers = require("transformers", "TextClassifier")
        kind = transformers.AutoModelForSequenceClassification
        model = on_device(kind.from_pretrained(path, use_safetensors=True, dtype=dtype), device)
        return cls(model, transformers.AutoTokenizer.from_pretrained(path))

    def identity(self) -> Identity:
        return Identity(f"classifier:{self.name}", True) if self.name else fingerprint(self.module)

    def randomised(self, rng: np.random.Generator, inputs: Any) -> TextClassifier:
        """Return the same network with the entries of every weight tensor permuted."""
        return TextClassifier(shuffled(self.module, rng), self.tokenizer, self.name and f"{self.name} randomised")

    def _encode(self, inputs: Sequence[str]) -> list[list[int]]:
        """Return token ids; texts seen lately are not tokenised again."""
        seen = self._seen  # threads share it; this one holds what it needs
        ids = {text: seen[text] for text in list(dict.fromkeys(inputs)) if text in seen}
        if new := [text for text in dict.fromkeys(inputs) if text not in ids]:
            ids.update(zip(new, self.tokenizer(new, add_special_tokens=True)["input_ids"], strict=True))
            self._seen = {**seen, **ids} if len(seen) + len(new) <= _REMEMBERED else ids
        return [ids[text] for text in inputs]

    def sizes(self, inputs: Sequence[str]) -> np.ndarray:
        sizes = np.array([len(ids) for ids in self._encode(inputs)])
        if self.limit is not None and len(sizes) and sizes.max() > self.limit:
            raise InputError("text", f"fit the classifier's window of {self.limit} tokens", f"{sizes.max()} tokens")
        return sizes

    def digests(self, inputs: Sequence[str]) -> list[bytes]:
        return token_digests(self._encode(inputs))

    def __call__(self, inputs: Sequence[str]) -> np.ndarray:
        import torch

        padded = torch.tensor(list(zip_longest(*self._encode(inputs), fillvalue=-1))).T
        mask, filler = padded >= 0, self.tokenizer.pad_token_id or 0
        device = self.module.eval().device
        with torch.inference_mode():
            ids = padded.where(mask, filler)
            out = self.module(input_ids=ids.to(device), attention_mask=mask.long().to(device))
        return out.logits.float().cpu().numpy()


#: place among the adapters: lower ones are tried first
PLACE = 20


def adopt(model: object, name: str | None, batched: bool) -> Model | None:
    """Adopt a transformers text-classification pipeline, or a bare sequence classifier (which lacks its tokenizer)."""
    transformers = sys.modules.get("transformers")
    if transformers is None:
        return None
    if isinstance(model, transformers.Pipeline):
        if isinstance(model, transformers.TextClassificationPipeline):
            return TextClassifier(model.model, model.tokenizer, name)
        if isinstance(model, transformers.TextGenerationPipeline):
            return None
        raise InputError("model", "be a text-classification or text-generation pipeline", model.task)
    if isinstance(model, transformers.PreTrainedModel):
        from transformers.models.auto.modeling_auto import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING as KNOWN

        kind: Any = KNOWN.get(type(model.config), None)
        if kind is not None and isinstance(model, kind):
            return TextClassifier(model, tokenizer_of(model), name)
    return None
