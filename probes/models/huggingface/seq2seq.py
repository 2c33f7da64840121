"""Seq2SeqLM: a language model with an encoder and a decoder (T5, BART), which writes text and scores continuations.

The source is read by the encoder, the answer is fed to the decoder after the tokens that begin every answer: the
decoder's start, and what the tokenizer, or generation, puts before a text (a language, a beginning of sentence).
These are given, not scored. Prompts are padded on the right and masked; the answer is the same for all, so that the
decoder needs no padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from probes.errors import InputError
from probes.model import Prompt
from probes.models.evaluating import evaluating
from probes.models.huggingface.continuation import Continuation
from probes.models.huggingface.source_pairs import SourcePairs
from probes.models.huggingface.weights import is_kind, load_network, load_tokenizer, on_device, shuffled, tokenizer_of
from probes.models.huggingface.writing import Writer

__all__ = ["Seq2SeqLM", "adopt", "of_network"]


class Seq2SeqLM(Writer):
    """A language model of transformers with an encoder and a decoder, with its tokenizer.

    Prompts are sources; what is scored is the log-probability of each token of an answer, teacher-forced.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        With a sequence-to-sequence language-modelling head.
    tokenizer : transformers.PreTrainedTokenizerBase
    name : str, optional
        Replaces the fingerprint of the weights as the identity.
    batch_tokens : int, default 4096
        The most tokens in one padded batch of prompts, rows times the longest row.

    Raises
    ------
    InputError
        Without a tokenizer, or if the configuration names no token that the decoder starts with.
    """

    def __init__(self, model: Any, tokenizer: Any, name: str | None = None, *, batch_tokens: int = 4096):
        super().__init__(model, tokenizer, name, batch_tokens=batch_tokens, share_prefixes=False)
        settings = (model.generation_config, model.config)
        starts = (getattr(s, "decoder_start_token_id", None) for s in settings)
        start = next((s for s in starts if isinstance(s, int)), None)
        if start is None:
            raise InputError("model", "name the token that its decoder starts with: decoder_start_token_id", model)
        self.start: int = start
        self.forced: int | None = getattr(model.generation_config, "forced_bos_token_id", None)

    @classmethod
    def from_pretrained(cls, path: Any, *, dtype: str = "float32", device: str = "cpu", **options: Any) -> Seq2SeqLM:
        """Load model and tokenizer from a folder or a hub name (safetensors only, no remote code)."""
        from transformers import AutoModelForSeq2SeqLM

        return cls(
            on_device(load_network(AutoModelForSeq2SeqLM, path, dtype=dtype), device), load_tokenizer(path), **options
        )

    def randomised(self, rng: np.random.Generator, inputs: Any) -> Seq2SeqLM:
        """Return the same network with the entries of every weight tensor permuted."""
        name = self.name and f"{self.name} randomised"
        return Seq2SeqLM(shuffled(self.module, rng), self.tokenizer, name, batch_tokens=self.batch_tokens)

    def before(self) -> list[int]:
        """Return the tokens that every answer begins with in the decoder."""
        if self.forced is not None:
            return [self.start] if self.forced == self.start else [self.start, self.forced]
        lead, _ = self._target("a")
        return [self.start, *(i for i in lead if i != self.start)]

    def answer_ids(self, prompt: Prompt, answer: str) -> list[int]:
        """Return the token ids of `answer` as the tokenizer writes targets, without what begins and ends them."""
        return self._target(answer)[1]

    def _target(self, text: str) -> tuple[list[int], list[int]]:
        """Return the special tokens before a target, and the target's own tokens."""
        ids = list(self.tokenizer(text_target=text)["input_ids"])
        special = set(self.tokenizer.all_special_ids) - {self.tokenizer.unk_token_id}
        lead = next((n for n, i in enumerate(ids) if i not in special), len(ids))
        while ids and ids[-1] in special:
            ids.pop()
        return ids[:lead], ids[lead:]

    def log_probs(self, prompt_ids: Sequence[int], answer_ids: Sequence[int]) -> np.ndarray:
        """Return the log-probability (nats) ``(m,)`` of each of m answer tokens, by a plain forward of one source."""
        import torch

        device, before = self.module.device, self.before()
        source = torch.tensor([list(prompt_ids)], device=device)
        fed = torch.tensor([[*before, *answer_ids[:-1]]], device=device)
        with evaluating(self.module) as module:
            logits = module(input_ids=source, decoder_input_ids=fed).logits[0, len(before) - 1 :].float()
            return logits.log_softmax(-1)[range(len(answer_ids)), list(answer_ids)].cpu().numpy().astype(float)

    def next_tokens(self, text: str) -> np.ndarray:
        """Refuse: a source has no next token.

        Raises
        ------
        InputError
        """
        raise InputError("model", "continue the text that it reads; this one answers it", type(self.module).__name__)

    def generate(self, prompt: Prompt, max_new_tokens: int) -> str:
        self.used += len(self.encode(prompt))
        return super().generate(prompt, max_new_tokens)

    def _written(self, out: Any, ids: Any) -> Any:
        return out[0]

    def scoring(self, answer: str, prompt: Prompt) -> SourceContinuation:
        return SourceContinuation(self, answer, self.answer_ids(prompt, answer))

    def pairs(self) -> SourcePairs:
        return SourcePairs(self)


class SourceContinuation(Continuation):
    """Sources → log-probability in nats of every token of one fixed answer."""

    lm: Seq2SeqLM

    def rows(self, inputs: Sequence[Prompt]) -> list[list[int]]:
        """Return the token ids of each source."""
        for prompt in inputs:
            if prompt not in self._encoded:
                self._encoded[prompt] = self.lm.encode(prompt)
        return [self._encoded[prompt] for prompt in inputs]

    def _score_padded(self, rows: list[list[int]]) -> np.ndarray:
        import torch

        width, device, before = max(map(len, rows)), self.lm.module.device, self.lm.before()
        ids = torch.tensor([[*row, *[-1] * (width - len(row))] for row in rows], device=device)
        mask = ids >= 0
        fed = torch.tensor([*before, *self.answer_ids[:-1]], device=device).expand(len(rows), -1)
        with evaluating(self.lm.module) as module:
            out = module(
                input_ids=ids.where(mask, self.lm.module.config.pad_token_id or 0),
                attention_mask=mask.long(),
                decoder_input_ids=fed,
                use_cache=False,
            )
            return self._log_probs(out.logits[:, len(before) - 1 :])


#: place among the adapters: before masked models, because some networks are both
PLACE = 22


def adopt(model: object, name: str | None, batched: bool) -> Seq2SeqLM | None:
    """Adopt a sequence-to-sequence language model of transformers."""
    return of_network(model, None, name)


def of_network(network: Any, tokenizer: Any = None, name: str | None = None) -> Seq2SeqLM | None:
    """Adopt a sequence-to-sequence model with its tokenizer, or with the one beside its weights; else None."""
    if not is_kind(network, "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING"):
        return None
    return Seq2SeqLM(network, tokenizer_of(network) if tokenizer is None else tokenizer, name)
