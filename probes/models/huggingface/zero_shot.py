"""ZeroShot: a classifier of entailment that chooses among labels of the user's, as a zero-shot pipeline does."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.special import expit, softmax

from probes.errors import InputError
from probes.model import Identity, Model
from probes.models.evaluating import evaluating
from probes.models.huggingface.classifier import TextClassifier
from probes.models.huggingface.weights import of_transformers

__all__ = ["ZeroShot", "adopt"]

TEMPLATE = "This example is {}."


class ZeroShot(Model):
    """Texts → a number for each of the user's labels, by whether the text entails a sentence with the label.

    Each question costs the network one pair for each label. With several labels of which one holds, outputs are the
    logits of entailment, whose softmax is the pipeline's score; where several may hold (`multi_label`, or one label
    alone) they are the log-odds of entailment against contradiction.

    Parameters
    ----------
    model : transformers pipeline, TextClassifier, or (model, tokenizer)
        A zero-shot-classification pipeline, or a classifier of entailment.
    labels : sequence of str
    template : str, default "This example is {}."
        Makes the hypothesis of a label.
    multi_label : bool, default False
    name : str, optional
        Replaces the fingerprint of the weights as the identity.

    Raises
    ------
    InputError
        For a classifier without a label that begins with "entail", no labels or a repeated one, or a template without
        ``{}``.

    Notes
    -----
    Yin, Hay and Roth (2019).
    """

    size_unit = "tokens"
    outputs: tuple[str, ...]

    def __init__(
        self,
        model: Any,
        labels: Sequence[str],
        template: str = TEMPLATE,
        *,
        multi_label: bool = False,
        name: str | None = None,
    ):
        transformers = of_transformers(model)
        #: the pipeline that is asked on first contact
        self.pipeline: Any = None
        parts = model
        if transformers is not None and isinstance(model, transformers.ZeroShotClassificationPipeline):
            self.pipeline, parts = model, (model.model, model.tokenizer)
        if isinstance(parts, tuple) and len(parts) == 2:
            parts = TextClassifier(parts[0], parts[1], name, encoding={"truncation": "only_first"})
        known = [str(label).lower() for label in getattr(parts, "outputs", None) or ()]
        entails = [i for i, label in enumerate(known) if label.startswith("entail")]
        if not isinstance(parts, TextClassifier) or not entails:
            raise InputError("model", 'be a classifier of entailment, with a label that begins with "entail"', known)
        if isinstance(labels, str) or not labels or not all(isinstance(x, str) and x.strip() for x in labels):
            raise InputError("labels", "be a list of texts", labels)
        if len(set(labels)) < len(labels):
            raise InputError("labels", "differ", labels)
        if not isinstance(template, str) or "{}" not in template:
            raise InputError("template", "hold {}, where the label goes", template)
        self.classifier, self.outputs, self.template = parts, tuple(labels), template
        self.several = multi_label or len(self.outputs) == 1
        self.unit = "log-odds" if self.several else "logit"
        self.half = parts.half
        # the last label that begins so, and the first label or the last, as the pipeline takes them
        self._columns = (-1 if entails[0] == 0 else 0, entails[0])
        self.hypotheses = tuple(template.format(label) for label in labels)

    def identity(self) -> Identity:
        known = self.classifier.identity()
        mark = hashlib.sha256(repr((self.hypotheses, self.several)).encode()).hexdigest()[:16]
        return Identity(f"{known.id}:zero-shot:{mark}", known.persistent)

    def randomised(self, rng: np.random.Generator, inputs: Any) -> ZeroShot:
        """Return the same labels with a network that has learnt nothing."""
        other = self.classifier.randomised(rng, inputs)
        return ZeroShot(other, self.outputs, self.template, multi_label=self.several)

    def _pairs(self, texts: Sequence[str]) -> list[tuple[str, str]]:
        if other := [text for text in texts if not isinstance(text, str)]:
            raise InputError("text", "be a text: the labels are the other one of each pair", other[0])
        return [(text, hypothesis) for text in texts for hypothesis in self.hypotheses]

    def sizes(self, inputs: Sequence[str]) -> np.ndarray:
        return self.classifier.sizes(self._pairs(inputs)).reshape(len(inputs), -1).sum(axis=1)

    def digests(self, inputs: Sequence[str]) -> list[bytes]:
        each, k = self.classifier.digests(self._pairs(inputs)), len(self.outputs)
        return [hashlib.sha256(b"".join(each[i : i + k])).digest() for i in range(0, len(each), k)]

    def __call__(self, inputs: Sequence[str]) -> np.ndarray:
        logits = self.classifier(self._pairs(inputs)).reshape(len(inputs), len(self.outputs), -1)
        against, for_ = (logits[:, :, column] for column in self._columns)
        return np.asarray(for_ - against if self.several else for_)

    def direct(self) -> Callable[[Sequence[str]], Any] | None:
        """Return the pipeline's scores of one text; None without a pipeline."""
        return None if self.pipeline is None else self._scores

    def as_direct(self, values: np.ndarray) -> np.ndarray:
        return np.asarray(expit(values) if self.several else softmax(values, axis=1))

    def _scores(self, texts: Sequence[str]) -> np.ndarray:
        asked = {"hypothesis_template": self.template, "multi_label": self.several}
        with evaluating(self.classifier.module):
            shown = self.pipeline(texts[0], list(self.outputs), **asked)
        scores = dict(zip(shown["labels"], shown["scores"], strict=True))
        return np.array([[scores[label] for label in self.outputs]])


#: place among the adapters: before classifiers, which refuse pipelines of other tasks
PLACE = 18


def adopt(model: object, name: str | None, batched: bool) -> ZeroShot | None:
    """Adopt a zero-shot-classification pipeline that was made with its labels.

    Raises
    ------
    InputError
        For one without, or of a class of the user's own.
    """
    transformers = of_transformers(model)
    if transformers is None or not isinstance(model, transformers.ZeroShotClassificationPipeline):
        return None
    labels = model._preprocess_params.get("candidate_labels")
    if type(model) is not transformers.ZeroShotClassificationPipeline or not labels:
        rule = "be a zero-shot pipeline made with candidate_labels=[...], or ZeroShot(pipeline, labels)"
        raise InputError("model", rule, type(model).__name__)
    template = model._preprocess_params.get("hypothesis_template", TEMPLATE)
    several = bool(model._postprocess_params.get("multi_label"))
    return ZeroShot(model, labels, template, multi_label=several, name=name)
