"""The Model: a map from a batch of inputs to numbers, with named outputs, a unit and an identity.

Everything a user passes in becomes a :class:`Model` through :func:`probes.as_model`. Nothing else in the library knows
what kind of thing answers the questions. A new kind of model is one file in ``probes/models/`` that offers ``adopt``.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from probes.errors import InputError, ModelError, describe

__all__ = ["Generator", "Identity", "Model", "as_outputs", "digest_rows"]


class Identity(NamedTuple):
    """What a map is remembered under.

    Attributes
    ----------
    id : str
    persistent : bool
        Whether `id` identifies the map beyond this run. If False, answers are remembered for one run only.
    """

    id: str
    persistent: bool


class Model(ABC):
    """A map from a batch of inputs to an array ``(n, k)``.

    Attributes
    ----------
    unit : str
        Unit of the outputs: ``"logit"``, ``"probability"``, ``"nats"`` or the target's own.
    outputs : tuple of str or None
        Names of the k outputs; None when they are known only after the first answer.
    batch : int
        The most work units (see :meth:`sizes`) asked for in one call, rows times the longest row.
    size_unit : str or None
        What :meth:`sizes` counts; None where inputs have no size of their own.
    at_once : int
        How many inputs it works on at a time.
    steady : bool
        Whether the same question is known to get the same answer. If not, some questions are asked twice, and the
        difference says how well any surrogate can do.
    fallible : bool
        Whether a row of NaN is a question that was not answered (a refusal, a time-out) rather than an error. Such a
        row is never kept: a later run asks again.
    remote : bool
        Whether it only waits for others that answer: workers would gain nothing, and its limits are counted here.
    reason : str
        Why the last unanswered question was not answered, in words.
    """

    unit: str = "output"
    outputs: tuple[str, ...] | None = None
    batch: int = 4096
    size_unit: str | None = None
    at_once: int = 1
    steady: bool = True
    fallible: bool = False
    remote: bool = False
    reason: str = ""

    @abstractmethod
    def identity(self) -> Identity:
        """Names the map as it is now: weights, settings, revision. Answers are remembered under it."""

    @abstractmethod
    def __call__(self, inputs: Any) -> Any:
        """Answer a batch: ``n`` inputs → array ``(n, k)`` or ``(n,)``."""

    def answers(self, inputs: Any) -> Iterator[tuple[np.ndarray, Any]]:
        """Answer a batch as answers come: pairs of positions ``(m,)`` and their rows ``(m, k)``, every position once.

        All at once by default. A model that works on several inputs at a time hands on each as soon as it is there,
        so that it is kept even if the next one fails.
        """
        yield np.arange(len(inputs)), self(inputs)

    def tokens(self, inputs: Any) -> int:
        """Tokens that answering these inputs took, 0 where inputs have none."""
        return int(self.sizes(inputs).sum()) if self.size_unit == "tokens" else 0

    def sizes(self, inputs: Any) -> np.ndarray:
        """Work units of each input (tokens for a language model, otherwise 1), integer array ``(n,)``."""
        return np.ones(len(inputs), dtype=int)

    def digests(self, inputs: Any) -> list[bytes]:
        """SHA-256 of each input as this model sees it."""
        return digest_rows(inputs)

    def order(self, inputs: Any) -> np.ndarray:
        """The order in which inputs are cheapest to ask, integer array ``(n,)``: longest first."""
        return np.argsort(-self.sizes(inputs), kind="stable")

    def randomised(self, rng: np.random.Generator, inputs: Any) -> Model | None:
        """A model of the same build that has learnt nothing, where one can be made; `inputs` are typical ones."""
        return None


class Generator(ABC):
    """A model of text: it becomes a :class:`Model` once the continuation to score is fixed.

    Attributes
    ----------
    steady, fallible, remote : bool
        As for the models that it becomes.
    used : int
        Tokens that it has read and written so far to continue prompts.
    """

    steady: bool = True
    fallible: bool = False
    remote: bool = False
    used: int = 0

    @abstractmethod
    def identity(self) -> Identity:
        """Names the map as it is now."""

    def generation(self, prompt: Any, max_new_tokens: int) -> bytes:
        """SHA-256 of all that fixes what :meth:`generate` returns, besides the model's identity."""
        return hashlib.sha256(digest_rows([prompt])[0] + str(max_new_tokens).encode()).digest()

    @abstractmethod
    def generate(self, prompt: Any, max_new_tokens: int) -> str:
        """Greedy continuation of one prompt."""

    def generations(self, prompts: Sequence[Any], max_new_tokens: int) -> Iterator[tuple[int, str | None, str]]:
        """Continuations of several prompts as they come: number of the prompt, its text, and if that is None why.

        One after the other by default.
        """
        for i, prompt in enumerate(prompts):
            yield i, self.generate(prompt, max_new_tokens), ""

    def randomised(self, rng: np.random.Generator, inputs: Any) -> Generator | None:
        """A model of the same build that has learnt nothing, where one can be made."""
        return None

    @abstractmethod
    def scoring(self, answer: str, prompt: Any) -> Model:
        """The map from prompts to the log-probability (nats) of every token of `answer`."""

    def pairs(self) -> Model | None:
        """The map from pairs (prompt, continuation) to log-prob, tokens and greedy; None for a model of text alone."""
        return None


def digest_rows(inputs: Any) -> list[bytes]:
    """SHA-256 of every row of a batch: strings, chats, arrays or data frames.

    Raises
    ------
    InputError
        For an input that has no canonical form.

    Examples
    --------
    >>> a, b, c = digest_rows(["x", "y", "x"])
    >>> a == c, a == b
    (True, False)
    """
    if isinstance(inputs, pd.DataFrame):
        return _digest_frame(inputs)
    if isinstance(inputs, np.ndarray) and inputs.dtype != object:
        rows = np.ascontiguousarray(inputs)
        head = f"array {rows.dtype.str} {rows.shape[1:]} ".encode()
        size = rows[:1].nbytes if len(rows) else 0
        flat = rows.reshape(len(rows), -1).view(np.uint8) if size else np.empty((len(rows), 0), dtype=np.uint8)
        return _digests(head, _slices(flat))
    return [hashlib.sha256(_canonical(item)).digest() for item in inputs]


def _canonical(item: object) -> bytes:
    if isinstance(item, str):
        return b"text " + item.encode("utf-8", "surrogatepass")
    try:
        return b"json " + json.dumps(item, sort_keys=True, ensure_ascii=True).encode()
    except TypeError as error:
        raise InputError("input", "be text, a chat, numbers or a data frame row", item) from error


def _digest_frame(frame: pd.DataFrame) -> list[bytes]:
    """Row digests of a frame: column names and types first, then each row's values."""
    head = json.dumps([[str(c), str(t)] for c, t in frame.dtypes.items()]).encode()
    if all(_fixed_width(t) for t in frame.dtypes):
        if len(frame) and len(set(frame.dtypes)) == 1:
            rows = _bytes(frame.to_numpy().ravel()).reshape(len(frame), -1)
        else:
            parts = [_bytes(frame.iloc[:, j].to_numpy()) for j in range(frame.shape[1])]
            rows = np.hstack(parts) if parts else np.empty((len(frame), 0), dtype=np.uint8)
        return _digests(head, _slices(rows))
    columns = []
    for j in range(frame.shape[1]):
        column = frame.iloc[:, j]
        if _fixed_width(column.dtype):
            columns.append(_slices(_bytes(column.to_numpy())))
        elif isinstance(column.dtype, pd.CategoricalDtype):
            known = [*map(_cell, column.cat.categories), _cell(np.nan)]
            columns.append([known[code] for code in column.cat.codes])
        else:
            columns.append([_cell(v) for v in column])
    return _digests(head, map(b"".join, zip(*columns, strict=True)))


def _digests(head: bytes, rows: Iterable[bytes]) -> list[bytes]:
    """SHA-256 of a head and each row; the head, which can be long, is worked through once."""
    start, found = hashlib.sha256(head), []
    for row in rows:
        each = start.copy()
        each.update(row)
        found.append(each.digest())
    return found


def _fixed_width(kind: Any) -> bool:
    return isinstance(kind, np.dtype) and kind.kind in "biufc"


def _bytes(values: np.ndarray) -> np.ndarray:
    """Numbers ``(n,)`` as bytes ``(n, width)``."""
    return np.ascontiguousarray(values).view(np.uint8).reshape(len(values), values.dtype.itemsize)


def _slices(rows: np.ndarray) -> list[bytes]:
    """Rows of bytes ``(n, width)``, one by one."""
    whole, width = np.ascontiguousarray(rows).tobytes(), rows.shape[1]
    return [whole[i : i + width] for i in range(0, len(whole), width)] if width else [b""] * len(rows)


def _cell(value: Any) -> bytes:
    """One value of a column of objects."""
    if isinstance(value, np.ndarray):
        return digest_rows(value[None])[0]
    if pd.api.types.is_scalar(value):
        return f"{type(value).__name__}:{value!r};".encode("utf-8", "surrogatepass")
    return _canonical(value) + b";"


def as_outputs(values: Any, n: int, source: str) -> np.ndarray:
    """Check a model's raw return value and make it a float array ``(n, k)``.

    Raises
    ------
    ModelError
        If it is not numeric, or does not have one row per input.
    """
    first = values[0] if isinstance(values, (Sequence, np.ndarray)) and len(values) else None
    if isinstance(first, (str, dict)):
        raise ModelError(
            f"{source} must return numbers, one row per input; got labels such as {describe(first)}. "
            "Pass a function that returns scores or probabilities instead."
        )
    try:
        if hasattr(values, "detach"):
            values = values.detach().cpu()
        array = np.asarray(values)
        if array.dtype.kind in "USc":
            raise TypeError("text and complex numbers have no order")
        array = array.astype(float)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ModelError(f"{source} must return numbers, one row per input; got {describe(values)}.") from error
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or len(array) != n or array.shape[1] == 0:
        raise ModelError(f"{source} must return one row of numbers per input, shape ({n}, k); got {np.shape(values)}.")
    return array
