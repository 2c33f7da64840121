"""Images: held-out R² and wall time beside other packages at their own default budgets, and planted causes.

EfficientNet-Lite0 sees six photographs, cut into superpixels that all explain. Each rival is run with its own defaults;
what it asked is counted, and iomap is given as many questions, in one interleaved run. All are judged on the same fresh
questions, drawn uniformly. In planted models two segments decide together, among others that add a little.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.rivals.image_rivals import RIVALS
from benchmarks.run.record import show
from benchmarks.run.trial_statistics import interval
from benchmarks.tasks.photographs import Photograph, photographs
from probes import CallableModel, ImageProbe
from surrogates import explain

__all__ = ["PLANTED_TABLE", "TABLE", "pairs", "planted", "report", "run"]

#: fresh questions that judge; of planted models the seeds and the budget
JUDGED, SEEDS, BUDGET = 200, 20, 300
#: columns of the published tables
TABLE = {"rival": "rival, at its own default", "calls": "calls", "theirs": "its R²", "ours": "iomap's R²",
         "gain": "iomap less rival", "low": "from", "high": "to", "own": "iomap's own seconds",
         "ratio": "its seconds over iomap's", "ratio_low": "from", "ratio_high": "to"}  # fmt: skip
PLANTED_TABLE = {"seeds": "seeds", "found": "both segments first", "clear": "and their intervals leave zero out",
                 "reached": "19 of 20"}  # fmt: skip


def run(quick: bool, jobs: int, trials: Path | None = None) -> dict[str, Any]:
    """Run all, a line for every trial as it ends."""
    import torch

    torch.set_num_threads(1)
    tasks = photographs(1 if quick else 6)
    rows: list[dict[str, Any]] = []
    names = list(RIVALS)[-2:] if quick else list(RIVALS)
    for number, task in enumerate(tasks):
        Z, y = _judged(task, 40 if quick else JUDGED)
        for turn in range(len(names)):
            name = names[(turn + number) % len(names)]
            rows += _kept(_pair(task, name, number, Z, y, turn % 2 == 0), trials)
    found = [planted(tasks[seed % len(tasks)].probe, seed) for seed in range(2 if quick else SEEDS)]
    settings = {"photographs": [task.name for task in tasks], "judged": len(Z), "segments": [
        len(task.probe.features) for task in tasks]}  # fmt: skip
    return {"settings": settings, "trials": rows, "rows": pairs(rows), "causes": found, "planted": _counted(found)}


def _judged(task: Photograph, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Ask fresh questions, uniformly drawn."""
    Z = np.random.default_rng(991).integers(0, 2, (rows, len(task.probe.features))).astype(float)
    return Z, np.concatenate([task(batch) for batch in task.probe.render(Z).batches()])


def _pair(
    task: Photograph, name: str, seed: int, Z: np.ndarray, y: np.ndarray, rival_first: bool
) -> list[dict[str, Any]]:
    """Run a rival, and iomap with as many questions, either of them first."""
    counted = _Counted(task)
    known = _calls(name, len(task.probe.features))
    order = ["rival", "iomap"] if rival_first else ["iomap", "rival"]
    row: dict[str, Any] = {"photograph": task.name, "rival": name}
    for who in order:
        counted.reset()
        start = time.perf_counter()
        if who == "rival":
            weights = RIVALS[name](counted, seed)
            row |= {"seconds": time.perf_counter() - start, "calls": counted.rows, "r2": _r2(y, Z @ weights, free=True)}
            continue
        model = CallableModel(counted, f"{task.name} {seed}", outputs=("log-odds",))
        ex = explain(model, task.probe, budget=known, random_state=seed, store=None, progress=False)
        row |= {"iomap seconds": time.perf_counter() - start, "iomap calls": counted.rows}
        row |= {"model seconds": ex.answers.cost.seconds, "iomap r2": _r2(y, ex.predict(Z))}
    return [row]


def _calls(name: str, segments: int) -> int:
    """Return how many inputs a rival asks by default."""
    return {"lime_image": 1000, "PartitionExplainer (shap)": 500, "FeatureAblation (captum)": segments + 1}.get(
        name, 25
    )


class _Counted(Photograph):
    """A photograph whose questions are counted."""

    rows: int

    def __init__(self, task: Photograph):
        super().__init__(**vars(task))
        self.reset()

    def reset(self) -> None:
        """Count from zero."""
        object.__setattr__(self, "rows", 0)  # all else stays as it is

    def of_tensor(self, batch: Any) -> Any:
        object.__setattr__(self, "rows", self.rows + len(batch))
        return super().of_tensor(batch)


def _r2(y: np.ndarray, predicted: np.ndarray, free: bool = False) -> float:
    """Return R², with the best intercept where it is `free`."""
    error = y - predicted
    if free:
        error = error - error.mean()
    return float(1 - (error**2).sum() / ((y - y.mean()) ** 2).sum())


def _kept(rows: list[dict[str, Any]], trials: Path | None) -> list[dict[str, Any]]:
    """Write rows as they come."""
    if trials is not None:
        trials.mkdir(parents=True, exist_ok=True)
        with (trials / "images.jsonl").open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    return rows


def pairs(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Compare iomap with each rival, paired by photograph; seconds as ratios of geometric means."""
    out = []
    for name, part in pd.DataFrame(rows).groupby("rival", sort=False):
        gain = interval(part["iomap r2"] - part["r2"])
        ratio = interval(np.log(part["seconds"] / part["iomap seconds"]))
        ends = {k: None if v is None else float(np.exp(v)) for k, v in ratio.items()}
        own = float((part["iomap seconds"] - part["model seconds"]).mean())
        calls = f"{part['calls'].mean():.0f} (iomap {part['iomap calls'].mean():.0f})"
        line = {"rival": name, "calls": calls, "theirs": part["r2"].mean(), "ours": part["iomap r2"].mean()}
        line |= {
            "gain": gain["mean"],
            "low": gain["low"],
            "high": gain["high"],
            "own": own,
            "ratio": ends["mean"],
            "ratio_low": ends["low"],
            "ratio_high": ends["high"],
        }
        out.append({k: float(v) if isinstance(v, float) else v for k, v in line.items()})
    return out


def planted(probe: ImageProbe, seed: int) -> dict[str, Any]:
    """Plant two segments that decide together among others that add a little, and see whether they are found."""
    rng, d = np.random.default_rng([seed, 17]), len(probe.features)
    cause = sorted(rng.permutation(d)[:2].tolist())
    small = 0.1 * rng.standard_normal(d)
    here, gone = (np.asarray(probe.render(np.full((1, d), end))[0], dtype=float) for end in (1.0, 0.0))
    masks = [probe.labels == i for i in range(d)]
    moved = np.array([max(np.abs(gone[mask] - here[mask]).mean(), 1e-9) for mask in masks])

    def score(images: np.ndarray) -> np.ndarray:
        """How much of each segment is as in the photograph: both of the cause together, and a little of all."""
        off = np.abs(np.asarray(images, dtype=float) - here)
        kept = 1 - np.column_stack([off[:, mask].mean(axis=(1, 2)) for mask in masks]) / moved
        return kept[:, cause[0]] * kept[:, cause[1]] + kept @ small

    ex = explain(score, probe, budget=BUDGET, random_state=seed, store=None, progress=False)
    first = ex.attributions.head(2)
    names = {probe.features[i].name for i in cause}
    clear = bool(((first["low"] > 0) | (first["high"] < 0)).all())
    return {"seed": seed, "cause": cause, "found": set(first["feature"]) == names, "clear": clear}


def _counted(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    both = sum(row["found"] for row in found)
    clear = sum(row["found"] and row["clear"] for row in found)
    return [{"seeds": len(found), "found": both, "clear": clear, "reached": both >= 0.95 * len(found)}]


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    show("Beside others", result["rows"])
    show("Planted causes", result["planted"])
