"""Logits of rows that share prefixes: every edge of the rows' prefix tree is computed once, nothing is padded.

Rows come in an order in which neighbours share much (lexicographic). What a row has not in common with the row before
it is new, and only that goes through the model, in one of two ways:

* *Packed*: the new tokens of several rows are laid end to end as one sequence, so that weights are read once for all
  of them and matrix products are large. Only attention needs to know whose token is whose: it keeps one buffer of keys
  and values a layer, writes a row's new ones over those of the row before, and lets its queries see the buffer up to
  their own position. transformers lets an attention be registered by name (``AttentionInterface``); the name is set on
  the model for the length of one forward, and another thread's forward at that moment is answered as usual.
* *One by one*: a row a forward, on a transformers cache that is cut back. For every model whose attention is not plain
  or not to be replaced, and for one with hooks, which may expect one row at a time.

Which models can be packed is not kept in a list: a small packed forward must agree with a plain one.
"""

from __future__ import annotations

import inspect
import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from probes.models.huggingface.weights import as_released

__all__ = ["can_forget", "shared_logits"]

NAME = "iomap_prefixes"
#: Most new tokens and most logits (positions) in one forward, where a single row does not need more.
TOKENS, LOGITS = 1024, 128
#: Queries that are answered at a time: keys later than the last of them are not looked at.
QUERIES = 128
#: What attention is given by models in which it is more than a softmax of products.
BEYOND = ("position_bias", "s_aux", "sliding_window", "softcap")
#: Positions whose angles depend on the length of the whole sequence.
STRETCHED = ("dynamic", "longrope")

Row = Sequence[int]

_switch = threading.Lock()
_current: ContextVar[_Buffers | None] = ContextVar("iomap_prefixes", default=None)
_agreed: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()


def can_forget(config: Any) -> bool:
    """Whether the cache of this architecture can be cut back: plain attention in every layer."""
    text = config.get_text_config()
    kinds = getattr(text, "layer_types", None)
    if kinds is not None:
        return set(kinds) == {"full_attention"}
    return not getattr(text, "sliding_window", None)


def shared_logits(module: Any, rows: Sequence[Row], keep: int) -> Iterator[Any]:
    """Logits of every row's last `keep` positions, in the order of the rows.

    Parameters
    ----------
    module : transformers.PreTrainedModel
        In evaluation mode, with a cache that :func:`can_forget`.
    rows : sequence of sequences of int
        Token ids, at least `keep` in each row; any order is right, and a sorted one is fast.
    keep : int

    Yields
    ------
    torch.Tensor of shape (1, keep, vocabulary)
        Of one row.

    Notes
    -----
    Between two forwards the module is as it was. Keys and values are held for as long as the iterator lives.
    """
    if not rows:
        return
    yield from (_packed if _can_pack(module) else _one_by_one)(module, rows, keep)


def _one_by_one(module: Any, rows: Sequence[Row], keep: int) -> Iterator[Any]:
    """A row a forward, on top of the cached prefix that it shares with the row before it."""
    import torch
    from transformers import DynamicCache

    past = DynamicCache(config=module.config)
    name = _cache_name(module)
    before: Row = ()
    for row in rows:
        shared = _shared(before, row, keep)
        with torch.inference_mode():
            if len(before) > shared:
                past.crop(shared - len(before))  # negative: how many to forget
            out = module(
                input_ids=torch.tensor([row[shared:]], device=module.device),
                position_ids=torch.arange(shared, len(row), device=module.device)[None],
                logits_to_keep=keep,
                use_cache=True,
                **{name: past},
            )
        before = row
        yield out.logits


def _cache_name(module: Any) -> str:
    """Name the argument of a forward that takes a cache: transformers 5.24 renamed ``past_key_values``."""
    return "cache" if "cache" in inspect.signature(module.forward).parameters else "past_key_values"


def _packed(module: Any, rows: Sequence[Row], keep: int) -> Iterator[Any]:
    """What is new in several rows as one sequence."""
    import torch

    buffers = _Buffers(max(map(len, rows)))
    device = module.device
    for part in _parts(rows, keep):
        ends = torch.tensor([len(row) - start for row, start in part], device=device).cumsum(0)
        with torch.inference_mode(), _attention(module, buffers, [(start, len(row)) for row, start in part]):
            out = module(
                input_ids=torch.tensor([[token for row, start in part for token in row[start:]]], device=device),
                position_ids=torch.cat([torch.arange(start, len(row), device=device) for row, start in part])[None],
                logits_to_keep=(ends[:, None] + torch.arange(-keep, 0, device=device)).flatten(),
                use_cache=False,
            )
        yield from out.logits.reshape(len(part), 1, keep, -1)


def _parts(rows: Sequence[Row], keep: int) -> Iterator[list[tuple[Row, int]]]:
    """The rows of each forward, and where what is new in them starts."""
    part: list[tuple[Row, int]] = []
    new, before = 0, rows[0][:0]
    for row in rows:
        start = _shared(before, row, keep)
        if part and (new + len(row) - start > TOKENS or (len(part) + 1) * keep > LOGITS):
            yield part
            part, new = [], 0
        part.append((row, start))
        new, before = new + len(row) - start, row
    yield part


def _shared(before: Row, row: Row, keep: int) -> int:
    """How many tokens need not be computed again: not the last `keep`, whose logits are wanted."""
    most = min(len(before), len(row) - keep)
    return next((i for i in range(most) if row[i] != before[i]), most)


def _can_pack(module: Any) -> bool:
    """Whether the module's attention can be replaced for a forward without changing what it computes."""
    plain = (
        module.device.type == "cpu"  # elsewhere attention kernels ask more of a mask than this one gives
        and getattr(module, "_supports_attention_backend", False)
        and module.config._attn_implementation == "sdpa"
        and not module.config.sub_configs
        and not any(kind in str(getattr(module.config, "rope_parameters", None)) for kind in STRETCHED)
        and all(map(as_released, module.modules()))
    )
    if plain and module not in _agreed:
        _agreed[module] = _agrees(module)
    return plain and _agreed[module]


def _agrees(module: Any) -> bool:
    """Whether a row packed behind another one has the logits that it has alone."""
    import torch

    words = module.get_input_embeddings().weight.shape[0]
    ids = [7 * i % words for i in range(1, 13)]
    first, second = ids[:9], [*ids[:4], *ids[9:], *ids[5:7]]
    try:
        _, packed = _packed(module, [first, second], 3)
        with torch.inference_mode():
            alone = module(input_ids=torch.tensor([second], device=module.device), use_cache=False).logits[0, -3:]
    except Exception:  # noqa: BLE001 - whatever keeps a model from being packed, it is then asked row by row
        return False
    error = torch.linalg.vector_norm(packed[0].float() - alone.float()) / torch.linalg.vector_norm(alone.float())
    return bool(error < math.sqrt(torch.finfo(alone.dtype).eps))


class _Buffers:
    """Keys and values of the row that was computed last, in every layer, with room for the longest row."""

    def __init__(self, room: int):
        self.room = room
        self.spans: list[tuple[int, int]] = []
        self._layers: dict[int, tuple[Any, Any]] = {}
        self._masks: dict[Any, Any] = {}

    def attend(self, layer: int, query: Any, key: Any, value: Any, scale: float | None) -> Any:
        """Attention ``(1, tokens, heads, size)`` of new queries ``(1, heads, tokens, size)``."""
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
        """Attention of the last few positions to all before them and one another.

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
        """0 where the last `many` of `seen` positions may look, -inf elsewhere: a window of one mask for all."""
        import torch

        key = groups, like.dtype, like.device
        if key not in self._masks:
            later = like.new_full((QUERIES, QUERIES), float("-inf")).triu(1)
            whole = torch.cat([like.new_zeros(QUERIES, self.room), later], 1)
            self._masks[key] = whole.repeat_interleave(groups, 0)
        left = self.room - (seen - many)
        return self._masks[key][: many * groups, left : left + seen]


@contextmanager
def _attention(module: Any, buffers: _Buffers, spans: list[tuple[int, int]]) -> Iterator[None]:
    """Let `buffers` attend for `module`, in this thread and for this block only."""
    _register()
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
def _register() -> None:
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
