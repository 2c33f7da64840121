"""The Model: a map from a batch of inputs to numbers, with named outputs, a unit and an identity.

Everything a user passes in becomes a :class:`Model` through :func:`probes.as_model`. Nothing else in the library knows
what kind of thing answers the questions. A new kind of model is one file in ``probes/models/`` that offers ``adopt``.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeGuard

import numpy as np

from probes.digests import digest_rows
from probes.errors import InputError

__all__ = [
    "ROLES",
    "Chat",
    "Generator",
    "Identity",
    "Model",
    "Prompt",
    "as_message",
    "as_messages",
    "as_prompt",
    "continues",
    "is_chat",
    "messages_of",
]

#: A prompt: plain text, or a chat as (role, content) pairs or as mappings with ``role`` and ``content``.
Prompt: TypeAlias = str | Sequence[tuple[str, ...] | Mapping[str, Any]]
#: A chat as a model keeps it: (role, content), or (role, content, JSON of what else a message holds).
Chat: TypeAlias = tuple[tuple[str, ...], ...]
#: roles of messages, by which a pair of texts is known as one
ROLES = ("system", "developer", "user", "assistant", "tool")
_MESSAGE = 'be a text, or messages: (role, content) or {"role": …, "content": …}'


def as_prompt(prompt: Prompt) -> str | Chat:
    """Return a text as it is, and a chat as (role, content) pairs.

    A message that holds more (tool calls, the call that it answers, a name) is a triple, the third part JSON: a chat
    can be a key, and nothing of it is lost.

    Parameters
    ----------
    prompt : str, or sequence of pairs or mappings
        Contents are texts, or lists of text parts (``{"type": "text", "text": …}``), which are joined by line ends.

    Raises
    ------
    InputError
        For anything else; parts that are no texts (images, sounds) are named.

    Examples
    --------
    >>> as_prompt([{"role": "user", "content": [{"type": "text", "text": "Hello"}]}])
    (('user', 'Hello'),)
    >>> as_prompt([{"role": "tool", "content": "7", "tool_call_id": "a"}])
    (('tool', '7', '{"tool_call_id": "a"}'),)
    """
    if isinstance(prompt, str):
        return prompt
    if not isinstance(prompt, Sequence) or not prompt:
        raise InputError("prompt", _MESSAGE, prompt)
    return tuple(map(as_message, prompt))


def messages_of(chat: Sequence[Any]) -> tuple[tuple[str, str], ...]:
    """Return the messages of a chat as (role, content) pairs.

    Raises
    ------
    InputError
        As of :func:`as_prompt`, and for a message that holds more than role and content.
    """
    pairs = []
    for message in map(as_message, chat):
        if len(message) > 2:
            more = ", ".join(sorted(json.loads(message[2])))
            rule = f"hold messages of role and content alone, without {more}: ChatProbe takes them"
            raise InputError("prompt", rule, message)
        pairs.append((message[0], message[1]))
    return tuple(pairs)


def as_messages(chat: Chat) -> list[dict[str, Any]]:
    """Return a chat of :func:`as_prompt` as mappings, as servers and templates take it.

    Examples
    --------
    >>> as_messages((("tool", "7", '{"tool_call_id": "a"}'),))
    [{'role': 'tool', 'content': '7', 'tool_call_id': 'a'}]
    """
    return [{"role": role, "content": text, **json.loads(more[0] if more else "{}")} for role, text, *more in chat]


def continues(prompt: Prompt) -> bool:
    """Return whether what a model writes goes on with a text: a plain one, or the last message, which is its own."""
    chat = as_prompt(prompt)
    return isinstance(chat, str) or chat[-1][0] == "assistant"


def is_chat(value: Any) -> TypeGuard[Sequence[tuple[str, ...] | Mapping[str, Any]]]:
    """Return whether a value is a list of messages: mappings with role and content, or pairs of a role and a text.

    Examples
    --------
    >>> is_chat([{"role": "user", "content": "When?"}]), is_chat([("user", "When?")]), is_chat(["one", "two"])
    (True, True, False)
    """
    return isinstance(value, (list, tuple)) and bool(value) and all(map(_is_message, value))


def _is_message(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "role" in value and not value.keys().isdisjoint({"content", "tool_calls"})
    return isinstance(value, (tuple, list)) and len(value) == 2 and isinstance(value[0], str) and value[0] in ROLES


def as_message(message: Any) -> tuple[str, ...]:
    """Return one message as :func:`as_prompt` does.

    Raises
    ------
    InputError
    """
    more: dict[str, Any] = {}
    if isinstance(message, Mapping):
        more = {str(k): value for k, value in message.items() if k not in ("role", "content") and value}
        message = message.get("role"), message.get("content")
    pair = tuple(message) if isinstance(message, (tuple, list)) else ()
    if len(pair) == 3 and isinstance(pair[2], str):  # one that as_prompt() returned
        more, pair = _more(pair[2], message), pair[:2]
    if len(pair) != 2 or not isinstance(pair[0], str):
        raise InputError("prompt", _MESSAGE, message)
    role, content = pair
    if isinstance(content, (list, tuple)) and content:
        content = "\n".join(map(_part, content))
    if content is None and more.get("tool_calls"):
        content = ""
    if not isinstance(content, str):
        raise InputError("prompt", f"hold a text as the content of each message ({role})", content)
    if not more:
        return role, content
    try:
        return role, content, json.dumps(more, sort_keys=True, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise InputError("prompt", f"hold messages that can be written as JSON ({error})", more) from error


def _more(written: str, message: Any) -> dict[str, Any]:
    """Read what a message of :func:`as_prompt` holds besides role and content.

    Raises
    ------
    InputError
        For a third part that is something else.
    """
    try:
        more = json.loads(written)
    except ValueError as error:
        raise InputError("prompt", _MESSAGE, message) from error
    if not isinstance(more, dict):
        raise InputError("prompt", _MESSAGE, message)
    return more


def _part(part: Any) -> str:
    """Return the text of one part of a message's content."""
    if isinstance(part, str):
        return part
    kind = part.get("type") if isinstance(part, Mapping) else type(part).__name__
    if not isinstance(part, Mapping) or kind not in ("text", "input_text") or not isinstance(part.get("text"), str):
        raise InputError("prompt", f"hold text parts alone, and no {kind}", part)
    return part["text"]


class Identity(NamedTuple):
    """The name under which the answers of a map are stored.

    Attributes
    ----------
    id : str
    persistent : bool
        Whether `id` identifies the map beyond this run. If False, answers are kept for one run only.
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
        What :meth:`sizes` counts; None where all inputs count the same.
    at_once : int
        How many inputs it works on at a time.
    steady : bool
        Whether the same question is known to get the same answer. If not, some questions are asked twice, and the
        difference says how well any surrogate can do.
    vouched : bool
        Whether a name alone says that it is steady; then two questions are asked twice when it is first asked.
    fallible : bool
        Whether a row of NaN is a question that was not answered (a refusal, a time-out) rather than an error. Such a
        row is never stored: a later run asks again.
    remote : bool
        Whether it only waits for others that answer: workers would gain nothing, and its limits are counted here.
    reason : str
        Why the last unanswered question was not answered, in words.
    compared : bool
        Whether first contact compares answers alone with those in a batch; False where inputs are answered one by one
        anyway.
    half : bool
        Whether it computes in 16-bit numbers.
    fields : (str, str) or None
        What the two texts of an input are called, where every input is a pair: then a plain pair can be explained.
    keeps : str
        A piece of text that every input must hold, such as the mask that is filled; of a plain text it is no feature.
    neighbours : str
        How answers were seen to depend on what else is in a batch, in words; then inputs are asked one by one.
    """

    unit: str = "output"
    outputs: tuple[str, ...] | None = None
    batch: int = 4096
    size_unit: str | None = None
    at_once: int = 1
    steady: bool = True
    vouched: bool = False
    fallible: bool = False
    remote: bool = False
    reason: str = ""
    compared: bool = True
    half: bool = False
    fields: tuple[str, str] | None = None
    keeps: str = ""
    neighbours: str = ""

    @abstractmethod
    def identity(self) -> Identity:
        """Identify the map as it is now: weights, settings, revision. Answers are stored under it."""

    @abstractmethod
    def __call__(self, inputs: Any) -> Any:
        """Answer a batch: ``n`` inputs → array ``(n, k)`` or ``(n,)``."""

    def answers(self, inputs: Any) -> Iterator[tuple[np.ndarray, Any]]:
        """Answer a batch; yield positions ``(m,)`` and their rows ``(m, k)`` as answers come, every position once.

        All at once by default. A model that works on several inputs at a time yields each answer as soon as it has
        come, so that it is stored even if the next one fails.
        """
        yield np.arange(len(inputs)), self(inputs)

    def direct(self) -> Callable[[Any], Any] | None:
        """Return the user's own object as a map from inputs to numbers ``(n, k)``; None where the model is no more.

        On first contact an adapter is compared with it. It asks the object in the plainest way, one input at a time,
        and shares no code with :meth:`__call__` that could be wrong.
        """
        return None

    def decisions(self, inputs: Any) -> np.ndarray | None:
        """Return the numbers of the outputs that the user's object decides for, ``(n,)``; −1 for none of them.

        None where these are the highest ones, or there is nothing to decide.
        """
        return None

    def as_direct(self, values: np.ndarray) -> np.ndarray:
        """Turn answers ``(n, K)`` into the numbers that :meth:`direct` returns: by default as they are."""
        return values

    def met_as(self, identity: Identity) -> str:
        """Name what first contact is remembered under, given the identity: maps that compute alike may share one."""
        return identity.id

    def ask_one_by_one(self, why: str) -> None:
        """Take one input at a time from now on, because answers depend on what else is in a batch."""
        self.batch, self.neighbours = 1, why

    def check_instance(self, rendered: Callable[[], Any]) -> None:  # noqa: B027 - most models can be explained at any input
        """Refuse the instance, rendered as a batch, with an InputError where every answer around it says the same."""

    def unread(self, text: Any) -> str:
        """Say what of an input the model does not read, in words; empty where it reads all, or cannot know."""
        return ""

    def tokens(self, inputs: Any) -> int:
        """Return the tokens that answering these inputs took, 0 where inputs have none."""
        return int(self.sizes(inputs).sum()) if self.size_unit == "tokens" else 0

    def sizes(self, inputs: Any) -> np.ndarray:
        """Return the work units of each input (tokens for a language model, otherwise 1), integer array ``(n,)``."""
        return np.ones(len(inputs), dtype=int)

    def digests(self, inputs: Any) -> list[bytes]:
        """Return the SHA-256 of each input as this model sees it."""
        return digest_rows(inputs)

    def recall(self, outputs: tuple[str, ...]) -> None:  # noqa: B027 - most models know their outputs themselves
        """Take the names under which answers were stored earlier; a model that names its outputs as it answers keeps
        to their order."""

    def order(self, inputs: Any) -> np.ndarray:
        """Return the order in which inputs are cheapest to ask, integer array ``(n,)``: longest first."""
        return np.argsort(-self.sizes(inputs), kind="stable")

    def randomised(self, rng: np.random.Generator, inputs: Any) -> Model | None:
        """Make a model of the same architecture that has learnt nothing; None where that is impossible.

        Parameters
        ----------
        rng : numpy.random.Generator
        inputs : batch of inputs
            Typical ones, see :meth:`probes.probe.Probe.typical`.
        """
        return None


class Generator(ABC):
    """A model of text: it becomes a :class:`Model` once the continuation to score is fixed.

    Attributes
    ----------
    steady, fallible, remote : bool
        As for the models that it becomes.
    fields : (str, str) or None
    keeps : str
        As of a :class:`Model`.
    used : int
        Tokens that it has read and written so far to continue prompts.
    """

    steady: bool = True
    fallible: bool = False
    remote: bool = False
    fields: tuple[str, str] | None = None
    keeps: str = ""
    used: int = 0

    @abstractmethod
    def identity(self) -> Identity:
        """Identify the map as it is now."""

    def generation(self, prompt: Any, max_new_tokens: int) -> bytes:
        """Return the SHA-256 of all that fixes what :meth:`generate` returns, besides the model's identity."""
        return hashlib.sha256(digest_rows([prompt])[0] + str(max_new_tokens).encode()).digest()

    @abstractmethod
    def generate(self, prompt: Any, max_new_tokens: int) -> str:
        """Continue one prompt greedily."""

    def generations(self, prompts: Sequence[Any], max_new_tokens: int) -> Iterator[tuple[int, str | None, str]]:
        """Continue several prompts; yield (number of the prompt, text or None, reason for None) as they come.

        One after the other by default.
        """
        for i, prompt in enumerate(prompts):
            yield i, self.generate(prompt, max_new_tokens), ""

    def reading_notes(self, prompts: Sequence[Any]) -> tuple[str, ...]:
        """Check that prompts can be read, before any is asked; return what the user should know of how, in words.

        Raises
        ------
        InputError
            For a prompt that cannot.
        """
        return ()

    def randomised(self, rng: np.random.Generator, inputs: Any) -> Generator | None:
        """Make a model of the same architecture that has learnt nothing; None where that is impossible."""
        return None

    @abstractmethod
    def scoring(self, answer: str, prompt: Any) -> Model:
        """Return the map from prompts to the log-probability (nats) of every token of `answer`."""

    def pairs(self) -> Model | None:
        """Return the map from pairs (prompt, continuation) to log-prob, tokens and greedy.

        None for a model that gives text alone.
        """
        return None
