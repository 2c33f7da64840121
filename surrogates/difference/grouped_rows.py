"""Rows that belong together: halves that keep each group on one side, and tests that count groups.

Rows of one customer or one document resemble each other. As many of them as there are, they say little more than one,
so that what is exchanged at random, and what an interval counts, are groups.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy import stats

from probes.errors import InputError
from probes.rounding import counted
from surrogates.statements.entity_effects import wilson

__all__ = ["exchanged", "half_of", "mean_interval", "numbered", "p_exchanged", "share_interval"]

#: fewest groups: half of them find rules, the others test these
_FEWEST = 10
#: exchanges of groups that a p-value is made of
_EXCHANGES = 1999


def numbered(groups: Any, rows: int) -> tuple[np.ndarray, list[str]]:
    """Number groups from 0: that of each row ``(n,)``, and their labels.

    Raises
    ------
    InputError
        Unless there is a label for every row, and at least ten different ones.
    """
    rule = f"be a label for each of the {rows} inputs, such as the customer it is of"
    if isinstance(groups, (str, dict)) or not isinstance(groups, Iterable):
        raise InputError("groups", rule, groups)
    labels = [str(label) for label in groups if label is not None and label == label]
    if len(labels) != rows:
        raise InputError("groups", rule, counted(len(labels), "label"))
    names, number = np.unique(labels, return_inverse=True)
    if len(names) < _FEWEST:
        raise InputError("groups", f"be at least {_FEWEST} different ones, half of which test rules", len(names))
    return number.reshape(-1), names.tolist()


def half_of(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw groups until they have half of the rows, and half of the groups at most; return which rows those are.

    Examples
    --------
    >>> half_of(np.array([0, 0, 1, 1, 2, 2, 3, 3]), np.random.default_rng(0))
    array([ True,  True, False, False,  True,  True, False, False])
    """
    _, number = np.unique(groups, return_inverse=True)
    sizes = np.bincount(number)
    order = rng.permutation(len(sizes))
    most = max(len(sizes) // 2, 1)
    taken = max(int((sizes[order].cumsum() <= len(groups) / 2).sum()), 1)
    return np.isin(number, order[: min(taken, most)])


def exchanged(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return for each row the number of a row of another group, groups exchanged for each other at random, ``(n,)``.

    Rows of a group get rows of one group, none twice while there are others.
    """
    _, number, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    starts = sizes.cumsum() - sizes
    shuffled = np.lexsort((rng.random(len(number)), number))  # the rows, group by group, in any order within
    rank = np.empty(len(number), dtype=int)
    rank[shuffled] = np.arange(len(number)) - np.repeat(starts, sizes)
    source = rng.permutation(len(sizes))[number]
    out: np.ndarray = shuffled[starts[source] + rank % sizes[source]]
    return out


def p_exchanged(inside: np.ndarray, marked: np.ndarray, groups: np.ndarray, random_state: int = 0) -> float:
    """Compute the p-value of "rows inside are marked no more often than others", by exchanging groups.

    Parameters
    ----------
    inside, marked : ndarray of bool ``(n,)``
    groups : ndarray of int ``(n,)``
    random_state : int

    Notes
    -----
    Which rows are marked goes from group to group as a whole, so that what rows of a group share stays; what was
    observed counts as one exchange beside 1,999 (Phipson and Smyth 2010). Groups of other sizes are repeated or cut.
    """
    if inside.all() or not inside.any():
        return 1.0
    rng = np.random.default_rng([random_state, 7])
    there, elsewhere = inside / inside.sum(), ~inside / (~inside).sum()
    weights = there - elsewhere
    observed = float(weights @ marked)
    drawn = np.array([weights @ marked[exchanged(groups, rng)] for _ in range(_EXCHANGES)])
    return float((1 + (drawn >= observed - 1e-12).sum()) / (1 + _EXCHANGES))


def share_interval(marked: np.ndarray, groups: np.ndarray | None = None) -> tuple[float, float]:
    """Compute the 95% interval of the share of rows that are marked (Wilson), for as many rows as groups are worth.

    Notes
    -----
    That number is p(1 − p) / V, V the variance of the share over groups, and fewer for few groups (Korn and Graubard
    1998); the number of groups where no row or every one is marked.

    Examples
    --------
    >>> marked = np.arange(40) % 4 == 0
    >>> [round(float(end), 2) for end in share_interval(marked)]
    [0.14, 0.4]
    >>> [round(float(end), 2) for end in share_interval(np.sort(marked), np.arange(40) // 10)]
    [0.02, 0.87]
    """
    n, share = len(marked), float(np.mean(marked)) if len(marked) else float("nan")
    if not n:
        return float("nan"), float("nan")
    if groups is None:
        return wilson(share, n)
    count, variance = _over_groups(marked.astype(float), groups)
    worth = float(count)
    if count > 1 and variance > 0:
        wide = stats.norm.ppf(0.975) / stats.t.ppf(0.975, count - 1)
        worth = min(n, share * (1 - share) / variance) * wide**2
    return wilson(share, worth)


def mean_interval(values: np.ndarray, groups: np.ndarray | None = None) -> tuple[float, float]:
    """Compute the 95% interval of a mean over rows (Student), counting groups where there are any."""
    count, variance = _over_groups(values, np.arange(len(values)) if groups is None else groups)
    wide = float(stats.t.ppf(0.975, count - 1) * np.sqrt(variance)) if count > 1 else float("nan")
    mean = float(values.mean())
    return mean - wide, mean + wide


def _over_groups(values: np.ndarray, groups: np.ndarray) -> tuple[int, float]:
    """Return the number of groups, and the variance of the mean of rows over them."""
    _, number = np.unique(groups, return_inverse=True)
    count = int(number.max()) + 1
    pull = np.bincount(number, values - values.mean()) / len(values)
    return count, float((pull**2).sum() * count / (count - 1)) if count > 1 else float("nan")
