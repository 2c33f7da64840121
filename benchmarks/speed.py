"""Language-model scores per second: iomap and context-cite on the same prompts, masks, answer and model object.

The runs take turns, so that what else the machine does disturbs all alike; medians are compared. What is timed is what
a user waits for: rendering and tokenising prompts, the model, and (for iomap) fingerprint, ordering and store.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.material import context_probe, language_model
from benchmarks.memory import memory
from benchmarks.record import Skipped, show
from benchmarks.rival import ContextCite
from probes import CausalLM, ContextProbe, Design, Store, ask, sample

__all__ = ["report", "run"]

SEED = 0
TARGETS = {"context-cite": 1.2, "context-cite, batches of 8": 2.0}
TOLERANCE = 1e-3  # nats

Scorer = Callable[[np.ndarray], np.ndarray]
Times = dict[str, list[tuple[float, float]]]


def run(quick: bool, jobs: int) -> dict[str, Any]:
    """Time 64 questions about 20 sentences."""
    import torch

    questions, repeats = (8, 1) if quick else (64, 2)
    lm = language_model()
    probe = context_probe(sentences=5 if quick else None)
    masks = sample(probe.features, 64, np.random.default_rng(SEED)).Z[:questions]
    contenders: dict[str, Scorer] = {"iomap": lambda Z: scores(lm, probe, Z)}
    skipped = None
    try:
        rivals = {"context-cite": ContextCite(lm, probe), "context-cite, batches of 8": ContextCite(lm, probe, 8)}
        same = [rival.tokens(masks) == tokens(lm, probe, masks) for rival in rivals.values()]
        assert all(same), "the rival must score the same token ids"
        contenders |= {name: rival.score for name, rival in rivals.items()}
    except Skipped as reason:
        skipped = str(reason)
    order = [name for rival in list(contenders)[1:] for name in (rival, "iomap")] or ["iomap"]

    seconds, values = take_turns(contenders, order * repeats, masks)
    half = language_model("bfloat16")
    halved, reduced = take_turns({"bfloat16": lambda Z: scores(half, probe, Z)}, ["bfloat16"] * repeats, masks)
    lengths = [len(row) for row in tokens(lm, probe, masks)]
    return {
        "settings": {
            "seed": SEED,
            "questions": len(masks),
            "sentences": len(probe.features),
            "tokens_per_row": float(np.mean(lengths)),
            "answer_tokens": values["iomap"].shape[1],
            "turns": order * repeats,
            "torch_threads": torch.get_num_threads(),
            "targets": TARGETS,
        },
        "skipped": skipped,
        "times": [row(name, seconds[name], seconds, values, lengths) for name in contenders],
        "bfloat16": row("iomap, bfloat16", halved["bfloat16"], seconds, {**values, **reduced}, lengths, "bfloat16"),
        "memory": memory(quick),
    }


def scores(lm: CausalLM, probe: ContextProbe, masks: np.ndarray) -> np.ndarray:
    """What explain() asks, of a model and a store that remember nothing."""
    assert probe.answer is not None
    scorer = lm.scoring(probe.answer, probe.render(probe.instance[None])[0])
    design = Design(masks, fixed=0, population=2.0 ** masks.shape[1])
    return ask(scorer, probe, design, Store(), progress=False).y


def tokens(lm: CausalLM, probe: ContextProbe, masks: np.ndarray) -> list[list[int]]:
    """Token ids of prompt and answer."""
    assert probe.answer is not None
    answer = lm.answer_ids(probe.render(probe.instance[None])[0], probe.answer)
    return [lm.encode(prompt) + answer for prompt in probe.render(masks)]


def take_turns(
    contenders: dict[str, Scorer], order: list[str], masks: np.ndarray
) -> tuple[Times, dict[str, np.ndarray]]:
    """Wall and processor seconds of every turn, and last scores, after one short turn that does not count."""
    seconds: Times = {name: [] for name in contenders}
    values = {name: score(masks[-2:]) for name, score in contenders.items()}
    for name in order:
        start, busy = time.perf_counter(), time.process_time()
        values[name] = contenders[name](masks)
        seconds[name].append((time.perf_counter() - start, time.process_time() - busy))
    return seconds, values


def row(
    name: str,
    times: list[tuple[float, float]],
    seconds: Times,
    values: dict[str, np.ndarray],
    lengths: list[int],
    key: str | None = None,
) -> dict[str, Any]:
    """One line of the table: times, and how scores differ from iomap's in float32."""
    (wall, busy), (own_wall, own_busy) = np.median(times, axis=0), np.median(seconds["iomap"], axis=0)
    difference = float(np.abs(values[key or name] - values["iomap"]).max())
    return {
        "contender": name,
        "seconds": wall,
        "processor_seconds": busy,
        "turns": times,
        "tokens_per_second": sum(lengths) / wall,
        "over_iomap": wall / own_wall,
        "target": TARGETS.get(name),
        "over_iomap_processor": busy / own_busy,
        "largest_difference_nats": difference,
        "same_scores": difference <= TOLERANCE,
    }


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    settings = result["settings"]
    title = (
        f"{settings['questions']} questions, {settings['tokens_per_row']:.0f} tokens a row, "
        f"{settings['answer_tokens']} of them scored, {settings['torch_threads']} threads"
    )
    lines = [*result["times"], result["bfloat16"]]
    show(title, [{k: v for k, v in line.items() if k != "turns"} for line in lines])
    if result["skipped"]:
        print(f"without the rival: {result['skipped']}")
    show("Memory beyond the model, MiB (a fresh process each)", result["memory"])
