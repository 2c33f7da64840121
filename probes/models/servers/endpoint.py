"""Endpoint: models behind an OpenAI-compatible server, asked through the ``openai`` client.

What a server gives decides what can be explained: log-probabilities of an answer's tokens (completions that echo their
prompt), log-probabilities of the first token written (chats), or text alone, of which a scalariser makes numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from probes.errors import InputError, ModelError, integer
from probes.model import Generator, Identity, Model, Prompt, as_prompt, continues
from probes.models.servers.prompt_logprobs import READINGS, Reading
from probes.models.servers.remote_models import PairLogProbs, Scored, TokenLogProbs
from probes.models.servers.response import Unembedded, reply_of, vectors_of
from probes.models.servers.server import Server
from probes.models.servers.settings import Address, Limits, Sampling
from probes.models.servers.spent import Spent
from probes.outputs.reply import Unread
from probes.outputs.scalariser import Scalariser
from probes.outputs.text_scorers import Overlap, as_scalariser

__all__ = ["Endpoint"]

APIS = ("chat", "completions")
_PREFILL = (
    "The last message is the model's own: whether the server goes on with it, or answers after it, is up to the server."
)


class Endpoint(Generator):
    """A model behind an OpenAI-compatible server.

    Parameters
    ----------
    base_url : str
        Such as ``"http://127.0.0.1:8000/v1"``; without user name, password, query or fragment.
    model : str
        As the server calls it.
    api : {"chat", "completions"}, default "chat"
        The route: chats (text, and log-probabilities of what is written) or plain completions (also of what is given).
    scores : str, Scalariser or callable, optional
        What numbers are made of. With completions one of ``"echo"`` (the default), ``"prompt_logprobs"``, ``"forced"``:
        log-probabilities of the answer's tokens, see :mod:`probes.models.servers.prompt_logprobs`. Or a scalariser of
        what the model writes, see :mod:`probes.outputs.text_scorers`, or a function of a text. With chats
        :class:`Overlap` by default.
    template : callable, optional
        Renders a chat, (role, content) pairs, as the text of a completion; by default
        :func:`~probes.models.servers.server.plain`. A chat cannot be echoed through the chat route, so pass the model's
        own template where it has one.
    reply_tokens : int, default 64
        Length limit of a reply that a scalariser reads.
    temperature : float, default 0
    seed : int, optional
        Sent with every request.
    parameters : dict, optional
        Further parameters of every request, as JSON has them; None leaves one of ours out, such as ``{"max_tokens":
        None, "max_completion_tokens": 64}``. Values for names that are set here already are refused, and so is what
        changes the distribution of tokens (a grammar, ``logit_bias``, penalties) where log-probabilities of a given
        answer are read. All are part of the identity.
    in_flight : int, default 16
        The most requests at a time.
    retries : int, default 6
        Attempts after the first, on time-outs, lost connections and the statuses 408, 409, 425, 429 and 5xx.
    timeout : float, default 60
        Seconds for one attempt.
    max_calls, max_tokens : int, optional
        The most requests (every attempt counts) and tokens to be spent by this object; then :class:`SpendCapError`.
    first_contact : bool, default False
        Whether to compare, before anything else is asked, the answers to four questions one at a time with those to
        the same questions in flight together: eight calls, counted and forecast, once for each server and settings. A
        server whose answers depend on what else is in flight is then asked one question at a time, and it is said.
    key_variable : str, default "OPENAI_API_KEY"
        The environment variable that holds the key. Keys come from nowhere else, and go nowhere but to the server.
    name : str, optional
        Replaces URL and model in the identity, for a model that moves or is served in several places.

    Attributes
    ----------
    server : Server
        Address, settings and connections.
    spent : Spent
        Calls, tokens and retries so far.

    Raises
    ------
    InputError
        For a parameter that breaks its rule; nothing is sent before the first question.

    Examples
    --------
    >>> lm = Endpoint("http://127.0.0.1:8000/v1", "my-model", max_calls=500)
    >>> lm.identity().id[:43]
    'endpoint:my-model@http://127.0.0.1:8000/v1:'
    >>> Endpoint("https://me:secret@example.org/v1", "my-model")
    Traceback (most recent call last):
    probes.errors.InputError: base_url must hold no user name, password, query or fragment, because it is shown and \
stored: keys come from the environment; got a URL that does (not shown).
    """

    steady = False
    fallible = True
    remote = True

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        api: str = "chat",
        scores: Any = None,
        template: Callable[[Sequence[tuple[str, str]]], str] | None = None,
        reply_tokens: int = 64,
        temperature: float = 0.0,
        seed: int | None = None,
        parameters: Mapping[str, Any] | None = None,
        in_flight: int = 16,
        retries: int = 6,
        timeout: float = 60.0,
        max_calls: int | None = None,
        max_tokens: int | None = None,
        first_contact: bool = False,
        key_variable: str = "OPENAI_API_KEY",
        name: str | None = None,
    ):
        if api not in APIS:
            raise InputError("api", f"be one of {', '.join(APIS)}", api)
        self.reply_tokens = integer("reply_tokens", reply_tokens, least=1)
        limits = Limits(in_flight, retries, timeout, max_calls, max_tokens, first_contact)
        sampling = Sampling(temperature, seed, {} if parameters is None else parameters)
        self.server = Server(Address(base_url, model, key_variable, name), api, sampling, limits, template)
        self.scores = _scores(scores, api)
        if isinstance(self.scores, Reading):
            sampling.check_unsteered()

    @property
    def spent(self) -> Spent:
        return self.server.spent

    @property
    def used(self) -> int:  # type: ignore[override]
        """Tokens spent so far."""
        return self.spent.tokens

    def identity(self) -> Identity:
        return self.server.identity()

    def close(self) -> None:
        """Cancel what is in flight and close the connections; the next question opens them again."""
        self.server.close()

    def generation(self, prompt: Prompt, max_new_tokens: int) -> bytes:
        return super().generation(as_prompt(prompt), max_new_tokens)

    def generate(self, prompt: Prompt, max_new_tokens: int) -> str:
        """Return the reply to one prompt.

        Raises
        ------
        ModelError
            If there is none.
        """
        text, reason = next((text, reason) for _, text, reason in self.generations([prompt], max_new_tokens))
        if text is None:
            raise ModelError(f"The model did not answer: {reason}.")
        return text

    def generations(self, prompts: Sequence[Prompt], max_new_tokens: int) -> Iterator[tuple[int, str | None, str]]:
        for i, arrival in self.server.send([self.server.reply_request(p, max_new_tokens) for p in prompts]):
            try:
                text = reply_of(arrival.content()).text
            except Unread as reason:
                yield i, None, str(reason)
                continue
            # a leading space is part of the first token where a text goes on
            yield i, text.rstrip() if self.server.api == "completions" or _prefilled(prompts[i]) else text.strip(), ""

    def reading_notes(self, prompts: Sequence[Prompt]) -> tuple[str, ...]:
        for prompt in prompts:
            self.server.reply_request(prompt, 1)
        return (_PREFILL,) if self.server.api == "chat" and _prefilled(prompts[0]) else ()

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Return embeddings ``(n, d)`` of texts from the server's embeddings route.

        For :class:`~probes.outputs.text_scorers.Similar`: ``Similar(Endpoint(base_url, "embedding-model").embed)``,
        which counts a reply that was not embedded as missing.

        Raises
        ------
        ModelError
            If there are none; the error says why.
        """
        [(_, arrival)] = self.server.send([self.server.request("embeddings", input=list(texts))])
        if arrival.body is None:
            raise Unembedded(f"The texts were not embedded: {arrival.reason}")
        return vectors_of(arrival.body, len(texts))

    def reading(self, scores: Any) -> Scored:
        """Return the map from prompts to a scalariser's numbers; it needs no answer to compare with."""
        return Scored(self.server, as_scalariser(scores), self.reply_tokens)

    def scoring(self, answer: str, prompt: Prompt) -> Model:
        """Return the map from prompts to log-probabilities (nats) of the answer's tokens, or to what a scalariser makes
        of the replies."""
        if isinstance(self.scores, Reading):
            return TokenLogProbs(self.server, answer, self.scores)
        return Scored(self.server, self.scores.about(answer), self.reply_tokens)

    def pairs(self) -> Model | None:
        return PairLogProbs(self.server, self.scores) if isinstance(self.scores, Reading) else None


def _prefilled(prompt: Prompt) -> bool:
    """Return whether a chat ends with a message of the model's own, which it may go on with."""
    return not isinstance(prompt, str) and continues(prompt)


def _scores(scores: Any, api: str) -> Reading | Scalariser:
    """Convert the argument `scores`; strings name ways of reading log-probabilities, which chats do not have."""
    if scores is None:
        return READINGS["echo"] if api == "completions" else Overlap()
    if isinstance(scores, str):
        if scores not in READINGS:
            raise InputError("scores", f"be one of {', '.join(READINGS)}, a scalariser or a function of a text", scores)
        if api != "completions":
            rule = 'come with api="completions" where it names log-probabilities of a given answer'
            raise InputError("scores", rule, scores)
        return READINGS[scores]
    return as_scalariser(scores)
