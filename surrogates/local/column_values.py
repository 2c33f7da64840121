"""The values that the columns of a row may take: those of a background, within bounds."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from probes.errors import InputError
from probes.inputs.column_numbers import is_number, numbers_of
from probes.inputs.table_rows import fitted

__all__ = ["MOST", "Bounds", "ColumnValues", "column_values"]

#: a range of numbers or dates, either end None where it is open; or a list of values
Bounds: TypeAlias = Mapping[Hashable, tuple[Any, Any] | Sequence[Any]]
#: the most values of a column
MOST = 200


@dataclass(frozen=True, eq=False)
class ColumnValues:
    """Values that one column may take; the first is the instance's.

    Attributes
    ----------
    name : Hashable
    values : Series ``(L,)``
        Of the column's type.
    numbers : ndarray ``(L,)`` or None
        The same on a line, NaN where missing; None for a column without an order.
    distance : ndarray ``(L,)``
        From the instance: in median absolute deviations of the background, 1 for another value without an order.
    untried : int
        Values without an order that the background holds and that are left out, as there are too many.
    """

    name: Hashable
    values: pd.Series
    numbers: np.ndarray | None
    distance: np.ndarray
    untried: int = 0

    @property
    def encoded(self) -> np.ndarray:
        """The values as a surrogate sees them, ``(L, q)``: a number and whether it is missing, or a flag for each."""
        if self.numbers is None:
            return np.eye(len(self.values))
        missing = ~np.isfinite(self.numbers)
        known = self.numbers[~missing]
        middle, spread = (known.mean(), known.std() or 1.0) if len(known) else (0.0, 1.0)
        scaled = (np.where(missing, middle, self.numbers) - middle) / spread
        return np.column_stack([scaled, missing]) if missing.any() else scaled[:, None]

    def nearest(self, column: pd.Series) -> np.ndarray:
        """The places ``(N,)`` of the values that are nearest to those of a column; 0 where none is like it."""
        numbers = numbers_of(column)
        if self.numbers is None or numbers is None:
            places = pd.Index(self.values.astype(object)).get_indexer(column.astype(object))
            return np.maximum(places, 0)
        known = np.flatnonzero(np.isfinite(self.numbers))
        if not len(known):
            return np.zeros(len(column), dtype=int)
        apart = np.abs(np.nan_to_num(numbers)[:, None] - self.numbers[known])
        return np.where(np.isfinite(numbers), known[apart.argmin(axis=1)], 0)

    def spread_out(self, count: int) -> np.ndarray:
        """At most `count` places of other values, spread over all."""
        places = np.arange(1, len(self.values))
        if self.numbers is not None:
            places = places[np.argsort(self.numbers[1:], kind="stable")]
        return places[np.unique(np.linspace(0, len(places) - 1, count).round().astype(int))] if len(places) else places


def column_values(
    frame: pd.DataFrame, instance: pd.DataFrame, bounds: Bounds, immutable: Collection[Hashable]
) -> list[ColumnValues]:
    """Collect the values that every column may take.

    Raises
    ------
    InputError
        For bounds or immutable columns that are not in the table, or bounds that leave no value.
    """
    _check(frame, bounds, immutable)
    return [_of(frame[name], instance[name], bounds.get(name), name in immutable, name) for name in frame.columns]


def _check(frame: pd.DataFrame, bounds: Any, immutable: Any) -> None:
    if not isinstance(bounds, Mapping):
        raise InputError("bounds", "be a dict of columns and (low, high) or a list of values", bounds)
    if isinstance(immutable, str) or not isinstance(immutable, Collection):
        raise InputError("immutable", "be a list of columns", immutable)
    for called, names in (("bounds", bounds), ("immutable", immutable)):
        if unknown := [name for name in names if name not in frame.columns]:
            raise InputError(called, f"name columns of the background: {', '.join(map(str, frame.columns))}", unknown)
    if both := [name for name in bounds if name in immutable]:
        raise InputError("bounds", "be given for columns that may change, not for immutable ones", both)
    if set(frame.columns) <= set(immutable):
        raise InputError("immutable", "leave a column that may change", list(immutable))


def _of(column: pd.Series, own: pd.Series, bound: Any, immutable: bool, name: Hashable) -> ColumnValues:
    line, untried = numbers_of(column), 0
    if immutable:
        values = own.iloc[:1]
    elif line is None:
        levels = column.dropna().unique()
        untried = max(len(levels) - MOST, 0) if bound is None else 0
        values = pd.concat([own, pd.Series(_allowed(levels, bound, name), dtype=column.dtype)], ignore_index=True)
        values = values[~values.duplicated()]
    else:
        values = pd.concat([own, _on_line(column, bound, name)], ignore_index=True)
        values = values[~values.duplicated()]
    values = values.reset_index(drop=True)
    numbers = None if line is None else numbers_of(values)
    return ColumnValues(name, values, numbers, _distances(values, numbers, line), untried)


def _allowed(levels: Any, bound: Any, name: Hashable) -> list[Any]:
    """Values of a column without an order."""
    counted = list(pd.Series(levels).astype(object))
    if bound is None:
        return counted[:MOST]
    listed = [] if isinstance(bound, str) or not isinstance(bound, Collection) else list(bound)
    if not listed or any(value not in counted for value in listed):
        shown = ", ".join(map(str, counted[:8]))
        raise InputError(f"bounds[{name!r}]", f"be a list of values that the background holds ({shown})", bound)
    return listed


def _on_line(column: pd.Series, bound: Any, name: Hashable) -> pd.Series:
    """Values of a column with an order: those of the background, of many some over its range."""
    known = column.dropna()
    known = known[~known.duplicated()].sort_values(kind="stable")
    if bound is not None:
        low, high = _ends(bound, column, name)
        line = numbers_of(known)
        assert line is not None
        inside = known[(line >= low) & (line <= high)]
        if not len(inside):
            some = f"{known.iloc[0]} to {known.iloc[-1]}" if len(known) else "missing values alone"
            raise InputError(f"bounds[{name!r}]", f"leave a value of the background, which holds {some}", bound)
        known = inside
    places = np.linspace(0, max(len(known) - 1, 0), min(MOST, len(known))).round().astype(int)
    return known.iloc[places]


def _ends(bound: Any, column: pd.Series, name: Hashable) -> tuple[float, float]:
    """Both ends of a range on the line of its column."""
    rule = "be (low, high), either None where it is open, with low ≤ high"
    if isinstance(bound, str) or not isinstance(bound, (Sequence, np.ndarray)) or len(bound) != 2:
        raise InputError(f"bounds[{name!r}]", rule, bound)
    ends = []
    for end, open_end in zip(bound, (-np.inf, np.inf), strict=True):
        if end is None:
            ends.append(open_end)
            continue
        try:
            place = end if is_number(column) else numbers_of(fitted("bounds", end, column.dtype))[0]  # type: ignore[index]
            ends.append(float(place))
        except (TypeError, ValueError, InputError) as error:
            raise InputError(f"bounds[{name!r}]", rule, bound) from error
    if not ends[0] <= ends[1]:
        raise InputError(f"bounds[{name!r}]", rule, bound)
    return ends[0], ends[1]


def _distances(values: pd.Series, numbers: np.ndarray | None, line: np.ndarray | None) -> np.ndarray:
    if numbers is None or line is None or not np.isfinite(numbers[0]):
        return (np.arange(len(values)) > 0).astype(float)
    known = line[np.isfinite(line)]
    scale = float(np.median(np.abs(known - np.median(known)))) if len(known) else 0.0
    scale = scale or (float(known.std()) if len(known) else 0.0) or 1.0
    return np.where(np.isfinite(numbers), np.abs(numbers - numbers[0]) / scale, 1.0)
