"""Models that ask a server: prompts → numbers. A question without a usable answer is a row of NaN."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from probes.digests import digest_rows
from probes.errors import InputError, describe
from probes.model import Identity, Model, Prompt, as_prompt
from probes.models.servers.first_contact import contact
from probes.models.servers.messages import Request
from probes.models.servers.prompt_logprobs import Reading, cut, cutting
from probes.models.servers.response import reply_of
from probes.models.servers.server import Server
from probes.outputs.reply import Unread
from probes.outputs.reply_texts import OfTexts, Texts
from probes.outputs.scalariser import Scalariser

__all__ = ["PairLogProbs", "Remote", "Scored", "TokenLogProbs"]


class Remote(Model):
    """Asks a server; a question without a usable answer is a row of NaN, with the reason kept."""

    steady = False
    fallible = True
    remote = True
    half = True

    def __init__(self, server: Server, mark: Identity):
        identity = server.identity()
        self.server = server
        self._identity = Identity(f"{identity.id}:{mark.id}", identity.persistent and mark.persistent)
        self.at_once = server.limits.in_flight
        self.compared = server.limits.first_contact and self.at_once > 1
        self._tokens = 0

    def identity(self) -> Identity:
        return self._identity

    def met_as(self, identity: Identity) -> str:
        """Name the server and how it is asked: whether requests change each other does not depend on the answer."""
        return f"{self.server.identity().id}:{type(self).__name__}"

    def tokens(self, inputs: Any) -> int:
        """Return the tokens of the answer that was handed on last, as the server counts them."""
        return self._tokens

    @abstractmethod
    def requests(self, inputs: Sequence[Any]) -> list[Request]:
        """Make one request for each input."""

    @abstractmethod
    def row(self, body: dict[str, Any], item: Any) -> np.ndarray:
        """Read the numbers ``(k,)`` of one answer; raise :class:`Unread` where it has none."""

    def answers(self, inputs: Sequence[Any]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for i, arrival in self.server.send(self.requests(inputs)):
            try:
                row = self.row(arrival.content(), inputs[i])
            except Unread as reason:
                self.reason = f"{reason}."
                row = np.full(len(self.outputs or "?"), np.nan)
            self._tokens = arrival.tokens
            yield np.array([i]), row[None]

    def __call__(self, inputs: Sequence[Any]) -> np.ndarray:
        rows = sorted((int(i), row[0]) for (i,), row in self.answers(inputs))
        width = max((len(row) for _, row in rows), default=0)
        return np.array([row if len(row) == width else np.full(width, np.nan) for _, row in rows])


class Scored(Remote, OfTexts):
    """Prompts → what a scalariser makes of the replies.

    Parameters
    ----------
    server : Server
    scalariser : Scalariser
    reply_tokens : int
        Length limit of a reply whose text is read.
    """

    def __init__(self, server: Server, scalariser: Scalariser, reply_tokens: int):
        self.max_tokens = 1 if scalariser.top else reply_tokens
        read = scalariser.identity()
        super().__init__(server, Identity(f"{read.id}:{self.max_tokens}", read.persistent))
        self.scalariser = scalariser
        self.unit, self.outputs = scalariser.unit, scalariser.outputs
        self.texts = Texts()

    def met_as(self, identity: Identity) -> str:
        return f"{super().met_as(identity)}:{type(self.scalariser).__name__}"

    def digests(self, inputs: Sequence[Prompt]) -> list[bytes]:
        """Digest chats as they are; where they are rendered here, as rendered."""
        rendered = self.server.text if self.server.api == "completions" else as_prompt
        return digest_rows([rendered(p) for p in inputs])

    def requests(self, inputs: Sequence[Prompt]) -> list[Request]:
        return [self.server.reply_request(p, self.max_tokens, self.scalariser.top) for p in inputs]

    def row(self, body: dict[str, Any], item: Prompt) -> np.ndarray:
        reply = reply_of(body)
        self.texts.keep(self.digests([item])[0], reply.text)
        numbers = self.scalariser(reply)
        if np.isnan(numbers).any():
            raise Unread(f"the scalariser gave no number for the text {describe(reply.text, 60)}")
        return numbers


class TokenLogProbs(Remote):
    """Prompts → log-probability in nats of every token of one fixed answer.

    Parameters
    ----------
    server : Server
    answer : str
    reading : Reading
    """

    unit = "nats"

    def __init__(self, server: Server, answer: str, reading: Reading):
        if not answer:
            raise InputError("answer", "hold some text", answer)
        super().__init__(server, Identity(f"score:{hashlib.sha256(answer.encode()).hexdigest()[:16]}", True))
        self.answer = answer
        self._asked = reading
        self._reading: Reading | None = None

    @property
    def reading_used(self) -> str:
        """How log-probabilities are read, once first contact has shown it."""
        return self._asked.name if self._reading is None else self._reading.name

    def digests(self, inputs: Sequence[Prompt]) -> list[bytes]:
        return digest_rows([self.server.text(p) for p in inputs])

    def requests(self, inputs: Sequence[Prompt]) -> list[Request]:
        texts = [self.server.text(p) for p in inputs]
        if self._reading is None:
            self._reading = contact(self.server.completion, texts[0], self._asked)
            if self._reading.name == "forced":
                self._reading = replace(self._reading, pieces=_cuts(self.server, {self.answer: texts[0]})[self.answer])
        return [self.server.request("completions", **self._reading.body(t, self.answer)) for t in texts]

    def row(self, body: dict[str, Any], item: Prompt) -> np.ndarray:
        assert self._reading is not None
        tokens = self._reading.read(body, self.server.text(item), self.answer)
        if self.outputs is None:  # every other prompt must cut the answer as the first one does
            self.outputs = tuple(t.text for t in tokens)
            self._reading = replace(self._reading, pieces=self.outputs)
        return np.array([t.logprob for t in tokens])


class PairLogProbs(Remote):
    """Pairs (prompt, continuation) → ``log-prob`` (nats), ``tokens``, ``greedy``.

    Parameters
    ----------
    server : Server
    reading : Reading
    """

    unit = "nats"
    outputs = ("log-prob", "tokens", "greedy")

    def __init__(self, server: Server, reading: Reading):
        super().__init__(server, Identity("pairs", True))
        self._asked = reading
        self._readings: dict[bool, Reading] = {}
        self._pieces: dict[str, tuple[str, ...]] = {}

    def _texts(self, inputs: Sequence[tuple[Prompt, str]]) -> list[tuple[str, str]]:
        return [(self.server.text(prompt), answer) for prompt, answer in inputs]

    def digests(self, inputs: Sequence[tuple[Prompt, str]]) -> list[bytes]:
        return digest_rows(self._texts(inputs))

    def requests(self, inputs: Sequence[tuple[Prompt, str]]) -> list[Request]:
        texts = self._texts(inputs)
        for (prompt, _), (text, _) in zip(inputs, texts, strict=True):
            chat = not isinstance(prompt, str)  # a template may begin with the token that begins texts
            if chat not in self._readings:
                self._readings[chat] = contact(self.server.completion, text, self._asked)
        forced = {b: a for p, (a, b) in zip(inputs, texts, strict=True) if self._reading(p[0], b).name == "forced"}
        self._pieces |= _cuts(self.server, {b: a for b, a in forced.items() if b not in self._pieces})
        bodies = [self._reading(p[0], b).body(a, b) for p, (a, b) in zip(inputs, texts, strict=True)]
        return [self.server.request("completions", **body) for body in bodies]

    def _reading(self, prompt: Prompt, answer: str) -> Reading:
        """Return how the log-probabilities of an answer are read after a text or after a chat."""
        return replace(self._readings[not isinstance(prompt, str)], pieces=self._pieces.get(answer, ()))

    def row(self, body: dict[str, Any], item: tuple[Prompt, str]) -> np.ndarray:
        prompt, answer = item
        tokens = self._reading(prompt, answer).read(body, self.server.text(prompt), answer)
        total = sum(t.logprob for t in tokens if t.logprob is not None)
        return np.array([total, len(tokens), float(all(t.best for t in tokens))])


def _cuts(server: Server, answers: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the tokens of answers, each after one prompt; none where the server does not say."""
    requests = [server.request("completions", **cutting(prompt, answer)) for answer, prompt in answers.items()]
    tokens: dict[str, tuple[str, ...]] = dict.fromkeys(answers, ())
    for i, arrival in server.send(requests):
        answer, prompt = list(answers.items())[i]
        tokens[answer] = cut(arrival.body, prompt, answer)
    return tokens
