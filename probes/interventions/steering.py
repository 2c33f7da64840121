"""Steering: a vector is added to what layers put out, at every token."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from probes.errors import InputError
from probes.interventions.intervened import Intervened, fed_of, intervened, network_model
from probes.interventions.intervention import Intervention
from probes.interventions.network_modules import module_named, name_of
from probes.interventions.watching import watched, widths
from probes.models.huggingface.causal_lm import CausalLM

__all__ = ["Steering", "activations", "contrast", "steer"]

#: which of the tokens of an input ``(tokens, width)`` are looked at
_POSITIONS = {"first": lambda rows: rows[0], "last": lambda rows: rows[-1], "mean": lambda rows: rows.mean(axis=0)}


@dataclass(frozen=True, eq=False)
class Steering(Intervention):
    """Add `scale` times a vector to the output of modules.

    Attributes
    ----------
    modules : tuple of str
        Full names.
    vector : ndarray ``(width,)``
    scale : float
    """

    modules: tuple[str, ...]
    vector: np.ndarray
    scale: float

    kind = "steer"

    @property
    def words(self) -> str:
        size = self.scale * float(np.linalg.norm(self.vector))
        return f"with a vector of length {size:.3g} added to {', '.join(self.modules)}"

    @property
    def content(self) -> Sequence[Any]:
        return self.modules, self.vector, self.scale

    def hooks(self, network: Any) -> Iterator[tuple[Any, Callable[..., Any], bool]]:
        import torch

        added: dict[Any, Any] = {}

        def add(_: Any, __: Any, output: Any) -> Any:
            first = output[0] if isinstance(output, tuple) else output
            key = first.device, first.dtype
            if key not in added:
                added[key] = torch.tensor(self.scale * self.vector, device=key[0], dtype=key[1])
            changed = first + added[key]
            return (changed, *output[1:]) if isinstance(output, tuple) else changed

        for name in self.modules:
            yield module_named(network, name, "layers"), add, False

    def control(self, rng: np.random.Generator, network: Any, others: Sequence[Intervention]) -> Steering:
        """Draw a vector of the same length in a random direction."""
        drawn = rng.normal(size=len(self.vector))
        vector = drawn * np.linalg.norm(self.vector) / np.linalg.norm(drawn)
        return Steering(self.modules, vector, self.scale)


def activations(model: Any, prompts: Sequence[Any], where: int | str, position: str | None = None) -> np.ndarray:
    """Compute what a layer (or module) puts out for inputs, each read alone, ``(n, width)``.

    Parameters
    ----------
    model : CausalLM, TextClassifier, TokenClassifier, ExtractiveQA, MaskedLM or Encoder, or what becomes one
    prompts : sequence of prompts
        Or of texts or pairs of texts, as the model reads them.
    where : int or str
        A layer's number, or the full name of a module.
    position : {"first", "last", "mean"}, optional
        At the first token, at the last, or on average over all tokens. By default at the last of a causal language
        model, which alone has seen all others, and on average of what reads in both directions.

    Raises
    ------
    InputError
    """
    if position is not None and position not in list(_POSITIONS):
        raise InputError("position", f"be one of {', '.join(_POSITIONS)}", position)
    if isinstance(prompts, str) or not isinstance(prompts, Sequence) or not len(prompts):
        raise InputError("prompts", "be a list of at least one prompt", prompts)
    base = network_model(model)
    if position is None:
        position = "last" if isinstance(base, CausalLM) else "mean"
    [seen] = watched(base.module, (), fed_of(base, prompts), [(name_of(base.module, where), False)], "layers")
    return np.stack([_POSITIONS[position](rows) for rows in seen])


def contrast(
    model: Any, positive: Sequence[Any], negative: Sequence[Any], layer: int | str, position: str | None = None
) -> np.ndarray:
    """Compute the mean activation for some inputs, less that for others, ``(width,)``.

    Parameters
    ----------
    model : CausalLM, TextClassifier, TokenClassifier, ExtractiveQA, MaskedLM or Encoder, or what becomes one
    positive, negative : sequence of prompts
        Inputs that differ in what the vector is to stand for, and in as little else as can be.
    layer : int or str
        Whose output.
    position : {"first", "last", "mean"}, optional
        As of :func:`activations`.

    Raises
    ------
    InputError
        If a list is empty, or both have the same mean.

    Notes
    -----
    The difference of means (Rimsky et al. 2024, "Steering Llama 2 via contrastive activation addition").
    """
    first, second = (activations(model, prompts, layer, position).mean(axis=0) for prompts in (positive, negative))
    if not np.linalg.norm(first - second) > 0:
        raise InputError("positive", "have another mean activation than negative", "the same")
    return np.asarray(first - second)


def steer(model: Any, layers: int | str | Sequence[int | str], vector: ArrayLike, scale: float = 1.0) -> Intervened:
    """Make the model whose layers' outputs are moved by a vector, at every token of prompt and answer.

    Parameters
    ----------
    model : CausalLM, TextClassifier, TokenClassifier, ExtractiveQA, MaskedLM or Encoder, or what becomes one
        Stays as it is.
    layers : int, str, or several of them
        Numbers of layers (negative from the last), or full names of modules.
    vector : array ``(width,)``
        Such as of :func:`contrast`.
    scale : float, default 1.0

    Returns
    -------
    Intervened
        A model of the same kind; its ``control()`` has a random vector of the same length.

    Raises
    ------
    InputError
        For a layer that there is not, a vector of another size than the layers' output, or one that is not finite.

    Examples
    --------
    >>> from probes import CausalLM, steer  # doctest: +SKIP
    >>> lm = CausalLM.from_pretrained("./SmolLM2")  # doctest: +SKIP
    >>> she = contrast(lm, ["She said", "Her"], ["He said", "His"], layer=14)  # doctest: +SKIP
    >>> steered = steer(lm, 14, she, scale=2.0)  # doctest: +SKIP
    """
    base = network_model(model)
    several: list[int | str] = [*layers] if isinstance(layers, (list, tuple, range)) else [layers]  # type: ignore[list-item]
    if not several:
        raise InputError("layers", "name at least one layer", layers)
    names = tuple(name_of(base.module, where) for where in several)
    if len(set(names)) < len(names):
        raise InputError("layers", "name each layer once", layers)
    if isinstance(scale, bool) or not isinstance(scale, Real) or not np.isfinite(scale):
        raise InputError("scale", "be a finite number", scale)
    values = _numbers(vector)
    for name, width in zip(names, widths(base.module, [(name, False) for name in names], "layers"), strict=True):
        if values.shape != (width,):
            raise InputError("vector", f"have one number for each of the {width} that {name} puts out", values.shape)
    if not np.isfinite(values).all():
        raise InputError("vector", "be finite", vector)
    if not values.any():
        raise InputError("vector", "have a length", "zeros alone")
    return intervened(base, Steering(names, values, float(scale)))


def _numbers(vector: Any) -> np.ndarray:
    """Return a vector as an array; torch's may be of any precision, and be learnt.

    Raises
    ------
    InputError
    """
    if hasattr(vector, "detach"):
        vector = vector.detach().float().cpu().numpy()
    try:
        array = np.asarray(vector)
        if array.dtype.kind not in "fiub":
            raise TypeError("no real numbers")
        return array.astype(float)
    except (TypeError, ValueError) as error:
        raise InputError("vector", "be an array of real numbers", vector) from error
