"""The modules of a network: its layers by number, and any module by its full name."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import numpy as np

from probes.errors import InputError

__all__ = ["layer_names", "module_named", "name_of"]


def layer_names(network: Any) -> list[str]:
    """Return the names of a network's layers, first to last.

    Raises
    ------
    InputError
        If there is no list of as many modules as its configuration has layers.
    """
    import torch

    count = getattr(getattr(network, "config", None), "num_hidden_layers", None)
    for name, module in network.named_modules():
        if isinstance(module, torch.nn.ModuleList) and len(module) == count:
            return [f"{name}.{i}" for i in range(count)]
    raise InputError("model", f"have a list of its {count} layers; name modules in full", type(network).__name__)


def name_of(network: Any, where: int | str, parameter: str = "layers") -> str:
    """Return the full name of a layer given by its number (negative from the last), or of a module by its name.

    Raises
    ------
    InputError
        If there is none, with the nearest names.
    """
    if isinstance(where, (int, np.integer)) and not isinstance(where, bool):
        layers = layer_names(network)
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
        near = get_close_matches(str(name), known, n=3, cutoff=0.3) or [key for key in known if key][:3]
        raise InputError(parameter, f"name modules of the network (near: {', '.join(near)})", name)
    return known[name]
