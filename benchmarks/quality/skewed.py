"""Skewed answers: the process beside the linear fit to the same answers, on 500 games. A collapse would show here.

Answers are small nearly everywhere, so that few rows hold most of what there is to learn, and cross-validation of a
handful of them chooses by luck. The made-up games were not looked at while the process was made; those that were have
lower numbers. Models of tables are like those that were.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from benchmarks.run.record import show
from benchmarks.tasks import skewed
from benchmarks.tasks.counted_game import Game, score, uniform
from surrogates.families.linear import SparseLinear
from surrogates.proxy.cube_proxy import CubeProxy

__all__ = ["TABLE", "report", "run", "trial"]

GAMES, BUDGETS = 500, (64, 128)
LINKS = {"plain sum": "identity", "with a curve": "auto"}
#: how far below the linear fit the process may lie, in 99% of games; and in the worst
NEAR, SHARE, WORST = 0.05, 0.99, 0.15
#: columns of the published table
TABLE = {"games": "games", "link": "link", "budget": "calls", "process": "R² process", "linear": "R² linear",
         "difference": "difference (mean)", "near": "at most .05 below", "worst": "worst difference",
         "reached": "99% near, worst .15"}  # fmt: skip


def trial(name: str) -> list[dict[str, Any]]:
    """R² of the process and of the linear fit on one game, by budget and link."""
    game, rows = Game(skewed.load(name)), []
    for budget in BUDGETS:
        Z = uniform(game.n, budget, seed=0)
        y = game(Z)
        for link, given in LINKS.items():
            with threadpool_limits(1):
                process, linear = (fit(link=given).fit(Z, y) for fit in (CubeProxy, SparseLinear))
            scores = {"process": score(game, process.predict), "linear": score(game, linear.predict)}
            kind = "tables" if name.split("_")[0] in skewed.TABLES else "made up"
            rows.append({"name": name, "games": kind, "link": link, "budget": budget, **scores})
    return rows


def run(quick: bool, jobs: int) -> dict[str, Any]:
    """Fit both to every game."""
    names = skewed.names(12 if quick else GAMES)
    trials = pd.DataFrame(
        [row for rows in Parallel(n_jobs=jobs)(delayed(trial)(name) for name in names) for row in rows]
    )
    trials["difference"] = trials["process"] - trials["linear"]
    by = ["games", "link", "budget"]
    table = [
        {
            **dict(zip(by, key, strict=True)),
            "count": len(part),
            "process": float(part["process"].mean()),
            "linear": float(part["linear"].mean()),
            "difference": float(part["difference"].mean()),
            "near": float((part["difference"] >= -NEAR).mean()),
            "worst": float(part["difference"].min()),
            "reached": bool((part["difference"] >= -NEAR).mean() >= SHARE and part["difference"].min() >= -WORST),
        }
        for key, part in trials.groupby(by, sort=False)
    ]
    worst = trials.nsmallest(20, "difference")[["name", "link", "budget", "process", "linear"]]
    settings = {"games": len(names), "real": int((trials["games"] == "tables").sum() / len(LINKS) / len(BUDGETS))}
    return {"settings": settings, "table": table, "worst": worst.to_dict("records")}


def report(result: dict[str, Any]) -> None:
    """Print the table."""
    show("R² of the process and of the linear fit on skewed answers", result["table"])
