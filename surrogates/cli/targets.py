"""What --target means on the command line."""

from __future__ import annotations

from probes.errors import InputError
from probes.outputs.target import TargetLike
from probes.outputs.threshold import Above

__all__ = ["target_of"]


def target_of(target: str | None) -> TargetLike:
    """Convert above:P to a target; any other one is a name."""
    name, colon, least = (target or "").partition(":")
    if name != "above" or not colon:
        return target
    try:
        return Above(float(least))
    except ValueError as error:
        raise InputError("--target", "be above:P, with a probability P", target) from error
