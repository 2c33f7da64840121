"""Encoder: a network that turns texts into vectors, pooled from its tokens as the folder's settings say."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from probes.errors import InputError
from probes.model import Identity
from probes.models.evaluating import evaluating
from probes.models.huggingface.reading import Reader
from probes.models.huggingface.weights import fingerprint, is_half, load_network, load_tokenizer

__all__ = ["POOLINGS", "Encoder"]

_LONGEST = 2**20  # bytes of a file of settings
#: how vectors of tokens ``(n, t, d)`` become one, by which of them are no padding ``(n, t, 1)``
POOLINGS = {
    "mean": lambda vectors, there: (vectors * there).sum(1) / there.sum(1).clip(min=1),
    "cls": lambda vectors, there: vectors[:, 0],
    "max": lambda vectors, there: vectors.masked_fill(there == 0, -np.inf).amax(1),
}
#: what sentence-transformers calls them
_NAMES = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls", "pooling_mode_max_tokens": "max"}


class Encoder:
    """Texts → vectors ``(n, d)``, by a transformers encoder and a pooling of its last hidden states.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        Without a head.
    tokenizer : transformers.PreTrainedTokenizerBase
    pooling : {"mean", "cls", "max"}, default "mean"
        Over the tokens of a text.
    limit : int, optional
        The most tokens of a text, where that is less than the network's window; a longer one is an error.

    Raises
    ------
    InputError

    Notes
    -----
    Reimers and Gurevych (2019).
    """

    def __init__(self, model: Any, tokenizer: Any, pooling: str = "mean", limit: int | None = None):
        if tokenizer is None:
            raise InputError("tokenizer", "come with an encoder: Encoder(model, tokenizer)", tokenizer)
        if pooling not in POOLINGS:
            raise InputError("pooling", f"be one of {', '.join(POOLINGS)}", pooling)
        self.module, self.tokenizer, self.pooling = model, tokenizer, pooling
        self.reader = Reader(self.module, tokenizer)
        self.reader.limit = min((n for n in (limit, self.reader.limit) if n is not None), default=None)
        self.half = is_half(model)

    @classmethod
    def from_pretrained(cls, path: str | Path) -> Encoder:
        """Load an encoder from a folder, with its pooling (safetensors only, no remote code).

        Raises
        ------
        InputError
            If the folder says no pooling, or layers come after it that change directions.
        """
        from transformers import AutoModel

        pooling, limit = _settings(Path(path))
        return cls(load_network(AutoModel, path), load_tokenizer(path), pooling, limit)

    def identity(self) -> Identity:
        known = fingerprint(self.module)
        return Identity(f"{known.id}:{self.pooling}", known.persistent)

    def sizes(self, texts: Sequence[str]) -> np.ndarray:
        return self.reader.sizes(texts, "encoder")

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        self.sizes(texts)
        return self._pooled(self.reader.padded(self.reader.rows(texts)))

    def alone(self, text: str) -> np.ndarray:
        """Return the vector ``(d,)`` of one text, as the tokenizer itself hands it to the network."""
        return np.asarray(self._pooled(self.tokenizer(text, return_tensors="pt").to(self.module.device))[0])

    def _pooled(self, fed: Any) -> np.ndarray:
        with evaluating(self.module) as module:
            vectors = module(**fed).last_hidden_state.float()
            pooled = POOLINGS[self.pooling](vectors, fed["attention_mask"][..., None])
        return np.asarray(pooled.cpu().numpy(), dtype=float)


def _settings(folder: Path) -> tuple[str, int | None]:
    """Read the pooling of a folder of sentence-transformers, and the most tokens that it reads.

    Raises
    ------
    InputError
    """
    rule = "be a folder whose modules.json says how an encoder's tokens are pooled: mean, cls or max, no layer after"
    try:
        modules = [(str(m["type"]).rpartition(".")[2], str(m["path"])) for m in _read(folder / "modules.json")]
        kinds = [kind for kind, _ in modules]
        if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
            raise ValueError(f"modules {kinds}")
        pooling = _read(folder / modules[1][1] / "config.json")
        named = pooling.get("pooling_mode")
        chosen = [named] if named else [name for key, name in _NAMES.items() if pooling.get(key)]
        modes = [key for key, value in pooling.items() if key.startswith("pooling_mode_") and value]
        others = [key for key in modes if key not in _NAMES]
        if len(chosen) != 1 or others or chosen[0] not in POOLINGS:
            raise ValueError(f"pooling {chosen + others}")
        reading = folder / "sentence_bert_config.json"
        limit = _read(reading).get("max_seq_length") if reading.is_file() else None
        return chosen[0], limit if isinstance(limit, int) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError("model", f"{rule} ({error})", str(folder)) from error


def _read(file: Path) -> Any:
    with file.open("rb") as opened:
        return json.loads(opened.read(_LONGEST))
