"""Scopes: sets of cases, given by levels of their factors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from numbers import Real

import numpy as np
import pandas as pd

from probes.cases.case import RESERVED
from probes.errors import InputError

__all__ = ["Levels", "Scope", "as_scope"]


@dataclass(frozen=True)
class Scope:
    """Where a statement holds: a conjunction of factors in levels; empty means everywhere.

    Examples
    --------
    >>> str(Scope.of(direction="forward", order=("ABBA", "BABA")))
    'direction is forward and order is ABBA or BABA'
    """

    conditions: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @classmethod
    def of(cls, **levels: str | Sequence[str]) -> Scope:
        """Make a scope from ``factor=level`` or ``factor=(level, …)``; a number stands for its text."""
        if wrong := [v for v in levels.values() if not isinstance(v, (str, Real, Iterable))]:
            raise InputError("scope", "hold a level, or several, of each factor", wrong[0])
        pairs = (
            (k, (str(v),) if isinstance(v, (str, Real)) else tuple(map(str, sorted(v) if isinstance(v, Set) else v)))
            for k, v in levels.items()
        )
        return cls(tuple(sorted(pairs)))

    def holds(self, frame: pd.DataFrame) -> np.ndarray:
        """Say which cases are inside, boolean ``(n,)``.

        Raises
        ------
        InputError
            If a factor or level does not occur.
        """
        inside = np.ones(len(frame), dtype=bool)
        for factor, levels in self.conditions:
            if factor not in frame.columns or factor in RESERVED:
                known = [c for c in frame.columns if c not in RESERVED]
                raise InputError("scope", f"name factors among {', '.join(known)}", factor)
            # three times as fast as the isin of a column of texts
            inside &= np.isin(frame[factor].to_numpy(dtype=object, na_value=np.nan), np.array(levels, dtype=object))
        return inside

    def and_(self, other: Scope) -> Scope:
        """Form the conjunction of both."""
        merged = dict(self.conditions)
        for factor, levels in other.conditions:
            merged[factor] = tuple(v for v in merged.get(factor, levels) if v in levels)
        return Scope(tuple(sorted(merged.items())))

    def __str__(self) -> str:
        return " and ".join(f"{f} is {' or '.join(levels)}" for f, levels in self.conditions) or "everywhere"


#: a scope as a dict
Levels = Mapping[str, str | Sequence[str]]


def as_scope(given: object) -> Scope:
    """Convert a Scope, or a dict of factor to level or levels, to a Scope.

    Raises
    ------
    InputError
    """
    if isinstance(given, Scope):
        return given
    if isinstance(given, Mapping):
        return Scope.of(**given)
    raise InputError("scope", "be a Scope, or a dict of factor to level or levels", given)
