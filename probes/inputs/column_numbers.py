"""Columns as numbers, for distances and trees: dates and durations in seconds, ordered categories by their place."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_float_dtype, is_numeric_dtype

__all__ = ["differences", "is_moment", "is_number", "numbers_of", "typed"]


def is_number(column: pd.Series) -> bool:
    """Whether a column holds quantities: numbers that are no truth values."""
    return is_numeric_dtype(column.dtype) and not is_bool_dtype(column.dtype)


def is_moment(column: pd.Series) -> bool:
    """Whether a column holds dates, times with a zone, periods or durations, of pandas or of pyarrow.

    Examples
    --------
    >>> is_moment(pd.Series(pd.date_range("2024-01-01", periods=2, tz="Europe/Rome"))), is_moment(pd.Series([1, 2]))
    (True, False)
    """
    dtype = column.dtype
    arrow = getattr(dtype, "pyarrow_dtype", None)
    named = str(arrow).startswith(("timestamp", "date", "duration"))
    return named or getattr(dtype, "kind", "") in "mM" or isinstance(dtype, (pd.DatetimeTZDtype, pd.PeriodDtype))


def numbers_of(column: pd.Series) -> np.ndarray | None:
    """Convert a column with an order to floats ``(N,)``, NaN where a value is missing; None for any other column.

    Examples
    --------
    >>> numbers_of(pd.Series(pd.to_timedelta([1, None], unit="s")))
    array([ 1., nan])
    >>> numbers_of(pd.Series(pd.Categorical(["low", "high"], categories=["low", "high"], ordered=True)))
    array([0., 1.])
    >>> numbers_of(pd.Series(["low", "high"])) is None
    True
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.cat.codes.to_numpy(dtype=float)
        return np.where(codes < 0, np.nan, codes) if column.cat.ordered else None
    if is_number(column):
        return column.to_numpy(dtype=float, na_value=np.nan)
    return _seconds(column) if is_moment(column) else None


def _seconds(column: pd.Series) -> np.ndarray:
    """Convert dates, periods and durations to seconds."""
    arrow = str(getattr(column.dtype, "pyarrow_dtype", ""))
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    if arrow:
        read = pd.to_timedelta if arrow.startswith("duration") else partial(pd.to_datetime, utc=True)
        column = pd.Series(read(column.astype(object)))
    duration = getattr(column.dtype, "kind", "") == "m"
    zero = pd.Timedelta(0) if duration else pd.Timestamp(0, tz=getattr(column.dt, "tz", None))
    return (column - zero).dt.total_seconds().to_numpy(dtype=float, na_value=np.nan)


def differences(column: pd.Series, instance: pd.Series) -> np.ndarray:
    """How far the values of a column ``(N,)`` are from the instance's, ``(1,)``: signed, in standard deviations.

    Without an order 0 is the same value and 1 another; so is missing beside known, of any column.
    """
    values, own = numbers_of(column), numbers_of(instance)
    if values is None or own is None:
        missing = pd.isna(instance.iloc[0])
        same = column.isna() if missing else (column == instance.iloc[0]).fillna(False)
        return 1.0 - same.to_numpy(dtype=float)
    known = np.isfinite(values)
    if not np.isfinite(own[0]):
        return known.astype(float)
    spread = float(values[known].std()) if known.any() else 0.0
    return np.where(known, (np.where(known, values, own[0]) - own[0]) / (spread if spread > 0 else 1.0), 1.0)


def typed(drawn: pd.Series, dtype: Any) -> pd.Series:
    """Give numbers the type of their column, where that holds fractions."""
    if is_float_dtype(dtype):
        return drawn.astype(dtype)
    arrow: Any = getattr(dtype, "pyarrow_dtype", None)
    if not hasattr(arrow, "scale"):
        return drawn
    most = 10.0 ** (arrow.precision - arrow.scale) - 10.0**-arrow.scale
    return pd.Series([Decimal(f"{value:.{arrow.scale}f}") for value in drawn.clip(-most, most)], dtype=dtype)
