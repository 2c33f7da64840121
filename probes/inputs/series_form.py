"""The form of a series: how a user writes one, and how a batch of such is written for the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from probes.errors import InputError
from probes.inputs.table_rows import refuse_masked

__all__ = ["LAYOUTS", "SeriesForm", "read_series"]

#: layouts of an array of several channels, and their order in words
LAYOUTS = {"ct": "channels, then time", "tc": "time, then channels"}
#: how many times longer one side must be than the other to be read as time
_LONGER = 4
_RULE = "be one series: an array of one or two dimensions, a Series, a DataFrame with a column a channel, or a tensor"


@dataclass(frozen=True, eq=False)
class SeriesForm:
    """How one series is written, and so how a batch is.

    Attributes
    ----------
    kind : {"array", "tensor", "series", "row", "frame"}
        A "row" is a Series whose index are names of columns: a row of a table of series. A batch of "series" or
        "frame" is a list of them, one of "row" a DataFrame, of the others one array or tensor ``(n, …)``.
    names : tuple of str
        Names of the c channels.
    length : int
        Number of steps t.
    flat : bool
        Whether there is no axis of channels.
    time_first : bool
        Whether time is the first axis.
    dtype : dtype
        Of the numbers that the model sees; whole numbers become floats.
    like : object
        The series that was read.
    """

    kind: str
    names: tuple[str, ...]
    length: int
    flat: bool
    time_first: bool
    dtype: Any
    like: Any

    @property
    def index(self) -> pd.Index | None:
        """The index of a pandas object."""
        return self.like.index if isinstance(self.like, (pd.Series, pd.DataFrame)) else None

    def batch(self, values: np.ndarray) -> Any:
        """Write series ``(n, c, t)`` as a batch of n inputs."""
        if self.kind in ("series", "frame"):
            return [self._pandas(one) for one in values]
        rows = self.arranged(values)
        if self.kind == "row":
            return pd.DataFrame(rows.astype(_number(self.dtype)), columns=self.like.index).astype(self.dtype)
        if self.kind == "tensor":
            import torch

            return torch.as_tensor(rows).to(device=self.like.device, dtype=self.dtype)
        return rows.astype(self.dtype)

    def arranged(self, values: np.ndarray) -> np.ndarray:
        """Bring numbers ``(…, c, t)`` into the axes of the series."""
        if self.flat:
            return values[..., 0, :]
        return np.swapaxes(values, -1, -2) if self.time_first else values

    def _pandas(self, one: np.ndarray) -> pd.Series | pd.DataFrame:
        like, rows = self.like, self.arranged(one).astype(_number(self.dtype))
        if self.kind == "series":
            return pd.Series(rows, index=like.index, name=like.name).astype(self.dtype)
        return pd.DataFrame(rows, index=like.index, columns=like.columns).astype(self.dtype)

    def read_like(self, value: Any, parameter: str) -> np.ndarray:
        """Read another series of the same form, as ``(c, t)``.

        Raises
        ------
        InputError
            If it is of another shape, has other columns, or holds anything but numbers.
        """
        if isinstance(value, pd.DataFrame) and self.kind == "frame":
            columns = list(self.like.columns)
            if len(value.columns) != len(columns) or set(value.columns) != set(columns):
                raise InputError(parameter, f"have the columns of x, {columns}", list(value.columns))
            value = value[columns]
        numbers = _numbers(value, parameter)
        shape = self.arranged(np.empty((len(self.names), self.length))).shape
        if numbers.shape != shape:
            raise InputError(parameter, f"hold series of the shape of x, {shape}", value)
        return numbers[None] if self.flat else numbers.T if self.time_first else numbers

    def read_several(self, value: Any, parameter: str) -> np.ndarray:
        """Read several series of the same form, or one, as ``(n, c, t)``.

        Raises
        ------
        InputError
        """
        if isinstance(value, pd.DataFrame) and self.kind in ("row", "series"):
            if self.kind == "row" and set(value.columns) == set(self.like.index):
                value = value[list(self.like.index)]
            value = value.to_numpy(dtype=float, na_value=np.nan) if all(map(_holds_numbers, value.dtypes)) else value
        one = isinstance(value, (pd.Series, pd.DataFrame)) or np.ndim(value) < (2 if self.flat else 3)
        if isinstance(value, (list, tuple)) and value and isinstance(value[0], (pd.Series, pd.DataFrame)):
            one = False
        parts = [value] if one else list(value)
        if not parts:
            raise InputError(parameter, "hold at least one series", value)
        return np.stack([self.read_like(part, parameter) for part in parts])


def read_series(
    x: Any, layout: str | None = None, names: Sequence[str] | None = None, steps: int | None = None
) -> tuple[np.ndarray, SeriesForm]:
    """Read a series.

    Parameters
    ----------
    x : array-like, Series, DataFrame or tensor
        ``(t,)``, ``(c, t)`` or ``(t, c)``; the columns of a DataFrame are channels.
    layout : {"ct", "tc"}, optional
        Which axis of an array of two dimensions is which.
    names : sequence of str, optional
        Of the channels.
    steps : int, optional
        Number of steps, where it is known from elsewhere.

    Returns
    -------
    values : ndarray ``(c, t)``
    form : SeriesForm

    Raises
    ------
    InputError
        If it is no series of numbers, too short, or the axes of an array cannot be told apart.
    """
    refuse_masked("x", x)
    if layout is not None and layout not in LAYOUTS:
        raise InputError("layout", 'be "ct" (channels, then time) or "tc" (time, then channels)', layout)
    numbers = _numbers(x, "x")
    if numbers.ndim not in (1, 2) or 0 in numbers.shape:
        hint = "; x[0] is the first of a batch" if numbers.ndim == 3 else ""
        raise InputError("x", f"{_RULE}{hint}", x)
    flat, given = numbers.ndim == 1, list(x.columns) if isinstance(x, pd.DataFrame) else names
    if flat:
        if layout is not None:
            raise InputError("layout", "be left out for a series of one dimension", layout)
        values, time_first = numbers[None], False
    else:
        time_first = isinstance(x, pd.DataFrame) or _time_first(numbers.shape, layout, names, steps, x)
        if isinstance(x, pd.DataFrame) and layout == "ct":
            raise InputError("layout", 'be "tc" for a DataFrame, or left out: its columns are channels', layout)
        values = numbers.T if time_first else numbers
    if values.shape[1] < 2:
        hint = "; a row of a table of series is X.iloc[i]" if isinstance(x, pd.DataFrame) else ""
        raise InputError("x", f"have at least two steps in time{hint}", x)
    labels = _names(given if names is None else names, len(values))
    form = SeriesForm(_kind(x), labels, values.shape[1], flat, time_first, _seen_as(x), x)
    return np.ascontiguousarray(values, dtype=float), form


def _kind(x: Any) -> str:
    if isinstance(x, pd.DataFrame):
        return "frame"
    if isinstance(x, pd.Series):
        return "row" if all(isinstance(name, str) for name in x.index) else "series"
    return "tensor" if hasattr(x, "detach") else "array"


def _time_first(
    shape: tuple[int, ...], layout: str | None, names: Sequence[str] | None, steps: int | None, x: Any
) -> bool:
    """Whether time is the first axis: by the layout, else by names or times, else the much longer one."""
    if layout is not None:
        return layout == "tc"
    a, b = shape
    if names is not None and (a == len(names)) != (b == len(names)):
        return b == len(names)
    if steps is not None and (a == steps) != (b == steps):
        return a == steps
    if max(shape) >= _LONGER * min(shape):
        return a > b
    raise InputError("layout", 'be given, "ct" (channels, then time) or "tc", where neither axis is much longer', x)


def _numbers(x: Any, parameter: str) -> np.ndarray:
    """Return the numbers of a series as floats, missing values as NaN."""
    if isinstance(x, (str, bytes, dict, set)) or np.isscalar(x) or x is None:
        raise InputError(parameter, _RULE, x)
    try:
        if isinstance(x, (pd.Series, pd.DataFrame)):
            dtypes = x.dtypes if isinstance(x, pd.DataFrame) else [x.dtype]
            if not all(map(_holds_numbers, dtypes)):
                raise TypeError("not numbers")
            array = x.to_numpy(dtype=float, na_value=np.nan)
        else:
            raw = x.detach().cpu() if hasattr(x, "detach") else x
            raw = raw.float() if str(getattr(raw, "dtype", "")) == "torch.bfloat16" else raw
            array = np.asarray(raw)
            if array.dtype.kind not in "fiub":
                raise TypeError("not numbers")
            array = array.astype(float)
    except (TypeError, ValueError) as error:
        raise InputError(parameter, f"{_RULE}; it must hold numbers alone, all series equally long", x) from error
    if np.isinf(array).any():
        raise InputError(parameter, "hold finite numbers, or missing ones", x)
    return array


def _holds_numbers(dtype: Any) -> bool:
    return pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype)


def _seen_as(x: Any) -> Any:
    """Return the type of the numbers that the model sees: a float's own, else double precision."""
    if hasattr(x, "detach"):
        import torch

        return x.dtype if x.dtype.is_floating_point else torch.get_default_dtype()
    if isinstance(x, (pd.Series, pd.DataFrame)):
        kinds = set(x.dtypes) if isinstance(x, pd.DataFrame) else {x.dtype}
        return (
            next(iter(kinds)) if len(kinds) == 1 and pd.api.types.is_float_dtype(next(iter(kinds))) else np.dtype(float)
        )
    dtype = np.asarray(x).dtype
    return dtype if dtype.kind == "f" else np.dtype(float)


def _number(dtype: Any) -> np.dtype:
    """Return the type in which numpy holds numbers of a type of pandas."""
    return dtype if isinstance(dtype, np.dtype) else np.dtype(float)


def _names(names: Sequence[Any] | None, count: int) -> tuple[str, ...]:
    if names is None:
        return tuple(f"channel {i}" for i in range(count))
    labels = (names,) if isinstance(names, str) else tuple(map(str, names))
    if len(labels) != count or len(set(labels)) < count or not all(label.strip() for label in labels):
        raise InputError("names", f"name each of {count} channels, all differently", names)
    return labels
