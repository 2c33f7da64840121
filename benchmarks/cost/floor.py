"""The floor: how long the questions must take if every token that the rows' prefix tree leaves costs what the model
itself needs for one in its best batches of full rows."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from probes import CausalLM

__all__ = ["raw_speed", "tree_tokens"]

BATCHES = (1, 4, 8)


def tree_tokens(rows: Sequence[Sequence[int]]) -> int:
    """Tokens of the prefix tree of rows: every distinct prefix once.

    Examples
    --------
    >>> tree_tokens([[1, 2, 3], [1, 2, 4], [1, 2, 3], [5]])
    5
    """
    total, before = 0, list[int]()
    for row in sorted(map(list, rows)):
        shared = next(
            (i for i, (a, b) in enumerate(zip(row, before, strict=False)) if a != b), min(map(len, (row, before)))
        )
        total, before = total + len(row) - shared, row
    return total


def raw_speed(lm: CausalLM, length: int, logits: int, repeats: int = 2) -> dict[str, float]:
    """Tokens per second of the bare model on rows of one length, by batch size: the median of some turns."""
    import torch

    rng = np.random.default_rng(0)
    rates: dict[str, list[float]] = {str(batch): [] for batch in BATCHES}
    with torch.inference_mode():
        for _ in range(repeats):
            for batch in BATCHES:
                ids = torch.from_numpy(rng.integers(10, 20_000, (batch, length))).to(lm.module.device)
                start = time.perf_counter()
                lm.module(input_ids=ids, logits_to_keep=logits, use_cache=False)
                rates[str(batch)].append(batch * length / (time.perf_counter() - start))
    return {batch: float(np.median(speeds)) for batch, speeds in rates.items()}
