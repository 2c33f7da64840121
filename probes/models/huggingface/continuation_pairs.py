"""Pairs of prompt and continuation → log-probability, number of tokens, and whether greedy decoding writes it.

Many short prompts with many answers each share most of their tokens. They are laid out as one tree of tokens
(:mod:`probes.models.huggingface.token_tree`), so ten one-digit answers cost one prompt, and nothing is padded. Where a
model cannot be masked like this (sliding windows, recurrent states, attention that takes no mask), rows are padded
instead; the first rows are always scored both ways, and the tree is used only if they agree.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from probes.errors import InputError
from probes.model import Identity, Model, Prompt, as_prompt
from probes.models.evaluating import evaluating
from probes.models.huggingface.loaded import LoadedLM
from probes.models.huggingface.prefix_sharing import can_forget
from probes.models.huggingface.token_tree import Row, chunks, score_padded, score_tree
from probes.models.huggingface.weights import is_half, token_digests
from probes.models.weight_states import WeightState, note, noting

__all__ = ["Pair", "Pairs", "hashable"]

log = logging.getLogger(__name__)

_ROWS = 16  # padded rows in one call
_AGREE = 0.02  # nats a token by which two ways of computing may differ

Pair = tuple[Prompt, str]


class Pairs(Model):
    """The map (prompt, continuation) → ``log-prob`` (nats), ``tokens``, ``greedy`` of a language model.

    Parameters
    ----------
    lm : LoadedLM
    """

    unit = "nats"
    outputs = ("log-prob", "tokens", "greedy")
    size_unit = "tokens"

    def __init__(self, lm: LoadedLM):
        self.lm = lm
        self.batch = lm.batch_tokens
        self._identity: Identity | None = None
        self._states: list[WeightState] = []
        self._prompts: dict[Prompt, tuple[str, list[int]]] = {}
        self._answers: dict[Pair, list[int]] = {}
        self._tree: bool | None = None
        self.half = is_half(lm.module)

    def identity(self) -> Identity:
        """Return the identity, taken again where the weights changed."""
        if self._identity is None or any(state.changed for state in self._states):
            with noting() as self._states:
                known = self.lm.identity()
            self._identity = Identity(f"{known.id}:pairs", known.persistent)
        else:
            note(*self._states)
        return self._identity

    def direct(self) -> Callable[[Sequence[Pair]], Any]:
        """Return log-prob and tokens of one pair, by one forward of one unpadded sequence."""
        return self._of_one

    def as_direct(self, values: np.ndarray) -> np.ndarray:
        """Return log-prob and tokens; whether a greedy choice between two like tokens is the same is rounding."""
        return values[:, :2]

    def _of_one(self, pairs: Sequence[Pair]) -> np.ndarray:
        prompt, answer = self.ids(pairs[0])
        return np.array([[self.lm.log_probs(prompt, answer).sum(), len(answer)]])

    @property
    def prompt_free(self) -> bool:
        """Whether answers can be scored without a prompt: after the token that begins (or ends) texts."""
        return self.lm.can_begin

    def ids(self, pair: Pair) -> Row:
        """Return the token ids of the prompt, and of the continuation as it follows it."""
        pair = hashable(pair)
        if pair not in self._answers:
            self.read([pair])
        return self._prompts[pair[0]][1], self._answers[pair]

    def read(self, inputs: Sequence[Pair]) -> None:
        """Tokenise pairs not seen before, all at once: one text at a time costs ten times as much.

        Raises
        ------
        InputError
            For an answer without tokens.
        """
        new = list(dict.fromkeys(pair for pair in map(hashable, inputs) if pair not in self._answers))
        prompts = list(dict.fromkeys(prompt for prompt, _ in new if prompt not in self._prompts))
        texts = [self.lm.text(p) for p in prompts]
        for prompt, text, ids in zip(prompts, texts, self._tokens(prompts, texts), strict=True):
            self.lm.check_prompt(ids)
            self._prompts[prompt] = text, ids or self.lm.encode(prompt)
        joined = self._tokens([p for p, _ in new], [self._prompts[p][0] + answer for p, answer in new])
        for pair, joint in zip(new, joined, strict=True):
            text, start = self._prompts[pair[0]]
            # as answer_ids does, with the prompt rendered and encoded once for all its answers
            follows = bool(text) and joint[: len(start)] == start and len(joint) > len(start)
            answer_ids = joint[len(start) :] if follows else self.lm.answer_ids(*pair)
            if not answer_ids:
                raise InputError("answer", "hold at least one token", pair[1])
            self._answers[pair] = answer_ids

    def _tokens(self, prompts: Sequence[Prompt], texts: Sequence[str]) -> list[list[int]]:
        """Return token ids of texts that begin as prompts do."""
        ids: list[list[int]] = [[]] * len(texts)
        for kind in (False, True):
            part = [i for i, prompt in enumerate(prompts) if self.lm.templated(prompt) == kind]
            for i, row in zip(part, self.lm.tokens([texts[i] for i in part], kind), strict=True):
                ids[i] = row
        return ids

    def sizes(self, inputs: Sequence[Pair]) -> np.ndarray:
        self.read(inputs)
        sizes = np.array([len(p) + len(a) - 1 for p, a in map(self.ids, inputs)], dtype=int)
        self.lm.check_window(sizes)
        return sizes

    def digests(self, inputs: Sequence[Pair]) -> list[bytes]:
        self.read(inputs)
        both = [self.ids(pair) for pair in inputs]
        parts = zip(token_digests(p for p, _ in both), token_digests(a for _, a in both), strict=True)
        return [hashlib.sha256(p + a).digest() for p, a in parts]

    def order(self, inputs: Sequence[Pair]) -> np.ndarray:
        rows = [p + a for p, a in map(self.ids, inputs)]
        return np.array(sorted(range(len(rows)), key=rows.__getitem__), dtype=int)

    def __call__(self, inputs: Sequence[Pair]) -> np.ndarray:
        rows = [self.ids(pair) for pair in inputs]
        with evaluating(self.lm.module) as module:
            if self._tree is None:
                self._tree = self._can_branch(rows[:2])
            if self._tree:
                return np.concatenate([score_tree(module, part) for part in chunks(rows)])
            return np.concatenate([score_padded(module, rows[i : i + _ROWS]) for i in range(0, len(rows), _ROWS)])

    def _can_branch(self, rows: list[Row]) -> bool:
        """Return whether a tree of rows has the scores that the rows have padded."""
        module = self.lm.module
        if not can_forget(module.config):
            return False
        if getattr(module.config, "_attn_implementation", None) not in ("sdpa", "eager"):
            return False
        first = rows[0][0]
        branch = (first[1:] + first[:1], [first[0]])
        padded, tree = score_padded(module, rows), score_tree(module, [*rows, branch])
        longest = max(len(p) + len(a) for p, a in rows)
        agree = bool(np.abs(padded[:, 0] - tree[: len(rows), 0]).max() <= _AGREE * longest)
        if not agree:
            log.warning("this model does not take a tree of tokens; rows are padded instead")
        return agree


def hashable(pair: Pair) -> Any:
    """Return a pair whose prompt is a text or a tuple of (role, content)."""
    prompt, answer = pair
    return as_prompt(prompt), answer
