"""Where the numbers of one token, or of one place of a map, stand in what a module puts out.

They are the last axis of rows ``(n, width)`` and tokens ``(n, tokens, width)``, and the second of maps
``(n, channels, height, width)``, as torch's convolutions have them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["changed_first", "channels_last", "is_sideways", "on_channels"]


def channels_last(tensor: Any) -> Any:
    """Return a view of a tensor whose last axis are channels, or what a token has."""
    return tensor.movedim(1, -1) if tensor.ndim == 4 else tensor


def is_sideways(module: Any, tensor: Any) -> bool:
    """Return whether what a module puts out are maps ``(n, height, width, channels)``, as inside a ConvNeXt."""
    if tensor.ndim != 4:
        return False
    _, first, second, last = tensor.shape
    return type(module).__name__ == "Linear" or first == second != last


def on_channels(tensor: Any, change: Callable[[Any], Any]) -> Any:
    """Return what `change` makes of a tensor whose last axis are channels, with its axes in the order they had."""
    changed = change(channels_last(tensor))
    return changed.movedim(-1, 1) if tensor.ndim == 4 else changed


def changed_first(change: Callable[[Any], Any], before: bool) -> Callable[..., Any]:
    """Return the hook that changes the first tensor that a module takes in, or puts out."""
    if before:
        return lambda _, given: (change(given[0]), *given[1:])
    return lambda _, __, output: (change(output[0]), *output[1:]) if isinstance(output, tuple) else change(output)
