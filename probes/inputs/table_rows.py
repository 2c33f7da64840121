"""Tables as users pass them: the background as a frame, and a row made to fit its columns and types."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from numbers import Number
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_complex_dtype, is_numeric_dtype, is_object_dtype, is_string_dtype

from probes.errors import InputError
from probes.inputs.column_numbers import is_moment

__all__ = [
    "Row",
    "background_frame",
    "fitted",
    "grouped_columns",
    "ignored_columns",
    "in_order_of",
    "instance_frame",
    "refuse_masked",
    "unmatched",
    "without_torch",
]

#: names that an error lists
_SHOWN = 12

#: what pandas and pyarrow raise of a value that a type does not hold
_UNFIT = (TypeError, ValueError, OverflowError, NotImplementedError)
#: what a cell may not hold, and what to do instead
_SEVERAL = (list, dict, set, np.ndarray, pd.Series)
#: what ``DataFrame.describe`` and ``agg`` name rows of a summary
_SUMMARIES = frozenset(f"{share}%" for share in (5, 10, 25, 50, 75, 90, 95)).union(
    ("count", "unique", "top", "freq", "mean", "std", "var", "sem", "sum", "median", "min", "max")
)
_SINGLE = "hold a single value in each cell (put an array into columns of its own; groups= keeps them together)"

Row: TypeAlias = pd.Series | pd.DataFrame | Mapping[str, Any] | np.ndarray | Sequence[float]


def refuse_masked(parameter: str, value: Any) -> None:
    """Refuse an array with masked cells, under which numbers of no meaning stand.

    Raises
    ------
    InputError
    """
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise InputError(parameter, "hold no masked cells: .filled(np.nan) makes missing values of them", value)


def background_frame(
    background: pd.DataFrame | np.ndarray, names: Sequence[str] | None = None, called: str = "background"
) -> pd.DataFrame:
    """Convert background rows to a frame; columns of an array are ``x0, x1, …`` unless they are named.

    Errors call them `called`.

    Raises
    ------
    InputError
        If they are no table.
    """
    if isinstance(background, pd.DataFrame):
        frame = background
        if not frame.columns.is_unique:
            raise InputError(called, "have column names that do not repeat", list(frame.columns))
        if len(frame) > 1 and "mean" in frame.index and {*frame.index} <= _SUMMARIES:
            rule = f"be rows of data, not a summary of them; means alone are {called}.loc[['mean']]"
            raise InputError(called, rule, list(frame.index))
        if names is not None and _listed(names) != list(frame.columns):
            raise InputError("feature_names", f"be left out: the columns of {called} have names", names)
    else:
        background = without_torch(background)
        _check_table(background, called)
        refuse_masked(called, background)
        array = np.asarray(background)
        columns = [f"x{j}" for j in range(array.shape[1])] if names is None else _listed(names)
        if len(columns) != array.shape[1] or len(set(columns)) < len(columns):
            raise InputError("feature_names", f"name all {array.shape[1]} columns, each differently", names)
        frame = pd.DataFrame(array.astype(float), columns=columns)
    if not len(frame):
        raise InputError(called, "hold at least one row", background)
    if len(several := frame.columns[[is_complex_dtype(dtype) for dtype in frame.dtypes]]):
        rule = "hold real numbers (put real and imaginary parts into columns of their own)"
        raise InputError(f"{called}[{several[0]!r}]", rule, frame[several[0]].iloc[0])
    for name in frame.columns[[is_object_dtype(dtype) for dtype in frame.dtypes]]:
        if (several := next((cell for cell in frame[name] if isinstance(cell, _SEVERAL)), None)) is not None:
            raise InputError(f"{called}[{name!r}]", _SINGLE, several)
    return frame


def _listed(names: Any) -> list[Any]:
    return [] if isinstance(names, str) or not isinstance(names, Iterable) else list(names)


def without_torch(value: Any) -> Any:
    """Return a tensor's numbers as an array; anything else as it is."""
    return value.detach().cpu().double().numpy() if hasattr(value, "detach") else value


def _check_table(background: Any, called: str) -> None:
    """Refuse what is no table of numbers, and say what to pass instead."""
    if isinstance(background, (str, Path)):
        raise InputError(called, "be a DataFrame: pd.read_csv reads one from a file", str(background))
    parts = list(background)[:1] if isinstance(background, (list, tuple)) else ()
    if isinstance(background, Mapping) or any(isinstance(p, (Mapping, pd.Series, pd.DataFrame)) for p in parts):
        raise InputError(called, "be a DataFrame: pd.DataFrame or pd.concat makes one of these", background)
    if hasattr(background, "toarray"):
        raise InputError(called, f"be dense: {called}.toarray()", background)
    if hasattr(background, "to_pandas"):
        raise InputError(called, f"be a DataFrame of pandas: {called}.to_pandas()", background)
    try:
        array = np.asarray(background)
    except ValueError as error:
        raise InputError(called, "be a DataFrame, or an array of rows of one length", background) from error
    if array.ndim == 0 and array.dtype.kind in "iu":
        many = "; background_rows= says how many are used" if called == "background" else ""
        raise InputError(called, f"be the rows themselves{many}", background)
    if array.dtype.kind not in "biuf":
        raise InputError(called, "be a DataFrame when columns hold categories or text", background)
    if array.ndim != 2:
        alone = f"{called}.to_frame().T" if isinstance(background, pd.Series) else f"{called}.reshape(1, -1)"
        rule = f"be two-dimensional, one row an example: give the table itself; a single row, such as means, is {alone}"
        raise InputError(called, rule, background)


def ignored_columns(ignore: Iterable[Hashable] | None, row: Row, frame: pd.DataFrame) -> tuple[Hashable, ...]:
    """Check the names of columns to leave out, which a row or its background has.

    Raises
    ------
    InputError
        For an unknown column, or anything but a list of names.
    """
    if ignore is None:
        return ()
    if isinstance(ignore, (str, bytes)) or not isinstance(ignore, Iterable):
        raise InputError("ignore", "be a list of column names", ignore)
    names, known = tuple(ignore), {*frame.columns, *_names(row)}
    if unknown := [name for name in names if not isinstance(name, Hashable) or name not in known]:
        raise InputError("ignore", f"name columns of the row or the background ({_shown(known)})", unknown)
    return names


def unmatched(row: Iterable[Hashable], background: Iterable[Hashable], ignored: Sequence[Hashable] = ()) -> str:
    """Name the columns that only one of row and background has, and the way out; empty if there are none."""
    one, other = set(row) - set(ignored), set(background) - set(ignored)
    apart = sorted(one ^ other, key=str)
    if not one & other or len(apart) > _SHOWN:
        unnamed = not one & other and "x0" in apart
        return _shown(apart) + ". The columns of an array get names by feature_names=" * unnamed
    return f"{_shown(apart)}. Where the model does not take them, ignore={apart!r} leaves them out" if apart else ""


def _names(row: Row) -> Iterable[Hashable]:
    """Return the columns that a row names."""
    return row.columns if isinstance(row, pd.DataFrame) else row.keys() if isinstance(row, (pd.Series, Mapping)) else ()


def _shown(names: Iterable[Hashable]) -> str:
    several = sorted(map(str, names))
    return ", ".join(several[:_SHOWN]) + (", …" if len(several) > _SHOWN else "")


def instance_frame(
    row: Row, frame: pd.DataFrame, ignored: Sequence[Hashable] = (), columns: Sequence[Hashable] = ()
) -> pd.DataFrame:
    """Convert the instance to a one-row frame with the background's columns and types.

    Parameters
    ----------
    row : Series, one-row DataFrame, dict, or array
    frame : DataFrame
        The background, without the columns that are ignored.
    ignored : sequence, optional
        Columns that the row may have besides.
    columns : sequence, optional
        All that the background had, in the order of an array.

    Raises
    ------
    InputError
        If columns differ, or a value does not fit its column's type.
    """
    refuse_masked("row", row)
    if isinstance(row, pd.DataFrame):
        if len(row) != 1:
            raise InputError("row", "be a single row", row)
        row = row.drop(columns=[c for c in ignored if c in row.columns]) if ignored else row
        if row.columns.equals(frame.columns) and row.dtypes.equals(frame.dtypes):
            return row.reset_index(drop=True)
        values = {c: row[c].iloc[0] for c in row.columns} if row.columns.is_unique else {}
    elif isinstance(row, (pd.Series, Mapping)):
        values = {name: value for name, value in row.items() if name not in ignored}
    else:
        if isinstance(row, (int, np.integer)):
            raise InputError("row", f"be the row itself, such as table.iloc[[{row}]]", row)
        if hasattr(row, "toarray"):
            raise InputError("row", "be dense: row.toarray()", row)
        if hasattr(row, "to_pandas"):
            raise InputError("row", "be a row of pandas: row.to_pandas()", row)
        array = np.asarray(without_torch(row), dtype=object).ravel()
        named = columns if len(array) == len(columns) else frame.columns
        if len(array) != len(named):
            raise InputError("row", f"hold {frame.shape[1]} values, as the background does", row)
        values = {name: value for name, value in zip(named, array, strict=True) if name not in ignored}
    if apart := unmatched(values, frame.columns):
        raise InputError("row", f"have the background's columns; these are in only one of the two: {apart}", row)
    if set(frame.dtypes) == {np.dtype(float)} and all(isinstance(value, float) for value in values.values()):
        return pd.DataFrame(np.array([[values[name] for name in frame.columns]]), columns=frame.columns)
    return pd.DataFrame({name: fitted(f"row[{name!r}]", values[name], dtype) for name, dtype in frame.dtypes.items()})


def fitted(called: str, value: Any, dtype: Any) -> pd.Series:
    """Convert a value to a one-row column with a column's type, widened to double precision where the value needs it.

    Raises
    ------
    InputError
        If the type cannot hold the value as it is.
    """
    misfit = InputError(called, f"fit the column's type {dtype}", value)
    missing = pd.api.types.is_scalar(value) and pd.isna(value)
    if isinstance(dtype, pd.CategoricalDtype):
        known = missing or (isinstance(value, Hashable) and value in dtype.categories)
        if not known:
            raise InputError(called, f"be one of the column's categories {list(dtype.categories)[:8]}", value)
    elif is_bool_dtype(dtype):
        nullable = pd.api.types.is_extension_array_dtype(dtype)
        if missing:
            if not nullable:
                raise misfit
            return pd.Series([pd.NA], dtype=dtype)
        if not _is_bare(value) or value not in (True, False):
            raise misfit
    elif is_numeric_dtype(dtype):
        if missing:
            nullable = pd.api.types.is_extension_array_dtype(dtype) or dtype.kind == "f"
            return pd.Series([pd.NA if nullable and dtype.kind != "f" else np.nan], dtype=dtype if nullable else float)
        if isinstance(value, complex) or not _is_bare(value):
            raise misfit
        return _of_number(value, dtype, misfit)
    elif isinstance(value, _SEVERAL):
        raise InputError(called, _SINGLE, value)
    elif not missing and (_is_bare(value) if is_moment(pd.Series(dtype=dtype)) else _is_foreign(value, dtype)):
        raise misfit
    try:
        return pd.Series([value], dtype=dtype)
    except _UNFIT as error:
        raise misfit from error


def _of_number(value: Any, dtype: Any, misfit: InputError) -> pd.Series:
    """Convert a number to a one-row column of a type of numbers, or of double precision where that cannot hold it."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            cast = pd.Series([value]).astype(dtype)
        held = bool(np.isfinite(float(cast.iloc[0])) or not np.isfinite(float(value)))
        if held and (dtype.kind == "f" or bool(cast.iloc[0] == value)):
            return cast
    except _UNFIT:
        pass
    try:
        return pd.Series([float(value)])
    except (TypeError, ValueError, OverflowError) as error:
        raise misfit from error


def _is_bare(value: Any) -> bool:
    """Whether a value is a number, of which pandas would make a time near 1970; a duration of numpy is none."""
    return isinstance(value, (Number, np.number, np.bool_)) and not isinstance(value, np.timedelta64)


def _is_foreign(value: Any, dtype: Any) -> bool:
    """Whether a column's type is that of texts, and a value none: pandas would write it as a text."""
    return is_string_dtype(dtype) and not is_object_dtype(dtype) and not isinstance(value, str)


def grouped_columns(groups: Mapping[str, Sequence[str]] | None, columns: pd.Index) -> dict[str, list[Any]]:
    """Map feature names to their columns, in the order of the table.

    Raises
    ------
    InputError
        For a group without columns, an unknown column or one of two groups, or a name that repeats.
    """
    owner: dict[Any, str] = {}
    for name, members in (groups or {}).items():
        if isinstance(members, str) or not len(members):
            raise InputError(f"groups[{name!r}]", "be a list of column names", members)
        for column in members:
            if column not in columns or column in owner:
                raise InputError(f"groups[{name!r}]", "name columns of the background, each in one group only", column)
            owner[column] = name
    out: dict[str, list[Any]] = {}
    for column in columns:
        name = str(owner.get(column, column))
        if name in out and not (column in owner and out[name][0] in owner):
            raise InputError("groups" if groups else "background", "give every feature a name of its own", name)
        out.setdefault(name, []).append(column)
    return out


def in_order_of(rows: Any, groups: Any, called: str = "rows") -> Any:
    """Return groups in the order of a table's rows: those of a Series belong to the rows that its index names.

    Raises
    ------
    InputError
        If its index is another, so that it is unknown which label is whose.
    """
    if not isinstance(groups, pd.Series) or not isinstance(rows, pd.DataFrame) or groups.index.equals(rows.index):
        return groups
    if groups.index.is_unique and rows.index.is_unique and rows.index.isin(groups.index).all():
        return groups.loc[rows.index]
    rule = f"have the index of {called}, as a Series; its values in the order of {called} are groups.to_numpy()"
    raise InputError("groups", rule, list(groups.index[:3]))
