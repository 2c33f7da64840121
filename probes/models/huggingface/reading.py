"""How networks that read a text, or a pair of texts, see it: token ids, types, windows and padded batches."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from probes.errors import InputError
from probes.models.huggingface.weights import token_digests

__all__ = ["Reader", "Row", "TextOrPair", "as_text_or_pair", "network_pad"]

#: texts whose tokens are kept: those of the batch that is asked, and of some before it
_REMEMBERED = 16_384

TextOrPair: TypeAlias = str | tuple[str, str]


class Row(NamedTuple):
    """What a network is fed for one input.

    Attributes
    ----------
    ids : list of int
    types : list of int
        Which of two texts each token belongs to; empty where the tokenizer says nothing, or the same for all.
    """

    ids: list[int]
    types: list[int]


def as_text_or_pair(value: Any, reads: str = "a text or a pair of texts") -> TextOrPair:
    """Return a text, or a pair of texts as a tuple; of a mapping those under ``text`` and ``text_pair``.

    Raises
    ------
    InputError
        For anything else; `reads` is what the model does read.
    """
    if isinstance(value, Mapping) and set(value) == {"text", "text_pair"}:
        value = (value["text"], value["text_pair"])
    if isinstance(value, str):
        return value
    if isinstance(value, (tuple, list)) and len(value) == 2 and all(isinstance(text, str) for text in value):
        return value[0], value[1]
    raise InputError("text", f"be {reads}: this model reads neither chats nor rows; PairProbe makes pairs", value)


def _joined(key: TextOrPair) -> bool:
    """Return whether two texts are joined; transformers reads a pair whose second text is empty as the first alone."""
    return not isinstance(key, str) and bool(key[1])


def network_pad(config: Any) -> int | None:
    """Return the id that a network's configuration calls padding, if it is a token."""
    config = config.get_text_config() if hasattr(config, "get_text_config") else config
    pad = getattr(config, "pad_token_id", None)
    return pad if isinstance(pad, int) and 0 <= pad < getattr(config, "vocab_size", pad + 1) else None


class Reader:
    """Reads texts and pairs as a network's tokenizer does.

    Parameters
    ----------
    module : transformers.PreTrainedModel
    tokenizer : transformers.PreTrainedTokenizerBase
    encoding : dict, optional
        Options of the tokenizer, such as ``{"truncation": True, "max_length": 128}``.
    begins : bool, default False
        Whether an input without tokens is read as the token that begins (or ends) texts.

    Attributes
    ----------
    limit : int or None
        The most tokens of an input.
    check : callable, optional
        Refuses an input by its token ids when it is about to be fed.
    """

    check: Callable[[Sequence[int]], None] | None = None

    def __init__(self, module: Any, tokenizer: Any, encoding: Mapping[str, Any] | None = None, begins: bool = False):
        self.module, self.tokenizer, self.begins = module, tokenizer, begins
        self.encoding = dict(encoding or {})
        limits = (tokenizer.model_max_length, getattr(module.config, "max_position_embeddings", None))
        self.limit = min((n for n in limits if n is not None and n < 10**9), default=None)
        self._seen: dict[TextOrPair, Row] = {}

    def rows(self, inputs: Sequence[Any]) -> list[Row]:
        """Return what is fed for each input; inputs seen lately are not tokenised again.

        Raises
        ------
        InputError
            For anything but texts and pairs of texts.
        """
        keys = [as_text_or_pair(value) for value in inputs]
        seen = self._seen  # threads share it; this one holds what it needs
        known = {key: seen[key] for key in dict.fromkeys(keys) if key in seen}
        new = [key for key in dict.fromkeys(keys) if key not in known]
        for pairs in (False, True):
            part = [key for key in new if _joined(key) == pairs]
            known.update(zip(part, self._tokenised(part, pairs), strict=True))
        if new:
            self._seen = {**seen, **known} if len(seen) + len(new) <= _REMEMBERED else known
        return [known[key] for key in keys]

    def _tokenised(self, keys: Sequence[Any], pairs: bool) -> list[Row]:
        """Tokenise texts, or pairs, together."""
        if not keys:
            return []
        alone = [key if isinstance(key, str) else key[0] for key in keys]
        texts = [list(side) for side in zip(*keys, strict=True)] if pairs else [alone]
        encoded = self.tokenizer(*texts, **{"add_special_tokens": True, **self.encoding})
        types = encoded.get("token_type_ids") or [[]] * len(keys)
        return [
            Row(ids or (self._start(key) if self.begins else ids), list(kinds) if any(kinds) else [])
            for key, ids, kinds in zip(keys, encoded["input_ids"], types, strict=True)
        ]

    def _start(self, text: TextOrPair) -> list[int]:
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

    def sizes(self, inputs: Sequence[Any], what: str) -> np.ndarray:
        """Return the tokens of each input ``(n,)``; `what` is what errors call the network.

        Raises
        ------
        InputError
            For an input longer than the window.
        """
        sizes = np.array([len(row.ids) for row in self.rows(inputs)], dtype=int)
        if self.limit is not None and len(sizes) and sizes.max() > self.limit:
            longer = " (Windowed reads longer ones)" if what == "classifier" else ""
            rule = f"fit the {what}'s window of {self.limit} tokens{longer}"
            raise InputError("text", rule, f"{sizes.max()} tokens")
        return sizes

    def digests(self, inputs: Sequence[Any]) -> list[bytes]:
        """Return the SHA-256 of what is fed for each input."""
        rows = self.rows(inputs)
        ids, types = (token_digests(part) for part in zip(*rows, strict=True)) if rows else ((), ())
        return [hashlib.sha256(a + b).digest() if row.types else a for row, a, b in zip(rows, ids, types, strict=True)]

    def padded(self, rows: Sequence[Row], pad: int | None = None) -> dict[str, Any]:
        """Return the tensors of a batch, padded on the right, on the network's device.

        With the id that the network's configuration calls padding, or else the tokenizer, unless one is given.
        """
        import torch

        if self.check is not None:
            for row in rows:
                self.check(row.ids)
        known = (pad, network_pad(self.module.config), self.tokenizer.pad_token_id, 0)
        pad = next(i for i in known if i is not None)
        width = max(1, *(len(row.ids) for row in rows))

        def filled(part: Sequence[Sequence[int]], value: Any) -> Any:
            return torch.tensor([[*row, *[value] * (width - len(row))] for row in part], device=self.module.device)

        batch = {
            "input_ids": filled([row.ids for row in rows], pad),
            "attention_mask": filled([[1] * len(row.ids) for row in rows], 0),
        }
        if any(row.types for row in rows):
            batch["token_type_ids"] = filled([row.types for row in rows], 0)
        return batch
