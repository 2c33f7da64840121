"""Times of a series: what steps and stretches are called, in the user's own times."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

from probes.errors import InputError, number
from probes.rounding import given

__all__ = ["Times"]

#: share of the largest time below which a step is lost in six digits; letters of a day
_FINE, _DAY = 1e-5, len("2024-03-01")
#: formats of times, the coarsest that loses nothing is taken
_FORMATS = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f")


@dataclass(frozen=True, eq=False)
class Times:
    """When the steps of a series are.

    Attributes
    ----------
    length : int
        Number of steps.
    index : Index or None
        A time for each step.
    rate : float or None
        Steps a second, where that is what is known.
    unit : str
        Of the numbers of an index.
    """

    length: int
    index: pd.Index | None = None
    rate: float | None = None
    unit: str = ""

    @classmethod
    def of(cls, times: Any, index: pd.Index | None, length: int) -> Times:
        """Read what a user says of times: a sampling rate, or a time for each step; else the index of a pandas object.

        Raises
        ------
        InputError
            If times are as many as there are no steps, missing, repeated or not in order.
        """
        if isinstance(times, np.ndarray) and times.ndim == 0:
            times = times.item()
        if isinstance(times, Real) and not isinstance(times, bool):
            return cls(length, rate=number("times", times, low=0, open_low=True))
        name = "x" if times is None else "times"
        if times is not None:
            index = _index(times)
        elif index is None or _counts(index):
            return cls(length)
        if index.inferred_type == "date":
            index = pd.DatetimeIndex(index)
        if index.nlevels > 1 or len(index) != length:
            raise InputError(name, f"have one time for each of {length} steps", index)
        if index.hasnans or index.has_duplicates:
            raise InputError(name, "have a time for each step, and none twice", index)
        texts = pd.api.types.is_object_dtype(index) or pd.api.types.is_string_dtype(index)
        if not texts and not index.is_monotonic_increasing:
            raise InputError(name, "have times that rise: sort it by its index", index)
        if isinstance(index, pd.TimedeltaIndex):
            return cls(length, index.total_seconds(), unit=" s")
        return cls(length, index)

    @property
    def seconds(self) -> bool:
        """Whether times are in seconds."""
        return self.rate is not None

    @property
    def positions(self) -> np.ndarray:
        """Where steps lie in time ``(t,)``, in some unit."""
        if isinstance(self.index, pd.DatetimeIndex):
            return self.index.as_unit("ns").asi8.astype(float)
        if isinstance(self.index, pd.PeriodIndex):
            return self.index.asi8.astype(float)
        if self.index is not None and pd.api.types.is_numeric_dtype(self.index):
            return np.asarray(self.index, dtype=float)
        return np.arange(self.length, dtype=float)

    @property
    def even(self) -> bool:
        """Whether steps are evenly spaced, months and years by the calendar."""
        if isinstance(self.index, pd.DatetimeIndex) and pd.DatetimeIndex(self.index, freq="infer").freq is not None:
            return True
        steps = np.diff(self.positions)
        return bool(np.allclose(steps, steps[0], rtol=1e-3))

    def span(self, start: int, stop: int) -> str:
        """Name the stretch of steps from `start` up to, not with, `stop`.

        Examples
        --------
        >>> Times(10).span(0, 5), Times(10, rate=10.0).span(2, 4)
        ('steps 0–4', '0.2–0.4 s')
        >>> Times(3, pd.date_range("2024-03-01", periods=3)).span(0, 2)
        '2024-03-01 … 2024-03-02'
        """
        if self.rate is not None:
            return f"{given(start / self.rate)}–{given(stop / self.rate)} s"
        if self.index is None:
            return f"steps {start}–{stop - 1}" if stop - start > 1 else f"step {start}"
        first, last = self.label(start), self.label(stop - 1)
        if first == last:
            return first
        if isinstance(self.index, pd.DatetimeIndex) and first[:_DAY] == last[:_DAY]:
            last = last[_DAY + 1 :]
        plain = pd.api.types.is_numeric_dtype(self.index) and self.index[start] >= 0
        return f"{first.removesuffix(self.unit)}–{last}" if plain else f"{first} … {last}"

    @property
    def ends(self) -> tuple[str, str]:
        """Name the ends of an axis of time."""
        if self.rate is not None:
            return "0 s", f"{given(self.length / self.rate)} s"
        return self.label(0), self.label(self.length - 1)

    def label(self, step: int) -> str:
        """Name one step."""
        if self.rate is not None:
            return f"{given(step / self.rate)} s"
        if self.index is None:
            return str(step)
        time = self.index[step]
        if isinstance(self.index, pd.DatetimeIndex):
            return time.strftime(self._format)
        if not pd.api.types.is_numeric_dtype(self.index):
            return str(time)
        finest, largest = np.diff(self.positions).min(), np.abs(self.positions).max()
        return f"{given(float(time)) if finest > _FINE * largest else time}{self.unit}"

    @property
    def _format(self) -> str:
        index = self.index
        assert isinstance(index, pd.DatetimeIndex)
        for unit, form in zip(("D", "min", "s"), _FORMATS, strict=False):
            if unit == "D" and (index.normalize() == index).all():
                return form
            if unit != "D" and (index.floor(unit) == index).all():
                return form
        return _FORMATS[-1]

    def step(self, cut: Any) -> int:
        """Return the first step at or after a cut point: an integer is a step, anything else one of the times.

        Raises
        ------
        InputError
        """
        if isinstance(cut, Integral) and not isinstance(cut, bool):
            return int(cut)
        try:
            if self.rate is not None:
                return int(np.ceil(float(cut) * self.rate - 1e-9))
            if self.index is None or pd.isna(cut):
                raise TypeError("there are no times")
            if isinstance(self.index, pd.DatetimeIndex):
                cut = pd.Timestamp(cut)
                cut = cut.tz_localize(self.index.tz) if cut.tz is None and self.index.tz is not None else cut
            if pd.api.types.is_string_dtype(self.index):
                return int(self.index.get_loc(cut))
            if not self.index[0] <= cut <= self.index[-1]:
                raise ValueError("it lies outside of the series")
            return int(self.index.searchsorted(cut))
        except (TypeError, ValueError, KeyError, OverflowError) as error:
            raise InputError(
                "segments", "hold step numbers, or times as those of the series, within it", cut
            ) from error


def _index(times: Any) -> pd.Index:
    """Read a time for each step.

    Raises
    ------
    InputError
    """
    rule = "be a sampling rate, or one time for each step"
    if isinstance(times, (str, bytes, bool)) or not np.iterable(times):
        raise InputError("times", rule, times)
    try:
        return (
            times if isinstance(times, pd.Index) else pd.Index(np.asarray(times) if hasattr(times, "detach") else times)
        )
    except (TypeError, ValueError) as error:
        raise InputError("times", rule, times) from error


def _counts(index: pd.Index) -> bool:
    """Whether an index only counts the steps from 0."""
    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1
