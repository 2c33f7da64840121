"""How often the intervals hold, where the whole table of 2ⁿ outputs is known: precomputed games, and models of tables.

A 95% interval of R² should contain the true R² of the surrogate shown, over the whole table, in 95% of the trials;
a 95% interval of an attribution the true average effect (Banzhaf value) of its feature; and a family fitted to shuffled
answers should find nothing. Every family is fitted and judged as :func:`surrogates.explain` does it; those of one trial
share their questions, and the fits of their proxy. Additive surrogates are linear ones on 0/1 rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from threadpoolctl import threadpool_limits

from benchmarks.run.ledger import Case, carry_out, code, versions
from benchmarks.run.record import show
from benchmarks.tasks import kind, tables, unseen
from probes import MaskProbe, cube, sample
from probes.errors import InputError
from surrogates.families.registry import as_family
from surrogates.families.tree import TreeSurrogate
from surrogates.judging.agreement import r2
from surrogates.judging.analysis import Analysis, analyse
from surrogates.judging.problem import Problem
from surrogates.surrogate import Surrogate

__all__ = ["merged", "report", "run", "trial"]

#: as explain() has them, and a tree that is fitted to the answers alone
FAMILIES: dict[str, str | Surrogate] = {
    "linear": "linear",
    "interactions": "interactions",
    "tree": "tree",
    "tree, direct": TreeSurrogate(),
    "rules": "rules",
}
#: budget → seeds: the dearer, the fewer
SEEDS = {64: 6, 128: 4}
INSTANCES = 10
NOMINAL, WITHIN, PERMUTED = 0.95, (0.90, 0.99), 0.05
#: models of tables that nothing was chosen on, whose answers lie between known bounds
UNSEEN = f"table_{unseen.COLUMNS}"


def run(
    quick: bool,
    jobs: int,
    trials: Path | None = None,
    seeds: int | None = None,
    only: Iterable[str] | None = None,
) -> dict[str, Any]:
    """Explain every game with every budget, seed and family, or `only` some families."""
    families = list(FAMILIES if only is None else only)
    if unknown := [name for name in families if name not in FAMILIES]:
        raise InputError("only", f"name families among {', '.join(FAMILIES)}", unknown)
    instances = 1 if quick else INSTANCES
    names = [*tables.table_names(instances), *(f"{UNSEEN}_{j:02d}" for j in range(instances))]
    plan = {64: 1} if quick else {budget: seeds or number for budget, number in SEEDS.items()}
    cases: list[Case] = []
    for budget in sorted(plan, reverse=True):
        cases += product(names, [budget], range(plan[budget]), [families])
    rows = carry_out(trial, cases, stamp, None if trials is None else trials / "coverage.jsonl", jobs)
    outcomes = pd.DataFrame(rows).sort_values("budget", kind="stable")
    return {
        "settings": {"games": names, "seeds_by_budget": plan, "level": NOMINAL},
        "by_family": summary(outcomes, ["family"]),
        "by_budget": summary(outcomes, ["family", "budget"]),
        "by_kind": summary(outcomes, ["family", "kind"]),
    }


@lru_cache(maxsize=2)
def truth(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A game's rows ``(2ⁿ, n)``, outputs ``(2ⁿ,)`` and average effects ``(n,)``."""
    task = unseen.load(name) if name.startswith(UNSEEN) else tables.load(name)
    Z = cube(task.n)
    table = task.answer(Z)
    return Z, table, (2 * Z - 1).T @ table / (len(Z) / 2)


def trial(name: str, budget: int, seed: int, families: Sequence[str]) -> list[dict[str, Any]]:
    """Families, fitted and judged as in an explanation, control included, against the truth."""
    Z, table, _ = truth(name)
    probe = MaskProbe(Z.shape[1])
    design = sample(probe.features, budget, np.random.default_rng(seed))
    y = table[(design.Z > 0.5) @ (1 << np.arange(Z.shape[1]))][:, None]
    with threadpool_limits(1):
        problem = Problem(design, y, ("output",), probe.features, seed)
        analyses = {family: analyse(as_family(FAMILIES[family]), problem, True) for family in families}
    return [_outcome(family, analysis, name, budget) for family, analysis in analyses.items()]


def _outcome(family: str, analysis: Analysis, name: str, budget: int) -> dict[str, Any]:
    Z, table, effects = truth(name)
    true_r2 = float(r2(table[:, None], analysis.surrogate.predict(Z)[:, None])[0])
    shown = analysis.attributions.set_index("feature").loc[[f"x{i}" for i in range(Z.shape[1])]]
    judged = analysis.fidelity
    return {
        "family": family,
        "budget": budget,
        "kind": kind(name),
        "true_r2": true_r2,
        "r2": judged.r2[0],
        "r2_width": judged.r2_high[0] - judged.r2_low[0],
        "r2_covered": bool(judged.r2_low[0] <= true_r2 <= judged.r2_high[0]),
        "r2_below": bool(true_r2 < judged.r2_low[0]),
        "r2_above": bool(true_r2 > judged.r2_high[0]),
        "effects_covered": float(np.mean((shown["low"] <= effects) & (effects <= shown["high"]))),
        "effect_width": float(np.mean(shown["high"] - shown["low"]) / table.std()),
        "permuted": judged.permuted[0],
    }


def stamp(case: Case) -> str:
    """What a trial depends on besides its parameters."""
    files = code("benchmarks/quality/coverage.py", "benchmarks/tasks", "probes", "surrogates")
    return files + versions("numpy", "scipy", "sklearn", "pandas")


def summary(trials: pd.DataFrame, by: list[str]) -> list[dict[str, Any]]:
    """Coverage with its own 95% interval (Wilson), widths of effects in standard deviations of the game's output."""
    rows = []
    for key, part in trials.groupby(by, sort=False):
        count = len(part)
        test = stats.binomtest(int(part["r2_covered"].sum()), count)
        wilson = test.proportion_ci(method="wilson")
        covered, effects = float(part["r2_covered"].mean()), float(part["effects_covered"].mean())
        rows.append(
            {
                **dict(zip(by, key, strict=True)),
                "trials": count,
                "r2_covered": covered,
                "low": float(wilson.low),
                "high": float(wilson.high),
                "truth_below": float(part["r2_below"].mean()),
                "truth_above": float(part["r2_above"].mean()),
                "bias": float((part["r2"] - part["true_r2"]).mean()),
                "r2_width": float(part["r2_width"].mean()),
                "effects_covered": effects,
                "effect_width": float(part["effect_width"].mean()),
                "permuted": float(part["permuted"].mean()),
                "permuted_95": float(part["permuted"].quantile(0.95)),
                "permuted_above": float((part["permuted"] > PERMUTED).mean()),
                "reached": all(WITHIN[0] <= share <= WITHIN[1] for share in (covered, effects)),
            }
        )
    return rows


def merged(result: dict[str, Any], earlier: dict[str, Any]) -> dict[str, Any]:
    """A result of some families, with the families that only an earlier one has."""
    tables_ = {}
    for table in ("by_family", "by_budget", "by_kind"):
        fresh = result[table]
        names = {row["family"] for row in fresh}
        kept = [row for row in earlier.get(table, []) if row["family"] not in names]
        tables_[table] = sorted([*kept, *fresh], key=lambda row: list(FAMILIES).index(row["family"]))
    return {**result, **tables_}


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    for title, part in (("All trials", "by_family"), ("By budget", "by_budget"), ("By kind of game", "by_kind")):
        show(title, result[part])
