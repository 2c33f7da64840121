"""Fidelity per model call: mean R² on questions nobody asked, of iomap's surrogates and of rivals at the same cost.

The games are real models' whole tables, so "held out" is every other row of the cube. Everyone pays for the same number
of calls: iomap's instance, reference and leave-one-out rows count although it does not fit to them. Differences are
paired by instance (means over seeds) and taken to the rival with the best mean of that game and budget, which is
chosen in hindsight and so to the rivals' advantage.
"""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy import stats
from threadpoolctl import threadpool_limits

from benchmarks.contenders import OURS, PROXYSPEX, RIVALS, fit_ours, missing
from benchmarks.game import Game, Predict, kind, names, score
from benchmarks.record import show

__all__ = ["interval", "markdown", "report", "run"]

BUDGETS = (64, 128, 256, 512)
#: fewer calls, to find where iomap reaches what a rival has at 64
SMALL = (32, 48)
SEEDS = 3
DISTILLED = ("iomap interactions", "iomap tree")
FRUGAL = ("iomap proxy", "iomap interactions")


def run(quick: bool, jobs: int) -> dict[str, Any]:
    """Fit every contender to every game, budget and seed."""
    absent = missing(list(RIVALS))
    rivals = [name for name in RIVALS if name not in absent]
    asked = names(2 if quick else None)
    budgets, seeds = ((64, 128) if quick else BUDGETS), range(1 if quick else SEEDS)
    cases = [(name, b, s, rivals) for name, b, s in product(asked, budgets, seeds)]
    cases += [(name, b, s, []) for name, b, s in product(asked, SMALL, seeds)]
    cases.sort(key=lambda case: -case[1])  # the dearest first, so that no worker idles at the end
    found = Parallel(n_jobs=jobs, batch_size=1)(delayed(trial)(*case) for case in cases)
    trials = pd.DataFrame([row for rows in found for row in rows]).sort_values("budget", kind="stable")
    means = trials.groupby(["kind", "budget", "contender", "name"], sort=False)[["r2", "seconds"]].mean().reset_index()
    large = means[means["budget"].isin(budgets)]
    return {
        "settings": {"games": asked, "seeds": list(seeds), "budgets": budgets, "level": 0.95},
        "rival_versions": {p: version(p) for p in ("shapiq", "lightgbm", "lime") if find_spec(p)},
        "skipped": absent,
        "r2": table(large),
        "differences": differences(large, rivals) if rivals else [],
        "calls": calls(means) if PROXYSPEX in rivals else [],
    }


def trial(name: str, budget: int, seed: int, rivals: list[str]) -> list[dict[str, Any]]:
    """R² of every contender on one game with one budget and seed."""
    game = Game(name)
    fits: dict[str, tuple[Game, Callable[[], Predict]]] = {
        key: (game, fit) for key, fit in fit_ours(game, budget, seed).items() if rivals or key in FRUGAL
    }
    for rival in rivals:
        own = Game(name)
        fits[rival] = (own, lambda own=own, rival=rival: RIVALS[rival](own, budget, seed))  # type: ignore[misc]
    rows, spent = [], dict[str, float]()
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for contender, (known, fit) in fits.items():
            start = time.perf_counter()
            predict = fit()
            seconds = time.perf_counter() - start
            assert known.asked.sum() <= budget, f"{contender} asked {known.asked.sum()} of {budget} questions"
            spent[contender] = seconds + (spent["iomap proxy"] if contender in DISTILLED else 0.0)
            outcome = {"r2": score(known, predict), "seconds": spent[contender]}
            rows.append({"kind": kind(name), "name": name, "budget": budget, "contender": contender, **outcome})
    return rows


def interval(values: pd.Series) -> dict[str, float]:
    """Mean over instances with its 95% interval (Student)."""
    half = stats.t.ppf(0.975, len(values) - 1) * values.sem() if len(values) > 1 else np.nan
    return {"mean": float(values.mean()), "low": float(values.mean() - half), "high": float(values.mean() + half)}


def table(means: pd.DataFrame) -> list[dict[str, Any]]:
    """Mean R² of every kind of game, budget and contender."""
    return [
        {
            "kind": k,
            "budget": b,
            "contender": c,
            **interval(part["r2"]),
            "seconds": float(part["seconds"].mean()),
        }
        for (k, b, c), part in means.groupby(["kind", "budget", "contender"], sort=False)
    ]


def differences(means: pd.DataFrame, rivals: list[str]) -> list[dict[str, Any]]:
    """iomap's contenders minus the rival with the best mean, paired by instance."""
    rows = []
    for (k, b), part in means.groupby(["kind", "budget"], sort=False):
        wide = part.pivot(index="name", columns="contender", values="r2")
        best = str(wide[rivals].mean().idxmax())
        for own in OURS:
            gain = wide[own] - wide[best]
            wins = f"{(gain > 0).sum()} of {len(gain)}"
            rows.append({"kind": k, "budget": b, "contender": own, "best rival": best, **interval(gain), "wins": wins})
    return rows


def calls(means: pd.DataFrame) -> list[dict[str, Any]]:
    """Calls after which iomap's mean R² is what ProxySPEX has after 64, 128, …, and the ratio between the two.

    Interpolated over the logarithm of the calls, and bootstrapped over instances. A ratio at either end of the budgets
    tried is a bound only.
    """
    rows = []
    for k, part in means[~means["kind"].str.startswith("parity")].groupby("kind", sort=False):
        wide = part.pivot(index="name", columns=["contender", "budget"], values="r2")
        rng = np.random.default_rng(0)
        draws = [np.arange(len(wide)), *rng.integers(0, len(wide), (1000, len(wide)))]
        for own, budget in product(FRUGAL, wide[PROXYSPEX].columns):
            grid = np.sort(wide[own].columns.to_numpy())
            curves = wide[own][grid].to_numpy()
            target = wide[PROXYSPEX, budget].to_numpy()
            needed = np.array([_needed(grid, curves[draw].mean(axis=0), target[draw].mean()) for draw in draws])
            low, high = np.percentile(budget / needed[1:], [2.5, 97.5])
            row = {"kind": k, "contender": own, "ProxySPEX calls": int(budget), "its R²": float(target.mean())}
            ratio = {"ratio": float(budget / needed[0]), "low": float(low), "high": float(high)}
            rows.append({**row, "calls": float(needed[0]), **ratio, "bound": needed[0] in (grid[0], grid[-1])})
    return rows


def _needed(grid: np.ndarray, curve: np.ndarray, target: float) -> float:
    """Calls at which a curve first reaches the target; the ends of the grid where it does not, or always has."""
    risen = np.maximum.accumulate(curve)
    if target <= risen[0] or target >= risen[-1]:
        return float(grid[0] if target <= risen[0] else grid[-1])
    j = int(np.argmax(risen >= target))
    share = (target - risen[j - 1]) / (risen[j] - risen[j - 1])
    return float(np.exp((1 - share) * np.log(grid[j - 1]) + share * np.log(grid[j])))


def markdown(result: dict[str, Any]) -> str:
    """Mean R² in Markdown: a line a contender, a column a budget, in a cell every kind of game; the best in bold."""
    rows = pd.DataFrame(result["r2"])
    kinds, contenders = rows["kind"].unique(), rows["contender"].unique()
    wide = rows.pivot(index="contender", columns=["budget", "kind"], values="mean")
    best = wide.max()
    budgets = sorted(rows["budget"].unique())

    def cell(contender: str, budget: int, k: str) -> str:
        value, most = wide.loc[contender, (budget, k)], best[budget, k]
        text = re.sub(r"^(-?)0\.", r"\1.", f"{value:.2f}").replace("-", "−")
        return f"**{text}**" if most > 0 and f"{value:.2f}" == f"{most:.2f}" else text

    lines = ["| " + " | ".join(["model calls", *map(str, budgets)]) + " |", "|---" * (len(budgets) + 1) + "|"]
    lines += [
        "| " + " | ".join([c, *(" / ".join(cell(c, b, k) for k in kinds) for b in budgets)]) + " |" for c in contenders
    ]
    return "\n".join([f"Mean held-out R² ({' / '.join(kinds)})", "", *lines])


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    show("Held-out R², mean over instances with 95% interval; seconds a fit", result["r2"])
    if result["differences"]:
        show("Minus the best rival, paired by instance, with 95% interval", result["differences"])
    if result["calls"]:
        show("Model calls to the R² of ProxySPEX", result["calls"])
    for name, reason in result["skipped"].items():
        print(f"without {name}: {reason}")
    print(f"\n{markdown(result)}")
