"""Peak memory of scoring: bounded by answer tokens × vocabulary × rows, whatever the prompts' length.

Every case runs in a process of its own, because an allocator seldom gives back what an earlier case took. Torch's
memory is not Python's, so the resident set is watched from a thread.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

import numpy as np

from benchmarks.rivals.context_cite import ContextCite
from benchmarks.run.record import Skipped
from benchmarks.tasks.material import context_probe, language_model

__all__ = ["memory"]

MIB = 2**20
WAYS = ("iomap, shared prefixes", "iomap, padded batch", "context-cite, batches of 8")


class Peak:
    """Context manager: growth of this process's resident set while it lasts, at its highest, in bytes."""

    def __enter__(self) -> Peak:
        import psutil

        self._resident = lambda: psutil.Process().memory_info().rss
        self._start, self.growth = self._resident(), 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._stop.wait(0.002):
            self.growth = max(self.growth, self._resident() - self._start)

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


@contextmanager
def outputs_of_width(width: int) -> Iterator[list[tuple[int, ...]]]:
    """Shapes of what linear layers of this width give while it lasts: a hook would change how iomap asks."""
    from torch.nn.functional import linear
    from torch.overrides import TorchFunctionMode

    class Watch(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            out = func(*args, **(kwargs or {}))
            if func is linear and out.shape[-1] == width:
                sizes.append(tuple(out.shape))
            return out

    sizes: list[tuple[int, ...]] = []
    with Watch():
        yield sizes


def memory(quick: bool) -> list[dict[str, Any]]:
    """One row a way of scoring and length of prompt."""
    rows, copies = (2, 1) if quick else (8, 2)
    results = []
    for way in WAYS:
        for label, shape in (("short", {"sentences": 2}), ("long", {"copies": copies})):
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
                measured = alone.submit(_measure, way, rows, shape).result()
            if measured is not None:
                results.append({"way": way, "prompts": label, **measured})
    return results


def _measure(way: str, rows: int, shape: dict[str, int]) -> dict[str, Any] | None:
    """Score `rows` prompts of nearly full length once; None without the rival."""
    lm = language_model(share_prefixes=way == WAYS[0])
    probe = context_probe(sentences=shape.get("sentences"), copies=shape.get("copies", 1))
    assert probe.answer is not None
    masks = np.ones((rows, len(probe.features)))
    masks[np.arange(1, rows), np.arange(rows - 1) % masks.shape[1]] = 0
    prompts = probe.render(masks)
    scorer = lm.scoring(probe.answer, prompts[0])
    if way == WAYS[2]:
        try:
            rival = ContextCite(lm, probe, batch_size=8)
        except Skipped:
            return None
    lm.scoring(probe.answer, "Warm up.")(["Warm up."])
    with Peak() as peak, outputs_of_width(lm.module.config.vocab_size) as sizes:
        if way == WAYS[2]:
            rival.score(masks)
        else:
            scorer(prompts)
    logits = max(sizes, key=lambda size: np.prod(size))
    longest = int(scorer.sizes(prompts).max())
    return {
        "rows": rows,
        "longest_row": longest,
        "logits": "×".join(map(str, logits)),
        "logits_mib": 4 * float(np.prod(logits)) / MIB,
        "answer_logits_mib": 4 * rows * len(scorer.answer_ids) * logits[-1] / MIB,
        "sequence_logits_mib": 4 * rows * longest * logits[-1] / MIB,
        "growth_mib": peak.growth / MIB,
    }
