"""Threads that a test waits for, and not for ever."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread

#: seconds that threads of a test may take, on a busy machine too
PATIENCE = 120.0


def started(*functions: Callable[[], object]) -> list[Thread]:
    """Start a thread for each function; none keeps the process from its end."""
    threads = [Thread(target=function, daemon=True) for function in functions]
    for thread in threads:
        thread.start()
    return threads


def ended(threads: list[Thread]) -> None:
    """Wait for threads; fail where one does not end."""
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive(), f"a thread did not end within {PATIENCE:.0f} s"
