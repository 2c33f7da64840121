"""A server's JSON → what the model wrote, with its tokens' log-probabilities where the server sends them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from math import isnan
from typing import Any

import numpy as np

from probes.errors import ModelError, describe
from probes.outputs.reply import Reply, Token, Unread

__all__ = ["Unembedded", "choice_of", "reply_of", "tokens_of", "vectors_of"]


class Unembedded(ModelError, Unread):
    """Texts that were not embedded: an error to who asked for embeddings, a missing answer in a score."""


def choice_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the first choice of a completion.

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
    """Return the reply of a chat or a plain completion.

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
    """Yield the tokens of a choice, in the form of chats (``logprobs.content``) or of completions (parallel lists).

    Raises
    ------
    Unread
        If they have neither form.
    """
    logprobs = choice.get("logprobs")
    if not isinstance(logprobs, dict):
        return
    try:
        yield from _tokens(logprobs)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise Unread(f"the server's log-probabilities cannot be read: {describe(str(error), 100)}") from None


def _tokens(logprobs: Mapping[str, Any]) -> Iterator[Token]:
    if isinstance(logprobs.get("content"), list):
        for item in logprobs["content"]:
            top = {_text(t["token"]): _logprob(t["logprob"]) for t in item.get("top_logprobs") or ()}
            yield Token(_text(item["token"]), _number(item.get("logprob")), top)
        return
    lists = (logprobs.get(name) or () for name in ("tokens", "token_logprobs", "top_logprobs"))
    for text, logprob, top in zip_longest(*lists):
        yield Token(_text(text or ""), _number(logprob), {k: _logprob(v) for k, v in (top or {}).items()})


def _number(value: Any) -> float | None:
    return None if value is None else _logprob(value)


def _logprob(value: Any) -> float:
    """Return a log-probability as a server sent it; raise TypeError for anything but a number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or isnan(value):
        raise TypeError(f"{describe(value, 60)} is no number")
    return float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{describe(value, 60)} is no text")
    return value


def vectors_of(body: Mapping[str, Any], count: int) -> np.ndarray:
    """Return the embeddings ``(count, d)`` of an answer to the embeddings route.

    Raises
    ------
    Unembedded
        If it does not hold `count` vectors of finite numbers.

    Examples
    --------
    >>> vectors_of({"data": [{"index": 1, "embedding": [3, 4]}, {"index": 0, "embedding": [1, 2]}]}, 2)
    array([[1., 2.],
           [3., 4.]])
    """
    try:
        data = sorted(body["data"], key=lambda item: item.get("index", 0))
        vectors = np.array([item["embedding"] for item in data], dtype=float)
    except (AttributeError, KeyError, TypeError, ValueError):
        received = describe(body.get("error") or list(body), 200)
        raise Unembedded(f"The texts were not embedded: the server sent no vectors: {received}") from None
    if vectors.ndim != 2 or len(vectors) != count or not np.isfinite(vectors).all():
        what = f"{count} vectors of finite numbers were due, an array of shape {vectors.shape} came"
        raise Unembedded(f"The texts were not embedded: {what}")
    return vectors
