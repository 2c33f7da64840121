"""Components of a sequence-to-sequence model: answers are what its decoder writes, scored by their tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from probes.cases.component_model import CaseComponents, Scored, Setup
from probes.models.evaluating import evaluating

__all__ = ["SourceComponents"]


class SourceComponents(CaseComponents):
    """Rows of a sequence-to-sequence model's components, see :class:`CaseComponents`.

    Parameters
    ----------
    base : Seq2SeqLM
    setup : Setup
    """

    def __init__(self, base: Any, setup: Setup):
        self._before = base.before()
        self._pairs = [
            (base.encode(case.prompt), base.answer_ids(case.prompt, option))
            for case in setup.cases
            for option in case.options
        ]
        base.check_window(np.array([len(source) for source, _ in self._pairs]))
        super().__init__(base, setup)
        self.batch = max(1, base.batch_tokens // max(len(source) + len(answer) for source, answer in self._pairs))

    def scored(self, Z: np.ndarray) -> list[list[Scored]]:
        network = self.masked(Z, 1)
        each = [self._scored(network, source, answer, len(Z)) for source, answer in self._pairs]
        return [[part[r] for part in each] for r in range(len(Z))]

    def scored_alone(self, base: Any) -> list[Scored]:
        found = list[Scored]()
        for source, answer in self._pairs:
            [(_, tokens, greedy)] = self._scored(base.module, source, answer, 1)
            found.append((float(base.log_probs(source, answer).sum()), tokens, greedy))
        return found

    def _scored(self, network: Any, source: Sequence[int], answer: Sequence[int], copies: int) -> list[Scored]:
        """Score one answer to one source, so many times: nothing is padded."""
        import torch

        device = self.base.module.device
        fed = {"input_ids": [*source], "decoder_input_ids": [*self._before, *answer[:-1]]}
        with evaluating(network):
            batch = {name: torch.tensor([ids], device=device).repeat(copies, 1) for name, ids in fed.items()}
            logits = network(**batch, use_cache=False).logits[:, len(self._before) - 1 :].float()
            scores = logits.log_softmax(-1)[:, range(len(answer)), list(answer)].sum(-1).tolist()
            greedy = (logits.argmax(-1) == torch.tensor(answer, device=device)).all(-1).tolist()
        return [(float(total), len(answer), float(best)) for total, best in zip(scores, greedy, strict=True)]
