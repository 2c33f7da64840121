"""The rivals of today on instances that nothing was chosen on: R² of what is shown, for equal calls.

Rivals that learn from given rows have uniform ones, as many as iomap pays for. Each is fitted as it comes and, where it
has something to tune, tuned; and each also through iomap's own link, so that what the link does and what the rest does
are told apart. Rivals that search through settings take seconds and have the first design only. The precomputed games
00 to 04 were looked at while the families were made and stand apart.

Three designs; gains are paired by instance and design, and averaged over designs before their interval is taken. The
best rival is chosen in hindsight, of those without iomap's link, by its mean.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.rivals.contenders import FITTED, sampled
from benchmarks.rivals.given_rows import ENDS, SEARCHED
from benchmarks.rivals.through_link import FITS, available, predicted, versions
from benchmarks.run.ledger import Case, carry_out, code
from benchmarks.run.record import Skipped, show
from benchmarks.run.trial_statistics import interval
from benchmarks.tasks import Task, kind, shipped, tables, unseen
from benchmarks.tasks.counted_game import Game, judged, r2, uniform
from surrogates.families.interactions import InteractionSurrogate
from surrogates.families.linear import SparseLinear
from surrogates.proxy.cube_proxy import CubeProxy
from surrogates.proxy.distillation import fitted_once

__all__ = ["GAINS", "gains", "grids", "report", "run", "trial"]

INSTANCES, OLD_INSTANCES, SEEDS, BUDGETS = 10, 5, 3, (64, 128, 256)
#: kinds with more instances: ten models of tables differ so much that their mean says little
MORE = {f"table_{unseen.COLUMNS}": 30}
#: where instances are from: what nothing was chosen on, made here and by others, and the precomputed games 00 to 04
SPLITS = {"unseen": unseen.LOADERS, "of shapiq's benchmark": shipped.LOADERS}
LOOKED_AT = "looked at"
NEW = {k: load for loaders in SPLITS.values() for k, load in loaders.items()}
#: most calls on games that were looked at, which have up to 512 in the comparison of all contenders
MOST = 64
IOMAP, LINEAR, SHOWN = "iomap", "iomap linear", "iomap interactions"
LINKED = " + link"
#: what is to be gained in R²; and as a share of what the best rival leaves, where it leaves less than a fifth
LEAST, SHARE, HIGH = 0.05, 0.25, 0.8
#: columns of the published table
GAINS = {"kind": "kind", "budget": "calls", "contender": "contender", "own": "R²", "rival": "best rival",
         "best": "its R²", "mean": "gain", "low": "from", "high": "to", "closed": "of 1 − R² closed",
         "reached": "reached", "linked": "best rival + link", "over": "gain over it", "over_low": "from",
         "over_high": "to"}  # fmt: skip


def _tasks(quick: bool, instances: int | None) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Names by split, and why some cannot be had."""
    names: dict[str, list[str]] = {split: [] for split in SPLITS}
    absent = {}
    for split, loaders in SPLITS.items():
        for k, load in loaders.items():
            try:
                load(f"{k}_00")
                count = 1 if quick else instances or MORE.get(k, INSTANCES)
                names[split] += [f"{k}_{j:02d}" for j in range(count)]
            except Skipped as reason:
                absent[k] = str(reason)
    try:
        names[LOOKED_AT] = tables.table_names(1 if quick else min(instances or INSTANCES, OLD_INSTANCES))
    except Skipped as reason:
        absent["games"] = str(reason)
    return names, absent


def _load(name: str) -> Task:
    return NEW[kind(name)](name) if kind(name) in NEW else tables.load(name)


def run(
    quick: bool,
    jobs: int,
    trials: Path | None = None,
    seeds: int | None = None,
    instances: int | None = None,
    budgets: tuple[int, ...] | None = None,
) -> dict[str, Any]:
    """Fit everyone to every task, budget and design.

    Parameters
    ----------
    quick : bool
    jobs : int
    trials : Path, optional
        Folder where finished trials are kept.
    seeds, instances : int, optional
    budgets : tuple of int, optional
    """
    names, absent = _tasks(quick, instances)
    present = [rival for rival in FITS if available(rival)]
    absent |= {rival: "not installed" for rival in FITS if rival not in present}
    asked = BUDGETS[:1] if quick else budgets or BUDGETS
    numbers = range(1 if quick else seeds or SEEDS)
    cases: list[Case] = []
    for split, some in names.items():
        for budget, seed, name, who in product(asked, numbers, some, [IOMAP, *present]):
            once, most = who in SEARCHED or split == LOOKED_AT, MOST if split == LOOKED_AT else budget
            if budget <= most and not (once and seed):
                cases.append((name, budget, seed, who))
    cases.sort(key=lambda case: (kind(case[0]) not in NEW, case[1], case[3] in SEARCHED))
    rows = carry_out(trial, cases, _stamp, None if trials is None else trials / "frontier.jsonl", jobs)
    outcomes = pd.DataFrame(rows)
    where = {k: split for split, loaders in SPLITS.items() for k in loaders}
    outcomes["split"] = outcomes["kind"].map(where).fillna(LOOKED_AT)
    done = outcomes[outcomes["failed"].isna()].astype({"r2": float})
    why = outcomes.dropna(subset="failed").groupby(["contender", "failed"]).size()
    return {
        "skipped": absent,
        "versions_of_rivals": versions(),
        "settings": {
            "seeds": len(numbers),
            "instances": {k: len(v) for k, v in names.items()},
            "first_seed_only": SEARCHED,
        },
        "r2": _means(done),
        "gains": gains(done),
        "curved": _curved(done),
        "failed": [{"contender": c, "failed": f, "trials": int(n)} for (c, f), n in why.items()],
    }


def trial(name: str, budget: int, seed: int, who: str) -> list[dict[str, Any]]:
    """R² of iomap's contenders, or of one rival as it is and through the link, on one task with one design."""
    game = Game(_load(name))
    common = {"kind": kind(name), "name": name, "budget": budget, "seed": seed}
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if who == IOMAP:
            found = _ours(game, budget, seed)
        else:
            ends = 2 if who in ENDS else 0
            Z = np.vstack([*[np.ones(game.n), np.zeros(game.n)][:ends], uniform(game.n, budget - ends, seed)])
            y = game(Z)
            try:
                both = predicted(who, Z, y, ends, judged(game), seed)
                found = {who: (both["plain"], False), who + LINKED: (both["linked"], both["curved"])}
            except (RuntimeError, ValueError, ArithmeticError) as error:
                return [{**common, "contender": who, "r2": None, "curved": None, "failed": str(error)[:120]}]
    assert game.calls <= budget, f"{who} asked {game.calls} of {budget} questions"
    truth = game.task.answer(judged(game))
    return [
        {**common, "contender": contender, "r2": r2(truth, values), "curved": bool(curved), "failed": None}
        for contender, (values, curved) in found.items()
    ]


def _ours(game: Game, budget: int, seed: int) -> dict[str, tuple[np.ndarray, bool]]:
    """Predictions of iomap's contenders, fitted as explain() does it: fixed rows are paid for and not fitted to."""
    design, y = sampled(game, budget, seed)
    Z, y = design.sampled, y[design.fixed :]
    makers: dict[str, Callable[[], Any]] = {
        LINEAR: lambda: SparseLinear(link="auto"),
        SHOWN: lambda: InteractionSurrogate(proxy=CubeProxy(), link="auto"),
        "iomap linear, plain sum": SparseLinear,
        "iomap interactions, plain sum": lambda: InteractionSurrogate(proxy=CubeProxy()),
    }
    rows = judged(game)
    found = {}
    for contender, make in makers.items():
        fitted = make().fit(Z, y)
        found[contender] = (fitted.predict(rows), fitted.curved)
    proxy = fitted_once(CubeProxy(link="auto"), Z, y, np.ones(len(y)))
    return {"iomap proxy": (proxy.predict(rows), proxy.links_[0].curved), **found}


def _stamp(case: Case) -> str:
    """What a trial depends on: code of its contender and task, and versions in its interpreter."""
    task = ("unseen", "shipped", "sentiment", "tables", "counted_game")
    common = code(*(f"benchmarks/tasks/{name}.py" for name in task))
    if case[3] == IOMAP:
        return common + code(*FITTED)
    link = ("benchmarks/rivals/given_rows.py", "benchmarks/rivals/through_link.py", "surrogates/link.py")
    return common + code(*link) + str(sorted(versions().items()))


def _means(trials: pd.DataFrame) -> list[dict[str, Any]]:
    """Mean R² over instances, each averaged over its designs."""
    by = ["split", "kind", "budget", "contender"]
    averages = trials.groupby([*by, "name"], sort=False)["r2"].mean().reset_index()
    return [
        {**dict(zip(by, key, strict=True)), **interval(part["r2"]), "instances": len(part)}
        for key, part in averages.groupby(by, sort=False)
    ]


def _curved(trials: pd.DataFrame) -> list[dict[str, Any]]:
    """How often a curve was taken, by kind and contender."""
    by = ["split", "kind", "contender"]
    shares = trials.groupby(by, sort=False)["curved"].apply(lambda part: float(part.astype(float).mean()))
    return [{**dict(zip(by, key, strict=True)), "curved": share} for key, share in shares.items() if share]


def gains(trials: pd.DataFrame) -> list[dict[str, Any]]:
    """Gains of what is shown, and of the linear family, over the best rival and over the best with iomap's link."""
    rows = []
    for (split, k, budget), part in trials.groupby(["split", "kind", "budget"], sort=False):
        wide = part.pivot(index=["name", "seed"], columns="contender", values="r2")
        rivals = [c for c in wide if not str(c).startswith(IOMAP)]
        plain = [c for c in rivals if not str(c).endswith(LINKED)]
        if not plain:
            continue
        for ours in (SHOWN, LINEAR):
            best, gain, level, own = _over(wide, ours, plain)
            linked, over, _, _ = _over(wide, ours, [c for c in rivals if c not in plain])
            closed = (gain["mean"] or 0.0) / (1 - level)
            enough = (gain["mean"] or 0.0) >= LEAST or (level > HIGH and closed >= SHARE)
            reached: Any = bool(enough and (gain["low"] or 0.0) > 0)
            if ours == LINEAR:
                reached = bool((gain["mean"] or 0.0) >= 0) if budget == BUDGETS[0] else ""
            rows.append(
                {
                    "split": split, "kind": k, "budget": int(budget), "contender": ours, "own": own, "rival": best,
                    "best": level, **gain, "closed": closed, "reached": reached, "linked": linked.removesuffix(LINKED),
                    **{f"over{'' if part == 'mean' else '_' + part}": value for part, value in over.items()},
                }
            )  # fmt: skip
    return rows


def _over(wide: pd.DataFrame, ours: str, rivals: list[str]) -> tuple[str, dict[str, Any], float, float]:
    """The best of some rivals, the gain over it on the designs that it has, its mean R² and that of ours there."""
    best = str(wide[rivals].groupby("name").mean().mean().idxmax())
    both = wide[[ours, best]].dropna().groupby("name").mean()
    return best, interval(both[ours] - both[best]), float(both[best].mean()), float(both[ours].mean())


def grids(result: dict[str, Any], grid: Callable[..., str]) -> str:
    """Markdown: R² by kind, unseen ones first."""
    text = []
    for split in (*SPLITS, LOOKED_AT):
        rows = [row for row in result["r2"] if row["split"] == split]
        for k in dict.fromkeys(row["kind"] for row in rows):
            part = [row for row in rows if row["kind"] == k]
            text.append(f"`{k}`, {split}, {max(row['instances'] for row in part)} instances\n\n{grid(part, 'mean')}")
    return "\n\n".join(text)


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    show("R² on rows nobody asked, mean over instances with 95% interval", result["r2"])
    if result["gains"]:
        show("Gains over the best rival, and over the best with iomap's link", result["gains"])
    if result["failed"]:
        show("Who did not take part", result["failed"])
    for name, reason in result["skipped"].items():
        print(f"without {name}: {reason}")
