"""The splits of a tree, read back from its leaves: a fitted tree is kept as the conjunctions that its leaves are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surrogates.terms import Box, Term

__all__ = ["Leaf", "Split", "Tree", "branches", "leaves_below"]

#: leaves of a tree that anybody reads; what draws and cuts trees goes down their branches one by one
_MOST = 512


@dataclass(frozen=True)
class Leaf:
    """A leaf, by its number among the terms of a surrogate."""

    term: int


@dataclass(frozen=True)
class Split:
    """A question about one feature, is z ≤ `threshold`, with what lies below each answer."""

    feature: int
    threshold: float
    below: Tree
    above: Tree


#: a tree or a branch of one
Tree = Split | Leaf


def branches(terms: Sequence[Term]) -> Tree | None:
    """Read the splits back from leaves that part the space between them; None where no splits lead to them.

    Leaves in the order in which a tree has them give that tree; the same leaves in another order give one that
    predicts alike.

    Parameters
    ----------
    terms : sequence of t Term
        None of more than 512.

    Examples
    --------
    >>> inf = float("inf")
    >>> low, high = (0, -inf, 0.5), (0, 0.5, inf)
    >>> tree = branches([Box((low,)), Box((high, (1, -inf, 2.0))), Box((high, (1, 2.0, inf)))])
    >>> tree.feature, tree.below, (tree.above.feature, tree.above.threshold)
    (0, Leaf(term=0), (1, 2.0))
    """
    if not terms or len(terms) > _MOST:
        return None
    features = sorted({i for term in terms for i in term.features})
    low, high = np.full((len(terms), len(features)), -np.inf), np.full((len(terms), len(features)), np.inf)
    for row, term in enumerate(terms):
        if not isinstance(term, Box):
            return None
        for i, *ends in term.conditions:
            low[row, features.index(i)], high[row, features.index(i)] = ends
    return _branch(np.arange(len(terms)), features, low, high)


def leaves_below(tree: Tree) -> list[int]:
    """List the terms that are the leaves of a branch, from left to right."""
    return [tree.term] if isinstance(tree, Leaf) else [*leaves_below(tree.below), *leaves_below(tree.above)]


def _branch(members: np.ndarray, features: list[int], low: np.ndarray, high: np.ndarray) -> Tree | None:
    """Find a split that cuts through none of the leaves, one that keeps their order if there is any."""
    if len(members) == 1:
        return Leaf(int(members[0]))
    cut = _cut_in_order(members, low, high) or _cut_in_any_order(members, low, high)
    if cut is None:
        return None
    column, edge = cut
    inside = high[members, column] <= edge
    # a cut through no leaf leaves both sides as easy to cut as they were
    below, above = (_branch(members[side], features, low, high) for side in (inside, ~inside))
    return None if below is None or above is None else Split(features[column], edge, below, above)


def _cut_in_order(members: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[int, float] | None:
    """Find a column and a bound that the first leaves lie below, and all others above."""
    last = np.maximum.accumulate(high[members], axis=0)[:-1]
    first = np.minimum.accumulate(low[members][::-1], axis=0)[::-1][1:]
    places, columns = np.nonzero((last <= first) & np.isfinite(last))
    return (int(columns[0]), float(last[places[0], columns[0]])) if len(places) else None


def _cut_in_any_order(members: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[int, float] | None:
    """Find a column and a bound that some leaves lie below, and all others above."""
    for column, (lows, highs) in enumerate(zip(low[members].T, high[members].T, strict=True)):
        edges = np.unique(lows[np.isfinite(lows)])
        below = np.searchsorted(np.sort(highs), edges, side="right")
        above = len(members) - np.searchsorted(np.sort(lows), edges, side="left")
        clean = edges[(below > 0) & (above > 0) & (below + above == len(members))]
        if len(clean):
            return column, float(clean[0])
    return None
