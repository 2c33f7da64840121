"""What a curve is worth: the families that take one, with and without it, fitted to the same answers.

R² on rows that nobody asked. Differences are paired by instance (means over seeds), with 95% intervals. The games were
looked at while links were made; sums through no curve (the network's log-odds, the forest's table) say what a curve
costs where there is none.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.run.record import show
from benchmarks.run.trial_statistics import interval
from benchmarks.tasks import GROUPS, at_hand, kind
from benchmarks.tasks.counted_game import Game, score, uniform
from surrogates.families.interactions import InteractionSurrogate
from surrogates.families.linear import SparseLinear
from surrogates.proxy.cube_proxy import CubeProxy
from surrogates.surrogate import Surrogate

__all__ = ["TABLE", "report", "run", "trial"]

TASKS = ("games", "sentiment", "tabular")
BUDGETS, SEEDS = (64, 128), 3
FAMILIES = ("linear", "interactions")
#: columns of the published table
TABLE = {"kind": "kind", "budget": "calls", "family": "family", "without": "plain sum", "with": "with a curve",
         "mean": "difference", "low": "from", "high": "to", "curved": "curves"}  # fmt: skip


def made(family: str, link: str) -> Surrogate:
    """The family as explain() has it by name, with this link."""
    return SparseLinear(link=link) if family == "linear" else InteractionSurrogate(proxy=CubeProxy(), link=link)


def trial(group: str, name: str, budget: int, seed: int) -> list[dict[str, Any]]:
    """R² of every family with and without a curve, on one task with one budget and seed."""
    game = Game(GROUPS[group].load(name))
    Z = uniform(game.n, budget, seed)
    y, rows = game(Z), []
    for family in FAMILIES:
        row: dict[str, Any] = {"kind": kind(name), "name": name, "budget": budget, "family": family}
        for column, link in (("without", "identity"), ("with", "auto")):
            with threadpool_limits(1):
                fitted = made(family, link).fit(Z, y)
            row[column] = score(game, fitted.predict)
        rows.append({**row, "curved": float(fitted.curved)})
    return rows


def run(quick: bool, jobs: int, seeds: int | None = None) -> dict[str, Any]:
    """Fit both families to every task of the groups at hand."""
    groups, absent = at_hand(TASKS)
    count = 1 if quick else seeds or SEEDS
    rows: list[dict[str, Any]] = []
    for group, of in groups.items():
        for name, budget, seed in product(of.wanted(quick, None), BUDGETS, range(count)):
            rows += trial(group, name, budget, seed)
    return {"skipped": absent, "settings": {"seeds": count, "level": 0.95}, "gains": _gains(pd.DataFrame(rows))}


def _gains(trials: pd.DataFrame) -> list[dict[str, Any]]:
    by = ["kind", "budget", "family"]
    averages = trials.groupby([*by, "name"], sort=False)[["without", "with", "curved"]].mean().reset_index()
    return [
        {
            **dict(zip(by, key, strict=True)),
            "without": float(part["without"].mean()),
            "with": float(part["with"].mean()),
            **interval(part["with"] - part["without"]),
            "curved": float(np.mean(part["curved"])),
            "instances": len(part),
        }
        for key, part in averages.groupby(by, sort=False)
    ]


def report(result: dict[str, Any]) -> None:
    """Print the table."""
    show("R² with a curve, minus without, paired by instance, with 95% interval", result["gains"])
