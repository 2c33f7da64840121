"""Language-model scores per second: iomap, context-cite and captum on the same document, answer and model object.

context-cite scores the same masks; captum draws its own, so a few of them are timed and scaled to as many. The floor is
what the questions must take at the model's own speed (see :mod:`benchmarks.floor`).

The runs take turns, so that what else the machine does disturbs all alike; medians are compared. What is timed is what
a user waits for: rendering and tokenising prompts, the model, and (for iomap) fingerprint, ordering and store.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.cost.floor import raw_speed, tree_tokens
from benchmarks.cost.memory import memory
from benchmarks.rivals.captum_lm import seconds_per_mask
from benchmarks.rivals.context_cite import ContextCite
from benchmarks.run.record import Skipped, show
from benchmarks.tasks.material import context_probe, language_model
from probes import CausalLM, ContextProbe, Design, Store, ask, sample

__all__ = ["report", "run"]

SEED = 0
#: by how much iomap is to be faster; in bfloat16, than the first in float32
TARGETS = {"context-cite": 1.4, "context-cite, batches of 8": 2.5, "captum": 10.0, "bfloat16": 2.5}
#: seconds over the floor
FLOOR = 1.15
CAPTUM = {
    "captum KernelShap": ("KernelShap", {}),
    "captum Lime": ("Lime", {}),
    "captum KernelShap, without cache": ("KernelShap", {"use_cached_outputs": False}),
}
TOLERANCE = 1e-3  # nats

Scorer = Callable[[np.ndarray], np.ndarray]
Times = dict[str, list[tuple[float, float]]]


def run(quick: bool, jobs: int) -> dict[str, Any]:
    """Time 64 questions about 20 sentences."""
    import torch

    questions, repeats = (8, 1) if quick else (64, 1)
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
    rows = tokens(lm, probe, masks)
    lengths = [len(row) for row in rows]
    left = tree_tokens([row[:-1] for row in rows])
    floors = {
        name: floor(left, raw_speed(model, round(np.mean(lengths)), values["iomap"].shape[1]), taken)
        for name, model, taken in (("float32", lm, seconds["iomap"]), ("bfloat16", half, halved["bfloat16"]))
    }
    return {
        "settings": {
            "seed": SEED,
            "questions": len(masks),
            "sentences": len(probe.features),
            "tokens_per_row": float(np.mean(lengths)),
            "answer_tokens": values["iomap"].shape[1],
            "turns": order * repeats,
            "tokens": sum(lengths),
            "tree_tokens": left,
            "torch_threads": torch.get_num_threads(),
            "targets": {**TARGETS, "floor": FLOOR},
        },
        "skipped": skipped,
        "floor": floors,
        "captum": captum(lm, probe, lengths, float(np.median(seconds["iomap"], axis=0)[0])),
        "bfloat16_over_context_cite": over(seconds.get("context-cite"), halved["bfloat16"]),
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


def floor(left: int, raw: dict[str, float], taken: list[tuple[float, float]]) -> dict[str, Any]:
    """Seconds beside those that the tokens left by the prefix tree take at the model's best raw speed."""
    least = left / max(raw.values())
    wall = float(np.median(taken, axis=0)[0])
    return {"raw_tokens_per_second": raw, "floor_seconds": least, "seconds": wall, "over_floor": wall / least}


def over(slower: list[tuple[float, float]] | None, faster: list[tuple[float, float]]) -> float | None:
    """How much longer the median turn took."""
    return None if slower is None else float(np.median(slower, axis=0)[0] / np.median(faster, axis=0)[0])


def captum(lm: CausalLM, probe: ContextProbe, lengths: list[int], iomap: float, masks: int = 1) -> list[dict[str, Any]]:
    """captum's seconds for rows of these lengths, scaled by tokens from a few of its masks; what fails is said."""
    answer = len(lm.answer_ids(probe.render(probe.instance[None])[0], probe.answer or ""))
    rows: list[dict[str, Any]] = []
    for name, (method, options) in CAPTUM.items():
        try:
            each, length = seconds_per_mask(lm, probe, masks, method, **options)
        except Skipped as reason:
            return [{"contender": name, "failed": str(reason)}]
        except Exception as error:  # noqa: BLE001 - a rival that does not run with these versions is told as it is
            rows.append({"contender": name, "failed": f"{type(error).__name__}: {str(error)[:160]}"})
            continue
        seconds = each * sum(lengths) / (length + answer)
        rows.append(
            {
                "contender": name,
                "seconds": seconds,
                "seconds_per_mask": each,
                "prompt_tokens": length,
                "over_iomap": seconds / iomap,
                "target": TARGETS["captum"],
            }
        )
    return rows


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
    (wall, busy), (iomap_wall, iomap_busy) = np.median(times, axis=0), np.median(seconds["iomap"], axis=0)
    difference = float(np.abs(values[key or name] - values["iomap"]).max())
    return {
        "contender": name,
        "seconds": wall,
        "processor_seconds": busy,
        "turns": times,
        "tokens_per_second": sum(lengths) / wall,
        "over_iomap": wall / iomap_wall,
        "target": TARGETS.get(name),
        "over_iomap_processor": busy / iomap_busy,
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
    for line in result["captum"]:
        show(line["contender"] + ", scaled from a few masks", [line])
    show("Seconds beside the floor", [{"dtype": name, **part} for name, part in result["floor"].items()])
    show("Memory beyond the model, MiB (a fresh process each)", result["memory"])
