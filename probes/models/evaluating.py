"""A torch module in evaluation mode while it answers, and afterwards in the mode that each of its parts was in."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

__all__ = ["evaluating"]


@dataclass
class _Held:
    """A part that some blocks keep in evaluation mode, and the mode that it was in before."""

    part: Any
    mode: bool
    blocks: int = 0


_lock = threading.Lock()
#: by the id of the part
_held: dict[int, _Held] = {}


@contextmanager
def evaluating(module: Any) -> Iterator[Any]:
    """Yield a torch module that answers in evaluation mode and without gradients for a block.

    After the block, whatever ended it, every part is in the mode that it was in; where threads ask one module at a
    time, or two that share parts, after the last of their blocks. A block around each forward, not around many: what
    is yielded from within one leaves the module as it is there. Anything but a torch module is yielded as it is.
    """
    if not hasattr(module, "named_modules"):
        yield module
        return
    import torch

    # the first is the module itself, of one under an intervention too; compiled code has no mode
    parts = [part for part in module.modules() if hasattr(part, "training")]
    kept = _enter(parts)
    try:
        with torch.inference_mode():
            yield module
    finally:
        if kept:
            _leave(parts)


def _enter(parts: list[Any]) -> bool:
    """Put a module into evaluation mode; return whether there is a mode to go back to."""
    with _lock:
        if not any(part.training or id(part) in _held for part in parts):
            return False
        for part in parts:
            _held.setdefault(id(part), _Held(part, part.training)).blocks += 1
    try:
        if any(part.training for part in parts):
            parts[0].eval()
    except NotImplementedError:  # an exported program computes what it was exported to
        pass
    except BaseException:
        _leave(parts)
        raise
    return True


def _leave(parts: list[Any]) -> None:
    """Give those parts their modes back that no other block holds."""
    with _lock:
        for part in parts:
            _held[id(part)].blocks -= 1
        # parts that another block holds stay as they are in it
        modes = [(part, part.training if (held := _held[id(part)]).blocks else held.mode) for part in parts]
        for part in parts:
            if not _held[id(part)].blocks:
                del _held[id(part)]
        try:
            for part, mode in modes:  # from the whole to its parts: train() of the whole puts them all in one mode
                if part.training != mode:
                    _put(part, mode)
        finally:
            for part, mode in modes:
                if part.training != mode:
                    part.training = mode


def _put(part: Any, mode: bool) -> None:
    """Put one part into a mode; some do more in their train() than take it."""
    import torch

    if getattr(type(part), "train", None) is torch.nn.Module.train:
        part.training = mode
    else:
        part.train(mode)
