"""Explanations of rows of tables beside lime and shap: how much they predict, what they find, how long they take.

Every rival runs with its own defaults and is counted on the first row of a task; iomap is asked for as many rows.
Beside shap it averages over the same fifty background rows, so that a question is the same for both; beside lime it has
its own default, ten. R² is of fresh uniform masks in iomap's game, and of fresh questions as the rival draws them, with
its weights, in the rival's. Times are of the whole call, the model's own included, one after the other in an order
drawn for each row. Rivals get probabilities as a function, iomap the classifier itself, as each shows it.

The planted cause is two columns that act together only; each has a copy with noise, which the model does not read.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.rivals.row_rivals import RIVALS, Values, missing
from benchmarks.run.ledger import carry_out, code, versions
from benchmarks.run.record import Skipped, show
from benchmarks.run.trial_statistics import interval
from benchmarks.tasks.decisions import DATA, MODELS, decision_table
from probes.inputs.tabular import TabularProbe
from surrogates import explain

__all__ = ["FOUND", "TABLE", "planted", "report", "run", "trial"]

SEEDS, ROWS, HELD_OUT = 20, 3, 500
#: answers whose spread is worth explaining; columns and rows of a planted table
SPREAD, COLUMNS, N = 0.02, 12, 500
TABLE = {
    "model": "model",
    "rival": "beside",
    "explained": "rows",
    "asked": "model's rows, theirs",
    "our_asked": "iomap's",
    "theirs": "R², theirs",
    "ours": "R², iomap",
    "won": "iomap more",
    "own_theirs": "R² in its game, theirs",
    "own_ours": "R² in its game, iomap",
    "own_won": "iomap more there",
    "times": "time, iomap / theirs",
    "times_low": "from",
    "times_high": "to",
}
FOUND = {
    "rival": "beside",
    "asked": "model's rows, theirs",
    "our_asked": "iomap's",
    "found": "cause found, theirs",
    "our_found": "cause found, iomap",
    "times": "time, iomap / theirs",
    "times_low": "from",
    "times_high": "to",
}


class Counted:
    """A model as a function of rows ``(m, p)`` that counts them."""

    def __init__(self, values: Values):
        self.values, self.rows = values, 0

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        self.rows += len(rows)
        return self.values(np.asarray(rows, dtype=float))


def planted(seed: int) -> tuple[Values, np.ndarray, np.ndarray, set[int]]:
    """A model, a row, its background and the two columns that act together."""
    rng = np.random.default_rng([seed, 71])
    a, b, first, second = rng.permutation(COLUMNS)[:4]
    X = rng.normal(size=(N + 1, COLUMNS))
    X[0, [a, b]] = rng.uniform(1, 2, 2)
    X[:, first], X[:, second] = (0.9 * X[:, j] + 0.44 * rng.normal(size=N + 1) for j in (a, b))
    weights = rng.normal(0, 0.05, COLUMNS)
    weights[[a, b, first, second]] = 0

    def values(rows: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-6 * (np.minimum(rows[:, a], rows[:, b]) - 0.5))) + rows @ weights

    return values, X[0], X[1:], {int(a), int(b)}


@lru_cache(maxsize=1)
def _fitted(data: str, model: str) -> tuple[np.ndarray, Any]:
    X, y = decision_table(data)
    return X.to_numpy(), MODELS[model]().fit(X.to_numpy(), y)


def _probability(fitted: Any, column: int, rows: np.ndarray) -> np.ndarray:
    answers: np.ndarray = fitted.predict_proba(rows)[:, column]
    return answers


@dataclass(frozen=True, eq=False)
class _Case:
    """A row to be explained: the model as a function and as iomap takes it, and the columns to be found, if known."""

    values: Values
    model: Any
    target: int | None
    row: np.ndarray
    background: np.ndarray
    cause: set[int]


def _case(task: str, number: int) -> _Case:
    """Of the rows whose answers vary the one of this number; its answer is the probability of the class decided for."""
    if task == "planted":
        values, row, background, cause = planted(number)
        return _Case(values, values, None, row, background, cause)
    X, fitted = _fitted(*task.split(": "))
    varied = 0
    for i in np.random.default_rng(31).permutation(len(X)):
        column = int(fitted.predict_proba(X[[i]])[0].argmax())
        values = partial(_probability, fitted, column)
        if _answers(values, _probe(X[i], X, None, 0), _masks(X.shape[1], 32, i)).std() > SPREAD:
            if varied == number:
                return _Case(values, fitted, column, X[i], X, set())
            varied += 1
    raise RuntimeError(f"{task}: the answers of {varied} rows vary, and row {number} was wanted")


def _probe(row: np.ndarray, background: np.ndarray, rows: int | None, seed: int) -> TabularProbe:
    return TabularProbe(row, background, background_rows=rows, random_state=seed)


def _masks(p: int, count: int, seed: int) -> np.ndarray:
    return np.random.default_rng([seed, 5]).integers(0, 2, (count, p)).astype(float)


def trial(task: str, number: int, rival: str) -> list[dict[str, Any]]:
    """Explain one row by a rival and by iomap: R² in both games, whether the cause came first, seconds."""
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [_trial(task, number, rival)]


@lru_cache(maxsize=8)
def _budget(task: str, rival: str) -> int:
    """Rows that a rival asks about the first row of a task; what is imported late is loaded by this, too."""
    case, (told_by, used) = _case(task, 0), RIVALS[rival]
    background = case.background[:used]
    counted = Counted(case.values)
    told_by(counted, _probe(case.row, background, used, 0), background, 0)
    _ours(case, background, used, 200 * (used or 10), 0)
    return counted.rows


def _ours(case: _Case, background: np.ndarray, rows: int | None, budget: int, seed: int) -> Any:
    return explain(
        case.model, case.row, background=background, background_rows=rows, budget=budget, target=case.target,
        random_state=seed, store=None, progress=False,
    )  # fmt: skip


def _trial(task: str, number: int, rival: str) -> dict[str, Any]:
    case, (told_by, used), asked = _case(task, number), RIVALS[rival], _budget(task, rival)
    rng, X = np.random.default_rng([number, 8]), case.background
    background = X if used is None else X[rng.permutation(len(X))[:used]]
    probe, counted = _probe(case.row, background, used, number), Counted(case.values)
    seconds: dict[int, float] = {}
    results: dict[int, Any] = {}
    for i in rng.permutation(2):
        start = time.perf_counter()
        if i:
            results[i] = told_by(counted, probe, background, number)
        else:
            results[i] = _ours(case, background, used, asked, number)
        seconds[i] = time.perf_counter() - start
    ex, told = results[0], results[1]
    Z = _masks(len(case.row), HELD_OUT, number)
    truth, even = _answers(case.values, probe, Z), np.ones(HELD_OUT)
    game = told.own(rng)
    own = _answers(case.values, probe, game.Z) if game.rows is None else case.values(game.rows)
    order = {"found": np.argsort(-np.abs(told.weights))[:2], "our_found": np.argsort(-np.abs(_effects(ex)))[:2]}
    return {
        "task": task, "number": number, "rival": rival, "asked": counted.rows,
        "our_asked": ex.provenance["cost"]["rows"],
        "theirs": _r2(truth, told.predict(Z), even), "ours": _r2(truth, np.ravel(ex.predict(Z)), even),
        "own_theirs": _r2(own, game.predicted, game.weights),
        "own_ours": _r2(own, np.ravel(ex.predict(game.Z)), game.weights),
        "seconds": seconds[1], "our_seconds": seconds[0],
        **{key: set(map(int, top)) == case.cause if case.cause else None for key, top in order.items()},
    }  # fmt: skip


def _effects(ex: Any) -> np.ndarray:
    table = ex.attributions.set_index("feature")["attribution"]
    return np.array([table[f"x{j}"] for j in range(len(table))])


def _answers(values: Values, probe: TabularProbe, Z: np.ndarray) -> np.ndarray:
    parts = [values(np.asarray(probe.render(part))) for part in np.array_split(Z, max(1, len(Z) // 100))]
    return np.concatenate(parts).reshape(len(Z), -1).mean(axis=1)


def _r2(truth: np.ndarray, guess: np.ndarray, weights: np.ndarray) -> float:
    middle = np.average(truth, weights=weights)
    return 1 - float(weights @ (truth - guess) ** 2 / (weights @ (truth - middle) ** 2))


def run(
    quick: bool, jobs: int, seeds: int | None = None, instances: int | None = None, trials: Path | None = None
) -> dict[str, Any]:
    """Explain rows of every table and model, and planted causes, beside every rival.

    Raises
    ------
    Skipped
        Where no rival is installed.
    """
    there = [name for name in RIVALS if name not in missing()]
    if not there:
        raise Skipped(f"none of {', '.join(RIVALS)} is installed")
    pairs = [("wine", "logistic")] if quick else list(product(DATA, MODELS))
    count, planted_count = (1, 2) if quick else (instances or ROWS, seeds or SEEDS)
    cases = [(f"{d}: {m}", i, name) for d, m in pairs for i in range(count) for name in there]
    cases += [("planted", i, name) for i in range(planted_count) for name in there]
    files = ("benchmarks/quality/rows.py", "benchmarks/rivals/row_rivals.py", "benchmarks/tasks/decisions.py")
    stamp = f"{code(*files, 'probes', 'surrogates')} {versions('shap', 'lime', 'sklearn')}"
    file = None if quick or trials is None else trials / "rows.jsonl"
    table = pd.DataFrame(carry_out(trial, cases, lambda _: stamp, file, jobs))
    real, made = table[table["task"] != "planted"], table[table["task"] == "planted"]
    kinds = real.assign(model=real["task"].str.split(": ").str[1]).groupby(["model", "rival"], sort=False)
    return {
        "settings": {"rows": count, "seeds": planted_count, "held_out": HELD_OUT, "missing": missing()},
        "rows": [{"model": str(m), "rival": str(r), **_compared(part)} for (m, r), part in kinds],
        "found": [{"rival": str(r), **_recovered(part)} for r, part in made.groupby("rival", sort=False)],
        "trials": table.to_dict("records"),
    }


def _compared(part: pd.DataFrame) -> dict[str, Any]:
    """iomap beside one rival, paired by row; medians, because R² has no lower end where answers hardly vary."""
    medians = {key: float(part[key].median()) for key in ("theirs", "ours", "own_theirs", "own_ours")}
    won = {
        f"{own}won": f"{int((part[f'{own}ours'] > part[f'{own}theirs']).sum())} of {len(part)}" for own in ("", "own_")
    }
    return {"explained": len(part), **_asked(part), **medians, **won, **_times(part)}


def _recovered(part: pd.DataFrame) -> dict[str, Any]:
    found = {key: f"{int(part[key].astype(bool).sum())} of {len(part)}" for key in ("found", "our_found")}
    return {**_asked(part), **found, **_times(part)}


def _asked(part: pd.DataFrame) -> dict[str, int]:
    return {key: round(float(part[key].mean())) for key in ("asked", "our_asked")}


def _times(part: pd.DataFrame) -> dict[str, float | None]:
    logs = interval(np.log(part["our_seconds"] / part["seconds"]))
    exps = {key: None if value is None else float(np.exp(value)) for key, value in logs.items()}
    return {"times": exps["mean"], "times_low": exps["low"], "times_high": exps["high"]}


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    show("Rows of tables: iomap beside others at their own default number of rows", result["rows"])
    show("Planted causes", result["found"])
