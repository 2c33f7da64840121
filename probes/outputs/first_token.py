"""FirstToken: how likely certain words are as the first token of a reply."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from probes.errors import InputError, ModelError, integer
from probes.model import Identity
from probes.outputs.reply import Reply, Unread
from probes.outputs.scalariser import Scalariser

__all__ = ["FirstToken"]


@dataclass(frozen=True)
class FirstToken(Scalariser):
    """How likely certain words are as the first token of the reply.

    One word: its log-probability in nats. Several: for each, the log-odds against all others that are named, log p −
    log Σ p of the others. Tokens that spell a word with other capitals or white space around them are added up; a word
    of several tokens never matches, so name its first token.

    A server lists only the likeliest tokens. A word that is not among them counts as likely as it can be at most: no
    more than the least likely token that is listed, nor than what is left to 1. A log-odds against it is thus no less
    extreme in truth. If none of the words is listed, the question is left without an answer.

    Parameters
    ----------
    words : tuple of str
    top : int, default 20
        How many alternatives to ask for; some servers allow 5 only.
    case : bool, default False
        Whether capital letters count.

    Examples
    --------
    >>> from probes.outputs.reply import Token
    >>> reply = Reply("Yes", (Token("Yes", -0.36, {"Yes": np.log(0.7), "No": np.log(0.1), " no": np.log(0.1)}),))
    >>> FirstToken(("Yes", "No"))(reply).round(3), FirstToken(("Yes",))(reply).round(3)
    (array([ 1.253, -1.253]), array([-0.357]))
    """

    words: tuple[str, ...]
    top: int = 20
    case: bool = False

    def __post_init__(self) -> None:
        words = (self.words,) if isinstance(self.words, str) else tuple(self.words)
        if not words or len(set(map(self._plain, words))) < len(words) or not all(w.strip() for w in words):
            raise InputError("words", "hold at least one word, and none twice", self.words)
        object.__setattr__(self, "words", words)
        object.__setattr__(self, "top", integer("top", self.top, least=1))

    @property
    def unit(self) -> str:  # type: ignore[override]
        return "log-prob" if len(self.words) == 1 else "log-odds"

    @property
    def outputs(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.words

    def identity(self) -> Identity:
        mark = hashlib.sha256(repr((self.words, self.top, self.case)).encode()).hexdigest()[:16]
        return Identity(f"FirstToken:{mark}", True)

    def _plain(self, text: str) -> str:
        return text.strip() if self.case else text.strip().casefold()

    def __call__(self, reply: Reply) -> np.ndarray:
        if not reply.tokens:
            raise ModelError(
                "The server sends no log-probabilities of generated tokens, which FirstToken needs; use a scalariser "
                "of text such as Contains."
            )
        first = reply.tokens[0]
        listed = {first.text: first.logprob, **first.top}
        mass = np.zeros(len(self.words))
        for text, logprob in listed.items():
            for j, word in enumerate(self.words):
                if logprob is not None and self._plain(text) == self._plain(word):
                    mass[j] += np.exp(logprob)
        if not mass.any():
            raise Unread(f"none of {', '.join(self.words)} is among the {len(listed)} likeliest first tokens")
        known = [np.exp(p) for p in listed.values() if p is not None]
        least = max(min(min(known), 1 - sum(known)), np.finfo(float).tiny)
        mass = np.where(mass > 0, mass, least)
        others = mass.sum() - mass
        return np.log(mass) if len(mass) == 1 else np.log(mass) - np.log(np.maximum(others, np.finfo(float).tiny))
