"""similarity(): how alike an encoder finds two texts, as a model."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from probes.errors import InputError, ModelError
from probes.model import Identity, Model
from probes.models.evaluating import evaluating
from probes.models.huggingface.encoder import Encoder
from probes.models.huggingface.weights import of_transformers

__all__ = ["Similarity", "adopt", "similarity"]

_PAIR = "be a pair: PairProbe(first, second) makes inputs of this model; similarity(encoder, to=text) takes texts"


def similarity(
    encoder: Any, to: str | None = None, *, pooling: str | None = None, name: str | None = None
) -> Similarity:
    """Return the cosine of the vectors of two texts as a model.

    Parameters
    ----------
    encoder : object
        A folder of sentence-transformers (its settings say how tokens are pooled), ``(model, tokenizer)`` of
        transformers, an object with ``encode``, or a function from a list of texts to vectors ``(n, d)``.
    to : str, optional
        What texts are compared with. Without it, inputs are pairs of texts, both of which can be taken apart.
    pooling : {"mean", "cls", "max"}, optional
        For ``(model, tokenizer)``: how vectors of tokens become one; by default their mean.
    name : str, optional
        Identifies the encoder for ever. What is no network of transformers is remembered for one run only without it.

    Returns
    -------
    Similarity

    Raises
    ------
    InputError
        For anything else, or an empty `to`.

    Examples
    --------
    >>> letters = lambda texts: [[text.count(c) for c in "abc"] for text in texts]
    >>> similarity(letters, to="ab")(["ab", "c", "aabb"]).round(3).tolist()
    [[1.0], [0.0], [1.0]]
    >>> similarity(letters)([("ab", "a")]).round(3).tolist()
    [[0.707]]
    """
    if to is not None and (not isinstance(to, str) or not to.strip()):
        raise InputError("to", "be a text, or None for pairs", to)
    network = of_transformers(encoder[0]) if isinstance(encoder, tuple) and len(encoder) == 2 else None
    if pooling is not None and network is None:
        raise InputError("pooling", "come with (model, tokenizer): this encoder pools by itself", pooling)
    if network is not None:
        encode: Any = Encoder(encoder[0], encoder[1], "mean" if pooling is None else pooling)
    elif isinstance(encoder, (str, Path)) and Path(encoder).expanduser().is_dir():
        encode = Encoder.from_pretrained(Path(encoder).expanduser())
    else:
        encode = encoder if isinstance(encoder, Encoder) else getattr(encoder, "encode", encoder)
    if not callable(encode) or isinstance(encoder, (str, type)):
        rule = "be an existing folder, (model, tokenizer), an object with encode, or a function from texts to vectors"
        raise InputError("encoder", rule, encoder)
    return Similarity(encode, to, name)


class Similarity(Model):
    """Pairs of texts, or texts beside a fixed one → the cosine of their vectors; made by :func:`similarity`.

    Parameters
    ----------
    encode : callable
        A list of texts → ``(n, d)``.
    to : str, optional
    name : str, optional
    """

    unit = "cosine"

    def __init__(self, encode: Callable[[list[str]], Any], to: str | None = None, name: str | None = None):
        self.encode, self.to, self.name = encode, to, name
        self.outputs = ("similarity",)
        self.fields = ("first", "second") if to is None else None
        self.vouched = name is not None and not isinstance(encode, Encoder)
        self.half = isinstance(encode, Encoder) and encode.half
        self.size_unit = "tokens" if isinstance(encode, Encoder) else None
        if self.size_unit is None:
            self.batch = 256
        self._run = uuid.uuid4().hex

    def identity(self) -> Identity:
        if self.name is not None:
            known = Identity(self.name, True)
        else:
            known = self.encode.identity() if isinstance(self.encode, Encoder) else Identity(self._run, False)
        mark = "" if self.to is None else f":{hashlib.sha256(self.to.encode()).hexdigest()[:16]}"
        return Identity(f"similarity:{known.id}{mark}", known.persistent)

    def _pairs(self, inputs: Sequence[Any]) -> list[tuple[str, str]]:
        """Return both texts of each input.

        Raises
        ------
        InputError
            For anything but texts where one is fixed, and pairs of texts where none is.
        """
        if self.to is not None:
            if other := [text for text in inputs if not isinstance(text, str)]:
                raise InputError("text", "be a text: the other one is fixed by to=", other[0])
            return [(text, self.to) for text in inputs]
        for pair in inputs:
            if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not all(isinstance(t, str) for t in pair):
                raise InputError("text", _PAIR, pair)
        return [(a, b) for a, b in inputs]

    def sizes(self, inputs: Sequence[Any]) -> np.ndarray:
        if not isinstance(self.encode, Encoder):
            return super().sizes(inputs)
        first, second = zip(*self._pairs(inputs), strict=True)
        return np.maximum(self.encode.sizes(first), self.encode.sizes(second))

    def __call__(self, inputs: Sequence[Any]) -> np.ndarray:
        pairs = self._pairs(inputs)
        texts = sorted({text for pair in pairs for text in pair}, key=len)  # each once, those of a length side by side
        vectors = np.vstack([self._vectors(texts[i : i + 64]) for i in range(0, len(texts), 64)])
        at = {text: i for i, text in enumerate(texts)}
        return np.array([[_cosine(vectors[at[a]], vectors[at[b]])] for a, b in pairs])

    def _vectors(self, texts: list[str]) -> np.ndarray:
        try:
            with evaluating(getattr(self.encode, "__self__", self.encode)):
                vectors = np.asarray(self.encode(texts), dtype=float)
        except (InputError, ModelError):
            raise
        except Exception as error:
            raise ModelError(f"The encoder raised {type(error).__name__}: {error}") from error
        if vectors.ndim != 2 or len(vectors) != len(texts):
            raise ModelError(f"The encoder must return one vector a text, ({len(texts)}, d); got {vectors.shape}.")
        return vectors

    def direct(self) -> Callable[[Sequence[Any]], Any] | None:
        """Return the cosine of two texts that are read alone; None where the user's object is asked itself."""
        if not isinstance(self.encode, Encoder):
            return None
        alone = self.encode.alone
        return lambda inputs: np.array([[_cosine(*map(alone, self._pairs(inputs)[0]))]])


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Return the cosine of two vectors, 0 where one of them is zero."""
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / size if size else 0.0


#: place among the adapters: before objects that predict
PLACE = 46


def adopt(model: object, name: str | None, batched: bool) -> Model | None:
    """Adopt an encoder of sentences, an object with ``encode`` and ``similarity``, as the likeness of pairs."""
    if isinstance(model, Encoder):
        return Similarity(model, None, name)
    encodes = callable(getattr(model, "encode", None)) and callable(getattr(model, "similarity", None))
    return similarity(model, name=name) if encodes and not isinstance(model, type) else None
