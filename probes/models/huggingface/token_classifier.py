"""TokenClassifier: a network that names entities (NER), as a map from texts to the probability of each type."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from copy import copy
from typing import Any

import numpy as np
from scipy.special import softmax

from probes.errors import InputError
from probes.model import Identity, Model
from probes.models.evaluating import evaluating
from probes.models.huggingface.reading import Reader
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

__all__ = ["TokenClassifier", "adopt", "of_network"]

#: what the types of tokens are called that belong to no entity
_NONE = "O"
_PART = re.compile(r"^[BILESUM]-(?=.)")


class TokenClassifier(Model):
    """A token classifier of transformers: texts → the probability of each type of entity.

    Types are the labels without the mark of a token's part in the entity (``B-``, ``I-``); their probabilities are
    added up. Of a text the outputs are the highest of any token, for ``O`` the lowest; :meth:`at` looks at one word.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        With a token-classification head.
    tokenizer : transformers.PreTrainedTokenizerFast
    name : str, optional
        Replaces the fingerprint of the weights as the identity.

    Raises
    ------
    InputError
        Without a fast tokenizer, which says where in a text a token lies.
    """

    unit = "probability"
    size_unit = "tokens"

    def __init__(self, model: Any, tokenizer: Any, name: str | None = None):
        if not getattr(tokenizer, "is_fast", False):
            raise InputError("tokenizer", "come with a token classifier, and be a fast one", tokenizer)
        self.module, self.tokenizer, self.name = model, tokenizer, name
        self.reader = Reader(self.module, tokenizer)
        self.word: str | None = None
        #: the pipeline that the classifier was taken from
        self.pipeline: Any = None
        self.half = is_half(model)
        labels = [str((model.config.id2label or {}).get(i, i)) for i in range(model.config.num_labels)]
        types = [_PART.sub("", label) for label in labels]
        self.outputs: tuple[str, ...] = tuple(dict.fromkeys(types))
        self._members = np.array([[kind == name for name in self.outputs] for kind in types], dtype=float)

    @classmethod
    def from_pretrained(cls, path: Any, dtype: str = "float32", device: str = "cpu") -> TokenClassifier:
        """Load model and tokenizer from a folder or a hub name (safetensors only, no remote code)."""
        from transformers import AutoModelForTokenClassification as Auto

        return cls(on_device(load_network(Auto, path, dtype=dtype), device), load_tokenizer(path))

    def at(self, word: str) -> TokenClassifier:
        """Return the map from texts to the type of one word or phrase: the mean over its tokens, wherever it stands.

        Where a text does not hold it, ``O`` has probability 1.

        Raises
        ------
        InputError
            For no text.
        """
        if not isinstance(word, str) or not word.strip():
            raise InputError("word", "be a text, such as a name", word)
        other = copy(self)
        other.word = word.strip()
        if _NONE not in other.outputs:
            other.outputs = (*other.outputs, _NONE)
            other._members = np.hstack([other._members, np.zeros((len(other._members), 1))])
        return other

    def identity(self) -> Identity:
        known = Identity(f"tokens:{self.name}", True) if self.name else fingerprint(self.module)
        return known if self.word is None else Identity(f"{known.id}:at {self.word}", known.persistent)

    def met_as(self, identity: Identity) -> str:
        """Name the network: every word is looked at alike."""
        return identity.id if self.word is None else identity.id.removesuffix(f" {self.word}")

    def randomised(self, rng: np.random.Generator, inputs: Any) -> TokenClassifier:
        """Return the same network with the entries of every weight tensor permuted."""
        name = self.name and f"{self.name} randomised"
        other = TokenClassifier(shuffled(self.module, rng), self.tokenizer, name)
        return other if self.word is None else other.at(self.word)

    def sizes(self, inputs: Sequence[str]) -> np.ndarray:
        return self.reader.sizes(list(map(_text, inputs)), "model")

    def digests(self, inputs: Sequence[str]) -> list[bytes]:
        # of two texts with the same tokens one may hold the word and the other not
        return super().digests(list(map(_text, inputs)))

    def check_instance(self, rendered: Callable[[], Sequence[str]]) -> None:
        if self.word is not None and not _spans(self.word, text := _text(rendered()[0])):
            raise InputError("model", f"look at a word that the text holds by itself, not at {self.word!r}", text)

    def __call__(self, inputs: Sequence[str]) -> np.ndarray:
        texts = list(map(_text, inputs))
        rows = self.reader.rows(texts)
        with evaluating(self.module) as module:
            fed = self.reader.padded(rows)
            logits = module(**fed).logits.float().cpu().numpy()
        return np.vstack([self._of_tokens(text, row) for text, row in zip(texts, logits, strict=True)])

    def _of_tokens(self, text: str, logits: np.ndarray) -> np.ndarray:
        """Return the probabilities ``(K,)`` of a text by the logits ``(tokens, labels)`` of its padded row."""
        encoded = self.tokenizer(text, return_offsets_mapping=True, return_special_tokens_mask=True)
        marks = zip(encoded["offset_mapping"], encoded["special_tokens_mask"], strict=True)
        places = [(i, a, b) for i, ((a, b), special) in enumerate(marks) if b > a and not special]
        if self.word is not None:
            spans = _spans(self.word, text)
            places = [(i, a, b) for i, a, b in places if any(a < stop and b > start for start, stop in spans)]
        if not places:
            return np.array([float(name == _NONE) for name in self.outputs])
        shares = softmax(logits[[i for i, _, _ in places]].astype(float), axis=1) @ self._members
        if self.word is not None:
            return np.asarray(shares.mean(axis=0))
        return np.where([name == _NONE for name in self.outputs], shares.min(axis=0), shares.max(axis=0))

    def direct(self) -> Callable[[Sequence[str]], Any]:
        """Return the pipeline's scores of one text; without a pipeline those of one unpadded text."""
        return self._shown if self.pipeline is not None else self._network

    def as_direct(self, values: np.ndarray) -> np.ndarray:
        """Return them as they are: of a pipeline too sums are compared, not the likeliest label that it shows."""
        return values

    def _network(self, texts: Sequence[str]) -> np.ndarray:
        encoded = self.tokenizer(texts[0], return_tensors="pt").to(self.module.device)
        with evaluating(self.module) as module:
            logits = module(**encoded).logits[0].float().cpu().numpy()
        return self._of_tokens(texts[0], logits)[None]

    def _shown(self, texts: Sequence[str]) -> np.ndarray:
        """Return the same from what the pipeline makes of a text before it keeps the likeliest labels."""
        with evaluating(self.module):
            [fed] = self.pipeline.preprocess(texts[0], **self.pipeline._preprocess_params)
            return self._of_tokens(texts[0], self.pipeline.forward(fed)["logits"][0].float().cpu().numpy())[None]


def _spans(word: str, text: str) -> list[tuple[int, int]]:
    """Return where a text holds a word or phrase that is not part of a longer word."""
    return [m.span() for m in re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", text)]


def _text(value: Any) -> str:
    """Return a text.

    Raises
    ------
    InputError
        For anything else.
    """
    if not isinstance(value, str):
        raise InputError("text", "be a text: a token classifier reads neither pairs nor chats", value)
    return value


#: place among the adapters: lower ones are tried first
PLACE = 27


def adopt(model: object, name: str | None, batched: bool) -> TokenClassifier | None:
    """Adopt a token classifier, or a pipeline of one."""
    transformers = of_transformers(model)
    if transformers is None:
        return None
    if not isinstance(model, transformers.TokenClassificationPipeline):
        return of_network(model, None, name)
    split = model._preprocess_params.get("is_split_into_words") or "tokenizer_params" in model._preprocess_params
    if type(model) is not transformers.TokenClassificationPipeline or split:
        rule = "be a token-classification pipeline that reads a text in one piece; pass (model, tokenizer)"
        raise InputError("model", rule, type(model).__name__)
    adopted = TokenClassifier(model.model, model.tokenizer, name)
    adopted.pipeline = model
    return adopted


def of_network(network: Any, tokenizer: Any = None, name: str | None = None) -> TokenClassifier | None:
    """Adopt a token classifier with its tokenizer, or with the one beside its weights; else None."""
    if not is_kind(network, "MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING"):
        return None
    return TokenClassifier(network, tokenizer_of(network) if tokenizer is None else tokenizer, name)
