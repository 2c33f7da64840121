"""Prompts → log-probability of every token of one fixed continuation.

A continuation is scored in one teacher-forced forward per prompt, with logits only where its tokens are predicted, so
memory grows with answer tokens × vocabulary × rows, never with whole sequences.

Two ways of computing the same numbers:

* *Shared prefixes* (the default on a CPU): rows in lexicographic order, on top of the keys and values of what a row has
  in common with the one before it, several rows in one forward where the architecture allows it
  (see :mod:`probes.models.huggingface.prefix_sharing`).
* *Padded batches* (the default elsewhere): rows of similar length, padded on the left, with explicit positions.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from probes.errors import InputError
from probes.model import Identity, Model, Prompt, as_prompt
from probes.models.evaluating import evaluating
from probes.models.huggingface.loaded import LoadedLM
from probes.models.huggingface.prefix_sharing import shared_logits
from probes.models.huggingface.weights import is_half, token_digests

__all__ = ["Continuation"]


class Continuation(Model):
    """Prompts → log-probability in nats of every token of one fixed continuation.

    Parameters
    ----------
    lm : LoadedLM
    answer : str
    answer_ids : list of int
        Its tokens; ``outputs`` are their texts.
    """

    unit = "nats"
    size_unit = "tokens"

    def __init__(self, lm: LoadedLM, answer: str, answer_ids: list[int]):
        if not answer_ids:
            raise InputError("answer", "hold at least one token", answer)
        self.lm = lm
        self.answer = answer
        self.answer_ids = answer_ids
        self.outputs = tuple(lm.pieces(answer_ids))
        self.half = is_half(lm.module)
        # rows on top of shared prefixes need no batches: the longer they run on, the more they share
        self.batch = sys.maxsize if lm.share_prefixes else lm.batch_tokens
        self._encoded: dict[Any, list[int]] = {}

    def identity(self) -> Identity:
        lm = self.lm.identity()
        mark = hashlib.sha256(repr(self.answer_ids).encode()).hexdigest()[:16]
        return Identity(f"{lm.id}:score:{mark}", lm.persistent)

    def met_as(self, identity: Identity) -> str:
        """Name the language model: every answer is scored alike."""
        return identity.id.rpartition(":score:")[0] + ":score"

    def direct(self) -> Callable[[Sequence[Prompt]], Any]:
        """Return the log-softmax of one forward of one unpadded sequence."""
        return lambda prompts: self.lm.log_probs(self.lm.encode(prompts[0]), self.answer_ids)[None]

    def rows(self, inputs: Sequence[Prompt]) -> list[list[int]]:
        """Return the token ids that are fed for each prompt: the prompt and all answer tokens but the last."""
        keys = [as_prompt(p) for p in inputs]
        for key, prompt in zip(keys, inputs, strict=True):
            if key not in self._encoded:
                self._encoded[key] = self.lm.encode(prompt) + self.answer_ids[:-1]
        return [self._encoded[key] for key in keys]

    def sizes(self, inputs: Sequence[Prompt]) -> np.ndarray:
        sizes = np.array([len(row) for row in self.rows(inputs)], dtype=int)
        self.lm.check_window(sizes)
        return sizes

    def digests(self, inputs: Sequence[Prompt]) -> list[bytes]:
        return token_digests(self.rows(inputs))

    def order(self, inputs: Sequence[Prompt]) -> np.ndarray:
        if not self.lm.share_prefixes:
            return super().order(inputs)
        rows = self.rows(inputs)
        return np.array(sorted(range(len(rows)), key=rows.__getitem__), dtype=int)

    def __call__(self, inputs: Sequence[Prompt]) -> np.ndarray:
        if self.lm.share_prefixes:
            return np.vstack([values for _, values in self.answers(inputs)])
        return self._score_padded(self.rows(inputs))

    def answers(self, inputs: Sequence[Prompt]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield all rows at once if padded; row by row on top of shared prefixes."""
        if not self.lm.share_prefixes:
            yield from super().answers(inputs)
            return
        for i, logits in enumerate(shared_logits(self.lm.module, self.rows(inputs), len(self.answer_ids))):
            yield np.array([i]), self._log_probs(logits)

    def _log_probs(self, logits: Any) -> np.ndarray:
        """Turn logits ``(rows, answer tokens, vocabulary)`` into log-probabilities ``(rows, answer tokens)``."""
        import torch

        targets = torch.tensor(self.answer_ids, device=logits.device).expand(logits.shape[0], -1)
        logits = logits.float()
        chosen = logits.gather(-1, targets[..., None])[..., 0]
        return (chosen - logits.logsumexp(-1)).cpu().numpy().astype(float)

    def _score_padded(self, rows: list[list[int]]) -> np.ndarray:
        import torch

        width = max(map(len, rows))
        ids = torch.zeros((len(rows), width), dtype=torch.long)
        mask = torch.zeros((len(rows), width), dtype=torch.long)
        for i, row in enumerate(rows):
            ids[i, width - len(row) :] = torch.tensor(row)
            mask[i, width - len(row) :] = 1
        device = self.lm.module.device
        with evaluating(self.lm.module) as module:
            out = module(
                input_ids=ids.to(device),
                attention_mask=mask.to(device),
                position_ids=(mask.cumsum(-1) - 1).clamp(min=0).to(device),
                logits_to_keep=len(self.answer_ids),
                use_cache=False,
            )
            return self._log_probs(out.logits)
