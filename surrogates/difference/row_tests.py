"""How rules, a tree and surrogates of a change fare on rows that they were not found in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd
from scipy import stats

from surrogates.difference.grouped_rows import mean_interval, p_exchanged, share_interval
from surrogates.difference.region_search import Counts, snapped, united
from surrogates.families.linear import SparseLinear
from surrogates.families.tree import TreeSurrogate
from surrogates.many.columns import Column, in_words
from surrogates.statements.entity_effects import holm
from surrogates.surrogate import Surrogate
from surrogates.terms import Box, evaluate

__all__ = ["judged", "leaves_of", "rules_of", "surrogates_of", "together_of"]

#: level of the tests
_ALPHA = 0.05
#: leaves of the tree
_LEAVES = 8

#: features ``(n, d)`` of some rows, where the models differ ``(n,)``, and by how much ``(n,)``
Part: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray]


def rules_of(
    regions: Sequence[Box],
    columns: Sequence[Column],
    Z: np.ndarray,
    differs: np.ndarray,
    change: np.ndarray,
    groups: np.ndarray | None = None,
    random_state: int = 0,
) -> pd.DataFrame:
    """Test each rule by itself on held-out rows, without a verdict; see :attr:`RowDifference.rules`."""
    out = []
    for region in regions:
        inside = region(Z) > 0
        there, elsewhere = Counts.of(inside, differs), Counts.of(~inside, differs)
        low, high = share_interval(differs[inside], None if groups is None else groups[inside])
        out.append(
            {
                "rule": in_words(region, columns),
                "rows": there.held,
                "share": there.held / len(Z),
                "precision": there.precision,
                "low": low,
                "high": high,
                "elsewhere": elsewhere.precision,
                "recall": there.recall,
                "change": float(change[inside].mean()) if inside.any() else np.nan,
                "p": _p(inside, differs, groups, random_state) if there.held else np.nan,
            }
        )
    names = ["rule", "rows", "share", "precision", "low", "high", "elsewhere", "recall", "change", "p"]
    return pd.DataFrame(out, columns=names)


def judged(tables: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """Adjust the p-values of all rules together, and add verdicts."""
    adjusted = holm(np.concatenate([table["p"].to_numpy(dtype=float) for table in tables]))
    out = []
    for table, p in zip(tables, np.split(adjusted, np.cumsum([len(t) for t in tables])[:-1]), strict=True):
        verdict = np.where(np.isnan(p), "not testable", np.where(p < _ALPHA, "supported", "inconclusive"))
        out.append(table.assign(p=p, verdict=verdict.astype(object)))
    return out


def _p(inside: np.ndarray, differs: np.ndarray, groups: np.ndarray | None, random_state: int) -> float:
    """Test whether the models differ more often inside than elsewhere."""
    if groups is not None:
        return p_exchanged(inside, differs, groups, random_state)
    table = [[int((side & differs).sum()), int((side & ~differs).sum())] for side in (inside, ~inside)]
    return float(stats.fisher_exact(table, alternative="greater").pvalue)


def together_of(
    regions: Sequence[Box],
    chance: Sequence[Box],
    Z: np.ndarray,
    differs: np.ndarray,
    groups: np.ndarray | None = None,
) -> pd.DataFrame:
    """Test rules taken together on held-out rows; see :attr:`RowDifference.together`."""
    out = []
    for k in range(1, len(regions) + 1):
        held = united(regions[:k], Z)
        counts, either = Counts.of(held, differs), held | differs
        # F1 = 2J / (1 + J), and J is the share of "both" among rows that are held or marked
        among = (held & differs)[either], None if groups is None else groups[either]
        low, high = (2 * j / (1 + j) for j in share_interval(*among))
        luck = Counts.of(united(chance[:k], Z), differs).f1
        out.append((k, counts.precision, counts.recall, counts.f1, low, high, counts.jaccard, luck))
    return pd.DataFrame(out, columns=["rules", "precision", "recall", "f1", "low", "high", "jaccard", "shuffled"])


def leaves_of(
    columns: Sequence[Column], seen: Part, held: Part, random_state: int, groups: np.ndarray | None = None
) -> pd.DataFrame:
    """Grow a small tree of the change on one part of the rows; its leaves with the numbers of the other."""
    names = ["rule", "rows", "share", "differ", "change", "low", "high"]
    if not columns or np.ptp(seen[2]) == 0:
        return pd.DataFrame(columns=names)
    tree = TreeSurrogate(max_leaves=_LEAVES, random_state=random_state).fit(seen[0], seen[2])
    rows = []
    for term in tree.terms_:
        if not isinstance(term, Box):
            continue
        leaf = snapped(term, seen[0], [column.binary for column in columns])
        inside = leaf(held[0]) > 0
        n, values = int(inside.sum()), held[2][inside]
        if not n:
            continue
        low, high = mean_interval(values, None if groups is None else groups[inside])
        rows.append(
            (
                in_words(leaf, columns),
                n,
                n / len(held[0]),
                float(held[1][inside].mean()),
                float(values.mean()),
                low,
                high,
            )
        )
    rows.sort(key=lambda row: -abs(row[4]))
    return pd.DataFrame(rows, columns=names)


def surrogates_of(
    regions: Sequence[Box],
    chance: Sequence[Box],
    seen: Part,
    held: Part,
    filled: tuple[np.ndarray, np.ndarray],
    shuffled: np.ndarray,
    random_state: int,
) -> pd.DataFrame:
    """Score surrogates of the change on held-out rows, and the same fitted to shuffled changes.

    `filled` are the features of both parts with something in place of missing numbers.
    """
    names = ["surrogate", "terms", "r2", "permuted"]
    (Z, new), change = filled, seen[2]
    if not Z.shape[1] or np.ptp(change) == 0:
        return pd.DataFrame(columns=names)
    families: dict[str, Surrogate] = {
        "linear": SparseLinear(random_state=random_state),
        "tree": TreeSurrogate(max_leaves=_LEAVES, random_state=random_state),
    }
    rows = []
    for name, family in families.items():
        permuted = _r2(family.fit(Z, change[shuffled]).predict(new), change, held[2])
        r2 = _r2(family.fit(Z, change).predict(new), change, held[2])
        rows.append((name, len(family.terms_), r2, permuted))
    lists = ((regions, change), (chance, change[shuffled]))
    by_rules = [_r2(_by_rules(some, seen[0], y, held[0]), change, held[2]) for some, y in lists]
    return pd.DataFrame([*rows, ("rules", len(regions), *by_rules)], columns=names)


def _by_rules(regions: Sequence[Box], Z: np.ndarray, y: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Predict by a weight for every rule and a constant, least squares."""
    one, other = (np.column_stack([np.ones(len(rows)), evaluate(regions, rows)]) for rows in (Z, new))
    return other @ np.linalg.lstsq(one, y, rcond=None)[0]


def _r2(predicted: np.ndarray, known: np.ndarray, truth: np.ndarray) -> float:
    """R² on held-out rows against the mean of the others."""
    scale = float(((truth - known.mean()) ** 2).sum())
    return 1 - float(((truth - predicted) ** 2).sum()) / scale if scale else float("nan")
