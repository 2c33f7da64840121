"""What torch models share: the fingerprint of their weights and of the tokens they see."""

from __future__ import annotations

import hashlib
import json
import uuid
from array import array
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from probes.model import Identity

__all__ = ["fingerprint", "token_digests"]


def fingerprint(module: Any) -> Identity:
    """Identity of a torch module as it is now: SHA-256 of its weights, buffers and configuration.

    Forward hooks change the map without changing a weight, so a hooked module is identified for this run only.
    Computed afresh at every call, because weights may be changed in place: about a second per gigabyte.

    Parameters
    ----------
    module : torch.nn.Module
    """
    import torch

    def digest(item: tuple[str, Any]) -> bytes:
        key, tensor = item
        data = tensor.detach().contiguous().cpu().reshape(-1).view(torch.uint8).numpy()
        head = f"{key} {tensor.dtype} {tuple(tensor.shape)} ".encode()
        return hashlib.sha256(hashlib.sha256(memoryview(data)).digest() + head).digest()

    tensors = {t.data_ptr(): (key, t) for key, t in [*module.named_parameters(), *module.named_buffers()]}
    total = hashlib.sha256()
    with ThreadPoolExecutor() as pool:
        for part in pool.map(digest, tensors.values()):
            total.update(part)
    config = getattr(module, "config", None)
    if config is not None:
        known = {k: v for k, v in config.to_dict().items() if not k.startswith("_") and k != "transformers_version"}
        total.update(json.dumps(known, sort_keys=True, default=str).encode())
    hooked = any(m._forward_hooks or m._forward_pre_hooks for m in module.modules())
    suffix = f":hooked-{uuid.uuid4().hex}" if hooked else ""
    return Identity(f"{type(module).__name__}:{total.hexdigest()}{suffix}", not hooked)


def token_digests(rows: Iterable[Sequence[int]]) -> list[bytes]:
    """SHA-256 of token rows: what the network sees, whatever tokenizer or template made it."""
    return [hashlib.sha256(array("q", row).tobytes()).digest() for row in rows]
