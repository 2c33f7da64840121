"""What modules of a network put out, or take in, while it reads inputs, each alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from probes.errors import InputError
from probes.interventions.intervention import Hooked, Intervention, hooked
from probes.interventions.network_modules import module_named

__all__ = ["Fed", "watched", "widths"]


class Fed(NamedTuple):
    """What a network is fed for one input alone.

    Attributes
    ----------
    ids : tuple of int
        Its tokens.
    options : mapping
        Keyword arguments of the forward, without a batch of others.
    """

    ids: tuple[int, ...]
    options: Mapping[str, Any]


def widths(network: Any, places: Sequence[tuple[str, bool]], parameter: str = "components") -> list[int]:
    """Return how many numbers a token modules put out, or take in, seen in a forward of two tokens.

    Raises
    ------
    InputError
        For a module that is not used by itself, or puts out something else.
    """
    import torch

    plain = network.network if isinstance(network, Hooked) else network
    # classifiers with a decoder answer where a text ends
    ids = (0, plain.config.eos_token_id if getattr(plain.config, "is_encoder_decoder", False) else 0)
    there = torch.tensor([ids], device=plain.device)
    fed = Fed(ids, {"input_ids": there, "attention_mask": torch.ones_like(there)})
    return [part[0].shape[-1] for part in watched(plain, (), [fed], places, parameter)]


def watched(
    network: Any,
    interventions: Sequence[Intervention],
    inputs: Sequence[Fed],
    places: Sequence[tuple[str, bool]],
    parameter: str = "components",
) -> list[list[np.ndarray]]:
    """Compute what modules put out, or take in, for every token of inputs, each read alone.

    Parameters
    ----------
    network : transformers.PreTrainedModel
        Under interventions, perhaps; `interventions` are more of them.
    inputs : sequence of n Fed
    places : sequence of (str, bool)
        Full names of modules, and whether what they take in is meant.
    parameter : str
        What errors call the modules.

    Returns
    -------
    list of lists of n ndarray ``(tokens, width)``
        For each place; of what has no tokens one row.
    """
    import torch

    watch = _Watch(tuple(places), tuple([] for _ in places), parameter)
    seen = network
    for intervention in (*interventions, watch):
        seen = hooked(seen, intervention)
    for fed in inputs:
        with torch.inference_mode():
            seen.eval()(**fed.options)
    for (name, _), kept in zip(places, watch.seen, strict=True):
        if len(kept) != len(inputs):
            raise InputError(parameter, "name modules that are used once for each input", name)
    return [*watch.seen]


@dataclass(frozen=True, eq=False)
class _Watch(Intervention):
    """Changes nothing, and keeps what it sees after all that was done before it."""

    places: tuple[tuple[str, bool], ...]
    seen: tuple[list[np.ndarray], ...]
    parameter: str = "components"

    kind = "watch"
    words = "watched"
    content = ()

    def hooks(self, network: Any) -> Iterator[tuple[Any, Callable[..., Any], bool]]:
        for (name, before), rows in zip(self.places, self.seen, strict=True):

            def keep(_: Any, given: Any, output: Any = None, rows: list[np.ndarray] = rows, name: str = name) -> None:
                out = given if output is None else output
                first = out[0] if isinstance(out, tuple) and out else out
                if not hasattr(first, "float") or first.ndim not in (2, 3) or (first.ndim == 3 and len(first) != 1):
                    raise InputError(self.parameter, "name modules that put out a row of numbers a token", name)
                of_tokens = first.reshape(-1, first.shape[-1])  # some networks put the tokens of a batch in one column
                rows.append(of_tokens.float().cpu().numpy().astype(float))

            yield module_named(network, name), keep, before

    def control(self, rng: np.random.Generator, network: Any, others: Sequence[Intervention]) -> Intervention:
        return self
