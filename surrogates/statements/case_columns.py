"""Columns of a linear model of single cases: sets of cases that statements are about, levels, pairs of levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from surrogates.statements.grouped_ridge import LEVEL, PAIR
from surrogates.statements.scope import Scope
from surrogates.statements.statement import Statement

__all__ = ["claimed_columns", "indicators", "level_columns"]


def claimed_columns(statements: Sequence[Statement]) -> tuple[tuple[Scope, ...], ...]:
    """Return the sets of cases that statements are about; those that hold every case are left out."""
    return tuple(dict.fromkeys(c for s in statements for c in _sets(s) if any(scope.conditions for scope in c)))


def level_columns(
    levels: Mapping[str, tuple[str, ...]], frame: pd.DataFrame
) -> tuple[tuple[tuple[Scope, ...], ...], np.ndarray]:
    """List single levels, then pairs of levels that occur together; with their kind, ``LEVEL`` or ``PAIR``."""
    single = [Scope(((f, (v,)),)) for f, known in levels.items() if len(known) > 1 for v in known]
    both = [a.and_(b) for a, b in combinations(single, 2) if a.conditions[0][0] != b.conditions[0][0]]
    occurs = indicators([(s,) for s in both], frame).sum(axis=0)
    pairs = [s for s, count in zip(both, occurs, strict=True) if count > 0]
    return tuple((s,) for s in (*single, *pairs)), np.array([LEVEL] * len(single) + [PAIR] * len(pairs), dtype=int)


def _sets(s: Statement) -> list[tuple[Scope, ...]]:
    """Return the columns of a statement: one per set, and the product for an interaction."""
    scopes = tuple(scope for _, scope in s.parts)
    if len(scopes) == 4:
        return [(scopes[0],), (scopes[1],), (scopes[2],), scopes]
    return [(scopes[0],)] if s.otherwise else [(scope,) for scope in scopes]


def indicators(columns: Sequence[tuple[Scope, ...]], frame: pd.DataFrame) -> np.ndarray:
    """Code columns as 0 and 1, ``(n, p)``; the four sets of an interaction are 1 where both its parts agree."""
    known: dict[object, np.ndarray] = {}  # every condition is looked up once

    def holds(scope: Scope) -> np.ndarray:
        for pair in scope.conditions:
            if pair not in known:
                known[pair] = Scope((pair,)).holds(frame)
        return np.logical_and.reduce([known[pair] for pair in scope.conditions]) if scope.conditions else every

    every, out = np.ones(len(frame), dtype=bool), np.zeros((len(frame), len(columns)))
    for j, column in enumerate(columns):
        for scope in column if len(column) < 4 else (column[0], column[3]):
            out[holds(scope), j] = 1.0
    return out
