"""The modules of a network: its layers by number, and any module by its full name."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import numpy as np

from probes.errors import InputError

__all__ = ["layer_names", "module_named", "name_of"]


def layer_names(network: Any, stack: str = "") -> list[str]:
    """Return the names of a network's layers, first to last; of its decoder where that is the `stack`.

    Layers of a network with an encoder and a decoder are the encoder's; of one in stages, such as a ResNet, its stages.

    Raises
    ------
    InputError
        If there is no list of as many modules as its configuration has layers.
    """
    import torch

    count = _count(getattr(network, "config", None), stack)
    for name, module in network.named_modules():
        if isinstance(module, torch.nn.ModuleList) and len(module) == count and (not stack or stack in name.split(".")):
            return [f"{name}.{i}" for i in range(count)]
    there = f"its {count} layers" if count is not None else "layers"
    raise InputError("model", f"have a list of {there}; name modules in full", type(network).__name__)


def _count(config: Any, stack: str) -> int | None:
    """Return how many layers a configuration says that there are; None if it does not say so."""
    if stack == "decoder" and getattr(config, "is_encoder_decoder", False):
        names = ("num_decoder_layers", "decoder_layers", "num_hidden_layers")
        return next((n for name in names if isinstance(n := getattr(config, name, None), int)), None)
    layers, stages = getattr(config, "num_hidden_layers", None), getattr(config, "depths", None)
    return len(stages) if layers is None and isinstance(stages, (list, tuple)) else layers


def name_of(network: Any, where: int | str, parameter: str = "layers", stack: str = "") -> str:
    """Return the full name of a layer given by its number (negative from the last), or of a module by its name.

    Numbers are those of :func:`layer_names` of this `stack`.

    Raises
    ------
    InputError
        If there is none, with the nearest names.
    """
    if isinstance(where, (int, np.integer)) and not isinstance(where, bool):
        layers = layer_names(network, stack)
        if not -len(layers) <= where < len(layers):
            last = len(layers) - 1
            rule = f"be between 0 and {last}, or negative from the last"
            raise InputError(parameter, rule if parameter == "layers" else f"name layers from 0 to {last}", where)
        return layers[int(where)]
    module_named(network, where, parameter)
    return str(where)


def module_named(network: Any, name: Any, parameter: str = "components") -> Any:
    """Return the module of this full name.

    Raises
    ------
    InputError
        If there is none, with the nearest names.
    """
    known = dict(network.named_modules())
    if not isinstance(name, str) or not name or name not in known:
        named = [key for key in known if key]
        near = get_close_matches(str(name), named, n=3, cutoff=0.3) or named[:3]
        raise InputError(parameter, f"name modules of the network (near: {', '.join(near)})", name)
    return known[name]
