"""Fidelity per model call: mean R² on questions nobody asked, of iomap's surrogates and of rivals at the same cost.

Everyone pays for the same number of calls: iomap's instance, reference and leave-one-out rows count although it does
not fit to them, and so do a rival's endpoints and repeated rows. On full tables every row that a contender did not ask
judges it, elsewhere 2,000 fresh uniform rows do. Differences are paired by instance (means over seeds).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.rivals.contenders import FITTED, IOMAP, RIVALS, fits, missing
from benchmarks.run.ledger import Case, carry_out, code, versions
from benchmarks.run.record import environment, show
from benchmarks.run.trial_statistics import calls, differences, interval, means, table, targets
from benchmarks.tasks import GROUPS, Group, at_hand, kind
from benchmarks.tasks.counted_game import score

__all__ = ["interval", "merged", "report", "run"]

#: fewer calls, for iomap alone, to find where it reaches what a rival has at 64
SMALL = (32, 48)
QUICK = (64,)
#: half a minute a fit: with the first seed only
ONCE = ("SPEX (shapiq)",)
CORE = ("numpy", "scipy", "sklearn")


def run(
    quick: bool,
    jobs: int,
    only: Iterable[str] | None = None,
    trials: Path | None = None,
    seeds: int | None = None,
    instances: int | None = None,
    budgets: tuple[int, ...] | None = None,
) -> dict[str, Any]:
    """Fit every contender to every task, budget and seed.

    Parameters
    ----------
    quick : bool
    jobs : int
    only : iterable of str, optional
        Groups of tasks.
    trials : Path, optional
        Folder where finished trials are kept.
    seeds, instances : int, optional
        In place of each group's own numbers.
    budgets : tuple of int, optional
        Likewise; ``SMALL`` ones are left out then.
    """
    groups, absent = at_hand(only)
    without = missing(list(RIVALS))
    everything: list[Case] = []
    for name, group in groups.items():
        names = group.wanted(quick, instances)
        numbers = range(1 if quick else seeds or group.seeds)
        rivals = [rival for rival in _rivals(group) if rival not in without]
        asked = QUICK if quick else budgets or group.budgets
        cases = product([name], names, asked, numbers, [IOMAP, *rivals])
        everything += [case for case in cases if case[-1] not in ONCE or not case[3]]
        everything += product([name], names, () if quick or budgets else SMALL, numbers, [IOMAP])
    # of a group, first what asks the questions that others share, then the dearest, so that no worker idles at last
    everything.sort(key=lambda case: (list(groups).index(case[0]), case[-1] != IOMAP, -case[2], case[3]))
    rows = carry_out(trial, everything, stamp, None if trials is None else trials / "fidelity.jsonl", jobs)
    outcomes = pd.DataFrame(rows).sort_values(["budget", "seed"], kind="stable")
    result: dict[str, Any] = {
        "skipped": {**absent, **without},
        "groups": {name: _summary(name, outcomes[outcomes["group"] == name], quick) for name in groups},
    }
    result["targets"] = targets(result["groups"])
    return result


def _rivals(group: Group) -> list[str]:
    return [name for name, of in RIVALS.items() if group.chooses_questions or not of.chooses_questions]


def trial(group: str, name: str, budget: int, seed: int, contender: str) -> list[dict[str, Any]]:
    """R² of one rival, or of all of iomap's contenders, on one task with one budget and seed."""
    task = GROUPS[group].load(name)
    rows = []
    for fitted in fits(task, contender, budget, seed):
        game, failed, r2 = fitted["game"], fitted.get("failed"), None
        if failed is None:
            r2 = score(game, fitted["predict"])
            failed, r2 = (None, r2) if np.isfinite(r2) else ("its predictions are not finite", None)
        rows.append(
            {
                "group": group,
                "kind": kind(name),
                "name": name,
                "budget": budget,
                "seed": seed,
                "contender": fitted["contender"],
                "r2": r2,
                "terms": fitted.get("terms"),
                "seconds": fitted.get("seconds"),
                "calls": game.calls,
                "distinct": game.distinct,
                "failed": failed,
            }
        )
    return rows


def stamp(case: Case) -> str:
    """What a trial depends on: its contender's code and versions, the task's code, the counting and scoring."""
    group, contender = GROUPS[case[0]], case[-1]
    task = [f"benchmarks/tasks/{name}.py" for name in (group.load.__module__.rsplit(".", 1)[1], *group.material)]
    common = code("benchmarks/tasks/counted_game.py", *task) + versions(*CORE)
    if contender == IOMAP:
        return common + code(*FITTED)
    return common + code("benchmarks/rivals/mask_rivals.py") + versions(*RIVALS[contender].packages)


def _summary(name: str, trials: pd.DataFrame, quick: bool) -> dict[str, Any]:
    """One group's settings, tables and failures."""
    asked = trials[~trials["budget"].isin(SMALL)]
    done = trials[trials["failed"].isna()].astype({"r2": float, "seconds": float, "terms": float})
    averages = means(done)
    large = averages[~averages["budget"].isin(SMALL)]
    packages = sorted({package for rival in RIVALS.values() for package in rival.packages})
    why = trials.dropna(subset="failed").groupby(["kind", "budget", "contender", "failed"], sort=False).size()
    return {
        "quick": quick,
        "settings": {
            "tasks": list(dict.fromkeys(trials["name"])),
            "seeds": sorted(set(trials["seed"])),
            "budgets": sorted(set(asked["budget"])),
            "level": 0.95,
        },
        "versions": environment()["versions"] | {"rivals": versions(*packages)},
        "r2": table(large),
        "differences": differences(large),
        "calls": calls(averages) if name != "parity" else [],
        "failed": [{**dict(zip(why.index.names, key, strict=True)), "trials": int(n)} for key, n in why.items()],
    }


def merged(result: dict[str, Any], earlier: dict[str, Any]) -> dict[str, Any]:
    """A result of some groups, with the groups that only an earlier one has."""
    both = {**earlier.get("groups", {}), **result["groups"]}
    groups = {name: both[name] for name in GROUPS if name in both}
    return {**result, "groups": groups, "targets": targets(groups)}


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    for name, group in result["groups"].items():
        show(f"{name}: held-out R², mean over instances with 95% interval; terms; seconds a fit", group["r2"])
        if group["differences"]:
            show(f"{name}: minus the best rival, paired by instance, with 95% interval", group["differences"])
        if group["calls"]:
            show(f"{name}: model calls to the R² of ProxySPEX", group["calls"])
        if group["failed"]:
            show(f"{name}: who did not take part", group["failed"])
    if result["targets"]:
        show("Targets", result["targets"])
    for name, reason in result["skipped"].items():
        print(f"without {name}: {reason}")
