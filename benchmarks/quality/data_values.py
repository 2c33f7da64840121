"""Which training data is bad: mislabelled groups found, by how many trainings.

Of sixty groups of ten records ten have all labels turned round; the answer is the accuracy of a logistic
regression on 500 other rows. Everyone's value of a group is its average effect over random sets of the others (data
Banzhaf); the area under the curve says how well low values tell the bad groups. All trainings count, first contact's
too.

Rivals: maximum sample reuse (Wang and Jia 2023) as pyDVL has it, run in an environment of its own (the interpreter that
the variable IOMAP_PYDVL names, ``.venv-pydvl`` by default), and its formula, which is OpenDataVal's too, on the same
trainings that iomap asked for.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from benchmarks.run.record import show
from benchmarks.run.trial_statistics import interval
from probes import TrainingProbe
from surrogates import explain

__all__ = ["TABLE", "report", "run", "task"]

SEEDS, GROUPS, BAD, RECORDS = 20, 60, 10, 600
#: trainings, and what AUC has to be reached
SIZES, ENOUGH = (48, 64, 80, 96, 128, 160, 192, 256), 0.95
SCRIPT = Path(__file__).parents[1] / "rivals" / "pydvl_values.py"
#: columns of the published table
TABLE = {"trainings": "trainings", "iomap": "iomap", "reuse": "sample reuse, same sets", "pydvl": "pyDVL",
         "gain": "above the better", "low": "from", "high": "to"}  # fmt: skip


def task(seed: int) -> dict[str, np.ndarray]:
    """Draw rows, labels some of which are wrong, groups, and rows to evaluate on."""
    rng = np.random.default_rng([seed, 21])
    X = rng.normal(size=(RECORDS + 500, 10))
    y = (X @ rng.normal(size=10) + rng.normal(size=len(X)) > 0).astype(int)
    groups = np.arange(RECORDS) % GROUPS
    bad = rng.choice(GROUPS, BAD, replace=False)
    turned = np.isin(groups, bad)
    labels = np.where(turned, 1 - y[:RECORDS], y[:RECORDS])
    told = {"X": X[:RECORDS], "y": labels, "groups": groups, "X_new": X[RECORDS:], "y_new": y[RECORDS:]}
    return {**told, "bad": np.isin(np.arange(GROUPS), bad)}


def trial(seed: int, size: int) -> dict[str, Any]:
    """One task and one number of trainings."""
    t = task(seed)
    probe = TrainingProbe(LogisticRegression(), t["X"], t["y"], t["groups"], (t["X_new"], t["y_new"]))
    ex = explain(probe.model, probe, budget=size, random_state=seed, store=None, progress=False)
    effects = ex.attributions.set_index("feature")["attribution"].loc[[str(k) for k in range(GROUPS)]]
    Z, y = ex.answers.design.sampled, ex.y[len(ex.y) - len(ex.answers.design.sampled) :, 0]
    reuse = [y[Z[:, j] == 1].mean() - y[Z[:, j] == 0].mean() for j in range(GROUPS)]
    cost = ex.provenance["cost"]
    return {
        "seed": seed,
        "trainings": size,
        "spent": cost["rows"] + cost.get("checks", 0),
        "iomap": roc_auc_score(t["bad"], -effects.to_numpy()),
        "reuse": roc_auc_score(t["bad"], -np.array(reuse)),
    }


def _pydvl(seeds: int, sizes: tuple[int, ...]) -> pd.DataFrame:
    """Ask pyDVL in its own environment; an empty table where there is none."""
    python = Path(os.environ.get("IOMAP_PYDVL", SCRIPT.parents[2] / ".venv-pydvl" / "bin" / "python"))
    if not python.exists():
        return pd.DataFrame({"seed": [], "trainings": [], "pydvl": []})
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(seeds):
            np.savez(Path(folder) / f"{seed}.npz", **task(seed))  # type: ignore[arg-type]
        command = [str(python), str(SCRIPT), folder, ",".join(map(str, sizes))]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=3600)
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return pd.DataFrame(
        {
            "seed": row["seed"],
            "trainings": row["samples"],
            "pydvl": roc_auc_score(task(row["seed"])["bad"], -np.array(row["values"])),
        }
        for row in rows
    )


def run(quick: bool, jobs: int, seeds: int | None = None) -> dict[str, Any]:
    """Value groups with more and more trainings."""
    count, sizes = (2, SIZES[:3]) if quick else (seeds or SEEDS, SIZES)
    trials = pd.DataFrame(Parallel(n_jobs=jobs)(delayed(trial)(s, n) for n in sizes for s in range(count)))
    trials = trials.merge(_pydvl(count, sizes), on=["seed", "trainings"], how="left")
    rows = []
    for size, part in trials.groupby("trainings"):
        gain = interval(part["iomap"] - part[["reuse", "pydvl"]].max(axis=1))
        means = {name: float(part[name].mean()) for name in ("iomap", "reuse", "pydvl")}
        rows.append({"trainings": int(size), **means, "gain": gain["mean"], "low": gain["low"], "high": gain["high"]})
    needed = {name: _needed(rows, name) for name in ("iomap", "reuse", "pydvl")}
    return {
        "settings": {"groups": GROUPS, "bad": BAD, "records": RECORDS, "seeds": count},
        "rows": rows,
        "needed": needed,
    }


def _needed(rows: list[dict[str, Any]], name: str) -> int | None:
    """Return the fewest trainings tried from which on the mean AUC is high enough."""
    enough = [row["trainings"] for row in rows if row[name] >= ENOUGH]
    short = [row["trainings"] for row in rows if not row[name] >= ENOUGH]
    return next((size for size in enough if size > max(short, default=0)), None)


def report(result: dict[str, Any]) -> None:
    """Print the table, and how many trainings were needed."""
    show("Area under the curve of mislabelled groups", result["rows"])
    print(f"trainings for {ENOUGH}: {result['needed']}")
