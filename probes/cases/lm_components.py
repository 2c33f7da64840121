"""Components of a causal language model: answers are continuations, scored by the log-probabilities of their tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from probes.cases.case import Case
from probes.cases.component_model import CaseComponents, Scored, Setup
from probes.models.evaluating import evaluating

__all__ = ["LMComponents"]

#: numbers that logits of one forward may have
_LOGITS = 2**25


class LMComponents(CaseComponents):
    """Rows of a causal language model's components, see :class:`CaseComponents`.

    Parameters
    ----------
    base : CausalLM
    setup : Setup
    """

    def __init__(self, base: Any, setup: Setup):
        super().__init__(base, setup)
        self._rows, self._pairs = _laid_out(base, setup.cases)
        base.check_window(np.array([len(row) for row in self._rows]))
        self._wanted = sorted({place + k for _, place, answer in self._pairs for k in range(len(answer))})
        each = len(self._rows) * max(map(len, self._rows))
        most = _LOGITS // (len(self._rows) * len(self._wanted) * int(base.module.config.vocab_size))
        self.batch = max(1, min(base.batch_tokens // each, most))

    def scored(self, Z: np.ndarray) -> list[list[Scored]]:
        import torch

        device, count, width = self.base.module.device, len(self._rows), max(map(len, self._rows))
        ids = torch.zeros((count, width), dtype=torch.long)
        seen = torch.zeros_like(ids)
        for i, row in enumerate(self._rows):
            ids[i, : len(row)], seen[i, : len(row)] = torch.tensor(row), 1
        with evaluating(self.masked(Z, count)) as network:
            out = network(
                input_ids=ids.repeat(len(Z), 1).to(device),
                attention_mask=seen.repeat(len(Z), 1).to(device),
                logits_to_keep=torch.tensor(self._wanted, device=device),
                use_cache=False,
            )
            logits = out.logits.float()
            scores, best = logits.log_softmax(-1).cpu().numpy().astype(float), logits.argmax(-1).cpu().numpy()
        at = {place: j for j, place in enumerate(self._wanted)}
        scores = scores.reshape(len(Z), count, len(at), -1)
        best = best.reshape(len(Z), count, len(at))

        def of(r: int, i: int, start: int, answer: tuple[int, ...]) -> Scored:
            steps = [at[start + k] for k in range(len(answer))]
            greedy = (best[r, i, steps] == np.array(answer)).all()
            return float(scores[r, i, steps, answer].sum()), len(answer), float(greedy)

        return [[of(r, *pair) for pair in self._pairs] for r in range(len(Z))]

    def scored_alone(self, base: Any) -> list[Scored]:
        scorer, found = base.pairs(), list[Scored]()
        for case in self.setup.cases:
            for option in case.options:
                [[_, tokens, greedy]] = scorer([(case.prompt, option)])
                total = base.log_probs(*scorer.ids((case.prompt, option))).sum()
                found.append((float(total), int(tokens), float(greedy)))
        return found


def _laid_out(lm: Any, cases: Sequence[Case]) -> tuple[list[list[int]], list[tuple[int, int, tuple[int, ...]]]]:
    """Return distinct rows of tokens, and for each case and answer its row, where it is predicted, and its tokens."""
    scorer, rows, pairs = lm.pairs(), dict[tuple[int, ...], int](), []
    for case in cases:
        for option in case.options:
            prompt, answer = scorer.ids((case.prompt, option))
            row = rows.setdefault((*prompt, *answer[:-1]), len(rows))
            pairs.append((row, len(prompt) - 1, tuple(answer)))
    return [list(row) for row in rows], pairs
