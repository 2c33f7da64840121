"""Requests to a server and what comes back: usable JSON, or the reason why there is none, always without the key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from probes.errors import UnavailableError, describe
from probes.models.servers.api_key import hidden, without_key
from probes.models.servers.retry import retry_after, worth_another
from probes.models.servers.transport import redirected_to
from probes.outputs.reply import Unread

__all__ = ["Arrival", "Request", "Verdict", "read_answer", "read_refusal", "without_secrets"]

#: statuses that are no question's fault
_BUSY = (429, 502, 503, 504)


@dataclass(frozen=True)
class Request:
    """One request: a route (chat, completions, embeddings) and its parameters."""

    route: str
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Arrival:
    """What came back for one request.

    Attributes
    ----------
    body : dict or None
        The server's JSON; None if there was no usable answer.
    tokens : int
        Tokens it took, as the server says; else a fourth of the characters.
    reason : str
        Why there is none, in words, without the key.
    fault : {"", "server", "nobody"}
        Whose fault it is: "server" if it kept silent or was busy, "nobody" if no connection could be made.
    """

    body: dict[str, Any] | None
    tokens: int = 0
    reason: str = ""
    fault: str = ""

    def content(self) -> dict[str, Any]:
        """Return the server's JSON.

        Raises
        ------
        Unread
            With the reason, if there is none.
        """
        if self.body is None:
            raise Unread(self.reason)
        return self.body


@dataclass(frozen=True)
class Verdict:
    """What one attempt came to.

    Attributes
    ----------
    arrival : Arrival
    again : bool
        Whether another attempt may help.
    wait : float or None
        Seconds that the server asks to wait first.
    """

    arrival: Arrival
    again: bool
    wait: float | None = None


def read_answer(text: str, request: Request, key: str | None) -> Arrival:
    """Parse the text of an HTTP answer.

    Examples
    --------
    >>> read_answer('{"usage": {"total_tokens": 7}}', Request("chat", {}), None).tokens
    7
    >>> read_answer("<html>", Request("chat", {}), None).reason
    "the answer is no JSON object: '<html>'"
    """
    try:
        body = without_key(json.loads(text), key)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        return Arrival(None, 0, f"the answer is no JSON object: {describe(hidden(text, key), 60)}")
    usage = body.get("usage")
    counted = usage.get("total_tokens") if isinstance(usage, dict) else None
    guess = (len(text) + len(json.dumps(request.body, default=str))) // 4
    return Arrival(body, counted if isinstance(counted, int) and counted > 0 else guess)


def read_refusal(error: Any, key: str | None, key_variable: str) -> Verdict:
    """Judge an HTTP error status (``openai.APIStatusError``): whether the same request may succeed later.

    Raises
    ------
    UnavailableError
        If every other request would be turned away as well.
    """
    status = int(error.status_code)
    if 300 <= status < 400:
        target = redirected_to(error.response.extensions.get("location", ""), str(error.request.url), key)
        reason = f"HTTP {status}: a redirect to {target}, which is not followed; pass the final address as base_url"
        return Verdict(Arrival(None, 0, reason), False)
    reason = without_secrets(f"HTTP {status}", error.response.text, key)
    if status in (401, 403, 404) or error.code == "model_not_found":
        # a variable's name in small letters may be a key that was taken for one
        name = key_variable if key_variable.isupper() else "the variable that key_variable names"
        unset = f" No key was sent: {name} is not set." if status in (401, 403) and not key else ""
        path = error.request.url.path
        unfound = f" It has no {path}: base_url mostly ends in /v1." if status == 404 and "/v1/" not in path else ""
        raise UnavailableError(f"The server turns requests away: {reason}.{unset}{unfound}") from None
    if error.code is not None and not worth_another(status, error.code) and worth_another(status):
        raise UnavailableError(f"The server turns requests away: {reason}.") from None
    fault = "server" if status in _BUSY else ""
    return Verdict(Arrival(None, 0, reason, fault), worth_another(status), retry_after(error.response.headers))


def without_secrets(what: str, words: str, key: str | None) -> str:
    """Join a heading and a server's words in one line of bounded length, without the key."""
    text = " ".join(hidden(words, key).split())
    return f"{what}: {text if len(text) <= 200 else text[:199] + '…'}" if text else what
