"""What benchmarks of indices share: games with known truth, the rivals' interpreter, errors, ratios and coverage.

Everyone chooses its own questions and pays for all different ones. shapiq's approximators run in the interpreter that
the variable IOMAP_SHAPIQ names, ``.venv-shapiq`` by default, since the newest ask for Python 3.12.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.run.record import Skipped, show
from benchmarks.run.trial_statistics import interval
from benchmarks.tasks import kind, tables, unseen
from benchmarks.tasks.task import Task
from probes import cube

__all__ = ["WIDTH", "ask_rivals", "covered", "load", "names", "report", "summary"]

#: of a normal interval of 95%
WIDTH = 1.96


def load(name: str) -> Task:
    """A task with its whole table of answers."""
    if kind(name) not in unseen.LOADERS:
        return tables.load(name)
    task = unseen.load(name)
    answers = np.concatenate([task.answer(part) for part in np.array_split(cube(task.n), 64)])
    return Task(name, task.n, lambda Z: answers[(np.atleast_2d(Z) > 0.5) @ (1 << np.arange(task.n))], table=answers)


def names(made: Sequence[str], count: int, quick: bool) -> tuple[list[str], dict[str, str]]:
    """Tasks that nothing was chosen on: so many of each kind made for benchmarks, and precomputed games of odd number.

    Returns
    -------
    names : list of str
    absent : dict
        Why some cannot be had.
    """
    found, absent = [], {}
    for k in made:
        try:
            unseen.load(f"{k}_00")
            found += [f"{k}_{j:02d}" for j in range(count)]
        except Skipped as reason:
            absent[k] = str(reason)
    try:
        found += [name for name in tables.table_names(2 if quick else count) if int(name[-1]) % 2]
    except Skipped as reason:
        absent["games"] = str(reason)
    return found, absent


def ask_rivals(
    script: Path, write: Callable[[Path], None], budgets: Sequence[int], seeds: int
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Run a script of rivals in their interpreter; nothing where there is none.

    Parameters
    ----------
    script : Path
        Takes a folder of tasks, budgets as JSON and a number of seeds; prints versions, then a row a line.
    write : callable
        Writes the tasks into a folder.
    budgets : sequence of int
    seeds : int

    Returns
    -------
    rows : list of dict
    versions : dict
    """
    python = Path(os.environ.get("IOMAP_SHAPIQ", script.parents[2] / ".venv-shapiq" / "bin" / "python"))
    if not python.exists():
        return [], {}
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        command = [str(python), str(script), folder, json.dumps(budgets), str(seeds)]
        one_thread = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=one_thread)
    versions, *rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(row["calls"] <= row["budget"] for row in rows)
    return rows, versions


def covered(missed: np.ndarray, se: Sequence[float]) -> float:
    """The share of intervals that hold the truth; what is said to be zero without doubt holds where it is."""
    return float(np.mean(np.abs(missed) <= WIDTH * np.asarray(se) + 1e-12))


def summary(done: pd.DataFrame, by: list[str], own: Collection[str], ours: str, target: float) -> dict[str, Any]:
    """Errors of everyone, ours beside the best rival's, and how often our intervals hold.

    Parameters
    ----------
    done : DataFrame
        A row a trial: ``name, kind, budget, contender, error``; of ours also ``intervals`` and ``covered``.
    by : list of str
        Columns that part the tables.
    own : collection of str
        Contenders that are no rivals.
    ours : str
        The one of them that is set beside rivals.
    target : float
        What its error is to be of the best rival's.
    """
    means = done.groupby([*by, "contender", "name"], sort=False)["error"].mean().reset_index()
    held = done[done["contender"] == ours].groupby(by, sort=False)
    return {
        "errors": [
            {**dict(zip([*by, "contender"], key, strict=True)), **interval(part["error"])}
            for key, part in means.groupby([*by, "contender"], sort=False)
        ],
        "beside": _beside(means, by, own, ours, target),
        "coverage": [
            {
                **dict(zip(by, key, strict=True)),
                "intervals": int(part["intervals"].sum()),
                "covered": part["covered"].mean(),
            }
            for key, part in held
        ],
    }


def _beside(means: pd.DataFrame, by: list[str], own: Collection[str], ours: str, target: float) -> list[dict[str, Any]]:
    """Our mean error over that of the best rival, chosen in hindsight by its mean, with a paired bootstrap."""
    rows = []
    for key, part in means.groupby(by, sort=False):
        wide = part.pivot_table("error", "name", "contender")
        others = [c for c in wide if c not in own]
        if not others or ours not in wide:
            continue
        best = str(wide[others].mean().idxmin())
        mine, theirs = wide[ours].to_numpy(), wide[best].to_numpy()
        draws = np.random.default_rng(0).integers(0, len(mine), (2000, len(mine)))
        low, high = np.percentile(mine[draws].mean(axis=1) / theirs[draws].mean(axis=1), [2.5, 97.5])
        ratio = float(mine.mean() / theirs.mean())
        both = {"own": float(mine.mean()), "rival": best, "best": float(theirs.mean()), "ratio": ratio}
        wins = f"{(mine < theirs).sum()} of {len(mine)}"
        spread = {"low": float(low), "high": float(high), "wins": wins, "reached": ratio <= target}
        rows.append({**dict(zip(by, key, strict=True)), **both, **spread})
    return rows


def report(result: dict[str, Any], of: str) -> None:
    """Print the tables."""
    show(f"Relative squared error of {of}, mean over instances with 95% interval", result["errors"])
    for name, title in (("beside", "Beside the best rival"), ("coverage", "How often iomap's 95% intervals hold")):
        if result[name]:
            show(title, result[name])
    if result.get("failed"):
        show("Who did not answer", result["failed"])
    for name, reason in result["skipped"].items():
        print(f"without {name}: {reason}")
