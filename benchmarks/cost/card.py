"""What a card of all twelve built-in probes on SmolLM2 costs: from an empty store, and again from a full one."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.quality.reversal_files import smollm
from benchmarks.run.record import show
from probes import CausalLM, Store
from probes.behaviours.registry import BEHAVIOURS
from surrogates import Card, behave

__all__ = ["report", "run"]

QUICK = ("pronoun", "greater-than")


def _timed(lm: CausalLM, path: Path, names: tuple[str, ...], kind: str) -> tuple[dict[str, Any], Card]:
    store = Store(path)
    try:
        card = behave(lm, names, store=store, progress=False, name="SmolLM2-135M-Instruct")
    finally:
        store.close()
    cost = card.cost
    row = {"store": kind, "seconds": card.seconds, "asking": cost.seconds, "calls": cost.calls, "rows": cost.rows}
    return {**row, "tokens": cost.tokens, "reused": cost.reused}, card


def run(quick: bool, jobs: int) -> dict[str, Any]:
    """A cold card and a warm one with a store in a folder of its own; the second must say what the first did."""
    import torch

    names, lm = QUICK if quick else tuple(BEHAVIOURS), smollm()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answers.sqlite"
        cold, card = _timed(lm, path, names, "empty")
        warm, again = _timed(lm, path, names, "full")
    if not again.table.equals(card.table):
        raise ValueError("the second card says something else")
    predictions = [
        {"behaviour": e.name, "cases": e.cases, "entities": max((s["entities"] for s in e.statements), default=0)}
        | {k: e.prediction.scores[k] for k in ("r2", "r2_statements", "coverage", "coverage_least", "calibration")}
        for e in card.entries
        if e.prediction is not None
    ]
    statements = card.table[["behaviour", "claim", "verdict", "effect", "low", "high", "unit"]]
    return {
        "threads": torch.get_num_threads(),
        "runs": [cold, warm],
        "predictions": predictions,
        "verdicts": card.table["verdict"].value_counts().to_dict(),
        "statements": [
            {k: None if v != v else v for k, v in row.items()}  # not-a-number is no JSON
            for row in statements.to_dict("records")
        ],
    }


def report(result: dict[str, Any]) -> None:
    """Print what both cards cost and how well they predict."""
    show(f"A card of the built-in probes, {result['threads']} thread(s)", result["runs"])
    show("Predictions of single cases of unseen entities", result["predictions"])
