"""Windowed: a model of short texts asked about long ones, window by window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from probes.errors import InputError, integer
from probes.inputs.text_segments import words
from probes.model import Generator, Identity, Model
from probes.models.adapt import ModelLike, as_model

__all__ = ["POOLS", "Windowed"]

#: answers ``(w, k)`` to the windows of a text → its answer ``(k,)``
Pool: TypeAlias = Callable[[np.ndarray], np.ndarray]
POOLS: dict[str, Pool] = {
    "mean": lambda answers: answers.mean(axis=0),
    "max": lambda answers: answers.max(axis=0),
    "first": lambda answers: answers[0],
}
#: windows that are asked at once
_AT_ONCE = 32


class Windowed(Model):
    """A model of texts that reads a long text in windows, y(x) = pool over windows w of f(w).

    Windows begin and end between words and cover the text, so nothing is cut.

    Parameters
    ----------
    model : object
        Answers texts; anything :func:`probes.as_model` takes that does not write.
    size : int, optional
        The most tokens of a window; by default what the model's own window leaves beside special tokens. Words, where
        neither the model nor `tokenizer` has tokens.
    stride : int, optional
        Tokens from the beginning of one window to that of the next, at most `size`; by default `size`, without overlap.
    pool : {"mean", "max", "first"} or callable, default "mean"
        Makes the answer of answers ``(w, k)``: their mean or largest, for each output, or the first window's alone, as
        a model that cuts its input has it.
    tokenizer : transformers tokenizer or callable, optional
        Counts tokens of a word; a callable is given the word. By default the model's own tokenizer.
    name : str, optional
        Identifies the map where `pool` or `tokenizer` is a function of yours; without it answers are kept for one run.

    Raises
    ------
    InputError
        For a model that writes text, no size where the model has none, or a stride above it.

    Examples
    --------
    >>> loudest = Windowed(lambda texts: [len(t) for t in texts], size=2, pool="max")
    >>> loudest.windows("so it goes on and on")
    ['so it', 'goes on', 'and on']
    >>> loudest(["so it goes on and on"])
    array([[7.]])
    """

    def __init__(
        self,
        model: ModelLike,
        size: int | None = None,
        stride: int | None = None,
        *,
        pool: str | Pool = "mean",
        tokenizer: Any = None,
        name: str | None = None,
    ):
        inner = as_model(model)
        if isinstance(inner, Generator):
            raise InputError("model", "answer texts with numbers; one that writes has a window of its own", model)
        if (isinstance(pool, str) and pool not in POOLS) or not (isinstance(pool, str) or callable(pool)):
            raise InputError("pool", f"be one of {', '.join(POOLS)}, or a function of answers (w, k)", pool)
        self.inner, self.pool, self.name = inner, pool, name
        self.tokenizer = getattr(inner, "tokenizer", None) if tokenizer is None else tokenizer
        self._own = tokenizer is None
        limit = getattr(inner, "limit", None)
        if size is None:
            if limit is None or self.tokenizer is None:
                raise InputError("size", "be given: the model does not say how much it reads", size)
            size = limit - self.tokenizer.num_special_tokens_to_add()
        self.size = integer("size", size, least=1)
        self.stride = integer("stride", self.size if stride is None else stride, least=1, most=self.size)
        self.unit, self.batch, self.remote = inner.unit, inner.batch, inner.remote
        self.steady, self.vouched, self.fallible = inner.steady, inner.vouched, inner.fallible
        self.half, self.at_once = inner.half, 1

    @property
    def outputs(self) -> tuple[str, ...] | None:  # type: ignore[override]
        """Names of the outputs, those of the model."""
        return self.inner.outputs

    def recall(self, outputs: tuple[str, ...]) -> None:
        self.inner.recall(outputs)

    def identity(self) -> Identity:
        known = self.inner.identity()
        settings = f"{self.size}:{self.stride}:{self.pool if isinstance(self.pool, str) else 'own'}"
        named = self.name if self.name is not None else "tokens" if self._own else "own"
        lasting = self.name is not None or (self._own and isinstance(self.pool, str))
        return Identity(f"windowed:{known.id}:{settings}:{named}", known.persistent and lasting)

    def windows(self, text: str) -> list[str]:
        """Return the windows of a text; one for a text without words."""
        if not isinstance(text, str):
            raise InputError("text", "be a text: windows are of texts, not of chats or rows", text)
        spans = words(text)
        if not spans:
            return [text]
        before = np.concatenate([[0], np.cumsum(self._lengths([text[a:b] for a, b in spans]))])
        out, first = [], 0
        while True:
            last = max(int(np.searchsorted(before, before[first] + self.size, side="right")) - 1, first + 1)
            start, stop = spans[first][0] if first else 0, spans[last - 1][1] if last < len(spans) else len(text)
            out.append(text[start:stop])
            if last == len(spans):
                return out
            first = min(max(int(np.searchsorted(before, before[first] + self.stride)), first + 1), last)

    def _lengths(self, pieces: Sequence[str]) -> list[int]:
        """Count the tokens of words, each as it stands after a space."""
        if self.tokenizer is None:
            return [1] * len(pieces)
        if not hasattr(self.tokenizer, "num_special_tokens_to_add"):
            return [integer("tokenizer", self.tokenizer(piece), least=0) for piece in pieces]
        distinct = list(dict.fromkeys(pieces))
        rows = self.tokenizer([f" {piece}" for piece in distinct], add_special_tokens=False)["input_ids"]
        known = {piece: len(row) for piece, row in zip(distinct, rows, strict=True)}
        return [known[piece] for piece in pieces]

    def __call__(self, inputs: Sequence[str]) -> np.ndarray:
        if isinstance(inputs, str) or not len(inputs):
            raise InputError("inputs", "be a list of at least one text", inputs)
        windows = [self.windows(text) for text in inputs]
        return self._pooled(windows, self.inner)

    def _pooled(self, windows: list[list[str]], ask: Callable[[Any], Any]) -> np.ndarray:
        """Return answers ``(n, k)`` of texts, of what is asked about each distinct window."""
        distinct = list(dict.fromkeys(window for some in windows for window in some))
        parts = [
            np.asarray(ask(distinct[start : start + _AT_ONCE]), dtype=float).reshape(
                len(distinct[start : start + _AT_ONCE]), -1
            )
            for start in range(0, len(distinct), _AT_ONCE)
        ]
        answers = dict(zip(distinct, np.vstack(parts), strict=True))
        pool = POOLS[self.pool] if isinstance(self.pool, str) else self.pool
        rows = [np.atleast_1d(np.asarray(pool(np.array([answers[w] for w in some])), dtype=float)) for some in windows]
        k = len(next(iter(answers.values())))
        if wrong := [row.shape for row in rows if row.shape != (k,)]:
            raise InputError("pool", f"return {k} numbers for the {k} outputs", wrong[0])
        return np.vstack(rows)

    def direct(self) -> Callable[[Any], Any] | None:
        """Return the user's own object, asked window by window, where its numbers are those that are pooled."""
        own, probe = self.inner.direct(), np.array([[0.25, 0.5]])
        if own is None or not np.array_equal(self.inner.as_direct(probe), probe):
            return None
        return lambda texts: self._pooled(
            [self.windows(text) for text in texts], lambda some: np.vstack([own([window]) for window in some])
        )

    def unread(self, text: Any) -> str:
        if self.pool != "first" or not isinstance(text, str) or len(windows := self.windows(text)) == 1:
            return ""
        return f"Of {len(windows)} windows of the text the model is asked the first alone (pool='first')."

    def randomised(self, rng: np.random.Generator, inputs: Any) -> Windowed | None:
        other = self.inner.randomised(rng, inputs)
        tokenizer = None if self._own else self.tokenizer
        if other is None:
            return None
        return Windowed(other, self.size, self.stride, pool=self.pool, tokenizer=tokenizer, name=self.name)
