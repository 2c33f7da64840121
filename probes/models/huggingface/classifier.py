"""transformers sequence classifiers, and ``pipeline`` objects around them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from probes.errors import InputError, require
from probes.model import Identity, Model
from probes.models.evaluating import evaluating
from probes.models.functions import CallableModel
from probes.models.huggingface.pipelines import FUNCTIONS, PipelineSettings, unit_of, usual_function
from probes.models.huggingface.reading import Reader, Row, TextOrPair, as_text_or_pair, network_pad
from probes.models.huggingface.weights import (
    fingerprint,
    is_half,
    is_kind,
    load_network,
    load_tokenizer,
    of_transformers,
    on_device,
    shuffled,
    tokenizer_of,
)

__all__ = ["TextClassifier", "adopt"]

log = logging.getLogger(__name__)


class TextClassifier(Model):
    """A transformers sequence classifier: texts → one logit per class, or what a pipeline's function makes of them.

    An input is a text, or a pair of texts (a tuple, or a dict of ``text`` and ``text_pair``) for networks that judge
    pairs: entailment, relevance, likeness. The tokenizer joins and cuts them as it does for the user.

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
        self.module = model
        self.tokenizer = tokenizer
        self.name = name
        self.function = function
        #: the pipeline that the classifier was taken from
        self.pipeline: Any = None
        self.half = is_half(model)
        labels = model.config.id2label or {}
        self.unit = unit_of(model.config, function)
        self.outputs = tuple(str(labels.get(i, i)) for i in range(model.config.num_labels))
        # the head of all that let the last token answer is called score
        self.reader = Reader(self.module, tokenizer, encoding, begins=hasattr(model, "score"))
        self.encoding, self.limit = self.reader.encoding, self.reader.limit
        if any(label.lower().startswith("entail") for label in self.outputs):
            self.fields = ("premise", "hypothesis")
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

    def direct(self) -> Callable[[Sequence[TextOrPair]], Any]:
        """Return the pipeline's scores of one text; without a pipeline, the network's logits of one tokenised text."""
        return self._network if self.pipeline is None else self._scores

    def as_direct(self, values: np.ndarray) -> np.ndarray:
        return values if self.pipeline is None or self._overridden else FUNCTIONS[self.function or "none"](values)

    def _scores(self, texts: Sequence[TextOrPair]) -> np.ndarray:
        with evaluating(self.module):
            shown = self.pipeline(_for_pipeline(texts[0]), top_k=None)
        scores = {entry["label"]: entry["score"] for entry in shown}
        return np.array([[scores[name] for name in self.outputs or ()]])

    def _network(self, texts: Sequence[TextOrPair]) -> np.ndarray:
        text = as_text_or_pair(texts[0])
        encoded = self.tokenizer(*((text,) if isinstance(text, str) else text), return_tensors="pt", **self.encoding)
        with evaluating(self.module) as module:
            logits = module(**encoded.to(self.module.device)).logits.float().cpu().numpy()
        return FUNCTIONS[self.function](logits) if self.function is not None and self._overridden else logits

    @property
    def _overridden(self) -> bool:
        """Whether outputs are what `function` makes of logits."""
        return self.function is not None and self.function != usual_function(self.module.config)

    @property
    def _pad(self) -> int | None:
        """The id that the model's configuration calls padding, if it is a token."""
        return network_pad(self.module.config)

    def sizes(self, inputs: Sequence[TextOrPair]) -> np.ndarray:
        return self.reader.sizes(inputs, "classifier")

    def digests(self, inputs: Sequence[TextOrPair]) -> list[bytes]:
        return self.reader.digests(inputs)

    def unread(self, text: Any) -> str:
        if not isinstance(text, str) or not self.encoding.get("truncation"):
            return ""
        whole = {**self.encoding, "truncation": False}
        every = len(self.tokenizer(text, **{"add_special_tokens": True, **whole}, verbose=False)["input_ids"])
        if (read := len(self.reader.rows([text])[0].ids)) >= every:
            return ""
        return (
            f"The model reads {read:,} of the {every:,} tokens of this text, and its tokenizer cuts the rest: removal "
            "pulls what is beyond into its view. probes.Windowed reads all of a text."
        )

    def __call__(self, inputs: Sequence[TextOrPair]) -> np.ndarray:
        rows, pad = self.reader.rows(inputs), self._pad
        if pad is None and len(rows) > 1:
            if not self._warned:
                self._warned = True
                kind = type(self.module).__name__
                log.warning("%s has no pad_token_id in its configuration: texts are asked one at a time", kind)
            logits = np.vstack([self._logits([row], 0) for row in rows])
        else:
            logits = self._logits(rows, pad or 0)
        return FUNCTIONS[self.function](logits) if self.function is not None and self._overridden else logits

    def _logits(self, rows: list[Row], pad: int) -> np.ndarray:
        """Return the logits ``(n, K)`` of token rows, padded on the right."""
        with evaluating(self.module) as module:
            return module(**self.reader.padded(rows, pad)).logits.float().cpu().numpy()


def _for_pipeline(text: Any) -> Any:
    """Return a text, or a pair as a pipeline takes one."""
    text = as_text_or_pair(text)
    return text if isinstance(text, str) else {"text": text[0], "text_pair": text[1]}


#: place among the adapters: lower ones are tried first
PLACE = 20


def adopt(model: object, name: str | None, batched: bool) -> Model | None:
    """Adopt a transformers text-classification pipeline, or a bare sequence classifier (which lacks its tokenizer)."""
    transformers = of_transformers(model)
    if transformers is not None and isinstance(model, transformers.TextClassificationPipeline):
        return _of_pipeline(model, name)
    return of_network(model, None, name)


def of_network(network: Any, tokenizer: Any = None, name: str | None = None) -> TextClassifier | None:
    """Adopt a sequence classifier with its tokenizer, or with the one that lies beside its weights; else None."""
    if not is_kind(network, "MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING"):
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

    def pipeline_scores(texts: Sequence[TextOrPair]) -> Any:
        with evaluating(pipeline.model):
            return pipeline(list(map(_for_pipeline, texts)), top_k=None)

    asked = CallableModel(pipeline_scores, named, unit=unit, outputs=labels or None)
    asked.batch = 64
    return asked
