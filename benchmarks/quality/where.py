"""Where two models of a table or of texts differ: planted rules recovered, chance called a rule, beside other differs.

*Planted.* The second release is the first with its decision turned round where one drawn rule of one to three
conditions holds; "retrained" it is fitted to other rows as well. Everyone is given both releases' decisions for the
same rows and is judged on others: the Jaccard index with the planted region, and F1 for the rows where the two really
differ. Rivals use all the rows to find rules, iomap two thirds of them, since the others test these. Where iomap asks
further rows, rivals are given these and both decisions for them as well.

*Nulls.* Two models that differ in rows drawn without regard to their columns; any supported rule counts.

Rivals: Joint Surrogate Trees (Haldar et al. 2023, in AIX360), and a tree fitted to the pairs of decisions. Both at as
many rules as iomap has, or fewer, by the size that does best on the judged rows, and at any size up to 64 leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from importlib.util import find_spec
from io import StringIO
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy import stats
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import f1_score, jaccard_score
from sklearn.tree import DecisionTreeClassifier

from benchmarks.run.record import show
from benchmarks.run.trial_statistics import interval
from probes import CallableModel
from surrogates import compare_rows

__all__ = ["CHANCE", "PLANTED", "people", "planted", "report", "run"]

SEEDS, COMPARISONS = 20, 1000
KINDS = ("patched", "retrained")
#: rows that iomap may ask besides
FURTHER = (0, 200)
#: shares of the rows that a planted rule holds for
SHARES = (0.06, 0.3)
#: columns of the published tables
PLANTED = {"table": "table", "kind": "second release", "further": "further rows",
           "rules": "rules", "recovered": "region found (Jaccard ≥ .8)",
           "iomap": "F1", "joint": "joint surrogate trees", "joint_any": "of any size",
           "pairs": "tree of both decisions", "pairs_any": "of any size",
           "gain": "above the better", "low": "from", "high": "to", "reached": "as it must be"}  # fmt: skip
CHANCE = {"rows": "rows", "share": "differ", "comparisons": "comparisons", "supported": "with a supported rule",
          "at_least": "at least (95%)", "reached": "as it must be"}  # fmt: skip

Chosen = Callable[[pd.DataFrame], np.ndarray]


def people(seed: int, n: int = 2000) -> tuple[pd.DataFrame, np.ndarray]:
    """Draw applicants and whether they are granted a loan."""
    rng = np.random.default_rng([seed, 7])
    X = pd.DataFrame(
        {
            "age": rng.integers(18, 85, n),
            "income": rng.lognormal(10, 0.6, n).round(0),
            "debt": rng.exponential(1, n).round(3),
            "tenure": rng.integers(0, 30, n),
            "children": rng.poisson(1.2, n),
            "member": (rng.random(n) < 0.4).astype(int),
        }
    )
    z = np.log(X["income"] / 22000) - 0.6 * X["debt"] + 0.05 * X["tenure"] + 0.5 * X["member"] + rng.normal(0, 0.5, n)
    return X, (z > 0.2).to_numpy().astype(int)


def tables(name: str, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Return rows and labels, shuffled."""
    if name == "people":
        return people(seed)
    data = load_breast_cancer(as_frame=True) if name == "breast cancer" else load_digits(as_frame=True)
    X, y = data.data, np.asarray(data.target)
    order = np.random.default_rng([seed, 8]).permutation(len(X))
    return X.iloc[order].reset_index(drop=True), (y[order] if name == "breast cancer" else (y[order] % 2))


def planted(X: pd.DataFrame, seed: int) -> Chosen:
    """Draw a rule of one to three conditions that holds for a share of the rows."""
    rng = np.random.default_rng([seed, 9])
    while True:
        conditions = []
        for name in rng.choice(X.columns, rng.integers(1, 4), replace=False):
            values = np.unique(X[name])
            if len(values) > 1:
                cut = float(rng.choice(values[:-1] + np.diff(values) / 2))
                conditions.append((name, cut, bool(rng.random() < 0.5)))

        def holds(rows: pd.DataFrame, conditions: Sequence[tuple[str, float, bool]] = tuple(conditions)) -> np.ndarray:
            return np.all([(rows[n] > c) == above for n, c, above in conditions], axis=0)

        alone = [holds(X, conditions[:i] + conditions[i + 1 :]).mean() for i in range(len(conditions))]
        share = holds(X).mean() if conditions else 0.0
        # every condition matters
        if SHARES[0] <= share <= SHARES[1] and (len(conditions) == 1 or min(alone) > 1.25 * share):
            return holds


def trial(name: str, kind: str, seed: int, further: int = 0) -> dict[str, Any]:
    """One pair of releases of a model of a table: everyone's rules, judged on rows that nobody was given."""
    X, y = tables(name, seed)
    fit, given, judged = np.split(np.arange(len(X)), [len(X) // 4, len(X) * 5 // 8])
    region = planted(X, seed)
    first = RandomForestClassifier(60, min_samples_leaf=3, random_state=seed).fit(X.iloc[fit], y[fit])
    other = np.random.default_rng([seed, 10]).choice(fit, len(fit)) if kind == "retrained" else fit
    second = first
    if kind == "retrained":
        second = RandomForestClassifier(60, min_samples_leaf=3, random_state=seed + 1).fit(X.iloc[other], y[other])

    def after(rows: pd.DataFrame) -> np.ndarray:
        return np.where(region(rows)[:, None], second.predict_proba(rows)[:, ::-1], second.predict_proba(rows))

    rows, new = X.iloc[given].reset_index(drop=True), X.iloc[judged].reset_index(drop=True)
    asked: list[pd.DataFrame] = []

    def before(rows: pd.DataFrame) -> np.ndarray:
        asked.append(rows)
        return first.predict_proba(rows)

    d = compare_rows(before, after, rows, further=further, store=None, progress=False, random_state=seed)
    every = pd.concat([rows, *asked]).drop_duplicates()
    more, rows = len(every) - len(rows.drop_duplicates()), every if further else rows
    said = [f(rows).argmax(axis=1) for f in (before, after)]
    truth = before(new).argmax(axis=1) != after(new).argmax(axis=1)
    count = max(len(d.rules), 1)
    found = d.predict(new)
    out = {"table": name, "kind": kind, "seed": seed, "further": further, "more": more, "rules": len(d.rules)}
    out["iomap"] = f1_score(truth, found)
    out["jaccard"] = jaccard_score(region(new), found)
    for label, lists in (("pairs", _pairs(rows, said[0], said[1], seed)), ("joint", _joint(rows, said[0], said[1]))):
        scores = [(k, f1_score(truth, holds(new))) for k, holds in lists]
        out[label] = max((f1 for k, f1 in scores if k <= count), default=np.nan if not lists else 0.0)
        out[f"{label}_any"] = max((f1 for _, f1 in scores), default=np.nan)
    return out


def _pairs(rows: pd.DataFrame, before: np.ndarray, after: np.ndarray, seed: int) -> list[tuple[int, Chosen]]:
    """Trees of all sizes fitted to the pairs of decisions: leaves that say two different ones are rules."""
    lists: list[tuple[int, Chosen]] = []
    for size in (2, 3, 4, 6, 8, 12, 16, 24, 32, 64):
        tree = DecisionTreeClassifier(max_leaf_nodes=size, random_state=seed).fit(rows, 2 * before + after)
        differ = np.isin(tree.classes_, [1, 2])

        def holds(new: pd.DataFrame, tree: DecisionTreeClassifier = tree, differ: np.ndarray = differ) -> np.ndarray:
            return differ[tree.predict_proba(new).argmax(axis=1)]

        ends = tree.tree_.children_left < 0
        lists.append((int(differ[tree.tree_.value[ends][:, 0].argmax(axis=1)].sum()), holds))
    return lists


def _joint(rows: pd.DataFrame, before: np.ndarray, after: np.ndarray) -> list[tuple[int, Chosen]]:
    """Joint surrogate trees of all depths, as AIX360 makes them; none where it is not installed."""
    if find_spec("aix360") is None:
        return []
    from aix360.algorithms.imd.imd import IMDExplainer

    for name, value in (("NINF", -np.inf), ("Inf", np.inf)):  # which it takes from numpy 1
        np.__dict__.setdefault(name, value)
    lists: list[tuple[int, Chosen]] = []
    for depth in range(1, 7):
        explainer = IMDExplainer()
        with redirect_stdout(StringIO()):
            explainer.fit(rows, before, after, max_depth=depth, verbose=False)

        def holds(new: pd.DataFrame, explainer: Any = explainer) -> np.ndarray:
            return explainer.inregion(explainer.diffregions, new.to_numpy()).astype(bool)

        lists.append((len(explainer.diffregions), holds))
    return lists


def null(n: int, share: float, seed: int) -> dict[str, Any]:
    """Two models that differ by chance: whether any rule is called supported."""
    rng = np.random.default_rng([seed, n, round(100 * share)])
    X, _ = people(seed, n)
    marked = rng.random(n) < share
    rows = X.assign(number=np.arange(n))

    def after(batch: pd.DataFrame) -> np.ndarray:
        return batch["debt"].to_numpy() + 9.0 * marked[batch["number"].to_numpy(dtype=int)]

    models = CallableModel(lambda batch: batch["debt"].to_numpy(), "first"), CallableModel(after, "second")
    d = compare_rows(*models, rows, X, store=None, progress=False, random_state=seed)
    return {"rows": n, "share": share, "supported": bool((d.rules["verdict"] == "supported").any())}


def run(quick: bool, jobs: int, seeds: int | None = None) -> dict[str, Any]:
    """Plant rules in all tables, and compare models that differ by chance."""
    count, comparisons = (2, 8) if quick else (seeds or SEEDS, COMPARISONS)
    plans = product(("people", "breast cancer", "digits"), KINDS, FURTHER)
    todo = [(table, kind, s, further) for table, kind, further in plans for s in range(count)]
    trials = pd.DataFrame(Parallel(n_jobs=jobs)(delayed(trial)(*each) for each in todo))
    parts = trials.groupby(["table", "kind", "further"], sort=False)
    rows = [_row(str(table), str(kind), part) for (table, kind, _), part in parts]
    sizes = [(n, share) for n in (200, 1000) for share in (0.05, 0.3)]
    luck = [(n, share, s) for n, share in sizes for s in range(max(comparisons // len(sizes), 1))]
    chance = pd.DataFrame(Parallel(n_jobs=jobs)(delayed(null)(*each) for each in luck))
    nulls = [_chance(str(n), share, part) for (n, share), part in chance.groupby(["rows", "share"], sort=False)]
    nulls.append(_chance("all of these", None, chance))
    return {"settings": {"shares": SHARES}, "planted": rows, "nulls": nulls}


def _row(table: str, kind: str, part: pd.DataFrame) -> dict[str, Any]:
    best = part[["pairs", "joint"]].max(axis=1)
    gain = interval(part["iomap"] - best)
    found, n = int((part["jaccard"] >= 0.8).sum()), len(part)
    means = {name: float(part[name].mean()) for name in ("rules", "iomap", "joint", "joint_any", "pairs", "pairs_any")}
    reached = (gain["mean"] or 0.0) > 0 and (kind != "patched" or found >= 0.9 * n)
    told = {
        "recovered": f"{found} of {n}",
        "gain": gain["mean"],
        "low": gain["low"],
        "high": gain["high"],
        "reached": reached,
    }
    return {"table": table, "kind": kind, "further": round(part["more"].mean()), **means, **told}


def _chance(rows: str, share: float | None, part: pd.DataFrame) -> dict[str, Any]:
    hits, n = int(part["supported"].sum()), len(part)
    least = float(stats.beta.ppf(0.05, hits, n - hits + 1)) if hits else 0.0
    told = {"comparisons": n, "supported": hits / n, "at_least": least, "reached": least <= 0.05}
    return {"rows": rows, "share": share, **told}


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    show("Planted rules", result["planted"])
    show("Differences by chance", result["nulls"])
