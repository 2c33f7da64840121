"""What is done to a network while it computes, as a value; and a network under it, which itself stays as it is.

Hooks are on the network only while it computes, in the thread that asks, and are removed whatever happens.
"""

from __future__ import annotations

import hashlib
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

__all__ = ["Hooked", "Intervention", "hooked"]


class Intervention(ABC):
    """What is done to a network while it computes. A value; ``words`` says what, ``kind`` names the file's subject."""

    kind: str = ""
    #: whether it can be done for every prompt
    any_prompt: bool = True

    @property
    @abstractmethod
    def words(self) -> str:
        """What is done, in a few words."""

    @property
    @abstractmethod
    def content(self) -> Sequence[Any]:
        """All that says what is done, as arrays, numbers and texts; the identity of a model holds their digest."""

    @abstractmethod
    def hooks(self, network: Any) -> Iterator[tuple[Any, Callable[..., Any], bool]]:
        """Yield (module, hook, whether it comes before the module's forward) for a network."""

    @abstractmethod
    def control(self, rng: np.random.Generator, network: Any, others: Sequence[Intervention]) -> Intervention:
        """Draw an intervention of the same size at random, which should not do what this one or `others` before it do.

        Raises
        ------
        InputError
            If there is none.
        """

    def check_prompt(self, ids: Sequence[int]) -> None:  # noqa: B027 - most interventions suit every prompt
        """Refuse a prompt, by its token ids, that this cannot be done to.

        Raises
        ------
        InputError
        """

    @property
    def digest(self) -> str:
        """SHA-256 of the kind and the content."""
        total = hashlib.sha256(self.kind.encode())
        for part in self.content:
            data = part.astype("<f8").tobytes() + repr(part.shape).encode() if isinstance(part, np.ndarray) else b""
            total.update(hashlib.sha256(data or repr(part).encode()).digest())
        return total.hexdigest()

    @contextmanager
    def installed(self, network: Any) -> Iterator[None]:
        """Keep the hooks on a network for a block, for forwards of this thread alone."""
        thread, handles = threading.get_ident(), []

        def mine(hook: Callable[..., Any]) -> Callable[..., Any]:
            return lambda *given: hook(*given) if threading.get_ident() == thread else None

        try:
            for module, hook, before in self.hooks(network):
                register = module.register_forward_pre_hook if before else module.register_forward_hook
                handles.append(register(mine(hook)))
            yield
        finally:
            for handle in handles:
                handle.remove()


class Hooked:
    """A network that computes under interventions, and is the network itself in all else."""

    def __init__(self, network: Any, interventions: tuple[Intervention, ...]):
        self.network, self.interventions = network, interventions

    def __getattr__(self, name: str) -> Any:
        if name in ("network", "interventions") or name.startswith("__"):  # a copy that is not filled yet
            raise AttributeError(name)
        return getattr(self.network, name)

    def __call__(self, *args: Any, **options: Any) -> Any:
        with self._installed():
            return self.network(*args, **options)

    def generate(self, *args: Any, **options: Any) -> Any:
        with self._installed():
            return self.network.generate(*args, **options)

    @contextmanager
    def _installed(self) -> Iterator[None]:
        with ExitStack() as stack:
            for intervention in self.interventions:  # hooks of one module run in the order in which they came
                stack.enter_context(intervention.installed(self.network))
            yield


def hooked(network: Any, intervention: Intervention) -> Hooked:
    """Return a network under one more intervention, after those it is under."""
    if isinstance(network, Hooked):
        return Hooked(network.network, (*network.interventions, intervention))
    return Hooked(network, (intervention,))
