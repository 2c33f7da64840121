"""Levels of factors as 0/1 columns for surrogates, and back: conjunctions of columns as scopes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from probes.probe import Feature
from surrogates.statements.scope import Scope
from surrogates.terms import Box, Term

__all__ = ["Coding"]


@dataclass(frozen=True)
class Coding:
    """Factor levels as 0/1 columns: one per level, a single one for factors with two.

    Attributes
    ----------
    columns : tuple of (factor, level)
    levels : tuple of (factor, levels)
        All levels of each factor.
    """

    columns: tuple[tuple[str, str], ...]
    levels: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def of(cls, frame: pd.DataFrame, factors: Sequence[str]) -> Coding:
        """Code the levels of these factors that occur in a table of cases."""
        levels = tuple((f, tuple(sorted(map(str, frame[f].dropna().unique())))) for f in factors)
        kept = [(f, v) for f, v in levels if len(v) > 1]
        return cls(tuple((f, x) for f, v in kept for x in (v[1:] if len(v) == 2 else v)), tuple(kept))

    def __call__(self, frame: pd.DataFrame) -> np.ndarray:
        """Code cases as 0/1 rows ``(n, p)`` for p columns."""
        return np.column_stack([(frame[f] == level).to_numpy(dtype=float) for f, level in self.columns])

    @property
    def features(self) -> tuple[Feature, ...]:
        """The columns as p features."""
        return tuple(Feature(f"{f} = {level}") for f, level in self.columns)

    def scope(self, term: Term) -> Scope | None:
        """Return the scope of a conjunction of column conditions; None if it holds no case or every case."""
        allowed = {f: set(v) for f, v in self.levels}
        for i, low, high in term.conditions if isinstance(term, Box) else ():
            factor, level = self.columns[i]
            if low >= 0:
                allowed[factor] &= {level}
            if high < 1:
                allowed[factor] -= {level}
        if any(not v for v in allowed.values()):
            return None
        kept = {f: tuple(sorted(allowed[f])) for f, v in self.levels if len(allowed[f]) < len(v)}
        return Scope(tuple(sorted(kept.items()))) if kept else None
