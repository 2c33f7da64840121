"""Long contexts with known evidence: passages of a library's catalogue in which a few say what a scorer looks for.

A planted scorer reads a prompt and says how likely an answer of two facts is (nats): it finds the facts by their
sentences, so what is asked is real text of some 32,000 words or tokens, whose evidence is known. Distractors speak of
the same thing, mislead while a fact lacks, and are no evidence. Every passage moves the number a little, and every
distinct prompt by a jitter of its own, as a language model's would.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np

from probes import ContextProbe

__all__ = ["EVIDENCE", "KINDS", "PlantedScorer"]

#: passages that are evidence, distractors, words of a passage
EVIDENCE, DISTRACTORS, WORDS = 5, 10, 120
#: how five passages carry the answer
KINDS = {
    "one fact, told five times": ((0, 1, 2, 3, 4),),
    "two facts, told three times and twice": ((0, 1, 2), (3, 4)),
    "two facts, either worth nothing alone": ((0, 1, 2), (3, 4)),
    "five facts, told once": ((0,), (1,), (2,), (3,), (4,)),
}
#: what distractors take while a fact lacks, what a passage adds, and the jitter of a prompt (standard deviations)
_MISLEADS, _ADDS, _JITTER = 0.06, 0.004, 0.2
_MARK = re.compile(r"Shelf (\d+) reads: ")


class PlantedScorer:
    """A context of many passages, and a model of it.

    Parameters
    ----------
    kind : str
        A name in ``KINDS``.
    passages : int
    seed : int

    Attributes
    ----------
    probe : ContextProbe
        The passages and a question.
    evidence : set of int
        Passages that the answer comes from.
    """

    def __init__(self, kind: str, passages: int, seed: int):
        self.kind, self.count = kind, passages
        rng = np.random.default_rng([seed, list(KINDS).index(kind)])
        chosen = rng.choice(passages, EVIDENCE + DISTRACTORS, replace=False)
        self.evidence, distractors = set(chosen[:EVIDENCE].tolist()), chosen[EVIDENCE:]
        self.groups = [chosen[list(group)] for group in KINDS[kind]]
        self.misleading = np.isin(np.arange(passages), distractors)
        self.worth = np.array([1.0, 0.9, 0.8, 0.7, 0.6]) if len(self.groups) == EVIDENCE else np.full(2, 2.0)
        self.adds = rng.normal(0, _ADDS, passages)
        words = [f"{a}{b}" for a in _HEADS for b in _TAILS]
        texts = [f"Shelf {i} reads: {' '.join(rng.choice(words, WORDS))}." for i in range(passages)]
        for g, group in enumerate(self.groups):
            for i in group:
                texts[i] = f"{texts[i][: len(texts[i]) // 2]} fact {g} holds here{texts[i][len(texts[i]) // 2 :]}"
        self.probe = ContextProbe(texts, "Which facts hold?", unit="document")

    def __call__(self, prompts: Sequence[object]) -> np.ndarray:
        """Score prompts."""
        return np.array([self._score(str(prompt)) for prompt in prompts])

    def rows(self, Z: np.ndarray) -> np.ndarray:
        """Score rows ``(n, d)`` of passages that are there, without their text; the jitter is the row's own."""
        return np.array([self._value(row > 0.5, row.tobytes()) for row in np.asarray(Z, dtype=float)])

    def _score(self, prompt: str) -> float:
        there = np.isin(np.arange(self.count), [int(number) for number in _MARK.findall(prompt)])
        return self._value(there, prompt.encode())

    def _value(self, there: np.ndarray, content: bytes) -> float:
        told = [int(there[group].sum()) for group in self.groups]
        facts = np.array([0.0 if not count else 1 + 0.08 * np.log(count) for count in told])
        all_or_nothing = "either" in self.kind
        value = 4 * facts.prod() if all_or_nothing else self.worth[: len(facts)] @ facts
        if len(self.groups) == 1:
            value = 4 * facts[0]
        value -= _MISLEADS * there[self.misleading].sum() * (min(told) == 0)
        draw = int.from_bytes(hashlib.sha256(content).digest()[:4], "big") / 2**32
        return float(-5 + value + there @ self.adds + _JITTER * np.sqrt(12) * (draw - 0.5))


_HEADS = ("har", "mel", "tor", "bran", "sil", "dun", "vor", "kes", "lam", "ruth")
_TAILS = ("den", "wick", "ford", "ley", "stone", "mere", "gate", "holm", "by", "ton")
