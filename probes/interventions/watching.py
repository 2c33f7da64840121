"""What modules of a network put out, or take in, while it reads inputs, each alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from probes.errors import InputError
from probes.interventions.channels import channels_last, is_sideways
from probes.interventions.intervention import Hooked, Intervention, hooked
from probes.interventions.made_up import Fed, made_up, reads_text
from probes.interventions.network_modules import module_named
from probes.models.evaluating import evaluating

__all__ = ["watched", "widths"]


def widths(network: Any, places: Sequence[tuple[str, bool]], parameter: str = "components") -> list[int]:
    """Return how many numbers a token modules put out, or take in, seen in a forward of a made-up input.

    Raises
    ------
    InputError
        For a module that is not used by itself, or puts out something else; for a network that reads no made-up input.
    """
    plain = network.network if isinstance(network, Hooked) else network
    return [part[0].shape[-1] for part in watched(plain, (), [made_up(plain)], places, parameter)]


def watched(
    network: Any,
    interventions: Sequence[Intervention],
    inputs: Sequence[Fed],
    places: Sequence[tuple[str, bool]],
    parameter: str = "components",
    called: str = "inputs",
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
    called : str
        What they call the inputs.

    Returns
    -------
    list of lists of n ndarray ``(tokens, width)``
        For each place; of what has no tokens one row.
    """

    watch = _Watch(tuple(places), tuple([] for _ in places), parameter)
    seen = network
    for intervention in (*interventions, watch):
        seen = hooked(seen, intervention)
    for fed in inputs:
        try:
            with evaluating(seen):
                seen(*fed.tensors, **fed.options)
        except RuntimeError as error:
            if not fed.tensors:
                raise
            shapes = [tuple(part.shape) for part in fed.tensors]
            raise InputError(called, f"have the shape that the model reads ({error})", shapes) from error
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

            def keep(of: Any, given: Any, output: Any = None, rows: list[np.ndarray] = rows, name: str = name) -> None:
                out = given if output is None else output
                first = out[0] if isinstance(out, tuple) and out else out
                axes = (2, 3) if reads_text(network) else (2, 3, 4)
                if not hasattr(first, "float") or first.ndim not in axes or (first.ndim > 2 and len(first) != 1):
                    raise InputError(self.parameter, "name modules that put out a row of numbers a token", name)
                if is_sideways(of, first):
                    rule = "name modules whose maps have channels before height and width"
                    raise InputError(self.parameter, rule, f"{name}: {tuple(first.shape[1:])}")
                last = channels_last(first)
                of_tokens = last.reshape(-1, last.shape[-1])  # some networks put the tokens of a batch in one column
                rows.append(of_tokens.float().cpu().numpy().astype(float))

            yield module_named(network, name), keep, before

    def control(self, rng: np.random.Generator, network: Any, others: Sequence[Intervention]) -> Intervention:
        return self
