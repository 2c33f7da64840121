"""Endpoint: models behind an OpenAI-compatible server, asked through the ``openai`` client.

What a server gives decides what can be explained: log-probabilities of an answer's tokens (completions that echo their
prompt), log-probabilities of the first token written (chats), or text alone, of which a scalariser makes numbers.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from probes.errors import InputError, ModelError, describe, integer, number
from probes.model import Generator, Identity, Model
from probes.models.servers.api_key import Unshown, hidden, key_of
from probes.models.servers.client import Request, Spent, Wire
from probes.models.servers.prompt_logprobs import READINGS, Reading
from probes.models.servers.remote_models import Echoed, EchoedPairs, Prompt, Written, present
from probes.outputs.reply import Unread, reply_of
from probes.outputs.text_scorers import Overlap, Scalariser, as_scalariser

__all__ = ["Endpoint", "plain"]

APIS = ("chat", "completions")
#: what no request can do without, or could not be read with
_FIXED = ("model", "messages", "prompt", "input", "stream", "extra_body", "extra_headers", "extra_query")
#: what this class sets, and a server may refuse
_SET = ("temperature", "seed", "max_tokens", "logprobs", "top_logprobs", "prompt_logprobs", "echo")

#: what changes the distribution of tokens; log-probabilities of a given answer would be those of another model
_STEERS = (
    *(
        "grammar",
        "json_schema",
        "response_format",
        "structured_outputs",
        "allowed_token_ids",
        "bad_words",
        "logit_bias",
    ),
    *("frequency_penalty", "presence_penalty", "repetition_penalty", "repeat_penalty", "logits_processors", "suffix"),
)


def plain(chat: Sequence[tuple[str, str]]) -> str:
    """A chat as plain text: what is said, without roles, an empty line between turns and a line end after the last."""
    return "\n\n".join(content for _, content in chat) + "\n"


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
        log-probabilities of the answer's tokens, see :mod:`probes.models.echo`. Or a scalariser of what the model
        writes, see :mod:`probes.models.scalarisers`, or a function of a text. With chats :class:`Overlap` by default.
    template : callable, optional
        Renders a chat, (role, content) pairs, as the text of a completion; by default :func:`plain`. A chat cannot be
        echoed through the chat route, so pass the model's own template where it has one.
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
    key_variable : str, default "OPENAI_API_KEY"
        The environment variable that holds the key. Keys come from nowhere else, and go nowhere but to the server.
    name : str, optional
        Replaces URL and model in the identity, for a model that moves or is served in several places.

    Attributes
    ----------
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
        key_variable: str = "OPENAI_API_KEY",
        name: str | None = None,
    ):
        if api not in APIS:
            raise InputError("api", f"be one of {', '.join(APIS)}", api)
        number("temperature", temperature, low=0)
        if seed is not None:
            seed = integer("seed", seed)
        if max_calls is not None:
            max_calls = integer("max_calls", max_calls, least=1)
        if max_tokens is not None:
            max_tokens = integer("max_tokens", max_tokens, least=1)
        _check_parameters(parameters)
        _check_text(base_url, model, name, key_variable)
        self.base_url, self.model, self.api, self.name = base_url.rstrip("/"), model, api, name
        self.template = template or plain
        self.reply_tokens = integer("reply_tokens", reply_tokens, least=1)
        self.temperature, self.seed = temperature, seed
        self.parameters = dict(parameters or {})
        self.in_flight = integer("in_flight", in_flight, least=1)
        self.retries = integer("retries", retries, least=0)
        self.timeout = number("timeout", timeout, low=0, open_low=True)
        self.key_variable = key_variable
        self.scores: Reading | Scalariser = _scores(scores, api)
        if isinstance(self.scores, Reading):
            _check_unsteered(self.parameters)
        self.spent = Spent(max_calls=max_calls, max_tokens=max_tokens)
        self._wire: Wire | None = None

    @property
    def used(self) -> int:  # type: ignore[override]
        """Tokens spent so far."""
        return self.spent.tokens

    @property
    def wire(self) -> Wire:
        """The connections, made on first use; a forked process makes its own."""
        if self._wire is None or self._wire.pid != os.getpid():
            self._wire = Wire(self.base_url, self.key_variable, self.in_flight, self.retries, self.timeout, self.spent)
        return self._wire

    def close(self) -> None:
        """Cancel what is in flight and close the connections; the next question opens them again."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_wire": None}

    def identity(self) -> Identity:
        settings = json.dumps([self.api, self.temperature, self.seed, self.parameters], sort_keys=True, default=repr)
        mark = hashlib.sha256(settings.encode()).hexdigest()[:16]
        return Identity(f"endpoint:{self.name or f'{self.model}@{self.base_url}'}:{mark}", True)

    def text(self, prompt: Prompt) -> str:
        """A prompt as the text of a completion."""
        return prompt if isinstance(prompt, str) else self.template(prompt)

    def request(self, route: str, **given: Any) -> Request:
        """A request with this endpoint's settings."""
        own: dict[str, Any] = {} if route == "embeddings" else {"temperature": self.temperature, "seed": self.seed}
        needed: dict[str, Any] = {k: given.pop(k) for k in ("messages", "prompt", "input") if k in given}
        extra = {k: v for k, v in {**own, **given, **self.parameters}.items() if v is not None}
        return Request(route, {"model": self.model, **needed, "extra_body": extra})

    def writing(self, prompt: Prompt, most: int, top: int = 0) -> Request:
        """A request for a reply of at most `most` tokens, with `top` alternatives of each."""
        if self.api == "completions":
            return self.request("completions", prompt=self.text(prompt), max_tokens=most, logprobs=top or None)
        chat = [("user", prompt)] if isinstance(prompt, str) else prompt
        messages = [{"role": role, "content": content} for role, content in chat]
        alternatives = {"logprobs": True, "top_logprobs": top} if top else {}
        return self.request("chat", messages=messages, max_tokens=most, **alternatives)

    def generate(self, prompt: Prompt, max_new_tokens: int) -> str:
        """The reply to one prompt.

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
        for i, arrival in self.wire.send([self.writing(p, max_new_tokens) for p in prompts]):
            try:
                text = reply_of(present(arrival)).text
            except Unread as reason:
                yield i, None, str(reason)
                continue
            # a completion's leading space is part of its first token
            yield i, text.strip() if self.api == "chat" else text.rstrip(), ""

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Embeddings ``(n, d)`` of texts from the server's own route.

        For :class:`~probes.outputs.text_scorers.Similar`: ``Similar(Endpoint(base_url, "embedding-model").embed)``,
        which counts a reply that was not embedded as missing.

        Raises
        ------
        ModelError
            If there are none; the error says why.
        """
        [(_, arrival)] = self.wire.send([self.request("embeddings", input=list(texts))])
        if arrival.body is None:
            raise _Unembedded(f"The texts were not embedded: {arrival.reason}")
        try:
            data = sorted(arrival.body["data"], key=lambda item: item.get("index", 0))
            vectors = np.array([item["embedding"] for item in data], dtype=float)
        except (AttributeError, KeyError, TypeError, ValueError):
            told = describe(arrival.body.get("error") or list(arrival.body), 200)
            raise _Unembedded(f"The texts were not embedded: the server sent no vectors: {told}") from None
        if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():
            what = f"{len(texts)} vectors of finite numbers were due, an array of shape {vectors.shape} came"
            raise _Unembedded(f"The texts were not embedded: {what}")
        return vectors

    def exchange(self, body: dict[str, Any]) -> dict[str, Any]:
        """The server's JSON for a completion."""
        [(_, arrival)] = self.wire.send([self.request("completions", **body)])
        if arrival.body is None:
            raise ModelError(f"The model did not answer: {arrival.reason}.")
        return arrival.body

    def reading(self, scores: Any) -> Written:
        """The map from prompts to a scalariser's numbers; it needs no answer to compare with."""
        return Written(self, as_scalariser(scores))

    def scoring(self, answer: str, prompt: Prompt) -> Model:
        """The map from prompts to log-probabilities (nats) of the answer's tokens, or to what a scalariser makes of
        the replies."""
        if isinstance(self.scores, Reading):
            return Echoed(self, answer, self.scores)
        return Written(self, self.scores.about(answer))

    def pairs(self) -> Model | None:
        return EchoedPairs(self, self.scores) if isinstance(self.scores, Reading) else None


class _Unembedded(ModelError, Unread):
    """An error to who asks for embeddings; a missing answer where they were to become a number."""


def _check_text(base_url: Any, model: Any, name: Any, key_variable: Any) -> None:
    """What is shown and stored must hold no secret; the error does not repeat one."""
    for label, value in (("base_url", base_url), ("model", model), ("key_variable", key_variable)):
        if not isinstance(value, str) or not value.strip():
            raise InputError(label, "be a non-empty string", value)
    if name is not None and (not isinstance(name, str) or not name.strip()):
        raise InputError("name", "be a non-empty string, or None", name)
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", key_variable):
        rule = "be the name of an environment variable (letters, digits and _), not the key itself"
        raise InputError("key_variable", rule, Unshown("something else (not shown)"))
    key = key_of(key_variable)
    if any(hidden(text, key) != text for text in (base_url, model, name or "")):
        raise InputError("base_url, model and name", "not hold the key", Unshown("one of them"))
    rule = 'be a URL such as "http://127.0.0.1:8000/v1"'
    try:
        if any(c.isspace() or not c.isprintable() for c in base_url):
            raise ValueError("white space or a control character")
        parts = urlsplit(base_url)
        if parts.port == 0:
            raise ValueError("port 0")
    except ValueError as error:  # what cannot be parsed may hold a password
        told = base_url if not set("@?#") & set(base_url) else Unshown("one that cannot be read (not shown)")
        raise InputError("base_url", f"{rule} ({error})" if told is base_url else rule, told) from None
    if parts.username or parts.password or parts.query or parts.fragment or "@" in parts.netloc:
        secret = "hold no user name, password, query or fragment, because it is shown and stored: keys come from the "
        raise InputError("base_url", f"{secret}environment", Unshown("a URL that does (not shown)"))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError("base_url", rule, base_url)


def _check_parameters(parameters: Any) -> None:
    if parameters is None:
        return
    if not isinstance(parameters, Mapping) or not all(isinstance(name, str) for name in parameters):
        raise InputError("parameters", "be a dict from names to values, or None", parameters)
    for name, value in parameters.items():
        if name in _FIXED or (name in _SET and value is not None):
            rule = "leave out what is set otherwise" if name in _FIXED else "hold None for what is set otherwise"
            raise InputError("parameters", rule, Unshown(f"a value for {name!r}"))
    try:
        json.dumps(dict(parameters), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError("parameters", "hold what JSON can hold", Unshown(str(error))) from None


def _check_unsteered(parameters: Mapping[str, Any]) -> None:
    for name, value in parameters.items():
        if value is not None and (name in _STEERS or name.startswith("guided_")):
            rule = "hold nothing that changes the distribution of tokens where log-probabilities of an answer are read"
            raise InputError("parameters", rule, Unshown(f"a value for {name!r}"))


def _scores(scores: Any, api: str) -> Reading | Scalariser:
    """Strings name ways of reading log-probabilities, which chats do not have."""
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
