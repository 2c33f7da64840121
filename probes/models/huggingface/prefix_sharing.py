"""Logits of rows that share prefixes: every edge of the rows' prefix tree is computed once, nothing is padded.

Rows come in an order in which neighbours share much (lexicographic). Only the tokens after the prefix that a row shares
with the row before it are new and go through the model, in one of two ways:

* *Packed*: the new tokens of several rows are laid end to end as one sequence, so that weights are read once for all
  of them and matrix products are large. Only attention needs to know whose token is whose: it keeps one buffer of keys
  and values a layer, writes a row's new ones over those of the row before, and lets its queries see the buffer up to
  their own position (:mod:`probes.models.huggingface.packed_attention`).
* *One by one*: a row a forward, on a transformers cache that is cut back. For every model whose attention is not plain
  or not to be replaced, and for one with hooks, which may expect one row at a time.

Which models can be packed is not kept in a list: a small packed forward must agree with a plain one.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from probes.models.evaluating import evaluating
from probes.models.huggingface.packed_attention import Buffers, replaced_attention
from probes.models.huggingface.weights import as_released

__all__ = ["can_forget", "shared_logits"]

#: Most new tokens and most logits (positions) in one forward, where a single row does not need more.
TOKENS, LOGITS = 1024, 128
#: Positions whose angles depend on the length of the whole sequence.
STRETCHED = ("dynamic", "longrope")

Row = Sequence[int]

_agreed: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()


def can_forget(config: Any) -> bool:
    """Return whether the cache of this architecture can be cut back: plain attention in every layer."""
    text = config.get_text_config()
    kinds = getattr(text, "layer_types", None)
    if kinds is not None:
        return set(kinds) == {"full_attention"}
    return not getattr(text, "sliding_window", None)


def shared_logits(module: Any, rows: Sequence[Row], keep: int) -> Iterator[Any]:
    """Yield the logits of every row's last `keep` positions, in the order of the rows.

    Parameters
    ----------
    module : transformers.PreTrainedModel
        With a cache that :func:`can_forget`.
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
    """Run a row a forward, on top of the cached prefix that it shares with the row before it."""
    import torch
    from transformers import DynamicCache

    past = DynamicCache(config=module.config)
    name = _cache_name(module)
    before: Row = ()
    for row in rows:
        shared = _shared(before, row, keep)
        with evaluating(module):
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
    """Run the new tokens of several rows as one sequence."""
    import torch

    buffers = Buffers(max(map(len, rows)))
    device = module.device
    for part in _parts(rows, keep):
        ends = torch.tensor([len(row) - start for row, start in part], device=device).cumsum(0)
        with evaluating(module), replaced_attention(module, buffers, [(start, len(row)) for row, start in part]):
            out = module(
                input_ids=torch.tensor([[token for row, start in part for token in row[start:]]], device=device),
                position_ids=torch.cat([torch.arange(start, len(row), device=device) for row, start in part])[None],
                logits_to_keep=(ends[:, None] + torch.arange(-keep, 0, device=device)).flatten(),
                use_cache=False,
            )
        yield from out.logits.reshape(len(part), 1, keep, -1)


def _parts(rows: Sequence[Row], keep: int) -> Iterator[list[tuple[Row, int]]]:
    """Yield the rows of each forward, each with the position where its new tokens start."""
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
    """Count the tokens that need not be computed again: not the last `keep`, whose logits are wanted."""
    most = min(len(before), len(row) - keep)
    return next((i for i in range(most) if row[i] != before[i]), most)


def _can_pack(module: Any) -> bool:
    """Return whether the module's attention can be replaced for a forward without changing what it computes."""
    plain = (
        module.device.type == "cpu"  # a GPU is faster at padded rows than at an attention a row
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
    """Return whether a row packed behind another one has the logits that it has alone."""
    import torch

    words = module.get_input_embeddings().weight.shape[0]
    ids = [7 * i % words for i in range(1, 13)]
    first, second = ids[:9], [*ids[:4], *ids[9:], *ids[5:7]]
    try:
        _, packed = _packed(module, [first, second], 3)
        with evaluating(module):
            alone = module(input_ids=torch.tensor([second], device=module.device), use_cache=False).logits[0, -3:]
    except Exception:  # noqa: BLE001 - whatever keeps a model from being packed, it is then asked row by row
        return False
    error = torch.linalg.vector_norm(packed[0].float() - alone.float()) / torch.linalg.vector_norm(alone.float())
    return bool(error < math.sqrt(torch.finfo(alone.dtype).eps))
