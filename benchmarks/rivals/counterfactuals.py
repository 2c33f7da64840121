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
import time
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.run.record import Skipped, show
from benchmarks.tasks.decisions import DATA, MODELS, decision_task
from surrogates import counterfactuals

__all__ = ["TABLE", "report", "run"]

ROWS, METHODS = 10, ("random", "genetic")
TABLE = {"data": "table", "model": "model", "method": "dice-ml's method", "rows": "rows", "dice_found": "dice-ml valid",
         "found_too": "iomap valid where dice-ml is", "found": "iomap valid", "changed": "columns changed",
         "dice_changed": "dice-ml's", "asked": "rows asked", "dice_asked": "dice-ml's", "seconds": "seconds",
         "dice_seconds": "dice-ml's"}  # fmt: skip


def run(quick: bool, jobs: int, seeds: int | None = None) -> dict[str, Any]:
    """Every table with every model: dice-ml's rows, then ours."""
    python = os.environ.get("IOMAP_DICE")
    if not python:
        raise Skipped("IOMAP_DICE names no interpreter that has dice-ml")
    pairs = [("wine", "forest")] if quick else list(product(DATA, MODELS))
    tasks = [_task(data, model, method, 3 if quick else ROWS) for data, model in pairs for method in METHODS]
    theirs = _dice(python, tasks)
    ours = {(t["data"], t["model"]): _ours(t) for t in tasks if t["method"] == METHODS[0]}
    rows = [_row(t, theirs, ours[t["data"], t["model"]]) for t in tasks]
    return {"settings": {"rows": len(tasks[0]["rows"]), "budget": 1000}, "rows": rows, "overall": _overall(rows)}


def _task(data: str, model: str, method: str, count: int) -> dict[str, Any]:
    """Rows drawn at random, and for each the class that is wanted: the next one."""
    X, y, fitted = decision_task(data, model)
    rows = np.random.default_rng(2024).permutation(len(X))[:count]
    decided, classes = fitted.predict(X.iloc[rows]), len(np.unique(y))
    wanted = [int((d + 1) % classes) for d in decided]
    return {"data": data, "model": model, "method": method, "rows": [int(r) for r in rows], "wanted": wanted}


def _dice(python: str, tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What dice-ml finds, a line a row."""
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder, "tasks.json"), Path(folder, "found.jsonl")
        given.write_text(json.dumps(tasks), encoding="utf-8")
        root = str(Path(__file__).resolve().parents[2])
        subprocess.run(
            [python, "-m", "benchmarks.rivals.dice_rows", str(given), str(out)],
            check=True, cwd=root, env={**os.environ, "PYTHONPATH": root},
        )  # fmt: skip
        return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def _ours(task: dict[str, Any]) -> list[dict[str, Any]]:
    X, _, model = decision_task(task["data"], task["model"])
    found = []
    for row, wanted in zip(task["rows"], task["wanted"], strict=True):
        start = time.perf_counter()
        with threadpool_limits(1):
            one = counterfactuals(
                model, X.iloc[row], background=X, desired=wanted, random_state=row, store=None, progress=False
            )
        values = one.rows.iloc[0].tolist() if len(one) else None
        found.append({"values": values, "seconds": time.perf_counter() - start, "asked": one.asked})
    return found


def _row(task: dict[str, Any], theirs: list[dict[str, Any]], ours: list[dict[str, Any]]) -> dict[str, Any]:
    X, _, model = decision_task(task["data"], task["model"])
    same = ("data", "model", "method")
    dice = [one for one in theirs if all(one[name] == task[name] for name in same)]
    valid, changed = {}, {}
    for name, found in (("dice", dice), ("iomap", ours)):
        rows = [one["values"] for one in found]
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
    return {
        **{name: task[name] for name in same},
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
