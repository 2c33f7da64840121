"""Pairs of source and answer → what a sequence-to-sequence model's decoder says of the answer, teacher-forced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from probes.errors import InputError
from probes.models.evaluating import evaluating
from probes.models.huggingface.continuation_pairs import Pair, Pairs, hashable
from probes.models.huggingface.token_tree import Row

__all__ = ["SourcePairs"]

_ROWS = 16  # padded rows in one call


class SourcePairs(Pairs):
    """The map (source, answer) → ``log-prob`` (nats), ``tokens``, ``greedy`` of a sequence-to-sequence model.

    Parameters
    ----------
    lm : Seq2SeqLM
    """

    lm: Any  # a Seq2SeqLM, which makes this

    @property
    def prompt_free(self) -> bool:
        """Whether answers can be scored without a source: they cannot."""
        return False

    def read(self, inputs: Sequence[Pair]) -> None:
        for pair in map(hashable, inputs):
            source, answer = pair
            if source not in self._prompts:
                self._prompts[source] = "", self.lm.encode(source)
            if pair not in self._answers:
                self._answers[pair] = self.lm.answer_ids(source, answer)
                if not self._answers[pair]:
                    raise InputError("answer", "hold at least one token", answer)

    def sizes(self, inputs: Sequence[Pair]) -> np.ndarray:
        rows, before = [self.ids(pair) for pair in inputs], len(self.lm.before())
        fed = np.array([(len(source), before + len(answer) - 1) for source, answer in rows], dtype=int).reshape(-1, 2)
        self.lm.check_window(fed.ravel())
        return np.asarray(fed.sum(axis=1))

    def __call__(self, inputs: Sequence[Pair]) -> np.ndarray:
        rows = [self.ids(pair) for pair in inputs]
        return np.concatenate([self._scored(rows[i : i + _ROWS]) for i in range(0, len(rows), _ROWS)])

    def _scored(self, rows: Sequence[Row]) -> np.ndarray:
        """Score some rows in one forward, sources and answers padded on the right."""
        import torch

        module, before = self.lm.module, self.lm.before()
        sources, seen = _padded([source for source, _ in rows], module)
        fed, _ = _padded([[*before, *answer[:-1]] for _, answer in rows], module)
        answers, there = _padded([answer for _, answer in rows], module)
        with evaluating(module):
            out = module(input_ids=sources, attention_mask=seen, decoder_input_ids=fed, use_cache=False)
            logits = out.logits[:, len(before) - 1 :].float()
            chosen = logits.log_softmax(-1).gather(-1, answers[..., None])[..., 0]
            totals = (chosen.double() * there).sum(-1)
            greedy = ((logits.argmax(-1) == answers) | (there == 0)).all(-1)
            return np.asarray(torch.stack([totals, there.sum(-1), greedy], -1).double().cpu().numpy())


def _padded(rows: Sequence[Sequence[int]], module: Any) -> tuple[Any, Any]:
    """Return rows of tokens as one tensor, and where they are no padding."""
    import torch

    width = max(map(len, rows))
    ids = torch.tensor([[*row, *[-1] * (width - len(row))] for row in rows], device=module.device)
    return ids.where(ids >= 0, module.config.pad_token_id or 0), (ids >= 0).long()
