"""A model's identity, and whether its networks are still what it was taken of."""

from __future__ import annotations

from dataclasses import dataclass

from probes.errors import ModelError
from probes.model import Generator, Identity, Model
from probes.models.weight_states import WeightState, noting

__all__ = ["Taken"]


@dataclass(frozen=True)
class Taken:
    """An identity that was taken, and the states of the networks that it depends on.

    Attributes
    ----------
    identity : Identity
    states : tuple of WeightState
    """

    identity: Identity
    states: tuple[WeightState, ...] = ()

    @classmethod
    def of(cls, model: Model | Generator) -> Taken:
        """Take the identity of a model."""
        with noting() as states:
            identity = model.identity()
        return cls(identity, tuple(states))

    def check(self) -> None:
        """Refuse answers of weights that are not those that the identity was taken of.

        Raises
        ------
        ModelError
        """
        for state in self.states:
            if changed := state.changed:
                raise ModelError(
                    f"The weights of {state.network} changed while it was asked, at {changed}: by an optimiser step, "
                    "say. Answers of two models are not mixed; those from before the change are kept under the old "
                    f"weights. Ask again{_of_buffer(changed) if state.only_buffers else ''}."
                )


def _of_buffer(name: str) -> str:
    """Say what to do about a buffer that the network itself writes to."""
    part, _, own = name.rpartition(".")
    owner = f"module.get_submodule({part!r})"
    return (
        ". If the network itself writes to this buffer as it answers, as a counter does, and its answers do not depend "
        f"on it, say so beforehand: {owner}.register_buffer({own!r}, {owner}.{own}, persistent=False). If they do, it "
        "is no map from inputs to answers"
    )
