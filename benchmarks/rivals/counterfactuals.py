"""Counterfactuals beside dice-ml: on how many rows either finds one, how many columns it changes, what it asks.

dice-ml runs with its own defaults (``method="random"``, one counterfactual, binary outcomes and a class wanted) in an
interpreter of its own: ``IOMAP_DICE=/path/to/python``. iomap is asked for the same class. Validity is what the
classifier itself decides for the row that was returned.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.rivals.dice_rows import METHODS
from benchmarks.run.record import Skipped, show
from benchmarks.run.trial_statistics import interval
from benchmarks.tasks.decisions import DATA, MODELS, decision_task

__all__ = ["TABLE", "report", "run"]

ROWS = 10
TABLE = {"data": "table", "model": "model", "method": "dice-ml's method", "rows": "rows", "dice_found": "dice-ml valid",
         "found_too": "iomap valid where dice-ml is", "found": "iomap valid", "changed": "columns changed",
         "dice_changed": "dice-ml's", "asked": "rows asked", "dice_asked": "dice-ml's", "seconds": "seconds",
         "dice_seconds": "dice-ml's", "ratio": "ratio", "low": "from", "high": "to"}  # fmt: skip


def run(quick: bool, jobs: int, seeds: int | None = None) -> dict[str, Any]:
    """Every table with every model, by dice-ml's two searches and by ours.

    Raises
    ------
    Skipped
        Where no interpreter has dice-ml.
    """
    python = os.environ.get("IOMAP_DICE")
    if not python:
        raise Skipped("IOMAP_DICE names no interpreter that has dice-ml")
    pairs = [("wine", "forest")] if quick else list(product(DATA, MODELS))
    tasks = [_task(data, model, 3 if quick else ROWS) for data, model in pairs]
    found = _found(python, tasks)
    rows = [_row(task, method, found) for task in tasks for method in METHODS]
    return {"settings": {"rows": len(tasks[0]["rows"]), "budget": 1000}, "rows": rows, "overall": _overall(rows)}


def _task(data: str, model: str, count: int) -> dict[str, Any]:
    """Rows drawn at random, and for each the class that is wanted: the next one."""
    X, y, fitted = decision_task(data, model)
    rows = np.random.default_rng(2024).permutation(len(X))[: count + 1].tolist()
    decided, classes = fitted.predict(X.iloc[rows]), len(np.unique(y))
    *wanted, last = [int((d + 1) % classes) for d in decided]
    return {"data": data, "model": model, "rows": rows[:-1], "wanted": wanted, "before": (rows[-1], last)}


def _found(python: str, tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What every search finds, a line a row."""
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder, "tasks.json"), Path(folder, "found.jsonl")
        given.write_text(json.dumps(tasks), encoding="utf-8")
        root = str(Path(__file__).resolve().parents[2])
        subprocess.run(
            [python, "-m", "benchmarks.rivals.dice_rows", str(given), str(out)],
            check=True, cwd=root, env={**os.environ, "PYTHONPATH": root},
        )  # fmt: skip
        return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def _row(task: dict[str, Any], method: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    X, _, model = decision_task(task["data"], task["model"])
    here = [one for one in found if (one["data"], one["model"]) == (task["data"], task["model"])]
    dice, ours = ([one for one in here if one["method"] == name] for name in (method, "iomap"))
    valid, changed = {}, {}
    for name, lines in (("dice", dice), ("iomap", ours)):
        rows = [one["values"] for one in lines]
        frames = [pd.DataFrame([r], columns=X.columns) if r is not None else None for r in rows]
        valid[name] = np.array(
            [f is not None and int(model.predict(f)[0]) == w for f, w in zip(frames, task["wanted"], strict=True)]
        )
        differs = [
            np.nan if f is None else int((~np.isclose(f.iloc[0], X.iloc[r], rtol=1e-9, atol=0)).sum())
            for f, r in zip(frames, task["rows"], strict=True)
        ]
        changed[name] = np.array(differs, dtype=float)
    both = valid["dice"] & valid["iomap"]
    ratio = interval(pd.Series(np.log([a["seconds"] / b["seconds"] for a, b in zip(ours, dice, strict=True)])))
    mean, low, high = (None if v is None else float(np.exp(v)) for v in ratio.values())
    return {
        "data": task["data"],
        "model": task["model"],
        "method": method,
        "rows": len(dice),
        "dice_found": float(valid["dice"].mean()),
        "found_too": float(valid["iomap"][valid["dice"]].mean()) if valid["dice"].any() else None,
        "found": float(valid["iomap"].mean()),
        "changed": float(changed["iomap"][both].mean()) if both.any() else None,
        "dice_changed": float(changed["dice"][both].mean()) if both.any() else None,
        "asked": float(np.mean([one["asked"] for one in ours])),
        "dice_asked": float(np.mean([one["asked"] for one in dice])),
        "seconds": float(np.mean([one["seconds"] for one in ours])),
        "dice_seconds": float(np.mean([one["seconds"] for one in dice])),
        "ratio": mean,
        "low": low,
        "high": high,
        "both": int(both.sum()),
        "where": int(valid["dice"].sum()),
    }


def _overall(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """By dice-ml's method: over all rows where it finds one."""
    out = []
    for method in METHODS:
        part = [row for row in rows if row["method"] == method and row["where"]]
        where, both = (sum(row[name] for row in part) for name in ("where", "both"))
        mean = {
            name: sum(row[name] * row["both"] for row in part if row["both"]) / max(both, 1)
            for name in ("changed", "dice_changed")
        }
        out.append({"method": method, "where": where, "found_too": both / max(where, 1), **mean})
    return out


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    show("Counterfactuals beside dice-ml", result["rows"])
    show("Where dice-ml finds one", result["overall"])
