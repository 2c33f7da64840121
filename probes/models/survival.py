"""SurvivalModel: the probability of surviving beyond chosen times, of models of scikit-survival and lifelines."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from inspect import signature
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from probes.errors import InputError, ModelError, describe
from probes.model import Identity, Model
from probes.models.estimator import fingerprint
from probes.outputs.arrays import as_outputs
from probes.rounding import given

__all__ = ["SurvivalModel"]


class SurvivalModel(Model):
    """A fitted survival model, whose outputs are S(t), the probability to survive beyond t, at chosen times.

    Anything with ``predict_survival_function`` that returns step functions, one a row (scikit-survival), or takes
    ``times=`` and returns a frame with a column for each row (lifelines).

    Parameters
    ----------
    model : object
    times : sequence of float
        In the unit that the model was fitted with.
    unit : str, default "days"
        What times are called in the names of outputs, such as ``"S(365 days)"``.
    name : str, optional
        Identifies the model where its state does not.

    Raises
    ------
    InputError
        If the model has no survival function, or a time is negative or beyond those it was fitted with.

    Examples
    --------
    >>> import pandas as pd
    >>> class Constant:
    ...     def predict_survival_function(self, X, times):
    ...         hazards = X["hazard"].to_numpy()
    ...         return pd.DataFrame({i: np.exp(-h * np.array(times)) for i, h in enumerate(hazards)}, index=times)
    >>> model = SurvivalModel(Constant(), times=[1, 2], unit="years", name="constant")
    >>> model.outputs, model(pd.DataFrame({"hazard": [0.0, 1.0]})).round(2).tolist()
    (('S(1 years)', 'S(2 years)'), [[1.0, 1.0], [0.37, 0.14]])
    """

    unit = "survival probability"

    def __init__(self, model: Any, times: Sequence[float], unit: str = "days", name: str | None = None):
        if not callable(getattr(model, "predict_survival_function", None)):
            raise InputError("model", "have predict_survival_function", model)
        if isinstance(times, (str, Real)) or not len(times) or not all(_is_time(t) for t in times):
            raise InputError("times", "be a list of times, none negative", times)
        self.times = [float(t) for t in times]
        if len(set(self.times)) < len(self.times):
            raise InputError("times", "be all different", times)
        last = np.max(known) if (known := getattr(model, "unique_times_", None)) is not None else np.inf
        if max(self.times) > last:
            raise InputError(
                "times", f"be at most {given(float(last))}, the last that the model was fitted with", times
            )
        self.model, self.name = model, name
        self.outputs = tuple(f"S({given(t)} {unit})" for t in self.times)
        self._with_times = "times" in signature(model.predict_survival_function).parameters
        self._run = uuid.uuid4().hex

    def identity(self) -> Identity:
        mark = self.name or fingerprint(self.model)
        head = f"survival:{type(self.model).__name__}:{self.times}"
        return Identity(f"{head}:{mark or self._run}", mark is not None)

    def direct(self) -> Callable[[Any], Any]:
        """Return S(t) of the model's own function, one time after the other."""
        return lambda rows: np.hstack([self._survival(rows, [t]) for t in self.times])

    def __call__(self, inputs: Any) -> np.ndarray:
        return as_outputs(self._survival(inputs, self.times), len(inputs), f"{type(self.model).__name__}")

    def _survival(self, rows: Any, times: list[float]) -> np.ndarray:
        """S(t) of rows, ``(n, t)``."""
        try:
            if self._with_times:
                curves = self.model.predict_survival_function(rows, times=times)
                return np.asarray(curves if not isinstance(curves, pd.DataFrame) else curves.loc[times], dtype=float).T
            return np.array([[float(curve(t)) for t in times] for curve in self.model.predict_survival_function(rows)])
        except Exception as error:
            kind = f"{type(self.model).__name__}.predict_survival_function"
            said = describe(str(error), 300)
            raise ModelError(f"{kind} raised {type(error).__name__}: {said}") from error


def _is_time(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and 0 <= float(value) < np.inf
