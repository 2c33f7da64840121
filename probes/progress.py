"""Progress of what takes long: a bar on a terminal; elsewhere a line in the log now and then."""

from __future__ import annotations

import logging
import time
from typing import Any

from tqdm.auto import tqdm

__all__ = ["Bar"]

log = logging.getLogger(__name__)

#: seconds until the first line, and from one to the next
FIRST, EVERY = 10.0, 30.0


class Bar(tqdm):
    """Counts what is done.

    Parameters
    ----------
    total : int
    what : str
        What is done, such as "asking".
    unit : str
        What is counted.
    shown : bool, optional
        False says nothing at all; by default a bar on a terminal, else lines at level INFO of this module's log.
    """

    def __init__(self, total: int, what: str, unit: str, shown: bool | None = None):
        super().__init__(total=total, desc=what, unit=unit, leave=False, disable=None if shown is None else not shown)
        self._told = shown is None and self.disable
        self._words, self._done, self._start = (what, f"{total:,} {unit}s"), 0, time.monotonic()
        self._next = self._start + FIRST

    def update(self, n: float | None = 1) -> Any:
        """Count `n` more as done."""
        if self._told:
            self._done += int(n or 0)
            if (now := time.monotonic()) >= self._next:
                self._next = now + EVERY
                what, total = self._words
                log.info("%s: %s of %s, %.0f s", what, f"{self._done:,}", total, now - self._start)
        return super().update(n)
