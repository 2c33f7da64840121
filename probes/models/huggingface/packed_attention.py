"""Attention for rows laid end to end as one sequence, on one buffer of keys and values a layer.

transformers lets an attention be registered by name (``AttentionInterface``); the name is set on a model for the length
of one forward, and another thread's forward at that moment is answered as usual.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

__all__ = ["NAME", "Buffers", "register", "replaced_attention"]

NAME = "iomap_prefixes"
#: Queries that are answered at a time: keys later than the last of them are not looked at.
QUERIES = 128
#: What attention is given by models in which it is more than a softmax of products.
BEYOND = ("position_bias", "s_aux", "sliding_window", "softcap")

_switch = threading.Lock()
_current: ContextVar[Buffers | None] = ContextVar("iomap_prefixes", default=None)


class Buffers:
    """Keys and values of the row that was computed last, in every layer.

    Parameters
    ----------
    room : int
        Tokens of the longest row.
    """

    def __init__(self, room: int):
        self.room = room
        self.spans: list[tuple[int, int]] = []
        self._layers: dict[int, tuple[Any, Any]] = {}
        self._masks: dict[Any, Any] = {}

    def attend(self, layer: int, query: Any, key: Any, value: Any, scale: float | None) -> Any:
        """Return the attention ``(1, tokens, heads, size)`` of new queries ``(1, heads, tokens, size)``."""
        if layer not in self._layers:
            shape = (*key.shape[:2], self.room)
            self._layers[layer] = (key.new_empty(*shape, key.shape[-1]), value.new_empty(*shape, value.shape[-1]))
        keys, values = self._layers[layer]
        out = query.new_empty(1, query.shape[2], query.shape[1], value.shape[-1])
        groups = query.shape[1] // key.shape[1]
        at = 0
        for start, stop in self.spans:
            new = slice(at, at + stop - start)
            keys[:, :, start:stop], values[:, :, start:stop] = key[:, :, new], value[:, :, new]
            for first in range(start, stop, QUERIES):
                last = min(first + QUERIES, stop)
                now = slice(at + first - start, at + last - start)
                out[:, now] = self._some(query[:, :, now], keys[:, :, :last], values[:, :, :last], groups, scale)
            at = new.stop
        return out

    def _some(self, query: Any, keys: Any, values: Any, groups: int, scale: float | None) -> Any:
        """Return the attention of the last few positions to all before them and one another.

        Query heads that share keys are laid beside one another as if they were further positions, so keys are not
        repeated.
        """
        from torch.nn.functional import scaled_dot_product_attention

        _, heads, many, size = query.shape
        beside = query.view(1, heads // groups, groups, many, size).transpose(2, 3)
        out = scaled_dot_product_attention(
            beside.reshape(1, heads // groups, many * groups, size),
            keys,
            values,
            attn_mask=self._allowed(many, keys.shape[2], groups, query),
            scale=scale,
        )
        return out.view(heads // groups, many, groups, -1).transpose(0, 1).reshape(1, many, heads, -1)

    def _allowed(self, many: int, seen: int, groups: int, like: Any) -> Any:
        """Return 0 where the last `many` of `seen` positions may look, -inf elsewhere: a window of one mask for all."""
        import torch

        key = groups, like.dtype, like.device
        if key not in self._masks:
            later = like.new_full((QUERIES, QUERIES), float("-inf")).triu(1)
            window = torch.cat([like.new_zeros(QUERIES, self.room), later], 1)
            self._masks[key] = window.repeat_interleave(groups, 0)
        left = self.room - (seen - many)
        return self._masks[key][: many * groups, left : left + seen]


@contextmanager
def replaced_attention(module: Any, buffers: Buffers, spans: list[tuple[int, int]]) -> Iterator[None]:
    """Let `buffers` attend for `module`, in this thread and for this block only."""
    register()
    buffers.spans = spans
    with _switch:
        usual = module.config._attn_implementation
        mark = _current.set(buffers)
        try:
            module.set_attn_implementation(NAME)
            if module.config._attn_implementation != NAME:
                raise NotImplementedError("an attention that cannot be replaced")
            yield
        finally:
            module.set_attn_implementation(usual)
            _current.reset(mark)


@cache
def register() -> None:
    """Make the attention known by its name."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    from transformers.masking_utils import sdpa_mask

    def attend(
        module: Any, query: Any, key: Any, value: Any, attention_mask: Any, scaling: float | None = None, **more: Any
    ) -> tuple[Any, None]:
        buffers = _current.get()
        if buffers is None:
            return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **more)
        if attention_mask is not None or any(more.get(name) is not None for name in BEYOND):
            raise NotImplementedError("attention with a mask, bias, sink, window or cap of its own")
        return buffers.attend(module.layer_idx, query, key, value, scaling), None

    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, lambda **asked: None if _current.get() else sdpa_mask(**asked))
