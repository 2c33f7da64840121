"""MaskedLM: a network that fills masks (BERT, RoBERTa), as a map from texts with a mask to the words in its place."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from probes.errors import InputError
from probes.model import Generator, Identity, Model
from probes.models.evaluating import evaluating
from probes.models.huggingface.reading import Reader, Row
from probes.models.huggingface.weights import (
    fingerprint,
    is_half,
    is_kind,
    load_network,
    load_tokenizer,
    of_transformers,
    on_device,
    pieces,
    shuffled,
    tokenizer_of,
)
from probes.rounding import counted

__all__ = ["MaskedLM", "WordsAtMask", "adopt", "of_network"]


class MaskedLM(Generator):
    """A masked language model of transformers: its answer is what stands in the place of the mask.

    A text holds one mask. For a word of m tokens it is widened to m masks, which are filled independently of each
    other: the log-probability of the word is the sum of its tokens' (Wang and Cho 2019, one pass of it).

    Parameters
    ----------
    model : transformers.PreTrainedModel
        With a masked-language-modelling head.
    tokenizer : transformers.PreTrainedTokenizerBase
    name : str, optional
        Replaces the fingerprint of the weights as the identity.

    Raises
    ------
    InputError
        Without a tokenizer that has a mask token.
    """

    def __init__(self, model: Any, tokenizer: Any, name: str | None = None):
        if tokenizer is None or tokenizer.mask_token_id is None:
            raise InputError("tokenizer", "come with a masked language model, and have a mask token", tokenizer)
        self.module, self.tokenizer, self.name = model, tokenizer, name
        self.reader = Reader(self.module, tokenizer)
        self.keeps = str(tokenizer.mask_token)

    @classmethod
    def from_pretrained(cls, path: Any, dtype: str = "float32", device: str = "cpu") -> MaskedLM:
        """Load model and tokenizer from a folder or a hub name (safetensors only, no remote code)."""
        from transformers import AutoModelForMaskedLM

        return cls(on_device(load_network(AutoModelForMaskedLM, path, dtype=dtype), device), load_tokenizer(path))

    def identity(self) -> Identity:
        return Identity(f"masked:{self.name}", True) if self.name else fingerprint(self.module)

    def randomised(self, rng: np.random.Generator, inputs: Any) -> MaskedLM:
        """Return the same network with the entries of every weight tensor permuted."""
        return MaskedLM(shuffled(self.module, rng), self.tokenizer, self.name and f"{self.name} randomised")

    def generate(self, prompt: str, max_new_tokens: int) -> str:
        """Return the likeliest token in the place of the mask."""
        row, place = self.masked(prompt, 1)
        self.used += len(row.ids)
        word = self.tokenizer.decode([int(self.logits([row])[0][place].argmax())]).strip()
        if not word:
            raise InputError("answer", "be given: the likeliest token at the mask is no word", prompt)
        return word

    def scoring(self, answer: str, prompt: str) -> WordsAtMask:
        return WordsAtMask(self, (answer,))

    def words(self, *words: str) -> WordsAtMask:
        """Return the map from texts to the log-probability of each of several words in the place of the mask.

        Raises
        ------
        InputError
            For no words, one that is given twice, or one that the vocabulary does not hold.
        """
        if not words or len(set(words)) < len(words) or not all(isinstance(w, str) and w.strip() for w in words):
            raise InputError("words", "be several different words", words)
        return WordsAtMask(self, words, each=True)

    def word_ids(self, word: str) -> list[int]:
        """Return the tokens of a word, as they follow a space where the mask stands for that too.

        Raises
        ------
        InputError
            For a word that the vocabulary does not hold.
        """
        mask = self.tokenizer.added_tokens_decoder.get(self.tokenizer.mask_token_id)
        lead = " " if getattr(mask, "lstrip", False) else ""
        ids = self.tokenizer(lead + word.strip(), add_special_tokens=False)["input_ids"]
        if not ids or self.tokenizer.unk_token_id in ids:
            raise InputError("answer", "be words that the model's vocabulary holds", word)
        return list(ids)

    def masked(self, text: str, masks: int) -> tuple[Row, int]:
        """Return what is fed for a text with its mask widened to so many, and the place of the first.

        Raises
        ------
        InputError
            For a text that does not hold one mask.
        """
        if not isinstance(text, str) or text.count(self.keeps) != 1:
            rule = f"hold one {self.keeps} in every input; TextProbe(text, spans=...) keeps what lies in no span"
            raise InputError("text", rule, text)
        [row] = self.reader.rows([text])
        place = row.ids.index(self.tokenizer.mask_token_id)
        wide = Row(*(part[:place] + part[place : place + 1] * (masks - 1) + part[place:] for part in row))
        if self.reader.limit is not None and len(wide.ids) > self.reader.limit:
            raise InputError(
                "text", f"fit the model's window of {self.reader.limit} tokens", counted(len(wide.ids), "token")
            )
        return wide, place

    def logits(self, rows: Sequence[Row]) -> Any:
        """Return the logits ``(n, tokens, vocabulary)`` of a padded batch."""
        with evaluating(self.module) as module:
            fed = self.reader.padded(rows)
            return module(**fed).logits.float()


class WordsAtMask(Model):
    """Texts with a mask → log-probability in nats of words in its place.

    Parameters
    ----------
    lm : MaskedLM
    words : tuple of str
    each : bool, default False
        Whether there is one output a word, else one a token of the only word.
    """

    size_unit = "tokens"

    def __init__(self, lm: MaskedLM, words: tuple[str, ...], each: bool = False):
        self.lm, self.each, self.keeps = lm, each, lm.keeps
        self.ids = [lm.word_ids(word) for word in words]
        self.half = is_half(lm.module)
        # "nats" are of the tokens of one answer, of which targets take the mean
        self.unit = "log-prob" if each else "nats"
        self.outputs = words if each else tuple(pieces(lm.tokenizer, self.ids[0]))

    def identity(self) -> Identity:
        known = self.lm.identity()
        mark = hashlib.sha256(repr((self.ids, self.each)).encode()).hexdigest()[:16]
        return Identity(f"{known.id}:mask:{mark}", known.persistent)

    def met_as(self, identity: Identity) -> str:
        """Name the language model: every word is scored alike."""
        return identity.id.rpartition(":")[0]

    def sizes(self, inputs: Sequence[str]) -> np.ndarray:
        return np.array([len(self.lm.masked(text, max(map(len, self.ids)))[0].ids) for text in inputs], dtype=int)

    def digests(self, inputs: Sequence[str]) -> list[bytes]:
        return self.lm.reader.digests(inputs)

    def __call__(self, inputs: Sequence[str]) -> np.ndarray:
        columns: dict[int, list[np.ndarray]] = {}
        for masks in sorted(set(map(len, self.ids))):
            rows, places = zip(*(self.lm.masked(text, masks) for text in inputs), strict=True)
            logs = self.lm.logits(rows).log_softmax(-1)
            for k, ids in enumerate(self.ids):
                if len(ids) == masks:
                    columns[k] = [
                        np.array([float(log[place + j, token]) for j, token in enumerate(ids)])
                        for log, place in zip(logs, places, strict=True)
                    ]
        if not self.each:
            return np.array(columns[0])
        return np.array([[columns[k][i].sum() for k in range(len(self.ids))] for i in range(len(inputs))])

    def direct(self) -> Callable[[Sequence[str]], Any]:
        """Return the log-softmax of one unpadded text, in which the tokenizer itself has read every mask."""
        return self._of_one

    def _of_one(self, texts: Sequence[str]) -> np.ndarray:
        import torch

        found = []
        for ids in self.ids:
            text = texts[0].replace(self.lm.keeps, self.lm.keeps * len(ids))
            encoded = self.lm.tokenizer(text, return_tensors="pt").to(self.lm.module.device)
            with evaluating(self.lm.module) as module:
                logs = module(**encoded).logits[0].float().log_softmax(-1)
            masks = (encoded["input_ids"][0] == self.lm.tokenizer.mask_token_id).nonzero()[:, 0]
            found.append(logs[masks, torch.tensor(ids)].cpu().numpy())
        return np.array([[each.sum() for each in found]]) if self.each else found[0][None]


#: place among the adapters: lower ones are tried first
PLACE = 26


def adopt(model: object, name: str | None, batched: bool) -> MaskedLM | WordsAtMask | None:
    """Adopt a masked language model, or a fill-mask pipeline; one with targets scores these."""
    transformers = of_transformers(model)
    if transformers is None:
        return None
    if not isinstance(model, transformers.FillMaskPipeline):
        return of_network(model, None, name)
    own = {k for k, v in model._preprocess_params.items() if v} | ({"preprocess", "_forward"} & vars(model).keys())
    if own or type(model) is not transformers.FillMaskPipeline:
        rule = "be a fill-mask pipeline that gives the network the text as it is; pass (model, tokenizer)"
        raise InputError("model", rule, sorted(own) or type(model).__name__)
    lm = MaskedLM(model.model, model.tokenizer, name)
    targets = model._postprocess_params.get("target_ids")
    return lm if targets is None else lm.words(*(lm.tokenizer.decode([i]).strip() for i in sorted(targets.tolist())))


def of_network(network: Any, tokenizer: Any = None, name: str | None = None) -> MaskedLM | None:
    """Adopt a masked language model with its tokenizer, or with the one beside its weights; else None."""
    if not is_kind(network, "MODEL_FOR_MASKED_LM_MAPPING"):
        return None
    return MaskedLM(network, tokenizer_of(network) if tokenizer is None else tokenizer, name)
