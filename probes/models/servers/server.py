"""A Server: one model at one address, with its settings, the client that asks it, and the requests it is sent."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from probes.errors import ModelError
from probes.model import Chat, Identity, Prompt, as_messages, as_prompt, messages_of
from probes.models.servers.client import Client
from probes.models.servers.messages import Arrival, Request
from probes.models.servers.settings import Address, Limits, Sampling
from probes.models.servers.spent import Spent

__all__ = ["Server", "plain"]


def plain(chat: Sequence[tuple[str, str]]) -> str:
    """Render a chat as plain text: contents without roles, an empty line between turns, a line end after the last."""
    return "\n\n".join(content for _, content in chat) + "\n"


class Server:
    """A model behind an OpenAI-compatible server, as far as its maps need to know it.

    Parameters
    ----------
    address : Address
    api : {"chat", "completions"}
    sampling : Sampling
    limits : Limits
    template : callable, optional
        Renders a chat as the text of a completion; by default :func:`plain`.

    Attributes
    ----------
    spent : Spent
        Calls, tokens and retries so far.
    """

    def __init__(
        self,
        address: Address,
        api: str,
        sampling: Sampling,
        limits: Limits,
        template: Callable[[Sequence[tuple[str, str]]], str] | None = None,
    ):
        self.address, self.api, self.sampling, self.limits = address, api, sampling, limits
        self.template = template or plain
        self.spent = Spent(max_calls=limits.max_calls, max_tokens=limits.max_tokens)
        self._client: Client | None = None

    def identity(self) -> Identity:
        sampling = self.sampling
        settings = [self.api, sampling.temperature, sampling.seed, sampling.parameters]
        text = json.dumps(settings, sort_keys=True, default=repr)
        mark = hashlib.sha256(text.encode()).hexdigest()[:16]
        return Identity(f"endpoint:{self.address.label}:{mark}", True)

    @property
    def client(self) -> Client:
        """The connections, made on first use; a forked process makes its own."""
        if self._client is None or self._client.pid != os.getpid():
            self._client = Client(self.address.base_url, self.address.key_variable, self.limits, self.spent)
        return self._client

    def close(self) -> None:
        """Cancel what is in flight and close the connections; the next question opens them again."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_client": None}

    def text(self, prompt: Prompt) -> str:
        """Render a prompt as the text of a completion."""
        plain_prompt = as_prompt(prompt)
        return plain_prompt if isinstance(plain_prompt, str) else self.template(messages_of(plain_prompt))

    def request(self, route: str, **given: Any) -> Request:
        """Make a request with this server's settings."""
        sampling = self.sampling
        settings: dict[str, Any] = {}
        if route != "embeddings":
            settings = {"temperature": sampling.temperature, "seed": sampling.seed}
        needed: dict[str, Any] = {k: given.pop(k) for k in ("messages", "prompt", "input") if k in given}
        extra = {k: v for k, v in {**settings, **given, **sampling.parameters}.items() if v is not None}
        return Request(route, {"model": self.address.model, **needed, "extra_body": extra})

    def reply_request(self, prompt: Prompt, max_tokens: int, top: int = 0) -> Request:
        """Make a request for a reply of at most `max_tokens` tokens, with `top` alternatives of each."""
        if self.api == "completions":
            return self.request("completions", prompt=self.text(prompt), max_tokens=max_tokens, logprobs=top or None)
        plain_prompt = as_prompt(prompt)
        chat: Chat = (("user", plain_prompt),) if isinstance(plain_prompt, str) else plain_prompt
        messages = as_messages(chat)
        alternatives = {"logprobs": True, "top_logprobs": top} if top else {}
        return self.request("chat", messages=messages, max_tokens=max_tokens, **alternatives)

    def send(self, requests: Sequence[Request]) -> Iterator[tuple[int, Arrival]]:
        """Make requests; yield pairs of a request's number and what arrived, as they arrive.

        Raises
        ------
        ModelError
            As :meth:`probes.models.servers.client.Client.send` does.
        """
        return self.client.send(requests)

    def completion(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the server's JSON for one completion.

        Raises
        ------
        ModelError
            If there is none.
        """
        [(_, arrival)] = self.send([self.request("completions", **body)])
        if arrival.body is None:
            raise ModelError(f"The model did not answer: {arrival.reason}.")
        return arrival.body
