"""What hooks cost: a forward of SmolLM2 at 128 tokens under each intervention, beside one without, in turns."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks.run.record import show
from benchmarks.tasks.material import language_model
from probes import ablate, patch, steer

__all__ = ["TABLE", "report", "run"]

TOKENS, PAIRS, TARGET = 128, 41, 1.10
#: columns of the published table
TABLE = {"intervention": "intervention", "ratio": "time, as a ratio", "low": "from", "high": "to",
         "reached": "below 1.10"}  # fmt: skip


def run(quick: bool, jobs: int) -> dict[str, Any]:
    """Time forwards in pairs, the order of the two changing from pair to pair."""
    import torch

    lm = language_model()
    rng = np.random.default_rng(0)
    words = lm.encode("The old mill stands by the river, and the road to the town goes past it. " * 20)[:TOKENS]
    source = lm.tokenizer.decode(words)
    width = int(lm.module.config.hidden_size)
    changed = {
        "steer, one layer": steer(lm, 14, rng.normal(size=width)),
        "ablate, three heads": ablate(lm, ["3.1", "14.2", "25.0"]),
        "ablate, three feed-forward parts": ablate(lm, ["mlp.3", "mlp.14", "mlp.25"]),
        "patch, one layer at the last token": patch(lm, "model.layers.14", source, -1),
        "patch, one layer at every token": patch(lm, "model.layers.14", source),
    }
    ids = torch.tensor([lm.encode(source)])

    def seconds(model: Any) -> float:
        start = time.perf_counter()
        with torch.inference_mode():
            model.module(input_ids=ids, use_cache=False)
        return time.perf_counter() - start

    rows = []
    for name, model in changed.items():
        _ = seconds(lm), seconds(model)
        ratios = []
        for pair in range(5 if quick else PAIRS):
            order = (lm, model) if pair % 2 else (model, lm)
            spent = {id(each): seconds(each) for each in order}
            ratios.append(spent[id(model)] / spent[id(lm)])
        low, high = np.quantile(_medians(np.array(ratios)), [0.025, 0.975])
        middle = float(np.median(ratios))
        rows.append({"intervention": name, "ratio": middle, "low": low, "high": high, "reached": middle < TARGET})
    return {"settings": {"tokens": ids.shape[1], "torch_threads": torch.get_num_threads()}, "rows": rows}


def _medians(values: np.ndarray) -> np.ndarray:
    """Draw medians of samples of the pairs, for an interval."""
    rng = np.random.default_rng(1)
    return np.median(values[rng.integers(0, len(values), (2000, len(values)))], axis=1)


def report(result: dict[str, Any]) -> None:
    """Print the table."""
    show("Forwards under interventions", result["rows"])
