"""What a network is fed for one input alone, and an input that is made up so that its modules are seen at work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from probes.errors import InputError
from probes.models.evaluating import evaluating

__all__ = ["Fed", "made_up", "reads_text"]

#: heights and widths of images that networks are built for, where theirs does not say which it needs
_SIDES = (32, 64, 28, 96, 224, 299)


class Fed(NamedTuple):
    """What a network is fed for one input alone.

    Attributes
    ----------
    ids : tuple of int
        Its tokens; none of what is no text.
    options : mapping
        Keyword arguments of the forward, without a batch of others.
    tensors : tuple of tensor
        Arguments of the forward.
    """

    ids: tuple[int, ...]
    options: Mapping[str, Any]
    tensors: tuple[Any, ...] = ()


def reads_text(network: Any) -> bool:
    """Return whether what a network reads are tokens."""
    return getattr(network, "main_input_name", None) == "input_ids"


def made_up(network: Any) -> Fed:
    """Return an input that a network reads: two tokens, a row of zeros, or an image of zeros.

    Raises
    ------
    InputError
        If it reads neither.
    """
    if reads_text(network):
        return _tokens(network)
    for fed in _arrays(network):
        try:
            with evaluating(network):
                network(*fed.tensors)
        except Exception:  # noqa: BLE001 - of another size, whatever a user's code says of that
            continue
        return fed
    rule = "read rows of a table, or images of a usual size, so that what its modules put out is seen"
    raise InputError("model", rule, type(network).__name__)


def _tokens(network: Any) -> Fed:
    import torch

    two = getattr(network.config, "is_encoder_decoder", False)
    # classifiers with a decoder answer where a text ends
    ids = (0, network.config.eos_token_id if two else 0)
    there = torch.tensor([ids], device=network.device)
    options = {"input_ids": there, "attention_mask": torch.ones_like(there)}
    if two and network.can_generate():
        options["decoder_input_ids"] = there
    return Fed(ids, options)


def _arrays(network: Any) -> Iterator[Fed]:
    """Yield inputs of sizes that a network may read, by its configuration or the first of its parts with weights."""
    import torch

    first = next(iter(network.parameters()), torch.zeros(1))
    config = getattr(network, "config", None)
    part = next((m for m in network.modules() if isinstance(m, (torch.nn.Linear, torch.nn.Conv2d))), None)
    shapes: list[tuple[int, ...]] = []
    if isinstance(side := getattr(config, "image_size", None), int):
        shapes.append((getattr(config, "num_channels", 3), side, side))
    if isinstance(part, torch.nn.Linear):
        shapes.append((part.in_features,))
    if isinstance(part, torch.nn.Conv2d):
        shapes += [(part.in_channels, side, side) for side in _SIDES]
    for shape in shapes:
        yield Fed((), {}, (torch.zeros((1, *shape), dtype=first.dtype, device=first.device),))
