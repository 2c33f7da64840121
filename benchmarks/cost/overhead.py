"""The share of an explanation's time that is not the model's own: rendering, ordering, storing, fitting and judging."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.run.record import show, timed
from benchmarks.tasks.material import context_probe, language_model
from probes import CausalLM, ContextProbe, Store
from surrogates.families.registry import FAMILIES
from surrogates.judging.analysis import analyse
from surrogates.judging.problem import Problem
from surrogates.local.explain import explain

__all__ = ["report", "run"]

SEED = 0
TARGET = 0.05


def run(quick: bool, jobs: int) -> dict[str, Any]:
    """Explain an answer by 20 sentences with 256 model calls, into a new store."""
    import torch

    budget = 24 if quick else 256
    probe = context_probe(answer=None, sentences=5 if quick else None)
    loading, lm = timed(language_model)
    fingerprint, _ = timed(lm.identity)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "answers.sqlite")
        # the first pays for the answers; the others find them, so that all of their time is overhead
        rows = [measure(lm, probe, family, budget, store) for family in FAMILIES]
        store.close()
    inside = rows[0]["model_seconds"]
    for row in rows:
        row["overhead_share"] = row["overhead_seconds"] / (row["overhead_seconds"] + inside)
    return {
        "settings": {
            "seed": SEED,
            "budget": budget,
            "sentences": len(probe.features),
            "torch_threads": torch.get_num_threads(),
            "target_share": TARGET,
        },
        "load_seconds": loading,
        "fingerprint_seconds": fingerprint,
        "families": rows,
    }


def measure(lm: CausalLM, probe: ContextProbe, family: str, budget: int, store: Store) -> dict[str, Any]:
    """One explanation, and its fit and judgement once more alone."""
    wall, ex = timed(lambda: explain(lm, probe, family, budget=budget, random_state=SEED, store=store, progress=False))
    problem = Problem(ex.answers.design, ex.y, ex.target.outputs, ex.features, SEED)
    fitting, _ = timed(lambda: analyse(ex.surrogate, problem))
    inside = ex.provenance["cost"]["seconds"]
    return {
        "family": family,
        "model_calls": ex.provenance["cost"]["rows"],
        "answer_tokens": len(ex.answers.outputs),
        "wall_seconds": wall,
        "model_seconds": inside,
        "overhead_seconds": wall - inside,
        "fit_and_judge_seconds": fitting,
    }


def report(result: dict[str, Any]) -> None:
    """Print the table."""
    settings = result["settings"]
    show(
        f"explain() of {settings['sentences']} sentences, budget {settings['budget']} (model loaded in "
        f"{result['load_seconds']:.1f} s, not counted; one fingerprint {result['fingerprint_seconds']:.2f} s; "
        f"target {settings['target_share']:.0%})",
        result["families"],
    )
