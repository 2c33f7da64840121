"""Settings of a server as small frozen values, checked where they enter: where it is, how it samples, what it may cost.

They are shown and stored, so they must hold no secret, and no error repeats one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from probes.errors import InputError, integer, number
from probes.models.servers.api_key import Unshown, hidden, key_of

__all__ = ["Address", "Limits", "Sampling"]

#: what no request can do without, or could not be read with
_FIXED = ("model", "messages", "prompt", "input", "stream", "extra_body", "extra_headers", "extra_query")
#: what requests set, and a server may refuse
_SET = ("temperature", "seed", "max_tokens", "logprobs", "top_logprobs", "prompt_logprobs", "echo")
#: what changes the distribution of tokens; log-probabilities of a given answer would be those of another model
_STEERS = (
    "grammar", "json_schema", "response_format", "structured_outputs", "allowed_token_ids", "bad_words", "logit_bias",
    "frequency_penalty", "presence_penalty", "repetition_penalty", "repeat_penalty", "logits_processors", "suffix",
)  # fmt: skip


@dataclass(frozen=True)
class Address:
    """Where a model is served, and under which name.

    Parameters
    ----------
    base_url : str
        Without user name, password, query or fragment.
    model : str
        As the server calls it.
    key_variable : str
        The environment variable that holds the key.
    name : str, optional
        Replaces URL and model in the identity.

    Raises
    ------
    InputError
    """

    base_url: str
    model: str
    key_variable: str = "OPENAI_API_KEY"
    name: str | None = None

    def __post_init__(self) -> None:
        for label in ("base_url", "model", "key_variable"):
            value = getattr(self, label)
            if not isinstance(value, str) or not value.strip():
                raise InputError(label, "be a non-empty string", value)
        if self.name is not None and (not isinstance(self.name, str) or not self.name.strip()):
            raise InputError("name", "be a non-empty string, or None", self.name)
        if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", self.key_variable):
            rule = "be the name of an environment variable (letters, digits and _), not the key itself"
            raise InputError("key_variable", rule, Unshown("something else (not shown)"))
        key = key_of(self.key_variable)
        if any(hidden(text, key) != text for text in (self.base_url, self.model, self.name or "")):
            raise InputError("base_url, model and name", "not hold the key", Unshown("one of them"))
        _check_url(self.base_url)
        object.__setattr__(self, "base_url", self.base_url.rstrip("/"))

    @property
    def label(self) -> str:
        """The part of the identity that names the model."""
        return self.name or f"{self.model}@{self.base_url}"


@dataclass(frozen=True)
class Sampling:
    """Parameters of every request that shape what a model writes; all are part of the identity.

    Parameters
    ----------
    temperature : float
    seed : int, optional
    parameters : mapping
        Further parameters, as JSON has them.

    Raises
    ------
    InputError
    """

    temperature: float = 0.0
    seed: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        temperature = number("temperature", self.temperature, low=0)
        # an int stays one: the identity holds it as it was written
        if not isinstance(self.temperature, int):
            object.__setattr__(self, "temperature", temperature)
        if self.seed is not None:
            object.__setattr__(self, "seed", integer("seed", self.seed))
        _check_parameters(self.parameters)
        object.__setattr__(self, "parameters", dict(self.parameters))

    def check_unsteered(self) -> None:
        """Refuse parameters that change the distribution of tokens, whose log-probabilities are to be read.

        Raises
        ------
        InputError
        """
        for name, value in self.parameters.items():
            if value is not None and (name in _STEERS or name.startswith("guided_")):
                rule = (
                    "hold nothing that changes the distribution of tokens where log-probabilities of an answer are read"
                )
                raise InputError("parameters", rule, Unshown(f"a value for {name!r}"))


@dataclass(frozen=True)
class Limits:
    """How a server is asked, and the most that may be spent on it; none changes an answer.

    Parameters
    ----------
    in_flight : int
        The most requests at a time.
    retries : int
        Attempts after the first.
    timeout : float
        Seconds for one attempt.
    max_calls, max_tokens : int, optional
    first_contact : bool
        Whether first contact compares answers alone with those of requests in flight together.

    Raises
    ------
    InputError
    """

    in_flight: int = 16
    retries: int = 6
    timeout: float = 60.0
    max_calls: int | None = None
    max_tokens: int | None = None
    first_contact: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.first_contact, bool):
            raise InputError("first_contact", "be True or False", self.first_contact)
        for label, least in (("in_flight", 1), ("retries", 0), ("max_calls", 1), ("max_tokens", 1)):
            if not (label.startswith("max_") and getattr(self, label) is None):
                object.__setattr__(self, label, integer(label, getattr(self, label), least=least))
        object.__setattr__(self, "timeout", number("timeout", self.timeout, low=0, open_low=True))


def _check_url(base_url: str) -> None:
    rule = 'be a URL such as "http://127.0.0.1:8000/v1"'
    try:
        if any(c.isspace() or not c.isprintable() for c in base_url):
            raise ValueError("white space or a control character")
        parts = urlsplit(base_url)
        if parts.port == 0:
            raise ValueError("port 0")
    except ValueError as error:  # what cannot be parsed may hold a password
        shown = base_url if not set("@?#") & set(base_url) else Unshown("one that cannot be read (not shown)")
        raise InputError("base_url", f"{rule} ({error})" if shown is base_url else rule, shown) from None
    if parts.username or parts.password or parts.query or parts.fragment or "@" in parts.netloc:
        secret = "hold no user name, password, query or fragment, because it is shown and stored: keys come from the "
        raise InputError("base_url", f"{secret}environment", Unshown("a URL that does (not shown)"))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError("base_url", rule, base_url)


def _check_parameters(parameters: Any) -> None:
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
