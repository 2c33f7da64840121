"""What a model wrote: its text and, where they are known, its tokens with their log-probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Reply", "Token", "Unread"]


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
