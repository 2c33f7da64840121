"""Facts about the columns of a background table: spread, constancy, collinearity, typical values, summaries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_float_dtype, is_integer_dtype, is_numeric_dtype

from probes.inputs.column_numbers import is_moment, numbers_of
from probes.rounding import given, score

__all__ = [
    "between_laws",
    "collinear_notes",
    "correlated_pairs",
    "correlations",
    "first_cells",
    "holds_flags",
    "integer_columns",
    "same_as_first",
    "same_numbers",
    "shown",
    "spread_of",
    "summaries",
    "typical_row",
    "unseen_notes",
]

#: correlation from which columns count as collinear; rows it takes to see that, and rows that are looked at
_COLLINEAR, _FEWEST, _MOST = 0.999, 10, 10_000
#: correlation from which columns count as strongly correlated
_CORRELATED = 0.8


def same_numbers(frame: pd.DataFrame) -> bool:
    """Return whether all columns hold plain numbers of one type."""
    kinds = set(frame.dtypes)
    return len(kinds) == 1 and isinstance(kind := kinds.pop(), np.dtype) and kind.kind in "iuf"


def first_cells(frame: pd.DataFrame) -> list[Any]:
    """Return the values of the first row, each as its column has it."""
    if same_numbers(frame):
        return list(frame.to_numpy()[0])
    return [frame.iloc[0, j] for j in range(frame.shape[1])]


def spread_of(column: pd.Series) -> float:
    """Return the standard deviation of a numeric column; 0 for anything else, and where there is none."""
    if not is_numeric_dtype(column) or is_bool_dtype(column):
        return 0.0
    with np.errstate(invalid="ignore"):  # infinite values have no spread
        spread = float(column.astype(float).std())
    return spread if np.isfinite(spread) else 0.0


def collinear_notes(columns: list[str], correlation: np.ndarray) -> tuple[str, ...]:
    """Return notes on features that are replaced apart though their columns go together in the background."""
    together = np.abs(correlation) >= _COLLINEAR
    notes, noted = [], set[str]()
    for i, name in enumerate(columns):
        others = dict.fromkeys(columns[j] for j in np.flatnonzero(together[i]) if columns[j] != name)
        if others and name not in noted:
            noted |= {name, *others}
            notes.append(
                f"{name} and {', '.join(others)} go together in the background but are changed one by one: that makes "
                "rows unlike the data, on which effects may cancel out. With groups= they are replaced together."
            )
    return tuple(notes)


def correlated_pairs(columns: list[str], correlation: np.ndarray) -> tuple[tuple[str, str, float], ...]:
    """Return pairs of features whose columns are strongly correlated, and do not quite go together."""
    size = np.abs(np.triu(correlation, 1))
    pairs = np.argwhere((size >= _CORRELATED) & (size < _COLLINEAR))
    return tuple((columns[i], columns[j], float(correlation[i, j])) for i, j in pairs if columns[i] != columns[j])


def between_laws(pairs: tuple[tuple[str, str, float], ...], collinear: bool) -> str:
    """Say what it means if effects differ between marginal and conditional replacement; empty without correlation.

    Examples
    --------
    >>> between_laws((("age", "tenure", 0.85),), False)[:41]
    'Correlated above 0.8: age and tenure (0.8'
    """
    if not pairs and not collinear:
        return ""
    strongest = sorted(pairs, key=lambda p: -abs(p[2]))[:3]
    named = ", ".join(f"{a} and {b} ({score(rho)})" for a, b, rho in strongest) or "columns that go together"
    return (
        f"Correlated above {given(_CORRELATED)}: {named}. Marginal effects are of a column that changes alone, on rows "
        "that may never occur; conditional ones share among correlated columns what they have in common. Where the two "
        "differ neither is wrong: they answer different questions."
    )


def correlations(frame: pd.DataFrame, grouped: list[tuple[str, Sequence[Any]]]) -> tuple[list[str], np.ndarray]:
    """Return the features of c numeric columns, and the correlations ``(c, c)``; none of a short background."""
    numeric = {c for c, dtype in frame.dtypes.items() if is_numeric_dtype(dtype) and not is_bool_dtype(dtype)}
    columns = [(name, c) for name, members in grouped for c in members if c in numeric]
    if len(columns) < 2 or len(frame) < _FEWEST:
        return [], np.zeros((0, 0))
    values = frame[[c for _, c in columns]].iloc[:_MOST].to_numpy(dtype=float, na_value=np.nan)
    known = np.isfinite(values)
    middle = np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    values = np.where(known, values - middle, 0.0)
    values /= np.maximum(np.abs(values).max(axis=0), 1e-300)
    size = np.sqrt((values**2).sum(axis=0))
    unit = values / np.where(size > 0, size, 1.0)
    return [name for name, _ in columns], unit.T @ unit


def typical_row(frame: pd.DataFrame) -> pd.DataFrame:
    """Make the typical row: medians of numbers, the most frequent of everything else; types as in the table."""
    values = {}
    for name, column in frame.items():
        if is_numeric_dtype(column) and not is_bool_dtype(column) and column.notna().any():
            middle = column.sort_values(kind="stable").dropna()
            values[name] = middle.iloc[[len(middle) // 2]].to_numpy()
        else:
            plain = column.astype(object) if is_bool_dtype(column) else column  # pandas has no mode of nullable ones
            values[name] = plain.mode(dropna=False).iloc[[0]].array
    return pd.DataFrame({n: pd.Series(v, dtype=frame[n].dtype) for n, v in values.items()}, columns=frame.columns)


def shown(value: Any) -> str:
    """Write a value of a cell for people.

    Examples
    --------
    >>> shown(pd.Timestamp("2024-03-01")), shown(pd.Timestamp("2024-03-01 10:30", tz="Europe/Rome"))
    ('2024-03-01', '2024-03-01 10:30+01:00')
    >>> shown(pd.Timedelta("36h")), shown(pd.Timedelta("90min"))
    ('1 days 12:00:00', '01:30:00')
    """
    if not isinstance(value, (str, bool, np.bool_)) and pd.isna(value):
        return "missing"
    if isinstance(value, datetime):
        day = value.date().isoformat()
        if value.time() == time() and value.tzinfo is None:
            return day
        return value.isoformat(sep=" ", timespec="auto" if value.second or value.microsecond else "minutes")
    if isinstance(value, timedelta):
        return str(pd.Timedelta(value)).removeprefix("0 days ").removesuffix(" 00:00:00")
    return f"{value:.6g}" if isinstance(value, (float, np.floating)) else str(value)


def summaries(frame: pd.DataFrame) -> list[str]:
    """Describe every column of a background in one line."""
    values = np.ascontiguousarray(frame.to_numpy(dtype=float).T) if same_numbers(frame) else np.full((1, 1), np.nan)
    if not np.isfinite(values).all():
        return [_summary(frame[c]) for c in frame.columns]
    mean = values.sum(axis=1) / len(frame)
    spread = np.sqrt(((mean[:, None] - values) ** 2).sum(axis=1) / len(frame))
    return [_of_numbers(*pair) for pair in zip(mean, spread, strict=True)]


def _of_numbers(mean: float, spread: float) -> str:
    return f"mean {mean:.4g}, sd {spread:.3g}"


def _summary(column: pd.Series) -> str:
    """Describe a background column in one line: mean and spread, or its most frequent values."""
    if is_numeric_dtype(column) and not is_bool_dtype(column):
        values = column.dropna().astype(float)
        with np.errstate(invalid="ignore"):  # infinite values have no spread
            return _of_numbers(values.mean(), values.std(ddof=0)) if len(values) else "all missing"
    if is_moment(column) and column.notna().any():
        known = column.dropna().sort_values(kind="stable")
        first, middle, last = (shown(known.iloc[i]) for i in (0, len(known) // 2, -1))
        return f"{first} to {last}, median {middle}"
    shares = column.value_counts(normalize=True, dropna=False).head(3)
    return ", ".join(f"{shown(v)} {share:.0%}" for v, share in shares.items() if share)


def unseen_notes(frame: pd.DataFrame, instance: pd.DataFrame) -> tuple[str, ...]:
    """Return a note on words of the instance that the background does not hold, where it repeats others."""
    unseen = []
    for name in [name for name, dtype in frame.dtypes.items() if not is_numeric_dtype(dtype)]:
        column, value = frame[name], instance[name].iloc[0]
        if pd.isna(value) or numbers_of(column) is not None or isinstance(value, (bool, np.bool_)):
            continue
        if not (column == value).fillna(False).any() and column.nunique() <= len(column) / 2:
            unseen.append(f"{name} {shown(value)!r}")
    if not unseen:
        return ()
    return (f"Not in the background: {', '.join(unseen[:5])}. The model may never have seen it; effects are its own.",)


def holds_flags(column: pd.Series) -> bool:
    """Whether a column of numbers holds 0 and 1 alone, both of them.

    Examples
    --------
    >>> holds_flags(pd.Series([0.0, 1.0, None])), holds_flags(pd.Series([0, 1, 2]))
    (True, False)
    """
    if not is_numeric_dtype(column) or is_bool_dtype(column):
        return False
    known = column.dropna()
    return bool(len(known)) and bool(known.isin([0, 1]).all()) and known.nunique() == 2


def integer_columns(
    background: pd.DataFrame | np.ndarray, frame: pd.DataFrame
) -> dict[Any, tuple[float, float, float, Any]]:
    """Return least value, greatest value, step and type of each column of whole numbers; `frame` is the background's.

    Columns of an integer type, and of floats that are whole where only floats were possible (beside missing values, or
    beside others in one array) or that are just two numbers, such as −1 and 1.
    """
    dtypes = frame.dtypes if isinstance(background, pd.DataFrame) else [np.asarray(background).dtype] * frame.shape[1]
    whole = {c: _are_whole(frame[c]) for c in frame}
    array = not isinstance(background, pd.DataFrame) and not all(whole.values())  # else it might have been integers
    columns = [
        c
        for c, dtype in zip(frame.columns, dtypes, strict=True)
        if is_integer_dtype(dtype)
        or (whole[c] and (array or frame[c].isna().any() or frame[c].nunique() == 2))  # exact: whole numbers
    ]
    return {c: (*_ends(frame[c]), frame[c].dtype) for c in columns}


def _ends(column: pd.Series) -> tuple[float, float, float]:
    """Return least and greatest of whole numbers, and the step between those that a draw is rounded to.

    Two numbers alone, such as −1 and 1, are a step apart.
    """
    low, high = column.min(), column.max()
    return low, high, high - low if column.nunique() == 2 else 1


def _are_whole(column: pd.Series) -> bool:
    """Return whether a column of floats holds whole numbers alone, two different ones at least."""
    if not is_float_dtype(column):
        return False
    known = column.dropna().to_numpy(dtype=float)
    whole = len(known) > 0 and bool(np.isfinite(known).all()) and bool((known % 1 == 0).all())
    return whole and bool((known != known[0]).any())


def same_as_first(frame: pd.DataFrame) -> np.ndarray:
    """Whether each column holds the value of the first row in all, or misses all, ``(p,)``."""
    if same_numbers(frame):
        values = frame.to_numpy()
        return (values == values[0]).all(axis=0) | np.isnan(values).all(axis=0)
    return np.array([_is_constant(frame.iloc[:, j]) for j in range(frame.shape[1])])


def _is_constant(column: pd.Series) -> bool:
    """Whether all values of a column are the same, or all missing."""
    first = column.iloc[0]
    return bool(column.isna().all()) if pd.isna(first) else bool((column == first).fillna(False).all())
