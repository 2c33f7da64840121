"""Whether the weights of networks are still those that an identity was taken of.

A fingerprint reads all weights, which takes a second per gigabyte. That nothing was written to them since is seen at
once: torch counts writes to a tensor, and knows where it lies. What is written past torch's counter, as by
``weight.data.add_(1)``, is not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

__all__ = ["WeightState", "note", "noting"]


@dataclass(frozen=True)
class WeightState:
    """What a network's weights, and the buffers that are saved with them, were at one moment.

    Attributes
    ----------
    network : str
        The name of its class.
    places : tuple of (mapping, str, str, (int, int))
        Where each tensor is kept, under which name, its name in the network; its address, and how often it was written
        to.
    """

    network: str
    places: tuple[tuple[Any, str, str, tuple[int, int]], ...]

    @classmethod
    def of(cls, module: Any) -> WeightState:
        """Return the state of a torch module."""
        return cls(type(module).__name__, tuple((*place, _mark(*place[:2])) for place in _tensors(module)))

    @property
    def changed(self) -> str:
        """The name of a tensor that was written to since, or is another one; empty where there is none."""
        return next((n for held, name, n, mark in self.places if _mark(held, name) != mark), "")

    @property
    def only_buffers(self) -> bool:
        """Whether no parameter changed: the network itself may write to what did, as it answers."""
        return all(_mark(held, name) == mark or not _learns(held, name) for held, name, _, mark in self.places)


def _tensors(module: Any) -> Iterator[tuple[Any, str, str]]:
    for where, part in module.named_modules():
        passing = part._non_persistent_buffers_set  # computed again where they are needed
        for held, left_out in ((part._parameters, ()), (part._buffers, passing)):
            for name, tensor in held.items():
                if tensor is not None and name not in left_out:
                    yield held, name, f"{where}.{name}".lstrip(".")


def _mark(held: Any, name: str) -> tuple[int, int]:
    if name not in held or held[name] is None:  # those of TorchScript have no get()
        return -1, -1
    tensor = held[name]
    return tensor.data_ptr(), -1 if tensor.is_inference() else tensor._version


def _learns(held: Any, name: str) -> bool:
    """Return whether what is kept there is a parameter, or was one."""
    return name not in held or held[name] is None or type(held[name]).__name__ != "Tensor"


_noting: ContextVar[list[WeightState] | None] = ContextVar("noting", default=None)


def note(*states: WeightState) -> None:
    """Tell whoever takes an identity which weights it depends on."""
    if (noted := _noting.get()) is not None:
        noted += states


@contextmanager
def noting() -> Iterator[list[WeightState]]:
    """Yield a list of the states that are noted in a block; whoever is around it gets them as well."""
    noted: list[WeightState] = []
    token = _noting.set(noted)
    try:
        yield noted
    finally:
        _noting.reset(token)
        note(*noted)
