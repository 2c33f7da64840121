"""What the outcomes of many trials say: means with intervals, differences paired by instance, calls to the same R²."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.rivals.contenders import OURS, PROXYSPEX

__all__ = ["calls", "differences", "interval", "means", "needed", "table", "targets"]

FRUGAL = ("iomap proxy", "iomap interactions")
#: calls at which targets are checked, and groups that they are for
CHECKED = (128, 256)
TARGET_GROUPS = ("games", "sentiment")
SHARE, TREE_GAIN = 0.6, 0.08


def interval(values: pd.Series) -> dict[str, float | None]:
    """Mean over instances with its 95% interval (Student); no interval for fewer than two."""
    mean = float(values.mean())
    if len(values) < 2:
        return {"mean": mean, "low": None, "high": None}
    half = stats.t.ppf(0.975, len(values) - 1) * values.sem()
    return {"mean": mean, "low": float(mean - half), "high": float(mean + half)}


def means(trials: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds: ``kind, budget, contender, name, r2, seconds, terms``."""
    by = ["kind", "budget", "contender", "name"]
    return trials.groupby(by, sort=False)[["r2", "seconds", "terms"]].mean().reset_index()


def table(outcomes: pd.DataFrame) -> list[dict[str, Any]]:
    """Mean R² of every kind, budget and contender."""
    return [
        {
            "kind": k,
            "budget": b,
            "contender": c,
            **interval(part["r2"]),
            "instances": len(part),
            "terms": None if part["terms"].isna().any() else float(part["terms"].mean()),
            "seconds": float(part["seconds"].mean()),
        }
        for (k, b, c), part in outcomes.groupby(["kind", "budget", "contender"], sort=False)
    ]


def differences(outcomes: pd.DataFrame) -> list[dict[str, Any]]:
    """iomap's contenders minus the rival with the best mean of that kind and budget.

    That rival is chosen in hindsight, to the rivals' advantage. Differences are paired by instance (means over seeds).
    """
    rows = []
    for (k, b), part in outcomes.groupby(["kind", "budget"], sort=False):
        wide = part.pivot(index="name", columns="contender", values="r2").dropna(axis=1)
        rivals = [c for c in wide.columns if c not in OURS]
        if not rivals:
            continue
        best = str(wide[rivals].mean().idxmax())
        for ours in [c for c in OURS if c in wide]:
            gain = wide[ours] - wide[best]
            wins = f"{(gain > 0).sum()} of {len(gain)}"
            rows.append({"kind": k, "budget": b, "contender": ours, "best rival": best, **interval(gain), "wins": wins})
    return rows


def calls(outcomes: pd.DataFrame) -> list[dict[str, Any]]:
    """Calls after which iomap's mean R² is what ProxySPEX has after 64, 128, …, as a share of ProxySPEX's.

    Interpolated over the logarithm of the calls, and bootstrapped over instances. A share at either end of the budgets
    tried is a bound only.
    """
    rows = []
    for k, part in outcomes.groupby("kind", sort=False):
        wide = part.pivot(index="name", columns=["contender", "budget"], values="r2").dropna(axis=1)
        if PROXYSPEX not in wide or any(ours not in wide for ours in FRUGAL):
            continue
        rng = np.random.default_rng(0)
        draws = [np.arange(len(wide)), *rng.integers(0, len(wide), (1000, len(wide)))]
        for ours, budget in product(FRUGAL, sorted(wide[PROXYSPEX].columns)):
            grid = np.sort(wide[ours].columns.to_numpy())
            curves = wide[ours][grid].to_numpy()
            target = wide[PROXYSPEX, budget].to_numpy()
            calls_ = np.array([needed(grid, curves[draw].mean(axis=0), target[draw].mean()) for draw in draws])
            low, high = np.percentile(calls_[1:] / budget, [2.5, 97.5])
            row = {"kind": k, "contender": ours, "ProxySPEX calls": int(budget), "its R²": float(target.mean())}
            share = {"share": float(calls_[0] / budget), "low": float(low), "high": float(high)}
            rows.append({**row, "calls": float(calls_[0]), **share, "bound": calls_[0] in (grid[0], grid[-1])})
    return rows


def needed(grid: np.ndarray, curve: np.ndarray, target: float) -> float:
    """Calls at which a curve first reaches the target; the ends of the grid where it does not, or always has."""
    risen = np.maximum.accumulate(curve)
    if target <= risen[0] or target >= risen[-1]:
        return float(grid[0] if target <= risen[0] else grid[-1])
    j = int(np.argmax(risen >= target))
    share = (target - risen[j - 1]) / (risen[j] - risen[j - 1])
    return float(np.exp((1 - share) * np.log(grid[j - 1]) + share * np.log(grid[j])))


def targets(groups: dict[str, Any]) -> list[dict[str, Any]]:
    """What iomap sets out to reach on the groups that the targets are for, and whether it does."""
    rows: list[dict[str, Any]] = []
    for group in (groups[name] for name in TARGET_GROUPS if name in groups and not groups[name]["quick"]):
        for line in group["differences"]:
            if line["contender"] == "iomap interactions" and line["budget"] in CHECKED:
                what = f"interactions above {line['best rival']}, {line['budget']} calls"
                rows.append(_target(line["kind"], what, line["mean"], line["mean"] > 0))
        shares = pd.DataFrame([line for line in group["calls"] if line["contender"] == "iomap proxy"])
        for k, part in shares.groupby("kind", sort=False) if len(shares) else ():
            share = float(part["share"].mean())
            rows.append(_target(k, f"proxy's share of ProxySPEX's calls, at most {SHARE:.0%}", share, share <= SHARE))
        at = {(line["kind"], line["contender"]): line["mean"] for line in group["r2"] if line["budget"] == CHECKED[0]}
        for k in dict.fromkeys(k for k, _ in at):
            gain = at[k, "iomap tree"] - at[k, "iomap tree, direct"]
            what = f"distilled tree over direct tree, {CHECKED[0]} calls, at least {TREE_GAIN}"
            rows.append(_target(k, what, gain, gain >= TREE_GAIN))
    return rows


def _target(kind: str, what: str, value: float, reached: bool) -> dict[str, Any]:
    return {"kind": kind, "target": what, "value": float(value), "reached": bool(reached)}
