"""Cells of a table: from one row each column goes its own way, through the values that other rows have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from surrogates.difference.made_up_rows import MadeUp, telling
from surrogates.difference.region_search import joined
from surrogates.many.columns import Column
from surrogates.terms import Box

__all__ = ["Cells"]

#: most levels of a column that are tried
_LEVELS = 12


@dataclass
class _Way:
    """One column's way from a row to the end of its values: the rows that it takes cells from, the nearest first.

    Attributes
    ----------
    label : hashable
        The column's.
    feature : int
        Its number among features.
    above : bool
        Whether it leads to greater values.
    donors : ndarray of int
    last, first : int
        The farthest donor with whose cell the models are known to differ (-1: the row itself), the nearest with whose
        cell they do not.
    """

    label: object
    feature: int
    above: bool
    donors: np.ndarray
    last: int = -1
    first: int = 0

    @property
    def middle(self) -> int:
        """The donor to ask about next."""
        return (self.last + self.first) // 2

    def ends(self, seed: int, values: np.ndarray) -> tuple[int, float, float]:
        """Return the condition that the models differ up to here."""
        near, far = (values[self.donors[i]] if i >= 0 else values[seed] for i in (self.last, self.first))
        cut = (near + far) / 2
        return (self.feature, -np.inf, cut) if self.above else (self.feature, cut, np.inf)


@dataclass(frozen=True)
class Cells:
    """Ways from rows of a table, and what is found along them.

    Attributes
    ----------
    table : DataFrame of n rows
    Z : ndarray ``(n, c)``
        Their features.
    marked : ndarray of bool ``(n,)``
    columns : sequence of c Column
    made_up : MadeUp
    """

    table: pd.DataFrame
    Z: np.ndarray
    marked: np.ndarray
    columns: Sequence[Column]
    made_up: MadeUp

    @cached_property
    def _features(self) -> dict[object, list[int]]:
        """Numbers of the features that each column of the table has."""
        named = {str(label): label for label in self.table.columns}
        found: dict[object, list[int]] = {}
        for k, column in enumerate(self.columns):
            found.setdefault(named[column.name], []).append(k)
        return found

    @cached_property
    def _missing(self) -> dict[object, np.ndarray]:
        return {label: self.table[label].isna().to_numpy() for label in self._features}

    def boxes(self, seed: int, rule: Box | None) -> list[Box]:
        """Ask along all ways from a row; return the box of what was found."""
        ways, levels = self._from(seed, rule)
        cells = [(way.label, int(way.donors[-1])) for way in ways] + [(label, donor) for label, donor, _ in levels]
        if not cells:
            return []
        differ = self.made_up(self._changed(seed, cells))
        closed = [way for way, still in zip(ways, differ, strict=False) if not still]
        for way in closed:
            way.first = len(way.donors) - 1
        while todo := [way for way in closed if way.first - way.last > 1][: max(self.made_up.left, 0)]:
            cells = [(way.label, int(way.donors[way.middle])) for way in todo]
            for way, still in zip(todo, self.made_up(self._changed(seed, cells)), strict=True):
                way.last, way.first = (way.middle, way.first) if still else (way.last, way.middle)
        conditions = [way.ends(seed, self.Z[:, way.feature]) for way in closed]
        ended = {self.columns[way.feature].name for way in closed}
        told = self._of_levels(seed, levels, differ[len(ways) :])
        # a condition on a number says that it is known
        conditions += [
            one for one in told if self.columns[one[0]].kind != "missing" or self.columns[one[0]].name not in ended
        ]
        return [joined(conditions)]

    def _from(self, seed: int, rule: Box | None) -> tuple[list[_Way], list[tuple[object, int, tuple[int, ...]]]]:
        """Return ways from a row, and for each other level a donor and the features that tell it from the row's own.

        The first questions along them take at most half of what is left: of many columns those of the rule come first,
        then those that tell marked rows from others.
        """
        ways: list[_Way] = []
        levels: list[tuple[object, int, tuple[int, ...]]] = []
        for label in self._ranked(rule):
            found, other = list(self._of_numbers(seed, label)), list(self._of_others(seed, label))
            if len(ways) + len(levels) + len(found) + len(other) > (self.made_up.left + 1) // 2:
                break
            ways, levels = ways + found, levels + other
        return ways, levels

    def _ranked(self, rule: Box | None) -> list[object]:
        used = set() if rule is None else {j for j, _, _ in rule.conditions}
        far = {label: max(self._telling[k] for k in own) for label, own in self._features.items()}
        return sorted(self._features, key=lambda label: (used.isdisjoint(self._features[label]), -far[label]))

    @cached_property
    def _telling(self) -> np.ndarray:
        return telling(self.Z, self.marked)

    def _of_numbers(self, seed: int, label: object) -> Iterator[_Way]:
        feature = self._features[label][0]
        if self.columns[feature].binary or self._missing[label][seed]:
            return
        known = np.flatnonzero(~self._missing[label])
        values, first = np.unique(self.Z[known, feature], return_index=True)
        donors, own = known[first], int(np.searchsorted(values, self.Z[seed, feature]))
        for above, part in ((False, donors[:own][::-1]), (True, donors[own + 1 :])):
            if len(part):
                yield _Way(label, feature, above, part)

    def _of_others(self, seed: int, label: object) -> Iterator[tuple[object, int, tuple[int, ...]]]:
        told = [k for k in self._features[label] if self.columns[k].binary]
        if not told:
            return
        patterns, first, count = np.unique(self.Z[:, told], axis=0, return_index=True, return_counts=True)
        other = [i for i in np.argsort(-count, kind="stable") if (patterns[i] != self.Z[seed, told]).any()]
        for i in other[:_LEVELS]:
            yield label, int(first[i]), tuple(np.array(told)[patterns[i] != self.Z[seed, told]].tolist())

    def _of_levels(
        self, seed: int, levels: Sequence[tuple[object, int, tuple[int, ...]]], differ: np.ndarray
    ) -> Iterator[tuple[int, float, float]]:
        """Turn the levels with which the models no longer differ into conditions: is this one, or is not those."""
        for label in dict.fromkeys(label for label, _, _ in levels):
            of_label = [
                (set(told), still) for (own, _, told), still in zip(levels, differ, strict=True) if own == label
            ]
            ends = [told for told, still in of_label if not still]
            if not ends:
                continue
            shared = set.intersection(*ends)
            if len(ends) == len(of_label) and shared:
                chosen = {min(shared)}
            else:
                chosen = {k for told in ends for k in told if not self.Z[seed, k]}
            for k in sorted(chosen):
                yield (k, 0.5, np.inf) if self.Z[seed, k] else (k, -np.inf, 0.5)

    def _changed(self, seed: int, cells: Sequence[tuple[object, int]]) -> pd.DataFrame:
        """Repeat a row, each time with one cell of another."""
        source = {label: np.full(len(cells), seed) for label in self.table.columns}
        for i, (label, donor) in enumerate(cells):
            source[label][i] = donor
        parts = {label: self.table[label].iloc[rows].reset_index(drop=True) for label, rows in source.items()}
        return pd.DataFrame(parts, columns=self.table.columns)
