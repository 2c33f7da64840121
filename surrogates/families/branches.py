"""The splits of a tree, read back from its leaves: a fitted tree is kept as the conjunctions that its leaves are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from surrogates.terms import Box, Term

__all__ = ["Leaf", "Split", "Tree", "branches", "leaves_below"]


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

    Examples
    --------
    >>> inf = float("inf")
    >>> low, high = (0, -inf, 0.5), (0, 0.5, inf)
    >>> tree = branches([Box((low,)), Box((high, (1, -inf, 2.0))), Box((high, (1, 2.0, inf)))])
    >>> tree.feature, tree.below, (tree.above.feature, tree.above.threshold)
    (0, Leaf(term=0), (1, 2.0))
    """
    bounds = []
    for term in terms:
        if not isinstance(term, Box):
            return None
        bounds.append({i: (low, high) for i, low, high in term.conditions})
    return _branch(list(range(len(terms))), bounds) if bounds else None


def leaves_below(tree: Tree) -> list[int]:
    """List the terms that are the leaves of a branch, from left to right."""
    return [tree.term] if isinstance(tree, Leaf) else [*leaves_below(tree.below), *leaves_below(tree.above)]


def _branch(members: list[int], bounds: list[dict[int, tuple[float, float]]]) -> Tree | None:
    """Find a split that cuts through none of the leaves; of several the one that keeps their order."""
    if len(members) == 1:
        return Leaf(members[0])
    everywhere = (-float("inf"), float("inf"))
    edges = {(i, edge) for m in members for i, ends in bounds[m].items() for edge in ends if abs(edge) != float("inf")}
    found = []
    for i, edge in sorted(edges):
        below = [m for m in members if bounds[m].get(i, everywhere)[1] <= edge]
        above = [m for m in members if bounds[m].get(i, everywhere)[0] >= edge]
        if below and above and len(below) + len(above) == len(members):
            found.append((below + above != members, i, edge, below, above))
    for _, i, edge, below, above in sorted(found):
        parts = _branch(below, bounds), _branch(above, bounds)
        if parts[0] is not None and parts[1] is not None:
            return Split(i, edge, parts[0], parts[1])
        return None  # a cut through no leaf leaves both sides as easy to cut as they were
    return None
