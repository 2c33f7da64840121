"""Ablation: what heads or modules put out is replaced, at every token, by nothing, by its mean, or by a drawn value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from probes.errors import InputError, integer
from probes.interventions.channels import changed_first, on_channels
from probes.interventions.intervened import Intervened, fed_of, intervened, is_listed, network_model
from probes.interventions.intervention import Intervention
from probes.interventions.network_modules import layer_names, module_named, name_of
from probes.interventions.watching import Fed, watched, widths
from probes.rounding import counted

__all__ = ["Ablation", "Place", "ablate", "components_of", "drawn_alike", "place_of", "places_of", "values_at"]

#: the part of a layer's attention that heads are joined by, as families of models call it
_JOINED = ("o_proj", "out_proj", "c_proj", "out_lin", "dense", "wo", "Wo", "o")
#: the feed-forward part of a layer, or what it puts out before that is added to the rest, as they call it
_MLPS = ("mlp", "feed_forward", "ffn", "fc2", "output.dense", "layer.1.DenseReluDense", "layer.2.DenseReluDense")
#: heads of a decoder, that read what it has written ("decoder") or what the encoder has read ("cross"), say so
_HEAD = re.compile(r"^(?:(decoder|cross)\.)?(\d+)\.(\d+)$")
_MLP = re.compile(r"^(?:(decoder)\.)?mlp\.(\d+)$")
#: what the attention of a decoder to what the encoder has read is called
_CROSS = ("encoder_attn", "encdecattention", "crossattention", "encoder_attention")


@dataclass(frozen=True)
class Place:
    """Where a component's values stand: a module, before or after its forward, and which of them."""

    module: str
    before: bool
    start: int | None = None
    stop: int | None = None

    @property
    def width(self) -> int:
        """How many numbers of what the module takes in; 0 for all."""
        return 0 if self.start is None or self.stop is None else self.stop - self.start


@dataclass(frozen=True, eq=False)
class Ablation(Intervention):
    """Put fixed values in place of what components put out.

    Attributes
    ----------
    components : tuple of str
    values : tuple of ndarray ``(width,)``
        For each component.
    by : str
        What the values are.
    """

    components: tuple[str, ...]
    values: tuple[np.ndarray, ...]
    by: str

    kind = "ablate"

    @property
    def words(self) -> str:
        return f"with {', '.join(self.components)} replaced by {self.by}"

    @property
    def content(self) -> Sequence[Any]:
        return (self.components, *self.values)

    def hooks(self, network: Any) -> Iterator[tuple[Any, Callable[..., Any], bool]]:
        for name, values in zip(self.components, self.values, strict=True):
            place = place_of(network, name)
            yield module_named(network, place.module), _replacing(place, values), place.before

    def control(self, rng: np.random.Generator, network: Any, others: Sequence[Intervention]) -> Ablation:
        """Draw as many other components of the same kinds, put to nothing, of those that nothing was done to."""
        done = [self, *(other for other in others if isinstance(other, Ablation))]
        drawn = drawn_alike(rng, network, self.components, [name for ablation in done for name in ablation.components])
        sizes = widths(network, [(place.module, place.before) for place in (place_of(network, n) for n in drawn)])
        zeros = tuple(np.zeros(place_of(network, n).width or w) for n, w in zip(drawn, sizes, strict=True))
        return Ablation(tuple(drawn), zeros, "zero")


def drawn_alike(rng: np.random.Generator, network: Any, components: Sequence[str], taken: Sequence[str]) -> list[str]:
    """Draw as many components of the same kinds, other than those taken.

    Raises
    ------
    InputError
        If there are too few.
    """
    occupied = {place_of(network, name) for name in taken}
    layers, drawn = _layers(network), list[str]()
    kinds = [_kind(network, name, layers) for name in components]
    for kind in dict.fromkeys(kinds):
        count = kinds.count(kind)
        pool = [name for name in _of_kind(kind, network, layers) if place_of(network, name) not in occupied]
        shuffled = (pool[i] for i in rng.permutation(len(pool)))
        found = [*islice((name for name in shuffled if layers or _is_used_once(network, name)), count)]
        if count > len(found):
            raise InputError("components", "leave as many others of their kind to draw a control from", kind)
        drawn += found
    return drawn


def _is_used_once(network: Any, module: str) -> bool:
    """Return whether what a module puts out for one input can be replaced."""
    try:
        return bool(widths(network, [(module, False)]))
    except InputError:
        return False


def _layers(network: Any) -> list[str]:
    """Return the names of a network's layers, of a decoder too; none where there is no list of them."""
    try:
        names = layer_names(network)
    except InputError:
        return []
    return names + (layer_names(network, "decoder") if _has_decoder(network) else [])


def _has_decoder(network: Any) -> bool:
    return bool(getattr(getattr(network, "config", None), "is_encoder_decoder", False))


def _kind(network: Any, name: str, layers: Sequence[str]) -> str:
    """Return what a component is: a head or "mlp" of a stack, the end of a module's name in its layer, or its class."""
    head, mlp = _numbered(network, name)
    if found := head or mlp:
        return f"{found[1] or ''} {'head' if head else 'mlp'}".strip()
    if not layers:
        return type(module_named(network, name)).__name__
    layer = next((layer for layer in layers if name == layer or name.startswith(f"{layer}.")), name)
    return name[len(layer) :]


def _of_kind(kind: str, network: Any, layers: Sequence[str]) -> list[str]:
    if kind.split(" ")[-1] in ("head", "mlp"):
        return [name for name in components_of(network) if _kind(network, name, layers) == kind]
    known = dict(network.named_modules())
    if not layers:
        return [name for name, module in known.items() if name and type(module).__name__ == kind]
    return [f"{layer}{kind}" for layer in layers if f"{layer}{kind}" in known]


def components_of(model: Any) -> list[str]:
    """List the components of a model's network: heads as ``layer.head``, feed-forward parts as ``mlp.layer``.

    Of a network with an encoder and a decoder these are the encoder's; those of the decoder begin with ``decoder.``,
    and its heads that attend to what the encoder has read with ``cross.``

    Raises
    ------
    InputError
        If heads cannot be told apart in this network.
    """
    network = model if hasattr(model, "named_modules") else network_model(model).module
    names = _components_in(network, "")
    return names + (_components_in(network, "decoder") if _has_decoder(network) else [])


def _components_in(network: Any, stack: str) -> list[str]:
    """List the components of a stack of layers."""
    layers, heads, start = layer_names(network, stack), _heads(network, stack), f"{stack}." if stack else ""
    kinds = [stack, "cross"] if stack else [""]
    for name in layers:
        for kind in kinds:
            _joined(network, name, kind)
    mlps = [i for i, name in enumerate(layers) if _mlp(network, name)]
    named = [f"{k}.{i}.{h}" if k else f"{i}.{h}" for k in kinds for i in range(len(layers)) for h in range(heads)]
    return named + [f"{start}mlp.{i}" for i in mlps]


def _heads(network: Any, stack: str) -> int:
    config = getattr(network, "config", None)
    names = ("decoder_attention_heads", "num_attention_heads") if stack else ("num_attention_heads",)
    count = next((n for name in names if isinstance(n := getattr(config, name, None), int)), None)
    if count is None:
        raise InputError("model", "have attention heads", type(network).__name__)
    return count


def ablate(
    model: Any,
    components: str | Sequence[str],
    by: str = "zero",
    *,
    reference: Sequence[Any] = (),
    random_state: int = 0,
) -> Intervened:
    """Make the model without what some heads, feed-forward parts or modules do.

    Parameters
    ----------
    model : object
        As of :func:`~probes.interventions.steering.steer`. Stays as it is.
    components : str or sequence of str
        Heads as ``"14.3"`` (layer, head), feed-forward parts as ``"mlp.14"``, see :func:`components_of`; or full names
        of modules, such as ``"model.layers.14.self_attn"``.
    by : {"zero", "mean", "resample"}, default "zero"
        What stands in their place at every token (of an image also: place of a map): nothing; what they put out on
        average over all tokens of the `reference` inputs; or what one of these tokens, drawn by `random_state`, has.
    reference : sequence of inputs
        For "mean" and "resample": prompts, texts, pairs of texts, images or rows, as the model reads them.
    random_state : int, default 0

    Returns
    -------
    Intervened
        A model of the same kind; its ``control()`` has as many other components of the same kinds put to nothing.

    Raises
    ------
    InputError
        For a component that there is not, with the nearest names; for references that are lacking.
    """
    base = network_model(model)
    seed = integer("random_state", random_state, least=0)
    if by not in ("zero", "mean", "resample"):
        raise InputError("by", 'be "zero", "mean" or "resample"', by)
    if not is_listed(base, reference) or (by == "zero") == bool(len(reference)):
        rule = 'be a list of prompts for "mean" and "resample", and left out for "zero"'
        raise InputError("reference", rule, reference)
    network = base.module
    names, places = places_of(network, components)
    if by == "zero":
        sizes = widths(network, [(place.module, place.before) for place in places])
        values = [np.zeros(place.width or size) for place, size in zip(places, sizes, strict=True)]
    else:
        fed = fed_of(base, reference, "reference")
        seen = [np.concatenate(part) for part in values_at(network, (), places, fed, "reference")]
        rng = np.random.default_rng(seed)
        values = [each.mean(axis=0) if by == "mean" else each[rng.integers(len(each))] for each in seen]
    drawn = "values of one token" if by == "resample" else by
    return intervened(base, Ablation(names, tuple(values), drawn))


def places_of(network: Any, components: str | Sequence[str]) -> tuple[tuple[str, ...], list[Place]]:
    """Return the names of one component or several, and where their values stand.

    Raises
    ------
    InputError
        For a component that there is not, for none, and for one that is named twice.
    """
    names = tuple(components) if isinstance(components, (list, tuple)) else (components,)
    places = [place_of(network, name) for name in names]
    if not names or len(set(places)) < len(places):
        raise InputError("components", "name at least one component, and each once", components)
    return names, places


def place_of(network: Any, name: Any) -> Place:
    """Find where a component's values stand.

    Raises
    ------
    InputError
    """
    text = name if isinstance(name, str) else ""
    head, part = _numbered(network, text)
    if (found := head or part) and found[1] and not _has_decoder(network):
        raise InputError("components", "name parts of a decoder only where the network has an encoder as well", name)
    if head:
        layer, number, stack = int(head[2]), int(head[3]), "decoder" if head[1] else ""
        count = _heads(network, stack)
        if number >= count:
            raise InputError("components", f"name heads from 0 to {count - 1}", name)
        joined = _joined(network, name_of(network, layer, "components", stack), head[1] or "")
        width = _features(module_named(network, joined)) // count
        return Place(joined, True, number * width, (number + 1) * width)
    if part:
        place = _mlp(network, name_of(network, int(part[2]), "components", part[1] or ""))
        if not place:
            raise InputError("components", "name feed-forward parts that the network has", name)
        return Place(place, False)
    module_named(network, name)
    return Place(text, False)


def _numbered(network: Any, name: str) -> tuple[re.Match[str] | None, re.Match[str] | None]:
    """Return what a name says of a head, and of a feed-forward part; nothing of what is the full name of a module."""
    try:
        network.get_submodule(name)
    except AttributeError:
        return _HEAD.match(name), _MLP.match(name)
    return None, None


def _joined(network: Any, layer: str, kind: str) -> str:
    """Return the name of the module that joins a layer's heads, of this kind."""
    below = [name for name, _ in module_named(network, layer).named_modules() if "att" in name.lower()]
    below = [name for name in below if any(piece in name.lower() for piece in _CROSS) == (kind == "cross")]
    for ending in _JOINED:
        if found := [name for name in below if name.split(".")[-1] == ending]:
            return f"{layer}.{found[0]}"
    raise InputError("components", "be modules by their full names: heads are not told apart in this network", layer)


def _mlp(network: Any, layer: str) -> str:
    """Return the name of a layer's feed-forward part; empty if it has none that is known."""
    parts = dict(module_named(network, layer).named_modules())
    return next((f"{layer}.{name}" for name in _MLPS if name in parts), "")


def _features(module: Any) -> int:
    """Return how many numbers a linear module takes: torch's keep them last, those of GPT-2 first."""
    return int(getattr(module, "in_features", 0) or module.weight.shape[0])


def _replacing(place: Place, values: np.ndarray) -> Callable[..., Any]:
    """Return the hook that puts values in their place, in a copy."""
    import torch

    def put(tensor: Any) -> Any:
        fixed = torch.tensor(values, device=tensor.device, dtype=tensor.dtype)
        if place.start is None:
            if tensor.shape[-1] != len(values):
                raise InputError("components", f"put out {counted(len(values), 'number')} a token", tuple(tensor.shape))
            return fixed.expand(tensor.shape).clone()
        changed = tensor.clone()
        changed[..., place.start : place.stop] = fixed
        return changed

    return changed_first(lambda tensor: on_channels(tensor, put), place.before)


def values_at(
    network: Any,
    interventions: Sequence[Intervention],
    places: Sequence[Place],
    inputs: Sequence[Fed],
    called: str = "inputs",
) -> list[list[np.ndarray]]:
    """Compute what components put out for every token of inputs, each read alone.

    Parameters
    ----------
    network : transformers.PreTrainedModel
        Under interventions, perhaps; `interventions` are more of them.
    places : sequence of Place
    inputs : sequence of n Fed
    called : str
        What errors call the inputs.

    Returns
    -------
    list of lists of n ndarray ``(tokens, width)``
        For each place.
    """
    where = [(place.module, place.before) for place in places]
    seen = watched(network, interventions, inputs, where, called=called)
    return [[tokens[:, place.start : place.stop] for tokens in part] for place, part in zip(places, seen, strict=True)]
