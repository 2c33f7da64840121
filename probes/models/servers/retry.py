"""When a request to a server is worth another attempt, and how long to wait for it. Pure functions."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite

__all__ = ["LONGEST", "backoff", "retry_after", "worth_another"]

#: seconds; a server that asks for more patience than this is not waited for
LONGEST = 600.0
_FIRST, _MOST = 0.5, 30.0  # seconds: the first backoff at most, any backoff at most
#: codes that come with the status of a rate limit and do not go away by waiting
_FINAL = ("insufficient_quota", "billing_hard_limit_reached")


def worth_another(status: int, code: str | None = None) -> bool:
    """Return whether a request that was answered with this HTTP status may succeed if it is made again.

    Examples
    --------
    >>> worth_another(429), worth_another(503), worth_another(400), worth_another(429, "insufficient_quota")
    (True, True, False, False)
    """
    return (status in (408, 409, 425, 429) or status >= 500) and code not in _FINAL


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds that a server asks to wait, or None: ``Retry-After``, a number or a date (RFC 9110, 10.2.3).

    The wide-spread ``retry-after-ms`` is read first, because it is finer.

    Examples
    --------
    >>> retry_after({"retry-after": "1.5"}), retry_after({"retry-after-ms": "20"}), retry_after({"retry-after": "soon"})
    (1.5, 0.02, None)
    >>> retry_after({"retry-after": "Sun, 06 Nov 1994 08:49:37 GMT"}, datetime(1994, 11, 6, 8, 49, 7, tzinfo=UTC))
    30.0
    """
    for name, divisor in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) / divisor
        except ValueError:
            continue
        if isfinite(seconds):
            return max(0.0, seconds)
    try:
        date = parsedate_to_datetime(headers.get("retry-after", ""))
    except (TypeError, ValueError):
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - (now or datetime.now(UTC))).total_seconds())


def backoff(attempt: int, asked: float | None, rng: random.Random) -> float:
    """Draw the seconds to wait before another attempt.

    Exponential with jitter over the upper half: uniform between ½ and 1 times ``0.5 · 2**attempt``, 30 s at most. What
    the server asked for is a floor, with up to a tenth (or a quarter of a second) on top, so that requests
    that were all asked to wait the same time do not come back at once.

    Parameters
    ----------
    attempt : int
        Number of the attempt that failed, from 0.
    asked : float or None
        Seconds that the server asked to wait.
    rng : random.Random

    Examples
    --------
    >>> rng = random.Random(0)
    >>> all(2.0 <= backoff(3, None, rng) <= 4.0 for _ in range(100)), backoff(0, 7.0, rng) >= 7.0
    (True, True)
    """
    if asked is not None:
        return asked + rng.random() * max(0.25, asked / 10)
    return min(_MOST, _FIRST * 2.0 ** min(attempt, 32)) * (0.5 + rng.random() / 2)
