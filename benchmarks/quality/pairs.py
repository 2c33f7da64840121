"""Explanations of models of pairs: how much they predict, whether they find a planted cause, and how long they take.

Small networks learnt whether one word is in the first text and another one in the second; the cause is found if these
two have the largest weights. MiniLM says how alike it finds two review sentences, both taken apart. Each rival asks as
many questions as it does by default, and iomap as many; one after the other in one process, in an order drawn for each
pair. R² is of 1,000 fresh uniform masks. Times are of the whole call, the model's own included.
"""

from __future__ import annotations

import time
import warnings
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.rivals.pair_rivals import DEFAULTS, RIVALS, Values, missing
from benchmarks.run.ledger import carry_out, code, versions
from benchmarks.run.record import Skipped, show
from benchmarks.run.trial_statistics import interval
from benchmarks.tasks.pair_models import likeness, planted, sentence_pairs
from probes import Model, PairProbe
from surrogates import explain

__all__ = ["TABLE", "report", "run", "trial"]

SEEDS, PAIRS, HELD_OUT = 20, 4, 1000
#: sentences that constants were chosen on are of another seed
DRAWN = 11
#: columns of the published table
TABLE = {"task": "task", "rival": "beside", "questions": "questions", "pairs": "pairs",
         "theirs": "R², theirs", "ours": "R², iomap", "gain": "iomap more", "low": "from", "high": "to",
         "times": "time, iomap / theirs", "times_low": "from ", "times_high": "to ",
         "found": "cause found, theirs", "our_found": "cause found, iomap"}  # fmt: skip


def _task(task: str, number: int) -> tuple[Model, PairProbe, set[str]]:
    if task == "planted":
        made = planted(number)
        if made.accuracy < 0.98:
            raise RuntimeError(f"the network of seed {number} did not learn its rule: {made.accuracy:.2f}")
        return made.model, made.probe, made.cause
    return likeness(), sentence_pairs(number + 1, DRAWN)[number], set()


def _in_batches(model: Model) -> Values:
    def values(pairs: list[tuple[str, str]]) -> np.ndarray:
        parts = [np.asarray(model(pairs[i : i + 128]))[:, 0] for i in range(0, len(pairs), 128)]
        return np.concatenate(parts).astype(float)

    return values


def trial(task: str, number: int) -> list[dict[str, Any]]:
    """Explain one pair by everybody: R² on fresh masks, whether the cause came first, seconds."""
    model, probe, cause = _task(task, number)
    values, rng = _in_batches(model), np.random.default_rng([number, 5])
    Z = rng.integers(0, 2, (HELD_OUT, len(probe.features))).astype(float)
    truth = values(probe.render(Z))
    there = [name for name in RIVALS if name not in missing()]
    todo = [(name, DEFAULTS[each]) for each in there for name in ("iomap", each)]
    rows = []
    predict: Any
    for i in rng.permutation(len(todo)):
        name, budget = todo[i]
        start = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if name == "iomap":
                found = explain(model, probe, budget=budget, store=None, random_state=number, progress=False)
                predict, top = found.predict, set(found.attributions["feature"].head(2))
            else:
                predict = RIVALS[name](probe, values, number)
        seconds = time.perf_counter() - start
        guess = np.ravel(predict(Z))
        r2 = 1 - float(((truth - guess) ** 2).sum() / ((truth - truth.mean()) ** 2).sum())
        if name != "iomap":
            alone = np.vstack([np.zeros(len(probe.features)), np.eye(len(probe.features))])
            base, *each = np.ravel(predict(alone))
            top = {probe.features[j].name for j in np.argsort(-np.abs(np.array(each) - base))[:2]}
        rows.append({"task": task, "pair": number, "name": name, "budget": budget, "r2": r2,
                     "seconds": seconds, "found": top == cause if cause else None})  # fmt: skip
    return rows


def run(
    quick: bool, jobs: int, seeds: int | None = None, instances: int | None = None, trials: Path | None = None
) -> dict[str, Any]:
    """Explain pairs of both tasks by everybody.

    Raises
    ------
    Skipped
        Where no rival is installed.
    """
    if len(missing()) == len(RIVALS):
        raise Skipped(f"none of {', '.join(RIVALS)} is installed")
    counts = {"planted": 2 if quick else seeds or SEEDS, "likeness": 1 if quick else instances or PAIRS}
    try:
        likeness()
    except Skipped:
        counts["likeness"] = 0
    cases = [(task, number) for task, count in counts.items() for number in range(count)]
    stamp = code("benchmarks/quality/pairs.py", "benchmarks/rivals/pair_rivals.py", "benchmarks/tasks/pair_models.py")
    file = None if quick or trials is None else trials / "pairs.jsonl"
    known = versions("shap", "lime", "captum", "torch", "transformers")
    rows = carry_out(trial, cases, lambda _: f"{stamp} {known}", file, jobs)
    table = pd.DataFrame(rows)
    return {
        "settings": {**counts, "held_out": HELD_OUT, "questions": DEFAULTS, "missing": missing()},
        "rows": [row for keys in product(counts, RIVALS) for row in _compared(table, *keys)],
        "trials": rows,
    }


def _compared(table: pd.DataFrame, task: str, rival: str) -> list[dict[str, Any]]:
    """iomap beside one rival, with as many questions, paired by pair of texts."""
    part = table[(table["task"] == task) & (table["budget"] == DEFAULTS[rival])]
    theirs = part[part["name"] == rival].set_index("pair")
    ours = part[part["name"] == "iomap"].set_index("pair")
    if theirs.empty or ours.empty:
        return []
    gain, times = interval(ours["r2"] - theirs["r2"]), interval(np.log(ours["seconds"] / theirs["seconds"]))
    exps = {k: None if v is None else float(np.exp(v)) for k, v in times.items()}
    found = {side: None if rows["found"].isna().all() else f"{int(rows['found'].astype(bool).sum())} of {len(rows)}"
             for side, rows in (("found", theirs), ("our_found", ours))}  # fmt: skip
    return [{"task": task, "rival": rival, "questions": DEFAULTS[rival], "pairs": len(ours),
             "theirs": float(theirs["r2"].mean()), "ours": float(ours["r2"].mean()), "gain": gain["mean"],
             "low": gain["low"], "high": gain["high"], "times": exps["mean"], "times_low": exps["low"],
             "times_high": exps["high"], **found}]  # fmt: skip


def report(result: dict[str, Any]) -> None:
    """Print the table."""
    show("Models of pairs: iomap beside others at their own default number of questions", result["rows"])
