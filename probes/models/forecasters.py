"""Forecasters: models of a history whose outputs are the steps that follow it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from probes.errors import InputError, integer
from probes.model import Model
from probes.models.functions import CallableModel

__all__ = ["Forecaster", "adopt"]


class Forecaster(CallableModel):
    """A forecast of several steps, its outputs named by how far ahead they are: t+1, t+2, …

    Parameters
    ----------
    model : object
        Results of statsmodels, or anything else with ``apply(history)`` and ``forecast(steps)``: parameters stay as
        they were fitted, and the history is the one that is asked about. Or a callable from a history to its forecast.
        Histories are in the form of the series that is explained.
    steps : int, default 1
        How many steps are forecast; a callable that returns more of them has the first taken.
    after : Series, DataFrame or DatetimeIndex, optional
        A history whose times go on: then outputs are also named by their times.
    name : str, optional
        Identifies the forecaster beyond this run.
    batched : bool, default False
        Whether a callable takes a batch of histories and returns an array ``(n, steps)``.

    Raises
    ------
    InputError
        If `model` neither can be called nor has the two methods, or the times of `after` have no regular step.

    Examples
    --------
    >>> drift = Forecaster(lambda past: [past[-1] + (past[-1] - past[0]) / 9 * k for k in (1, 2)], steps=2)
    >>> drift.outputs
    ('t+1', 't+2')
    >>> drift(np.arange(10.0)[None])
    array([[10., 11.]])
    >>> Forecaster(len, after=pd.date_range("2024-03-01", periods=10)).outputs
    ('t+1 (2024-03-11)',)
    """

    def __init__(
        self, model: Any, steps: int = 1, *, after: Any = None, name: str | None = None, batched: bool = False
    ):
        if not (_extends(model) or callable(model)):
            raise InputError("model", "be callable, or have apply and forecast, as results of statsmodels do", model)
        self.steps = integer("steps", steps, least=1)
        self.model = model
        together = batched and not _extends(model)
        function = model if together else _one(self._applied if _extends(model) else model, self.steps)
        super().__init__(function, name, batched=together, outputs=_names(self.steps, after))

    def __call__(self, inputs: Any) -> np.ndarray:
        return super().__call__(inputs)[:, : self.steps]

    def _applied(self, history: Any) -> Any:
        """Forecast what follows a history, with parameters as they are."""
        return self.model.apply(history).forecast(self.steps)


def _extends(model: object) -> bool:
    """Whether an object takes another history, and forecasts what follows."""
    methods = (getattr(model, name, None) for name in ("apply", "forecast"))
    return not isinstance(model, type) and all(map(callable, methods))


def _one(forecast: Callable[[Any], Any], steps: int) -> Callable[[Any], np.ndarray]:
    """Forecast one history: a row of a table of series comes as a frame of one row."""

    def answer(history: Any) -> np.ndarray:
        row = isinstance(history, pd.DataFrame) and len(history) == 1
        return _row(forecast(history.iloc[0] if row else history), steps)

    answer.__name__ = getattr(forecast, "__name__", type(forecast).__name__)
    return answer


def _row(values: Any, steps: int) -> np.ndarray:
    """Return the first steps of a forecast ``(steps,)``.

    Raises
    ------
    ValueError
        For fewer steps, or several numbers a step.
    """
    row = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values, dtype=float)
    row = row[:, 0] if row.ndim == 2 and row.shape[1] == 1 else np.atleast_1d(row)
    if row.ndim != 1 or len(row) < steps:
        raise ValueError(f"a forecast must hold {steps} numbers, one a step; got shape {row.shape}")
    return row[:steps]


def _names(steps: int, after: Any) -> tuple[str, ...]:
    """Name steps ahead, and say when they are where the times of a history go on."""
    ahead = [f"t+{i}" for i in range(1, steps + 1)]
    if after is None:
        return tuple(ahead)
    index = after.index if isinstance(after, (pd.Series, pd.DataFrame)) else after
    if isinstance(index, pd.PeriodIndex):
        return tuple(f"{name} ({index[-1] + i})" for i, name in enumerate(ahead, start=1))
    regular = pd.DatetimeIndex(index, freq="infer").freq if isinstance(index, pd.DatetimeIndex) else None
    if regular is None:
        raise InputError("after", "have times that go on in regular steps", after)
    times = pd.date_range(index[-1], periods=steps + 1, freq=regular)[1:]
    whole = (times.normalize() == times).all()
    return tuple(
        f"{name} ({time:{'%Y-%m-%d' if whole else '%Y-%m-%d %H:%M'}})" for name, time in zip(ahead, times, strict=True)
    )


#: place among the adapters: lower ones are tried first
PLACE = 45


def adopt(model: object, name: str | None, batched: bool) -> Model | None:
    """Adopt what takes another history and forecasts: one step ahead; :class:`Forecaster` itself is for more."""
    return Forecaster(model, name=name) if _extends(model) and not callable(model) else None
