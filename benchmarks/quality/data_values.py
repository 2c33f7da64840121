"""Which training data is bad: mislabelled groups found, by how many trainings.

Of sixty groups of ten records ten have all labels turned round, or three in ten of them; the answer is the accuracy of
a logistic regression on 500 other rows, or the mean probability that it gives to their right labels. Everyone's value
of a group is its average effect over random sets of the others (data Banzhaf); the area under the curve says how well
low values tell the bad groups. All trainings count, first contact's too.

Out of bag asks something else: how well the models trained without a group predict its own labels, which needs no other
rows. Values by both begin with that (`by_group`): the same trainings answer both.

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
from probes import Store, TrainingProbe
from probes.cases.training_model import Metric, right_label
from surrogates import explain

__all__ = ["TABLE", "report", "run", "task"]

SEEDS, GROUPS, BAD, RECORDS = 20, 60, 10, 600
#: share of the labels of a bad group that are turned, and numbers of trainings by each answer
SIZES = {
    ("all", "accuracy"): (48, 64, 96, 128, 192, 256),
    ("all", "right label"): (24, 32, 40, 48, 64, 72, 80, 96, 128),
    ("3 in 10", "right label"): (32, 64),
}
#: numbers of trainings that values by both answers are shown of, by the probability of the right label
BOTH = (24, 32, 64)
#: what AUC has to be reached
ENOUGH = 0.95
#: numbers of trainings out of bag
OUT_OF_BAG = (4, 8, 16, 24, 32, 48, 64)
METRICS: dict[str, Metric] = {"accuracy": "score", "right label": "right_label"}
CONTENDERS = ("iomap", "interactions", "iomap_both", "interactions_both", "interactions_both_shown", "reuse", "pydvl")
SCRIPT = Path(__file__).parents[1] / "rivals" / "pydvl_values.py"
#: columns of the published table
TABLE = {"turned": "labels turned", "answer": "answer", "trainings": "trainings", "out_of_bag": "out of bag",
         "iomap": "iomap linear", "interactions": "interactions", "iomap_both": "linear, by both",
         "interactions_both": "interactions, by both", "interactions_both_shown": "their surrogate",
         "reuse": "sample reuse, same sets", "pydvl": "pyDVL",
         "gain": "interactions above the better", "low": "from", "high": "to"}  # fmt: skip


def task(seed: int, turned: str = "all") -> dict[str, np.ndarray]:
    """Draw rows, labels some of which are wrong, groups, and rows to evaluate on."""
    rng = np.random.default_rng([seed, 21])
    X = rng.normal(size=(RECORDS + 500, 10))
    y = (X @ rng.normal(size=10) + rng.normal(size=len(X)) > 0).astype(int)
    groups = np.arange(RECORDS) % GROUPS
    bad = rng.choice(GROUPS, BAD, replace=False)
    place = np.arange(RECORDS) // GROUPS  # of a record in its group
    wrong = np.isin(groups, bad) & ((turned == "all") | (place < 3))
    labels = np.where(wrong, 1 - y[:RECORDS], y[:RECORDS])
    told = {"X": X[:RECORDS], "y": labels, "groups": groups, "X_new": X[RECORDS:], "y_new": y[RECORDS:]}
    return {**told, "bad": np.isin(np.arange(GROUPS), bad)}


def trial(seed: int, turned: str, answer: str, size: int) -> dict[str, Any]:
    """One task, one answer and one number of trainings."""
    t, store = task(seed, turned), Store()
    told = (t["X_new"], t["y_new"])
    probe = TrainingProbe(LogisticRegression(), t["X"], t["y"], t["groups"], told, metric=METRICS[answer])
    areas, groups = {}, [str(k) for k in range(GROUPS)]
    settings: dict[str, Any] = {"target": 0, "budget": size, "random_state": seed, "store": store, "progress": False}
    both = [(probe.by_group, "_both")] if answer == "right label" and size in BOTH else []
    for model, suffix in (*both, (probe.model, "")):
        # the second family asks the questions of the first
        ex = explain(model, probe, "interactions", **settings)
        spent = ex.provenance["cost"]["rows"] + ex.provenance["cost"].get("checks", 0)
        for name, one in (("interactions", ex), ("iomap", explain(model, probe, "linear", **settings))):
            effects = one.attributions.set_index("feature").loc[groups]
            areas[name + suffix] = roc_auc_score(t["bad"], -effects["attribution"])
            areas[f"{name}{suffix}_shown"] = roc_auc_score(t["bad"], -effects["surrogate"])
    Z, y = ex.answers.design.sampled, ex.y[len(ex.y) - len(ex.answers.design.sampled) :, 0]
    reuse = [y[Z[:, j] == 1].mean() - y[Z[:, j] == 0].mean() for j in range(GROUPS)]
    return {
        "seed": seed,
        "turned": turned,
        "answer": answer,
        "trainings": size,
        "spent": spent,
        **areas,
        "reuse": roc_auc_score(t["bad"], -np.array(reuse)),
    }


def out_of_bag(seed: int, turned: str, size: int) -> dict[str, Any]:
    """One task and one number of trainings, judged by how well models trained without a group predict its labels."""
    t, trained = task(seed, turned), list[int]()

    def train(X: np.ndarray, y: np.ndarray) -> LogisticRegression:
        trained.append(len(X))
        return LogisticRegression().fit(X, y)

    probe = TrainingProbe(train, t["X"], t["y"], t["groups"], evaluate_group=right_label)
    table = probe.out_of_bag(size, random_state=seed, store=None, progress=False).set_index("feature")
    means = table["mean"].loc[[str(k) for k in range(GROUPS)]].to_numpy()
    known = {"seed": seed, "turned": turned, "trainings": size, "spent": len(trained)}
    return {**known, "out_of_bag": roc_auc_score(t["bad"], -means)}


def _pydvl(seeds: int, turned: str, answer: str, sizes: tuple[int, ...]) -> pd.DataFrame:
    """Ask pyDVL in its own environment; an empty table where there is none."""
    python = Path(os.environ.get("IOMAP_PYDVL", SCRIPT.parents[2] / ".venv-pydvl" / "bin" / "python"))
    if not python.exists():
        return pd.DataFrame({"seed": [], "turned": [], "answer": [], "trainings": [], "pydvl": []})
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(seeds):
            np.savez(Path(folder) / f"{seed}.npz", **task(seed, turned))  # type: ignore[arg-type]
        command = [str(python), str(SCRIPT), folder, ",".join(map(str, sizes)), METRICS[answer]]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=3600)
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return pd.DataFrame(
        {
            "seed": row["seed"],
            "turned": turned,
            "answer": answer,
            "trainings": row["samples"],
            "pydvl": roc_auc_score(task(row["seed"])["bad"], -np.array(row["values"])),
        }
        for row in rows
    )


def run(quick: bool, jobs: int, seeds: int | None = None) -> dict[str, Any]:
    """Value groups with more and more trainings."""
    count = seeds or (2 if quick else SEEDS)
    sizes = {key: some[:2] if quick else some for key, some in SIZES.items()}
    cases = [(s, *key, n) for key, some in sizes.items() for n in some for s in range(count)]
    trials = pd.DataFrame(Parallel(n_jobs=jobs)(delayed(trial)(*case) for case in cases))
    theirs = pd.concat([_pydvl(count, *key, some) for key, some in sizes.items()])
    trials = trials.merge(theirs, on=["seed", "turned", "answer", "trainings"], how="left")
    rows: list[dict[str, Any]] = []
    for turned in dict.fromkeys(turned for turned, _ in sizes):
        for (answer, size), part in trials[trials["turned"] == turned].groupby(["answer", "trainings"], sort=False):
            better = part[["reuse", "pydvl"]].max(axis=1)
            means = {name: None if part[name].isna().all() else float(part[name].mean()) for name in CONTENDERS}
            row = {"turned": turned, "answer": answer, "trainings": int(size), "out_of_bag": None, **means}
            gain = interval(part["interactions"] - better)
            both = interval(part["interactions_both"] - better) if means["interactions_both"] else None
            rows.append({**row, "gain": gain["mean"], "low": gain["low"], "high": gain["high"], "both_gain": both})
        rows += without_group(count, turned, OUT_OF_BAG[:2] if quick else OUT_OF_BAG, jobs)
    needed = {
        f"{answer}, {turned}": {name: _needed(part, name) for name in names}
        for turned, answer in [*sizes, *((turned, "own labels") for turned in dict.fromkeys(t for t, _ in sizes))]
        for part in [[row for row in rows if (row["turned"], row["answer"]) == (turned, answer)]]
        for names in [("out_of_bag",) if answer == "own labels" else CONTENDERS]
    }
    return {
        "settings": {"groups": GROUPS, "bad": BAD, "records": RECORDS, "seeds": count},
        "rows": rows,
        "needed": needed,
    }


def without_group(seeds: int, turned: str, sizes: tuple[int, ...], jobs: int) -> list[dict[str, Any]]:
    """Return the rows of the table that are about out of bag."""
    cases = [(s, turned, n) for n in sizes for s in range(seeds)]
    trials = pd.DataFrame(Parallel(n_jobs=jobs)(delayed(out_of_bag)(*case) for case in cases))
    told, others = (
        {"turned": turned, "answer": "own labels"},
        dict.fromkeys((*CONTENDERS, "gain", "low", "high", "both_gain")),
    )
    return [
        {**told, "trainings": int(size), "out_of_bag": float(part["out_of_bag"].mean()), **others}
        for size, part in trials.groupby("trainings")
    ]


def _needed(rows: list[dict[str, Any]], name: str) -> int | None:
    """Return the fewest trainings tried from which on the mean AUC is high enough."""
    known = [row for row in rows if row[name] is not None]
    enough = [row["trainings"] for row in known if row[name] >= ENOUGH]
    short = [row["trainings"] for row in known if not row[name] >= ENOUGH]
    return next((size for size in enough if size > max(short, default=0)), None)


def report(result: dict[str, Any]) -> None:
    """Print the table, and how many trainings were needed."""
    show("Area under the curve of mislabelled groups", result["rows"])
    print(f"trainings for {ENOUGH}: {result['needed']}")
