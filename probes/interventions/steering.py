"""Steering: a vector is added to what layers put out, at every token."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from probes.errors import InputError
from probes.interventions.channels import changed_first, on_channels
from probes.interventions.intervened import Intervened, fed_of, intervened, is_listed, network_model
from probes.interventions.intervention import Intervention
from probes.interventions.network_modules import module_named, name_of
from probes.interventions.watching import watched, widths
from probes.models.huggingface.causal_lm import CausalLM
from probes.rounding import rounded

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
        how = "subtracted from" if size < 0 else "added to"
        return f"with a vector of length {rounded(abs(size))} {how} {', '.join(self.modules)}"

    @property
    def content(self) -> Sequence[Any]:
        return self.modules, self.vector, self.scale

    def hooks(self, network: Any) -> Iterator[tuple[Any, Callable[..., Any], bool]]:
        import torch

        added: dict[Any, Any] = {}

        def add(tensor: Any) -> Any:
            key = tensor.device, tensor.dtype
            if key not in added:
                added[key] = torch.tensor(self.scale * self.vector, device=key[0], dtype=key[1])
            return tensor + added[key]

        hook = changed_first(lambda tensor: on_channels(tensor, add), before=False)
        for name in self.modules:
            yield module_named(network, name, "layers"), hook, False

    def control(self, rng: np.random.Generator, network: Any, others: Sequence[Intervention]) -> Steering:
        """Draw a vector of the same length in a random direction."""
        drawn = rng.normal(size=len(self.vector))
        vector = drawn * np.linalg.norm(self.vector) / np.linalg.norm(drawn)
        return Steering(self.modules, vector, self.scale)


def activations(model: Any, prompts: Sequence[Any], where: int | str, position: str | None = None) -> np.ndarray:
    """Compute what a layer (or module) puts out for inputs, each read alone, ``(n, width)``.

    Parameters
    ----------
    model : object
        As of :func:`steer`.
    prompts : sequence of prompts
        Or of texts, pairs of texts, images or rows, as the model reads them.
    where : int or str
        A layer's number, or the full name of a module.
    position : {"first", "last", "mean"}, optional
        At the first token (of an image also: place of a map), at the last, or on average over all. By default at the
        last of a causal language model, which alone has seen all others, and on average of what reads in both
        directions.

    Raises
    ------
    InputError
    """
    return _activations(model, "prompts", prompts, where, position)


def _activations(
    model: Any, parameter: str, prompts: Sequence[Any], where: int | str, position: str | None
) -> np.ndarray:
    """Compute activations for inputs that errors call by the name of a parameter."""
    if position is not None and position not in list(_POSITIONS):
        raise InputError("position", f"be one of {', '.join(_POSITIONS)}", position)
    base = network_model(model)
    if not is_listed(base, prompts) or not len(prompts):
        raise InputError(parameter, "be a list of at least one prompt", prompts)
    if position is None:
        position = "last" if isinstance(base, CausalLM) else "mean"
    where_in = [(name_of(base.module, where), False)]
    [seen] = watched(base.module, (), fed_of(base, prompts, parameter), where_in, "layers", parameter)
    return np.stack([_POSITIONS[position](rows) for rows in seen])


def contrast(
    model: Any, positive: Sequence[Any], negative: Sequence[Any], layer: int | str, position: str | None = None
) -> np.ndarray:
    """Compute the mean activation for some inputs, less that for others, ``(width,)``.

    Parameters
    ----------
    model : object
        As of :func:`steer`.
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
    both = {"positive": positive, "negative": negative}
    first, second = (_activations(model, n, prompts, layer, position).mean(axis=0) for n, prompts in both.items())
    if not np.linalg.norm(first - second) > 0:
        raise InputError("positive", "have another mean activation than negative", "the same")
    return np.asarray(first - second)


def steer(model: Any, layers: int | str | Sequence[int | str], vector: ArrayLike, scale: float = 1.0) -> Intervened:
    """Make the model whose layers' outputs are moved by a vector, at every token of prompt and answer.

    Parameters
    ----------
    model : object
        A CausalLM, Seq2SeqLM, TextClassifier, TokenClassifier, ExtractiveQA, MaskedLM, Encoder or ImageClassifier, a
        torch module over rows of numbers, or what becomes one. Stays as it is.
    layers : int, str, or several of them
        Numbers of layers (negative from the last; of the encoder, where there is a decoder as well), or full names of
        modules. Of a map ``(channels, height, width)`` all places are moved.
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
    if not _is_held(base.module, float(scale) * values):
        raise InputError("scale", "leave the vector finite in the numbers that the network computes with", scale)
    return intervened(base, Steering(names, values, float(scale)))


def _is_held(network: Any, step: np.ndarray) -> bool:
    """Return whether numbers are finite in the precisions of a network's weights, such as float16."""
    import torch

    precisions = {weight.dtype for weight in network.parameters() if weight.is_floating_point()}
    return all(bool(torch.tensor(step).to(precision).isfinite().all()) for precision in precisions)


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
