"""A server's JSON → what the model wrote, with its tokens' log-probabilities where the server sends them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from math import isnan
from typing import Any

from probes.errors import describe

__all__ = ["Reply", "Token", "Unread", "choice_of", "reply_of", "tokens_of"]


class Unread(Exception):
    """A reply that holds no answer; the text says why."""


@dataclass(frozen=True)
class Token:
    """A token with its log-probability in nats (None for the first of a text) and its likeliest alternatives."""

    text: str
    logprob: float | None
    top: Mapping[str, float] = field(default_factory=dict)

    @property
    def best(self) -> bool:
        """Whether no listed alternative is likelier."""
        return self.logprob is not None and self.logprob >= max(self.top.values(), default=-float("inf")) - 1e-6


@dataclass(frozen=True)
class Reply:
    """What a model wrote.

    Parameters
    ----------
    text : str
    tokens : tuple of Token
        Generated tokens; empty where the server sends no log-probabilities.
    """

    text: str
    tokens: tuple[Token, ...] = ()


def choice_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first choice of a completion.

    Raises
    ------
    Unread
        If there is none, or a filter withheld it.
    """
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise Unread(f"the server sent no choice: {describe(body.get('error') or list(body), 200)}")
    if choices[0].get("finish_reason") == "content_filter":
        raise Unread("refused: withheld by a content filter")
    return choices[0]


def reply_of(body: Mapping[str, Any]) -> Reply:
    """The reply of a chat or a plain completion.

    Raises
    ------
    Unread
        For a refusal, or a reply without text.

    Examples
    --------
    >>> reply_of({"choices": [{"message": {"content": "Yes."}, "finish_reason": "stop"}]})
    Reply(text='Yes.', tokens=())
    """
    choice = choice_of(body)
    message = choice.get("message")
    if isinstance(message, dict):
        if message.get("refusal"):
            raise Unread(f"refused: {describe(message['refusal'], 200)}")
        text = message.get("content")
    else:
        text = choice.get("text")
    if not isinstance(text, str):
        raise Unread(f"the server sent no text (it finished with {choice.get('finish_reason')!r})")
    return Reply(text, tuple(tokens_of(choice)))


def tokens_of(choice: Mapping[str, Any]) -> Iterator[Token]:
    """Tokens of a choice, in the form of chats (``logprobs.content``) or of completions (parallel lists).

    Raises
    ------
    Unread
        If they have neither form.
    """
    told = choice.get("logprobs")
    if not isinstance(told, dict):
        return
    try:
        yield from _tokens(told)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise Unread(f"the server's log-probabilities cannot be read: {describe(str(error), 100)}") from None


def _tokens(told: Mapping[str, Any]) -> Iterator[Token]:
    if isinstance(told.get("content"), list):
        for item in told["content"]:
            top = {_text(t["token"]): _sure(t["logprob"]) for t in item.get("top_logprobs") or ()}
            yield Token(_text(item["token"]), _number(item.get("logprob")), top)
        return
    lists = (told.get("tokens") or (), told.get("token_logprobs") or (), told.get("top_logprobs") or ())
    for text, logprob, top in zip_longest(*lists):
        yield Token(_text(text or ""), _number(logprob), {k: _sure(v) for k, v in (top or {}).items()})


def _number(value: Any) -> float | None:
    return None if value is None else _sure(value)


def _sure(value: Any) -> float:
    """A log-probability as a server sent it; raises TypeError for anything but a number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or isnan(value):
        raise TypeError(f"{describe(value, 60)} is no number")
    return float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{describe(value, 60)} is no text")
    return value
