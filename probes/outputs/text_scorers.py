"""Scalarisers: what a model wrote → numbers, with their unit. Small pure objects; users may pass functions.

A text is no number, so what is explained has to be chosen: how similar the text is to an answer, whether it contains
the answer, or how likely one first word was against another. The default for servers that only send text is
:class:`Overlap`: it is graded (a text that keeps half of the answer's words counts half, where :class:`Exact` jumps
from 1 to 0 at the first paraphrase), it needs no second model, and anyone can check it by hand. :class:`Similar` is
better where wording varies and an encoder is at hand; :class:`~probes.outputs.first_token.FirstToken` where the server
sends log-probabilities.
"""

from __future__ import annotations

import hashlib
import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from probes.errors import InputError, ModelError, describe
from probes.model import Identity
from probes.outputs.reply import Reply, Unread
from probes.outputs.scalariser import Scalariser

__all__ = ["Contains", "Custom", "Exact", "Overlap", "Similar", "as_scalariser"]


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
        """Compare a text with the answer, both with plain white space."""


@dataclass(frozen=True)
class Contains(_Compared):
    """1 if the text contains the answer as complete words, else 0; white space aside.

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
        written, wanted = Counter(re.findall(r"\w+", text)), Counter(re.findall(r"\w+", answer))
        shared = (written & wanted).total()
        return 2 * shared / (written.total() + wanted.total()) if written or wanted else 1.0


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
        Identifies the encoder for ever; without one, answers are kept for one run only (an endpoint has an identity).

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
        owner = getattr(getattr(self.encoder, "__self__", None), "identity", None)
        named = Identity(self.name, True) if self.name else owner() if callable(owner) else None
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
class Custom(Scalariser):
    """A user's function of the text.

    Parameters
    ----------
    function : callable
        Text → a number, or a sequence of as many numbers for every text.
    unit : str
    outputs : tuple of str, optional
        Names of the numbers.
    name : str, optional
        Identifies the function for ever; without one, answers are kept for one run only.

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
    """Convert an argument to a scalariser: one, its class where it needs no arguments, or a function of text.

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
