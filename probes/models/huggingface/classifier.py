"""transformers sequence classifiers, and ``pipeline`` objects around them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from probes.errors import InputError, require
from probes.model import Identity, Model
from probes.models.functions import CallableModel
from probes.models.huggingface.pipelines import FUNCTIONS, PipelineSettings, usual_function
from probes.models.huggingface.weights import (
    fingerprint,
    is_half,
    load_network,
    load_tokenizer,
    of_transformers,
    on_device,
    shuffled,
    token_digests,
    tokenizer_of,
)

__all__ = ["TextClassifier", "adopt"]

log = logging.getLogger(__name__)

#: texts whose tokens are kept: those of the batch that is asked, and of some before it
_REMEMBERED = 16_384


class TextClassifier(Model):
    """A transformers sequence classifier: texts → one logit per class, or what a pipeline's function makes of them.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        With a sequence-classification head.
    tokenizer : transformers.PreTrainedTokenizerBase
    name : str, optional
        Replaces the fingerprint of the weights as the identity.
    encoding : dict, optional
        Options of the tokenizer, such as ``{"truncation": True, "max_length": 128}``.
    function : {"softmax", "sigmoid", "none"}, optional
        What a pipeline around the model applies to its logits. Where that is what pipelines usually apply, the outputs
        stay logits, of which targets make log-odds without loss; else they are what the function returns.

    Raises
    ------
    InputError
        If the model has no class logits, or no tokenizer is given.

    Notes
    -----
    A text longer than the model's window, after truncation if `encoding` asks for it, raises, because a feature that
    is cut off can have no effect. Rows are padded with the id that the model's configuration calls padding: decoders
    look for the last token that is another. Without such an id texts are asked one at a time. A decoder is asked a
    text without tokens as the token that begins (or ends) texts.
    """

    size_unit = "tokens"

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        name: str | None = None,
        *,
        encoding: Mapping[str, Any] | None = None,
        function: str | None = None,
    ):
        if tokenizer is None:
            raise InputError("tokenizer", "come with a transformers model: TextClassifier(model, tokenizer)", tokenizer)
        if function is not None and function not in FUNCTIONS:
            raise InputError("function", f"be one of {', '.join(FUNCTIONS)}, or None", function)
        self.module = model.eval()
        self.tokenizer = tokenizer
        self.name = name
        self.encoding = dict(encoding or {})
        self.function = function
        #: the pipeline that the classifier was taken from
        self.pipeline: Any = None
        self.half = is_half(model)
        labels = model.config.id2label or {}
        self.unit = _unit(model.config, function)
        self.outputs = tuple(str(labels.get(i, i)) for i in range(model.config.num_labels))
        limits = (tokenizer.model_max_length, getattr(model.config, "max_position_embeddings", None))
        self._seen: dict[str, list[int]] = {}
        self.limit = min((n for n in limits if n is not None and n < 10**9), default=None)
        self._warned = False

    @classmethod
    def from_pretrained(cls, path: str | Path, dtype: str = "float32", device: str = "cpu") -> TextClassifier:
        """Load model and tokenizer from a folder or a hub name (safetensors only, no remote code)."""
        kind = require("transformers", "TextClassifier").AutoModelForSequenceClassification
        return cls(on_device(load_network(kind, path, dtype=dtype), device), load_tokenizer(path))

    def identity(self) -> Identity:
        known = Identity(f"classifier:{self.name}", True) if self.name else fingerprint(self.module)
        changed = f":{self.function}" if self._overridden else ""
        if (pad := self._pad) not in (None, self.tokenizer.pad_token_id or 0):
            # version 0.1.0 padded with the tokenizer's id, so its answers may be those of other rows' padding
            changed += f":padded with {pad}"
        return Identity(f"{known.id}{changed}", known.persistent)

    def randomised(self, rng: np.random.Generator, inputs: Any) -> TextClassifier:
        """Return the same network with the entries of every weight tensor permuted."""
        name = self.name and f"{self.name} randomised"
        other = shuffled(self.module, rng)
        return TextClassifier(other, self.tokenizer, name, encoding=self.encoding, function=self.function)

    def direct(self) -> Callable[[Sequence[str]], Any]:
        """Return the pipeline's scores of one text; without a pipeline, the network's logits of one tokenised text."""
        return self._network if self.pipeline is None else self._scores

    def as_direct(self, values: np.ndarray) -> np.ndarray:
        return values if self.pipeline is None or self._overridden else FUNCTIONS[self.function or "none"](values)

    def _scores(self, texts: Sequence[str]) -> np.ndarray:
        scores = {entry["label"]: entry["score"] for entry in self.pipeline(texts[0], top_k=None)}
        return np.array([[scores[name] for name in self.outputs or ()]])

    def _network(self, texts: Sequence[str]) -> np.ndarray:
        import torch

        encoded = self.tokenizer(texts[0], return_tensors="pt", **self.encoding)
        with torch.inference_mode():
            logits = self.module.eval()(**encoded.to(self.module.device)).logits.float().cpu().numpy()
        return FUNCTIONS[self.function](logits) if self.function is not None and self._overridden else logits

    @property
    def _overridden(self) -> bool:
        """Whether outputs are what `function` makes of logits."""
        return self.function is not None and self.function != usual_function(self.module.config)

    @property
    def _pad(self) -> int | None:
        """The id that the model's configuration calls padding, if it is a token."""
        config = self.module.config
        config = config.get_text_config() if hasattr(config, "get_text_config") else config
        pad = getattr(config, "pad_token_id", None)
        return pad if isinstance(pad, int) and 0 <= pad < getattr(config, "vocab_size", pad + 1) else None

    def _encode(self, inputs: Sequence[str]) -> list[list[int]]:
        """Return token ids; texts seen lately are not tokenised again.

        Raises
        ------
        InputError
            For anything but texts.
        """
        if other := [text for text in inputs if not isinstance(text, str)]:
            raise InputError("text", "be a text: a classifier reads neither chats nor rows", other[0])
        seen = self._seen  # threads share it; this one holds what it needs
        ids = {text: seen[text] for text in list(dict.fromkeys(inputs)) if text in seen}
        if new := [text for text in dict.fromkeys(inputs) if text not in ids]:
            rows = self.tokenizer(new, **{"add_special_tokens": True, **self.encoding})["input_ids"]
            decoder = hasattr(self.module, "score")  # the head of all that let the last token answer
            filled = (row or (self._start(text) if decoder else row) for text, row in zip(new, rows, strict=True))
            ids.update(zip(new, filled, strict=True))
            self._seen = {**seen, **ids} if len(seen) + len(new) <= _REMEMBERED else ids
        return [ids[text] for text in inputs]

    def _start(self, text: str) -> list[int]:
        """Return what is asked for a text without tokens: the token that begins (or ends) texts.

        Raises
        ------
        InputError
            If the tokenizer has neither.
        """
        known = (self.tokenizer.bos_token_id, self.tokenizer.eos_token_id)
        if known == (None, None):
            rule = "hold a token, because this tokenizer has none to begin with: give the probe a replacement"
            raise InputError("text", rule, text)
        return [next(i for i in known if i is not None)]

    def sizes(self, inputs: Sequence[str]) -> np.ndarray:
        sizes = np.array([len(ids) for ids in self._encode(inputs)])
        if self.limit is not None and len(sizes) and sizes.max() > self.limit:
            raise InputError("text", f"fit the classifier's window of {self.limit} tokens", f"{sizes.max()} tokens")
        return sizes

    def digests(self, inputs: Sequence[str]) -> list[bytes]:
        return token_digests(self._encode(inputs))

    def __call__(self, inputs: Sequence[str]) -> np.ndarray:
        rows, pad = self._encode(inputs), self._pad
        if pad is None and len(rows) > 1:
            if not self._warned:
                self._warned = True
                kind = type(self.module).__name__
                log.warning("%s has no pad_token_id in its configuration: texts are asked one at a time", kind)
            logits = np.vstack([self._logits([row], 0) for row in rows])
        else:
            logits = self._logits(rows, pad or 0)
        return FUNCTIONS[self.function](logits) if self.function is not None and self._overridden else logits

    def _logits(self, rows: list[list[int]], pad: int) -> np.ndarray:
        """Return the logits ``(n, K)`` of token rows, padded on the right."""
        import torch

        width = max(1, *map(len, rows))
        padded = torch.tensor([row + [-1] * (width - len(row)) for row in rows])
        mask = padded >= 0
        device = self.module.eval().device
        with torch.inference_mode():
            ids = padded.where(mask, pad)
            out = self.module(input_ids=ids.to(device), attention_mask=mask.long().to(device))
        return out.logits.float().cpu().numpy()


def _unit(config: Any, function: str | None) -> str:
    """Name the unit of the outputs."""
    usual = usual_function(config)
    if function is not None and function != usual:
        # scores that compete for nothing: the default target is the label with the highest, as the pipeline shows it
        return "margin" if function == "none" else "probability"
    if usual == "sigmoid":  # one logistic for each label, so that a logit is its label's log-odds already
        return "log-odds" if config.num_labels > 1 or function is not None else "output"
    return "output" if usual == "none" else "logit"


#: place among the adapters: lower ones are tried first
PLACE = 20


def adopt(model: object, name: str | None, batched: bool) -> Model | None:
    """Adopt a transformers text-classification pipeline, or a bare sequence classifier (which lacks its tokenizer)."""
    transformers = of_transformers(model)
    if transformers is None:
        return None
    if isinstance(model, transformers.Pipeline):
        if isinstance(model, transformers.TextClassificationPipeline):
            return _of_pipeline(model, name)
        if isinstance(model, transformers.TextGenerationPipeline):
            return None
        rule = "be a text-classification or text-generation pipeline, or a function from texts to numbers that asks it"
        raise InputError("model", rule, model.task)
    return of_network(model, None, name) if isinstance(model, transformers.PreTrainedModel) else None


def of_network(network: Any, tokenizer: Any = None, name: str | None = None) -> TextClassifier | None:
    """Adopt a sequence classifier with its tokenizer, or with the one that lies beside its weights; else None."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING as KNOWN

    kind: Any = KNOWN.get(type(network.config), None)
    if kind is None or not isinstance(network, kind):
        return None
    return TextClassifier(network, tokenizer_of(network) if tokenizer is None else tokenizer, name)


def _of_pipeline(pipeline: Any, name: str | None) -> Model:
    """Adopt a pipeline with its settings; one that does what no settings describe is asked itself, in its scores."""
    settings = PipelineSettings.of(pipeline)
    if settings is not None:
        encoding, function = settings.encoding, settings.function
        classifier = TextClassifier(pipeline.model, pipeline.tokenizer, name, encoding=encoding, function=function)
        if len(set(classifier.outputs or ())) == pipeline.model.config.num_labels:  # scores have their labels' names
            classifier.pipeline = pipeline
        return classifier
    log.info("this pipeline has settings or code of its own, so it is asked itself")
    labels = tuple(str(label) for _, label in sorted((pipeline.model.config.id2label or {}).items()))
    named = name and f"{name}:pipeline"  # answers of version 0.1.0 are logits of the network alone
    unit = "probability" if usual_function(pipeline.model.config) != "none" else "output"

    def pipeline_scores(texts: Sequence[str]) -> Any:
        return pipeline(list(texts), top_k=None)

    asked = CallableModel(pipeline_scores, named, unit=unit, outputs=labels or None)
    asked.batch = 64
    return asked
