"""Pairs of prompt and continuation → log-probability, number of tokens, and whether greedy decoding writes it.

Many short prompts with many answers each share most of their tokens. They are laid out as one tree of tokens in a
single row, every distinct prefix once: a mask lets each token see its own ancestors only, positions count depth. So ten
one-digit answers cost one prompt, and nothing is padded. Where a model cannot be masked like this (sliding windows,
recurrent states, attention that takes no mask), rows are padded on the right instead; the first row is always scored
both ways, and the tree is used only if they agree.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from probes.errors import InputError
from probes.model import Identity, Model
from probes.models.huggingface.weights import token_digests

if TYPE_CHECKING:
    from probes.models.huggingface.causal_lm import CausalLM

__all__ = ["Pairs"]

log = logging.getLogger(__name__)

_NODES = 384  # tokens in one row: attention grows with the square, weights are read once a row
_ROWS = 16  # padded rows in one call
_AGREE = 0.02  # nats a token by which two ways of computing may differ

Pair = tuple[Any, str]


class Pairs(Model):
    """The map (prompt, continuation) → ``log-prob`` (nats), ``tokens``, ``greedy`` of a language model.

    The identity is taken once: make a new one after changing the model.

    Parameters
    ----------
    lm : CausalLM
    """

    unit = "nats"
    outputs = ("log-prob", "tokens", "greedy")
    size_unit = "tokens"

    def __init__(self, lm: CausalLM):
        whole = lm.identity()
        self.lm = lm
        self.batch = lm.batch_tokens
        self._identity = Identity(f"{whole.id}:pairs", whole.persistent)
        self._prompts: dict[Any, tuple[str, list[int]]] = {}
        self._answers: dict[Pair, list[int]] = {}
        self._tree: bool | None = None

    def identity(self) -> Identity:
        return self._identity

    def ids(self, pair: Pair) -> tuple[list[int], list[int]]:
        """Token ids of the prompt and of the continuation as it follows it."""
        if pair not in self._answers:
            self.read([pair])
        return self._prompts[pair[0]][1], self._answers[pair]

    def read(self, inputs: Sequence[Pair]) -> None:
        """Tokenise what was not yet, all at once: one text at a time costs ten times as much."""
        new = list(dict.fromkeys(pair for pair in inputs if pair not in self._answers))
        prompts = list(dict.fromkeys(prompt for prompt, _ in new if prompt not in self._prompts))
        texts = [self.lm.text(p) for p in prompts]
        for prompt, text, ids in zip(prompts, texts, self._tokens(prompts, texts), strict=True):
            self._prompts[prompt] = text, ids or self.lm.encode(prompt)
        whole = [self._prompts[prompt][0] + answer for prompt, answer in new]
        for pair, joint in zip(new, self._tokens([prompt for prompt, _ in new], whole), strict=True):
            text, start = self._prompts[pair[0]]
            # as answer_ids does, with the prompt rendered and encoded once for all its answers
            follows = bool(text) and joint[: len(start)] == start and len(joint) > len(start)
            found = joint[len(start) :] if follows else self.lm.answer_ids(*pair)
            if not found:
                raise InputError("answer", "hold at least one token", pair[1])
            self._answers[pair] = found

    def _tokens(self, prompts: Sequence[Any], texts: Sequence[str]) -> list[list[int]]:
        """Token ids of texts that begin as prompts do."""
        ids: list[list[int]] = [[]] * len(texts)
        for kind in (False, True):
            part = [i for i, prompt in enumerate(prompts) if self.lm.templated(prompt) == kind]
            for i, row in zip(part, self.lm.tokens([texts[i] for i in part], kind), strict=True):
                ids[i] = row
        return ids

    @property
    def prompt_free(self) -> bool:
        """Whether answers can be scored without a prompt: after the token that begins (or ends) texts."""
        return (self.lm.tokenizer.bos_token_id, self.lm.tokenizer.eos_token_id) != (None, None)

    def sizes(self, inputs: Sequence[Pair]) -> np.ndarray:
        self.read(inputs)
        sizes = np.array([len(p) + len(a) - 1 for p, a in map(self.ids, inputs)], dtype=int)
        limit = getattr(self.lm.module.config, "max_position_embeddings", None)
        if limit is not None and len(sizes) and sizes.max() > limit:
            raise InputError("prompt and answer", f"fit the model's window of {limit} tokens", f"{sizes.max()} tokens")
        return sizes

    def digests(self, inputs: Sequence[Pair]) -> list[bytes]:
        self.read(inputs)
        both = [self.ids(pair) for pair in inputs]
        parts = zip(token_digests(p for p, _ in both), token_digests(a for _, a in both), strict=True)
        return [hashlib.sha256(p + a).digest() for p, a in parts]

    def order(self, inputs: Sequence[Pair]) -> np.ndarray:
        whole = [p + a for p, a in map(self.ids, inputs)]
        return np.array(sorted(range(len(whole)), key=whole.__getitem__), dtype=int)

    def __call__(self, inputs: Sequence[Pair]) -> np.ndarray:
        import torch

        rows = [self.ids(pair) for pair in inputs]
        self.lm.module.eval()
        with torch.inference_mode():
            if self._tree is None:
                self._tree = self._can_branch(rows[:2])
            if not self._tree:
                parts = [self._padded(rows[i : i + _ROWS]) for i in range(0, len(rows), _ROWS)]
                return np.concatenate(parts)
            return np.concatenate([self._branched(part) for part in _chunks(rows)])

    def _can_branch(self, rows: list[tuple[list[int], list[int]]]) -> bool:
        from probes.models.huggingface.prefix_sharing import can_forget

        config = self.lm.module.config
        if not can_forget(config) or getattr(config, "_attn_implementation", None) not in ("sdpa", "eager"):
            return False
        longest = max(len(p) + len(a) for p, a in rows)
        plain, tree = self._padded(rows), self._branched([*rows, (rows[0][0][1:] + rows[0][0][:1], [rows[0][0][0]])])
        agree = bool(np.abs(plain[:, 0] - tree[: len(rows), 0]).max() <= _AGREE * longest)
        if not agree:
            log.warning("this model does not take a tree of tokens; rows are padded instead")
        return agree

    def _branched(self, rows: list[tuple[list[int], list[int]]]) -> np.ndarray:
        """Scores ``(n, 3)`` from one row that holds every distinct prefix once."""
        import torch

        nodes: dict[tuple[int, int], int] = {}
        parents: list[int] = []
        tokens: list[int] = []
        asked: list[tuple[int, int]] = []  # (node, token that should follow it)
        spans = []
        for prompt, answer in rows:
            at = -1
            fed = prompt + answer
            start = len(asked)
            for depth, (token, following) in enumerate(pairwise(fed)):
                if (at, token) not in nodes:
                    nodes[at, token] = len(tokens)
                    parents.append(at)
                    tokens.append(token)
                at = nodes[at, token]
                if depth >= len(prompt) - 1:
                    asked.append((at, following))
            spans.append((start, len(asked)))
        sees = np.zeros((len(tokens), len(tokens)), dtype=bool)
        depths = np.zeros(len(tokens), dtype=int)
        for i, parent in enumerate(parents):
            if parent >= 0:
                sees[i] = sees[parent]
                depths[i] = depths[parent] + 1
            sees[i, i] = True
        module, device = self.lm.module, self.lm.module.device
        mask = torch.zeros(sees.shape, dtype=module.dtype).masked_fill(
            ~torch.from_numpy(sees), torch.finfo(module.dtype).min
        )
        wanted = sorted({node for node, _ in asked})
        out = module(
            input_ids=torch.tensor([tokens], device=device),
            attention_mask=mask[None, None].to(device),
            position_ids=torch.from_numpy(depths)[None].to(device),
            logits_to_keep=torch.tensor(wanted, device=device),
            use_cache=False,
        )
        place = {node: i for i, node in enumerate(wanted)}
        at_node = [place[node] for node, _ in asked]
        return _summed(out.logits[0], at_node, [token for _, token in asked], spans)

    def _padded(self, rows: list[tuple[list[int], list[int]]]) -> np.ndarray:
        """Scores ``(n, 3)`` from rows padded on the right, which no earlier token can see."""
        import torch

        width = max(len(p) + len(a) - 1 for p, a in rows)
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
        device = self.lm.module.device
        out = self.lm.module(input_ids=ids.to(device), attention_mask=mask.to(device), use_cache=False)
        return _summed(out.logits.reshape(-1, out.logits.shape[-1]), places, following, spans)


def _summed(logits: Any, places: list[int], following: list[int], spans: list[tuple[int, int]]) -> np.ndarray:
    """Logits ``(m, V)`` and what follows where → one row (log-prob, tokens, greedy) for each span."""
    import torch

    logits = logits.float()
    at = torch.tensor(places, device=logits.device)
    token = torch.tensor(following, device=logits.device)
    scores = (logits[at, token] - logits.logsumexp(-1)[at]).cpu().numpy().astype(float)
    best = (logits.argmax(-1)[at] == token).cpu().numpy()
    return np.array([[scores[a:b].sum(), b - a, float(best[a:b].all())] for a, b in spans])


def _chunks(rows: list[tuple[list[int], list[int]]]) -> list[list[tuple[list[int], list[int]]]]:
    """Consecutive rows whose tree has about ``_NODES`` tokens."""
    out: list[list[tuple[list[int], list[int]]]] = [[]]
    count = 0
    last: list[int] = []
    for prompt, answer in rows:
        fed = prompt + answer[:-1]
        common = next((i for i, (a, b) in enumerate(zip(fed, last, strict=False)) if a != b), min(len(fed), len(last)))
        if out[-1] and count + len(fed) - common > _NODES:
            out.append([])
            count, common = 0, 0
        out[-1].append((prompt, answer))
        count, last = count + len(fed) - common, fed
    return out
