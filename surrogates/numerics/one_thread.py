"""One thread of linear algebra: on matrices of some hundred rows, more of them are slower."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import scipy.linalg  # noqa: F401  its library must be there to be limited
from threadpoolctl import ThreadpoolController

__all__ = ["one_thread"]


def one_thread() -> AbstractContextManager[Any]:
    """Limit the libraries of linear algebra to one thread within a ``with`` block.

    Examples
    --------
    >>> with one_thread():
    ...     {library["num_threads"] for library in _controller().info()}
    {1}
    """
    return _controller().limit(limits=1)


@cache
def _controller() -> ThreadpoolController:
    """Find the libraries once: that reads the process's memory map, ten milliseconds and more each time."""
    return ThreadpoolController()
