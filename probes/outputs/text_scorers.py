"""Scalarisers: what a model wrote → numbers, with their unit. Small pure objects; users pass functions of their own.

A text is no number, so what is explained has to be chosen: how like an answer the text is, whether it holds it, or how
likely the model found one first word against another. The default for servers that only send text is :class:`Overlap`:
it is graded (a text that keeps half of the answer's words counts half, where :class:`Exact` jumps from 1 to 0 at the
first paraphrase), it needs no second model, and anyone can check it by hand. :class:`Similar` is better where wording
varies and an encoder is at hand; :class:`FirstToken` where the server sends log-probabilities.
"""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from probes.errors import InputError, ModelError, describe, integer
from probes.model import Identity
from probes.outputs.reply import Reply, Unread

__all__ = ["Contains", "Custom", "Exact", "FirstToken", "Overlap", "Scalariser", "Similar", "as_scalariser"]


class Scalariser(ABC):
    """A reply → k numbers.

    Attributes
    ----------
    unit : str
    outputs : tuple of str or None
        Names of the k numbers; None when they are known only after the first reply.
    top : int
        How many alternatives of the first token it reads; 0 if it reads the text.
    """

    unit: str
    outputs: tuple[str, ...] | None = None
    top: int = 0

    def about(self, answer: str) -> Scalariser:
        """This scalariser for an answer, unless it has its own already."""
        return self

    @abstractmethod
    def identity(self) -> Identity:
        """Names what it computes."""

    @abstractmethod
    def __call__(self, reply: Reply) -> np.ndarray:
        """Numbers ``(k,)`` of a reply; raises :class:`Unread` where it has none."""


@dataclass(frozen=True)
class _Compared(Scalariser):
    """Compares the text with an answer.

    Parameters
    ----------
    answer : str, optional
        By default the answer that is explained.
    case : bool, default False
        Whether capital letters count.
    """

    answer: str | None = None
    case: bool = False

    def about(self, answer: str) -> Scalariser:
        return self if self.answer is not None else replace(self, answer=answer)

    def identity(self) -> Identity:
        mark = hashlib.sha256(repr((self.answer, self.case)).encode()).hexdigest()[:16]
        return Identity(f"{type(self).__name__}:{mark}", True)

    def __call__(self, reply: Reply) -> np.ndarray:
        return np.array([self.number(self._plain(reply.text), self._plain(self.answer or ""))])

    def _plain(self, text: str) -> str:
        text = " ".join(text.split())
        return text if self.case else text.casefold()

    @abstractmethod
    def number(self, text: str, answer: str) -> float:
        """What a text is worth beside the answer, both with plain white space."""


@dataclass(frozen=True)
class Contains(_Compared):
    """1 if the text holds the answer as whole words, else 0; white space aside.

    Examples
    --------
    >>> Contains("1969")(Reply("It opened in 1969.")), Contains("196")(Reply("It opened in 1969."))
    (array([1.]), array([0.]))
    """

    unit = "share"
    outputs = ("contains the answer",)

    def number(self, text: str, answer: str) -> float:
        return float(re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", text) is not None)


@dataclass(frozen=True)
class Exact(_Compared):
    """1 if the text is the answer, else 0; white space and a full stop at the end aside."""

    unit = "share"
    outputs = ("is the answer",)

    def number(self, text: str, answer: str) -> float:
        return float(text.rstrip(". ") == answer.rstrip(". "))


@dataclass(frozen=True)
class Overlap(_Compared):
    """F1 of the words that text and answer share, from 0 to 1, counted as often as they occur in both.

    Source: Rajpurkar et al. 2016, SQuAD, section 6 (words are kept as they are, articles included).

    Examples
    --------
    >>> Overlap("The museum opened in 1969.")(Reply("It opened in 1969")).round(3)
    array([0.667])
    """

    unit = "F1 of words"
    outputs = ("overlap with the answer",)

    def number(self, text: str, answer: str) -> float:
        ours, theirs = Counter(re.findall(r"\w+", text)), Counter(re.findall(r"\w+", answer))
        shared = (ours & theirs).total()
        return 2 * shared / (ours.total() + theirs.total()) if ours or theirs else 1.0


@dataclass(frozen=True)
class Similar(Scalariser):
    """Cosine of the embeddings of text and answer.

    Parameters
    ----------
    encoder : callable
        A list of texts → array ``(n, d)``: ``SentenceTransformer(...).encode``, or ``Endpoint(...).embed``.
    answer : str, optional
        By default the answer that is explained.
    name : str, optional
        Identifies the encoder for ever; without one, answers are remembered for one run only (an endpoint names
        itself).

    Examples
    --------
    >>> letters = lambda texts: [[t.count(c) for c in "abc"] for t in texts]
    >>> Similar(letters, "abc")(Reply("aabbcc")).round(3)
    array([1.])
    """

    encoder: Callable[[list[str]], Any]
    answer: str | None = None
    name: str | None = None

    unit = "cosine"
    outputs = ("similarity to the answer",)

    def about(self, answer: str) -> Scalariser:
        return self if self.answer is not None else replace(self, answer=answer)

    def identity(self) -> Identity:
        whose = getattr(getattr(self.encoder, "__self__", None), "identity", None)
        named = Identity(self.name, True) if self.name else whose() if callable(whose) else Identity("", False)
        if not isinstance(named, Identity):
            named = Identity("", False)
        mark = hashlib.sha256(repr((named.id, self.answer)).encode()).hexdigest()[:16]
        return Identity(f"Similar:{mark}", named.persistent)

    def __call__(self, reply: Reply) -> np.ndarray:
        pair = np.asarray(self.encoder([reply.text, self.answer or ""]), dtype=float)
        if pair.ndim != 2 or len(pair) != 2:
            raise ModelError(f"The encoder must return one vector per text, shape (2, d); got shape {pair.shape}.")
        sizes = np.linalg.norm(pair, axis=1)
        if not np.isfinite(sizes).all():
            raise Unread("the text was not embedded")
        return np.array([float(pair[0] @ pair[1] / sizes.prod()) if sizes.all() else 0.0])


@dataclass(frozen=True)
class FirstToken(Scalariser):
    """How likely the model finds certain words as the first token of its reply.

    One word: its log-probability in nats. Several: for each, the log-odds against all others that are named, log p −
    log Σ p of the others. Tokens that spell a word with other capitals or white space around them are added up; a word
    of several tokens is not found, so name its first token.

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


@dataclass(frozen=True)
class Custom(Scalariser):
    """A function of your own.

    Parameters
    ----------
    function : callable
        Text → a number, or a sequence of as many numbers for every text.
    unit : str
    outputs : tuple of str, optional
        Names of the numbers.
    name : str, optional
        Identifies the function for ever; without one, answers are remembered for one run only.

    Examples
    --------
    >>> Custom(len, "characters", ("length",))(Reply("abc"))
    array([3.])
    """

    function: Callable[[str], Any]
    unit: str = "output"
    outputs: tuple[str, ...] | None = None
    name: str | None = None

    def identity(self) -> Identity:
        return Identity(f"Custom:{self.name}", True) if self.name else Identity(f"Custom:{id(self.function)}", False)

    def __call__(self, reply: Reply) -> np.ndarray:
        try:
            return np.atleast_1d(np.asarray(self.function(reply.text), dtype=float)).ravel()
        except Exception as error:
            raise ModelError(
                f"The scalariser raised {type(error).__name__} on the text {describe(reply.text)}: {error}"
            ) from error


def as_scalariser(scores: Any) -> Scalariser:
    """The scalariser a user means: one, its class where it needs no more, or a function of text.

    Raises
    ------
    InputError
    """
    if isinstance(scores, Scalariser):
        return scores
    if scores in (Contains, Exact, Overlap):
        return scores()
    if callable(scores) and not isinstance(scores, type):
        return Custom(scores)
    raise InputError("scores", "be a scalariser such as Contains(), or a function of a text", scores)
