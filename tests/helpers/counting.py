"""Counts of work, for tests of time: how often functions are called, and how much memory is held at once."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

__all__ = ["function_calls", "peak_bytes"]


def function_calls(action: Callable[[], Any]) -> int:
    """Count the calls of functions, of Python and of C, that an action makes."""
    count = 0

    def seen(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        action()
    finally:
        sys.setprofile(before)
    return count


def peak_bytes(action: Callable[[], Any]) -> int:
    """Return the most memory that an action holds at once, besides what was held before."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
