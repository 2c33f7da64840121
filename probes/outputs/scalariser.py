"""The Scalariser: a reply → k numbers, with their unit and names."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from probes.model import Identity
from probes.outputs.reply import Reply

__all__ = ["Scalariser"]


class Scalariser(ABC):
    """A reply → k numbers.

    Attributes
    ----------
    unit : str
    outputs : tuple of str or None
        Names of the k numbers; None when they are known only after the first reply.
    top : int
        How many alternatives of the first token it reads; 0 if it reads the text.
    """

    unit: str
    outputs: tuple[str, ...] | None = None
    top: int = 0

    def about(self, answer: str) -> Scalariser:
        """Return this scalariser for an answer, unless it has one already."""
        return self

    @abstractmethod
    def identity(self) -> Identity:
        """Identify what is computed."""

    @abstractmethod
    def __call__(self, reply: Reply) -> np.ndarray:
        """Return the numbers ``(k,)`` of a reply; raise :class:`Unread` where it has none."""
