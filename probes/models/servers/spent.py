"""What was spent on a server in this process, and the most that may be."""

from __future__ import annotations

from dataclasses import dataclass

from probes.errors import SpendCapError

__all__ = ["Spent"]


@dataclass
class Spent:
    """Calls and tokens so far, and their caps.

    Attributes
    ----------
    calls, tokens : int
        Requests sent, every attempt counted; tokens of prompts and replies.
    retries : int
        Attempts after the first.
    max_calls, max_tokens : int or None
    largest : int
        Most tokens of one request so far: what is set aside for each in flight.

    Examples
    --------
    >>> spent = Spent(max_tokens=100, tokens=60, largest=20)
    >>> spent.fits(0), spent.fits(2)
    (True, False)
    """

    calls: int = 0
    tokens: int = 0
    retries: int = 0
    max_calls: int | None = None
    max_tokens: int | None = None
    largest: int = 0

    def fits(self, in_flight: int) -> bool:
        """Return whether the token cap has room for one request more than those in flight."""
        if self.max_tokens is None:
            return True
        return self.tokens < self.max_tokens and self.tokens + (in_flight + 1) * self.largest <= self.max_tokens

    def count(self, tokens: int) -> None:
        """Add the tokens of one answered request."""
        self.tokens += tokens
        self.largest = max(self.largest, tokens)

    def check_calls(self) -> None:
        """Raise if no further call is allowed.

        Raises
        ------
        SpendCapError
        """
        if self.max_calls is not None and self.calls >= self.max_calls:
            raise _capped(self.max_calls, "calls", "max_calls")

    def over_tokens(self) -> SpendCapError:
        """Make the error for a request that the token cap has no room for."""
        return _capped(self.max_tokens or 0, "tokens", "max_tokens")


def _capped(cap: int, what: str, parameter: str) -> SpendCapError:
    return SpendCapError(
        f"The cap of {cap} {what} is reached; the answers so far are kept. Run again with a higher {parameter}: only "
        "unanswered questions are asked."
    )
