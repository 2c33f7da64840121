"""Activation patching: what components put out at some tokens is replaced by what they put out for another prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from numbers import Integral
from threading import get_ident
from typing import Any

import numpy as np

from probes.errors import InputError
from probes.interventions.ablation import Place, drawn_alike, place_of, places_of, values_at
from probes.interventions.channels import changed_first, on_channels
from probes.interventions.intervened import Intervened, fed_of, intervened, network_model
from probes.interventions.intervention import Intervention, hooked
from probes.interventions.made_up import Fed, made_up, reads_text
from probes.interventions.network_modules import module_named
from probes.models.evaluating import evaluating
from probes.models.torch_module import TorchModule
from probes.rounding import counted

__all__ = ["Patching", "WholePatching", "patch"]


@dataclass(frozen=True, eq=False)
class Patching(Intervention):
    """Put what components put out for a source prompt in place of what they put out for another.

    Attributes
    ----------
    components : tuple of str
    positions : tuple of int
        Numbers of tokens, from 0, at which that is done.
    values : tuple of ndarray ``(positions, width)``
        For each component.
    source : Fed
        The source prompt as the network is fed it.
    aligned : bool
        Whether prompts must have as many tokens as the source.
    """

    components: tuple[str, ...]
    positions: tuple[int, ...]
    values: tuple[np.ndarray, ...]
    source: Fed
    aligned: bool
    _reading: _Positions = field(default_factory=lambda: _Positions(), repr=False)

    kind = "patch"
    any_prompt = False

    @property
    def words(self) -> str:
        where = f"token{'s' * (len(self.positions) > 1)} {', '.join(map(str, self.positions))}"
        if len(self.positions) == len(self.source.ids):
            where = "every token"
        return f"with {', '.join(self.components)} at {where} as for another prompt"

    @property
    def content(self) -> Sequence[Any]:
        return (self.components, self.positions, self.aligned, *self.values)

    def hooks(self, network: Any) -> Iterator[tuple[Any, Callable[..., Any], bool]]:
        for name, values in zip(self.components, self.values, strict=True):
            place = place_of(network, name)
            yield module_named(network, place.module), self._putting(place, values), place.before

    @contextmanager
    def installed(self, network: Any) -> Iterator[None]:
        with self._reading.of(reading_part(network)), super().installed(network):
            yield

    def check_prompt(self, ids: Sequence[int]) -> None:
        """Refuse a prompt whose tokens are not those of the source, place by place.

        Raises
        ------
        InputError
        """
        due = f"as many tokens as the patch's source ({len(self.source.ids)})"
        if self.aligned and len(ids) != len(self.source.ids):
            raise InputError("prompt", f"have {due}, so that places are the same", counted(len(ids), "token"))
        if len(ids) <= max(self.positions):
            rule = f"have a token at each place that is patched (up to {max(self.positions)})"
            raise InputError("prompt", rule, counted(len(ids), "token"))

    def control(self, rng: np.random.Generator, network: Any, others: Sequence[Intervention]) -> Patching:
        """Draw as many other components of the same kinds, patched from the same source at the same tokens."""
        done = [self, *(other for other in others if isinstance(other, Patching))]
        drawn = drawn_alike(rng, network, self.components, [name for patching in done for name in patching.components])
        seen = values_at(network, others, [place_of(network, name) for name in drawn], [self.source])
        values = tuple(self._at_positions(part[0]) for part in seen)
        return replace(self, components=tuple(drawn), values=values, _reading=_Positions())

    def _at_positions(self, tokens: np.ndarray) -> np.ndarray:
        """Return what is patched, of what a component puts out for every token of the source."""
        return tokens[list(self.positions)]

    def _putting(self, place: Place, values: np.ndarray) -> Callable[..., Any]:
        """Return the hook that puts values in their place, at their positions, in a copy."""
        import torch

        number = np.full(max(self.positions) + 2, -1)
        number[list(self.positions)] = np.arange(len(self.positions))

        def put(tensor: Any) -> Any:
            at = self._reading.now(tensor)
            which = torch.as_tensor(number, device=tensor.device)[at.clamp(0, len(number) - 1)]
            fixed = torch.as_tensor(values, device=tensor.device, dtype=tensor.dtype)[which.clamp(min=0)]
            here = (which >= 0)[..., None]
            changed = tensor.clone()
            part = changed[..., place.start : place.stop]
            changed[..., place.start : place.stop] = torch.where(here, fixed, part)
            return changed

        return changed_first(put, place.before)


@dataclass(frozen=True, eq=False)
class WholePatching(Patching):
    """Patching of what reads no text: what components put out for one input is what they put out for the source.

    ``values`` are ``(places, width)``: all there are, or those of ``positions``.

    Attributes
    ----------
    tokens : int
        How many tokens components put out, where there are positions.
    """

    tokens: int = 0

    any_prompt = True

    @property
    def words(self) -> str:
        where = f" at token{'s' * (len(self.positions) > 1)} {', '.join(map(str, self.positions))}"
        return f"with {', '.join(self.components)}{where if self.positions else ''} as for another input"

    @contextmanager
    def installed(self, network: Any) -> Iterator[None]:
        with Intervention.installed(self, network):
            yield

    def _at_positions(self, tokens: np.ndarray) -> np.ndarray:
        return super()._at_positions(tokens) if self.positions else tokens

    def _putting(self, place: Place, values: np.ndarray) -> Callable[..., Any]:
        import torch

        numbers = slice(place.start, place.stop)
        where = (slice(None), list(self.positions), numbers) if self.positions else (..., numbers)

        def put(tensor: Any) -> Any:
            if self.positions and tensor.shape[1:-1] != (self.tokens,):
                rule = f"be left out where components do not put out a row of numbers for each of {self.tokens} tokens"
                raise InputError("positions", rule, tuple(tensor.shape))
            changed = tensor.clone()
            part = changed[where]
            if part[0].numel() != values.size:
                rule = f"be of the size of the patch's source, of which {len(values)} places are patched"
                raise InputError("inputs", rule, tuple(tensor.shape))
            fixed = torch.as_tensor(values, device=tensor.device, dtype=tensor.dtype)
            changed[where] = fixed.reshape(part.shape[1:])
            return changed

        return changed_first(lambda tensor: on_channels(tensor, put), place.before)


def reading_part(network: Any) -> Any:
    """Return the part of a network that reads the prompt: the encoder of one whose decoder writes, else all of it."""
    writes = getattr(network.config, "is_encoder_decoder", False) and network.can_generate()
    return network.get_encoder() if writes else network


class _Positions:
    """Which place each token of a forward has in its own text, as the network is told when it is called."""

    def __init__(self) -> None:
        self._seen: dict[int, Any] = {}

    @contextmanager
    def of(self, network: Any) -> Iterator[None]:
        """Read them for a block, of forwards of this thread."""
        thread = get_ident()

        def read(_: Any, given: tuple[Any, ...], named: dict[str, Any]) -> None:
            if get_ident() == thread:
                self._seen[thread] = _positions(given, named)

        handle = network.register_forward_pre_hook(read, with_kwargs=True)
        try:
            yield
        finally:
            handle.remove()
            self._seen.pop(thread, None)

    def now(self, tensor: Any) -> Any:
        """Return the places of the tokens of what a module takes in or puts out, ``(batch, tokens)``.

        Raises
        ------
        InputError
            If it is not about tokens one by one.
        """
        at = self._seen[get_ident()].to(tensor.device)
        if tensor.ndim != 3 or tensor.shape[1] != at.shape[1] or at.shape[0] not in (1, tensor.shape[0]):
            raise InputError("components", "put out a row of numbers for every token", tuple(tensor.shape))
        return at.expand(tensor.shape[0], -1)


def _positions(given: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Return the places of a forward's tokens: those that it is told, else in the order of the tokens it is given."""
    import torch

    ids = named.get("input_ids", given[0] if given else None)
    if ids is None:
        ids = named["inputs_embeds"][..., 0]
    told = named.get("position_ids")
    if told is not None:
        return told
    past = named.get("past_key_values", named.get("cache"))
    start = int(past.get_seq_length()) if past is not None and hasattr(past, "get_seq_length") else 0
    return torch.arange(start, start + ids.shape[1], device=ids.device).expand(ids.shape[0], -1)


def patch(
    model: Any,
    components: str | Sequence[str],
    source: Any,
    positions: int | Sequence[int] | None = None,
) -> Intervened:
    """Make the model in which some components do at some tokens what they did for another prompt.

    Parameters
    ----------
    model : object
        As of :func:`~probes.interventions.steering.steer`. Stays as it is.
    components : str or sequence of str
        Heads as ``"14.3"`` (layer, head), feed-forward parts as ``"mlp.14"``, see
        :func:`~probes.interventions.ablation.components_of`; or full names of modules: ``"model.layers.14"`` is all
        that layer 14 puts out. Of a sequence-to-sequence model those of the encoder, which reads the prompt.
    source : str, chat, pair of texts, image or row
        The input that their values are taken from, read by `model`.
    positions : int or sequence of int, optional
        Numbers of its tokens, from 0, or negative from its end; by default all of them. Tokens that a tokenizer puts
        around a text count. Those of an image are the patches of a ViT, row by row, after its class token, number 0;
        maps and rows have none: all that components put out is patched.

    Returns
    -------
    Intervened
        A model of the same kind. It takes prompts of as many tokens as the source, unless all `positions` count from
        the start: then any that are long enough. Its ``control()`` has as many other components of the same kinds
        patched from the same source.

    Raises
    ------
    InputError
        For a component or a position that there is not.

    Notes
    -----
    Known as activation patching, causal tracing or interchange intervention (Meng et al. 2022; Wang et al. 2023).

    Examples
    --------
    >>> from probes import CausalLM, patch  # doctest: +SKIP
    >>> lm = CausalLM.from_pretrained("./SmolLM2")  # doctest: +SKIP
    >>> moved = patch(lm, "model.layers.26", "The capital of Italy is", positions=-1)  # doctest: +SKIP
    >>> moved.generate("The capital of Spain is", 2)  # doctest: +SKIP
    ' Rome.'
    """
    base = network_model(model)
    names, places = places_of(base.module, components)
    if isinstance(base, TorchModule) and np.ndim(source) > 1 and made_up(base.module).tensors[0].ndim == 2:
        raise InputError("source", "be one row of numbers", source)
    [fed] = fed_of(base, [source], "source")
    if not reads_text(base.module):
        whole = tuple(part[0] for part in values_at(base.module, (), places, [fed], "source"))
        if positions is None:
            return intervened(base, WholePatching(names, (), whole, fed, False))
        at, aligned = _checked(positions, tokens := len(whole[0]))
        made = WholePatching(
            names, at, tuple(part[list(at)] for part in whole if len(part) == tokens), fed, aligned, tokens=tokens
        )
        with evaluating(patched := hooked(base.module, made)):
            patched(*fed.tensors)  # refuses components without tokens
        return intervened(base, made)
    if away := [name for name, place in zip(names, places, strict=True) if not _reads(base.module, place)]:
        raise InputError("components", "be of the encoder, which reads the prompt", away[0])
    at, aligned = _checked(positions, len(fed.ids))
    seen = values_at(base.module, (), places, [fed], "source")
    if one := [name for name, part in zip(names, seen, strict=True) if len(part[0]) != len(fed.ids)]:
        raise InputError("components", "put out a row of numbers for every token", one[0])
    values = tuple(part[0][list(at)] for part in seen)
    return intervened(base, Patching(names, at, values, fed, aligned))


def _reads(network: Any, place: Place) -> bool:
    """Return whether a component sees the tokens of the prompt, not those that a decoder writes."""
    part = reading_part(network)
    return part is network or any(module_named(network, place.module) is module for module in part.modules())


def _checked(positions: int | Sequence[int] | None, length: int) -> tuple[tuple[int, ...], bool]:
    """Return places counted from the start, and whether prompts must be as long as the source for them to be the same.

    Raises
    ------
    InputError
    """
    if positions is None:
        return tuple(range(length)), True
    single = isinstance(positions, (str, Integral)) or not isinstance(positions, (Sequence, np.ndarray))
    given: list[Any] = [positions] if single else [*positions]  # type: ignore[misc]
    for place in given:
        if isinstance(place, bool) or not isinstance(place, Integral) or not -length <= int(place) < length:
            rule = f"be numbers of the source's {counted(length, 'token')}, or negative from its end"
            raise InputError("positions", rule, place)
    found = sorted({int(place) % length for place in given})
    if not found or len(found) < len(given):
        raise InputError("positions", "name at least one token, and each once", positions)
    return tuple(found), any(place < 0 for place in given)
