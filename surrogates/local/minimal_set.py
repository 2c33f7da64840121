"""A minimal set of parts that keeps enough of an answer, by halving.

QuickXplain (Junker 2004), with a guess that saves questions where one part decides: while the left half does not keep
enough, the right one is taken to, and only what is left of it in the end is asked.

Parts in which much adds a little, or that mislead as long as something lacks, move an answer across any threshold. So
where no half of a set keeps enough, one that keeps nearly that will do: what it lacks would be made up of many parts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Self, TypeAlias

from probes.inputs.document import Run

__all__ = ["KEPT", "NEARLY", "Goal", "Keeps", "minimal_set"]

#: share of what there is to find that a set must keep, and nearly
KEPT, NEARLY = 0.5, 0.4

#: whether parts keep at least a share of the answer
Keeps: TypeAlias = Callable[[list[Run], float], bool]


class Goal(NamedTuple):
    """The share that a set must keep: enough, or nearly that where no half of a larger set has enough."""

    enough: float
    nearly: float

    @classmethod
    def between(cls, without: float, whole: float) -> Self:
        """Return the goal of keeping half of what there is to find."""
        return cls(without + KEPT * (whole - without), without + NEARLY * (whole - without))


def minimal_set(keeps: Keeps, others: list[Run], parts: list[Run], goal: Goal) -> list[Run]:
    """Return a minimal subset of parts that reaches the goal beside the others; all of them do.

    Parameters
    ----------
    keeps : callable
        Of parts and a share; more parts are taken to keep no less.
    others, parts : list of (int, int)
    goal : Goal

    Examples
    --------
    >>> parts = [(i, i + 1) for i in range(8)]
    >>> both = lambda some, share: ((2, 3) in some) + ((5, 6) in some) >= 2 * share
    >>> minimal_set(both, [], parts, Goal(0.9, 0.9))
    [(2, 3), (5, 6)]
    """
    if len(parts) == 1:
        return parts
    left, right = _halves(parts)
    if keeps([*others, *left], goal.enough):
        return minimal_set(keeps, others, left, goal)
    guess = _guessed(keeps, others, right, goal)
    if keeps([*others, *guess], goal.enough):
        return guess
    if keeps([*others, *right], goal.enough):
        return minimal_set(keeps, others, right, goal)
    for some in (guess, left, right):
        if keeps([*others, *some], goal.nearly):
            return minimal_set(keeps, others, some, Goal(goal.nearly, goal.nearly))
    chosen = minimal_set(keeps, [*others, *left], right, goal)
    if keeps([*others, *chosen], goal.nearly):
        return chosen
    return [*minimal_set(keeps, [*others, *chosen], left, goal), *chosen]


def _guessed(keeps: Keeps, others: list[Run], parts: list[Run], goal: Goal) -> list[Run]:
    """Return what keeps enough if one half of parts always does: where the left one does not, the right one."""
    while len(parts) > 1:
        left, parts = _halves(parts)
        if keeps([*others, *left], goal.enough):
            return minimal_set(keeps, others, left, goal)
    return parts


def _halves(parts: list[Run]) -> tuple[list[Run], list[Run]]:
    return parts[: len(parts) // 2], parts[len(parts) // 2 :]
