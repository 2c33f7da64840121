"""Scores of (prompt, answer) token rows in one forward: as one tree of tokens, or padded.

*Tree*: every distinct prefix stands once in a single sequence; a mask lets each token see its ancestors alone, and
positions count depth. *Padded*: one row each, padded on the right, which no earlier token can see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

__all__ = ["NODES", "Row", "TokenTree", "chunks", "score_padded", "score_tree"]

#: tokens of one tree: attention grows with the square, weights are read once a tree
NODES = 384

#: token ids of a prompt and of the answer after it
Row: TypeAlias = tuple[list[int], list[int]]


@dataclass(frozen=True)
class TokenTree:
    """The distinct prefixes of rows as one sequence of m tokens.

    Attributes
    ----------
    tokens : list of int
        Token ids, parents before children.
    parents : list of int
        Node of each token's parent; -1 for a first token.
    asked : list of (node, token)
        Where a logit is read, and the token that follows there.
    spans : list of (start, stop)
        Which of `asked` belong to each row.
    """

    tokens: list[int]
    parents: list[int]
    asked: list[tuple[int, int]]
    spans: list[tuple[int, int]]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> TokenTree:
        nodes: dict[tuple[int, int], int] = {}
        tree = cls([], [], [], [])
        for prompt, answer in rows:
            at, start = -1, len(tree.asked)
            for depth, (token, following) in enumerate(pairwise(prompt + answer)):
                if (at, token) not in nodes:
                    nodes[at, token] = len(tree.tokens)
                    tree.parents.append(at)
                    tree.tokens.append(token)
                at = nodes[at, token]
                if depth >= len(prompt) - 1:
                    tree.asked.append((at, following))
            tree.spans.append((start, len(tree.asked)))
        return tree

    def sight(self) -> tuple[np.ndarray, np.ndarray]:
        """Return which tokens each token sees, bool ``(m, m)``, and the depth of each, ``(m,)``."""
        m = len(self.tokens)
        sees, depths = np.zeros((m, m), dtype=bool), np.zeros(m, dtype=int)
        for i, parent in enumerate(self.parents):
            if parent >= 0:
                sees[i] = sees[parent]
                depths[i] = depths[parent] + 1
            sees[i, i] = True
        return sees, depths


def score_tree(module: Any, rows: Sequence[Row]) -> np.ndarray:
    """Score rows as one tree of tokens.

    Parameters
    ----------
    module : transformers.PreTrainedModel
    rows : sequence of (prompt, answer) token ids

    Returns
    -------
    ndarray ``(n, 3)``
        Log-probability of the answer (nats), its tokens, and whether greedy decoding writes it.
    """
    import torch

    tree, device = TokenTree.of(rows), module.device
    sees, depths = tree.sight()
    unseen = torch.finfo(module.dtype).min
    mask = torch.zeros(sees.shape, dtype=module.dtype).masked_fill(~torch.from_numpy(sees), unseen)
    wanted = sorted({node for node, _ in tree.asked})
    out = module(
        input_ids=torch.tensor([tree.tokens], device=device),
        attention_mask=mask[None, None].to(device),
        position_ids=torch.from_numpy(depths)[None].to(device),
        logits_to_keep=torch.tensor(wanted, device=device),
        use_cache=False,
    )
    place = {node: i for i, node in enumerate(wanted)}
    return _summed(
        out.logits[0], [place[node] for node, _ in tree.asked], [token for _, token in tree.asked], tree.spans
    )


def score_padded(module: Any, rows: Sequence[Row]) -> np.ndarray:
    """Score rows padded on the right; parameters and result as for :func:`score_tree`."""
    import torch

    width = max(len(prompt) + len(answer) - 1 for prompt, answer in rows)
    ids = torch.zeros((len(rows), width), dtype=torch.long)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    places: list[int] = []
    following: list[int] = []
    spans = []
    for i, (prompt, answer) in enumerate(rows):
        fed = prompt + answer[:-1]
        ids[i, : len(fed)] = torch.tensor(fed)
        mask[i, : len(fed)] = 1
        spans.append((len(following), len(following) + len(answer)))
        places += [i * width + j for j in range(len(prompt) - 1, len(fed))]
        following += answer
    device = module.device
    out = module(input_ids=ids.to(device), attention_mask=mask.to(device), use_cache=False)
    return _summed(out.logits.reshape(-1, out.logits.shape[-1]), places, following, spans)


def _summed(logits: Any, places: list[int], following: list[int], spans: list[tuple[int, int]]) -> np.ndarray:
    """Sum log-probabilities over spans: logits ``(m, V)`` and what follows where → rows ``(n, 3)``."""
    import torch

    logits = logits.float()
    at = torch.tensor(places, device=logits.device)
    token = torch.tensor(following, device=logits.device)
    scores = (logits[at, token] - logits.logsumexp(-1)[at]).cpu().numpy().astype(float)
    best = (logits.argmax(-1)[at] == token).cpu().numpy()
    return np.array([[scores[a:b].sum(), b - a, float(best[a:b].all())] for a, b in spans])


def chunks(rows: Sequence[Row]) -> list[list[Row]]:
    """Cut rows into runs whose trees have about ``NODES`` tokens each."""
    out: list[list[Row]] = [[]]
    count = 0
    last: list[int] = []
    for prompt, answer in rows:
        fed = prompt + answer[:-1]
        common = next((i for i, (a, b) in enumerate(zip(fed, last, strict=False)) if a != b), min(len(fed), len(last)))
        if out[-1] and count + len(fed) - common > NODES:
            out.append([])
            count, common = 0, 0
        out[-1].append((prompt, answer))
        count, last = count + len(fed) - common, fed
    return out
