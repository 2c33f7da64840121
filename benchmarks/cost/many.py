"""Explanations per second: explain_many against shap's KernelExplainer on a forest, and two workers against one.

The rival explains rows against a background of fifty, with its own number of samples and with few; iomap against all
of these or some. All are judged on the same fresh uniform masks by the mean answer over all fifty, which is the rival's
own game. Processor seconds are compared beside wall seconds, because they mean the same on a busy machine. The rival
explains fewer rows, one at a time, which is how it works anyway.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier

from benchmarks.run.record import Skipped, show
from probes import Background, CallableModel, Design, MaskProbe, Store, TabularProbe, ask, distribute, sample
from surrogates import ExplanationSet, explain_many
from surrogates.judging.agreement import r2

__all__ = ["report", "run"]

SEED = 0
BACKGROUND = 50
#: background rows a question that iomap takes; the first is its default
REPLICATES = (10, 20, 50)
#: samples of the rival besides its own choice
FEW = 256
QUESTIONS = 64
FRESH = 256
TARGETS = {"throughput": 10.0, "two workers": 1.7}


def run(quick: bool, jobs: int, instances: int | None = None) -> dict[str, Any]:
    """Explain 200 rows of the breast cancer table, or as many `instances`, and time two workers."""
    try:
        import shap
    except ImportError as error:
        raise Skipped("shap is not installed") from error
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    rows, rival_rows = (6, 2) if quick else (instances or 200, min(instances or 200, 25))
    background = shap.sample(X[200:], BACKGROUND, random_state=SEED)
    trees = 20 if quick else 100
    forest = RandomForestClassifier(trees, random_state=SEED).fit(X[200:], y[200:])
    times = contest(forest, X[:rows], X[:rival_rows], background, trees)
    return {
        "settings": {
            "seed": SEED,
            "rows": rows,
            "rival_rows": rival_rows,
            "background": BACKGROUND,
            "replicates": REPLICATES,
            "questions": QUESTIONS,
            "fresh_masks": FRESH,
            "cores": os.cpu_count(),
            "load": os.getloadavg()[0],
            "targets": TARGETS,
        },
        "throughput": times,
        "workers": two_workers(1 if quick else 4, 60 if quick else 1200),
    }


def contest(
    forest: Any, rows: pd.DataFrame, few: pd.DataFrame, background: pd.DataFrame, trees: int
) -> list[dict[str, Any]]:
    """One line a contender: rows a second, model inputs a row, R² on masks that nobody has seen."""
    import shap

    fresh = np.random.default_rng([SEED, 1]).integers(0, 2, (FRESH, rows.shape[1])).astype(float)
    truth = [game(forest, few.iloc[[i]], background, fresh) for i in range(len(few))]
    lines = []
    for samples in (2 * rows.shape[1] + 2**11, FEW):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            explainer = shap.KernelExplainer(forest.predict_proba, background)
            rival, wall, busy = timed(lambda e=explainer, n=samples: e.shap_values(few, nsamples=n, silent=True))  # type: ignore[misc]
        base = explainer.expected_value[1]
        scores = [score(truth[i], base + fresh @ rival[i][:, 1]) for i in range(len(few))]
        label = "KernelExplainer" if samples != FEW else f"KernelExplainer, {FEW} samples"
        lines.append(line(label, trees, len(few), wall, busy, samples * len(background) + 1, scores))
    for replicates, jobs in (*((r, 1) for r in REPLICATES), (len(background), 2)):
        many(forest, rows[:2], background, replicates, jobs)  # the workers are there
        explanations, wall, busy = timed(lambda r=replicates, n=jobs: many(forest, rows, background, r, n))  # type: ignore[misc]
        scores = [score(truth[i], explanations[i].predict(fresh)) for i in range(len(few))]
        label = f"iomap linear, {replicates} background rows" + (", 2 workers" if jobs == 2 else "")
        used = busy if jobs == 1 else None
        lines.append(line(label, trees, len(rows), wall, used, explanations.cost.rows / len(rows), scores))
    for each in lines:
        each["wall_ratio"] = each["rows_per_second"] / lines[0]["rows_per_second"]
        each["processor_ratio"] = None if each["processor"] is None else lines[0]["processor"] / each["processor"]
    return lines


def many(forest: Any, rows: pd.DataFrame, background: pd.DataFrame, replicates: int, jobs: int) -> ExplanationSet:
    """Explain rows by the class 1, with some of the background rows for every question."""
    first = TabularProbe(rows.iloc[[0]], background, law=Background(replicates))
    probes = [first, *(first.at(rows.iloc[[i]]) for i in range(1, len(rows)))]
    budget = QUESTIONS * replicates
    return explain_many(forest, probes, budget=budget, target=1, store=None, n_jobs=jobs, progress=False)


def game(forest: Any, row: pd.DataFrame, background: pd.DataFrame, masks: np.ndarray) -> np.ndarray:
    """The forest's mean answer over the background for each mask, ``(m,)``."""
    probe = TabularProbe(row, background, law=Background(BACKGROUND))
    return forest.predict_proba(probe.render(masks))[:, 1].reshape(len(masks), -1).mean(axis=1)


def score(truth: np.ndarray, predicted: np.ndarray) -> float:
    """R² of one explanation."""
    return float(r2(truth[:, None], np.reshape(predicted, (-1, 1)))[0])


def line(
    name: str, trees: int, rows: int, wall: float, busy: float | None, inputs: float, scores: list[float]
) -> dict[str, Any]:
    return {
        "contender": name,
        "trees": trees,
        "rows": rows,
        "rows_per_second": rows / wall,
        "processor": None if busy is None else busy / rows,
        "inputs_per_row": inputs,
        "r2_median": float(np.median(scores)),
        "r2_least": float(np.min(scores)),
    }


def timed(action: Callable[[], Any]) -> tuple[Any, float, float]:
    """Result, wall seconds, processor seconds of this process."""
    start, busy = time.perf_counter(), time.process_time()
    result = action()
    return result, time.perf_counter() - start, time.process_time() - busy


def busy_model(Z: np.ndarray) -> np.ndarray:
    """A sum in plain Python that takes a few milliseconds a row."""
    out = []
    for row in Z:
        total = 0.0
        for i in range(60_000):
            total += row[i % len(row)] * (i % 7)
        out.append(total)
    return np.array(out)


def two_workers(turns: int, questions: int) -> dict[str, Any]:
    """Wall seconds of the same questions put to one worker and to two, in turns."""
    probe = MaskProbe(16)
    design = sample(probe.features, questions, np.random.default_rng(SEED))
    seconds: dict[int, list[float]] = {1: [], 2: []}
    model = CallableModel(busy_model, "busy")
    with distribute(model, 1) as one, distribute(model, 2) as two:
        ask(two, probe, Design(design.Z[:8], 0), Store(), False)  # the workers are there
        for _ in range(turns):
            for count, workers in ((1, one), (2, two)):
                seconds[count].append(timed(lambda w=workers: ask(w, probe, design, Store(), False))[1])  # type: ignore[misc]
    ratios = [a / b for a, b in zip(seconds[1], seconds[2], strict=True)]
    best = min(seconds[1]) / min(seconds[2])
    return {"questions": questions, "one": seconds[1], "two": seconds[2], "ratios": ratios, "best_against_best": best}


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    settings = result["settings"]
    show(
        f"{settings['rows']} rows of breast cancer ({settings['rival_rows']} for the rival), {settings['background']} "
        f"background rows, load {settings['load']:.1f} on {settings['cores']} cores; R² on fresh uniform masks",
        result["throughput"],
    )
    workers = result["workers"]
    ratios = ", ".join(f"{ratio:.2f}" for ratio in workers["ratios"])
    print(f"two workers against one: {ratios} by turns; best against best {workers['best_against_best']:.2f}")
