"""Recovery: which planted sets of features are found, from noisy answers.

Whatever a method learnt is written as Σ cₛ ∏ (2zᵢ − 1), the basis in which the sets are planted, and its sets are
ranked by |cₛ|. ``recall_at_k`` is the share of the k planted sets among its first k (which is its precision there);
``main`` and ``joint`` are the same for single features and for pairs and triples. ``found`` counts the sets that carry
at least a thousandth of its variance, ``precision`` is the share of those that were planted.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.rivals.contenders import FITTED, IOMAP, PROXYSPEX, RIVALS, fits, missing
from benchmarks.run.ledger import Case, carry_out, code, versions
from benchmarks.run.record import show
from benchmarks.run.trial_statistics import interval
from benchmarks.tasks import kind, planted
from benchmarks.tasks.walsh import Subsets

__all__ = ["recovered", "report", "run"]

BUDGETS = (64, 128, 256, 512)
INSTANCES, SEEDS = 5, 5
QUICK_BUDGETS = (128,)
ENERGY = 1e-3
#: those that are made to tell features, or interactions, apart
TAKING_PART = (
    "Lasso .01, scaled answers",
    "Lasso-CV",
    "pairwise Lasso-CV",
    "weighted ridge (lime)",
    "RegressionFBII (shapiq)",
    "kADD-SHAP (shapiq)",
    "SPEX (shapiq)",
    PROXYSPEX,
)
MEASURES = ("recall_at_k", "main", "joint", "precision")


def run(
    quick: bool,
    jobs: int,
    trials: Path | None = None,
    seeds: int | None = None,
    instances: int | None = None,
    budgets: tuple[int, ...] | None = None,
) -> dict[str, Any]:
    """Fit every contender to every planted function, budget and seed."""
    without = missing(TAKING_PART)
    names = planted.names(1 if quick else instances or INSTANCES)
    budgets = QUICK_BUDGETS if quick else budgets or BUDGETS
    numbers = range(1 if quick else seeds or SEEDS)
    contenders = [IOMAP, *(rival for rival in TAKING_PART if rival not in without)]
    cases: list[Case] = sorted(product(names, budgets, numbers, contenders), key=lambda case: -case[1])
    rows = carry_out(trial, cases, stamp, None if trials is None else trials / "recovery.jsonl", jobs)
    outcomes = pd.DataFrame(rows)
    done = outcomes[outcomes["failed"].isna()].astype(dict.fromkeys([*MEASURES, "found"], float))
    by = ["kind", "budget", "contender"]
    done = done.sort_values("budget", kind="stable")
    means = done.groupby([*by, "name"], sort=False)[[*MEASURES, "found"]].mean().reset_index()
    why = outcomes.dropna(subset="failed").groupby([*by, "failed"], sort=False).size()
    return {
        "settings": {
            "functions": names,
            "seeds": list(numbers),
            "budgets": budgets,
            "noise": planted.NOISE,
            "planted": {"main": planted.MAIN, "pairs": planted.PAIRS, "triples": planted.TRIPLES},
            "level": 0.95,
        },
        "rival_versions": versions(*sorted({p for rival in TAKING_PART for p in RIVALS[rival].packages})),
        "skipped": without,
        "failed": [{**dict(zip(why.index.names, key, strict=True)), "trials": int(n)} for key, n in why.items()],
        "recovery": [
            {
                **dict(zip(by, key, strict=True)),
                "recall_at_k": (at := interval(part["recall_at_k"]))["mean"],
                "low": at["low"],
                "high": at["high"],
                **{name: float(part[name].mean()) for name in ("main", "joint", "precision", "found")},
            }
            for key, part in means.groupby(by, sort=False)
        ],
    }


def trial(name: str, budget: int, seed: int, contender: str) -> list[dict[str, Any]]:
    """What a rival, or each of iomap's families, found of one function with one budget and seed."""
    truth = planted.planted(name)
    rows = []
    for fitted in fits(planted.load(name), contender, budget, seed):
        common = {"kind": kind(name), "name": name, "budget": budget, "contender": fitted["contender"]}
        if fitted.get("failed"):
            rows.append({**common, **dict.fromkeys([*MEASURES, "found"]), "failed": fitted["failed"]})
        elif fitted["walsh"] is not None:
            rows.append({**common, **recovered(fitted["walsh"](), truth), "failed": None})
    return rows


def recovered(weights: Subsets, truth: Subsets) -> dict[str, float]:
    """How well sets ranked by their weights agree with the planted ones.

    Examples
    --------
    >>> recovered({(): 9.0, (0,): 2.0, (1,): 1.0, (0, 1): 0.5}, {(0,): 1.0, (0, 1): 1.0})
    {'recall_at_k': 0.5, 'main': 1.0, 'joint': 0.0, 'found': 3.0, 'precision': 0.6666666666666666}
    """
    sizes = {s: c**2 for s, c in weights.items() if s and c}
    order = sorted(sizes, key=lambda s: (-sizes[s], s))
    first = set(order[: len(truth)])
    largest = [s for s in order if sizes[s] >= ENERGY * sum(sizes.values())]
    main, joint = [s for s in truth if len(s) == 1], [s for s in truth if len(s) > 1]
    return {
        "recall_at_k": len(first & set(truth)) / len(truth),
        "main": len(first.intersection(main)) / len(main),
        "joint": len(first.intersection(joint)) / len(joint),
        "found": float(len(largest)),
        "precision": sum(s in truth for s in largest) / max(len(largest), 1),
    }


def stamp(case: Case) -> str:
    """What a trial depends on besides its parameters."""
    common = code(
        "benchmarks/tasks/counted_game.py",
        "benchmarks/tasks/walsh.py",
        "benchmarks/quality/recovery.py",
        "benchmarks/tasks/planted.py",
    )
    common += versions("numpy", "scipy", "sklearn")
    if case[-1] == IOMAP:
        return common + code(*FITTED)
    return common + code("benchmarks/rivals/mask_rivals.py") + versions(*RIVALS[case[-1]].packages)


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    show("Planted sets found, mean over functions with 95% interval", result["recovery"])
    if result["failed"]:
        show("Who did not take part", result["failed"])
    for name, reason in result["skipped"].items():
        print(f"without {name}: {reason}")
