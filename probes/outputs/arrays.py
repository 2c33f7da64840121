"""A model's raw return value, checked and made an array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from probes.errors import ModelError, describe
from probes.rounding import alone

__all__ = ["LARGEST", "as_outputs"]

#: above it numbers cannot be squared and added up
LARGEST = 1e120


def as_outputs(values: Any, n: int, source: str, advice: str = "") -> np.ndarray:
    """Check a model's raw return value and make it a float array ``(n, k)``; `advice` says what to do without one row
    an input.

    Raises
    ------
    ModelError
        If it is not numeric, has masked or too large numbers, or does not have one row per input.
    """
    parts = [values, *values] if isinstance(values, Sequence) else [values]
    if any(isinstance(part, np.ma.MaskedArray) and np.ma.is_masked(part) for part in parts):
        raise ModelError(f"{source} returned masked numbers, which are no answers: fill them.")
    scalar = isinstance(values, np.ndarray) and values.ndim == 0
    first = values[0] if isinstance(values, (Sequence, np.ndarray)) and not scalar and len(values) else None
    if isinstance(first, (str, dict)):
        raise ModelError(
            f"{source} must return numbers, one row per input; got labels such as {describe(first)}. "
            "Pass a function that returns scores or probabilities instead."
        )
    try:
        if hasattr(values, "detach"):
            values = values.detach().cpu()
        if hasattr(values, "toarray"):  # sparse
            values = values.toarray()
        array = np.asarray(values)
        if array.dtype.kind in "UScmM":
            raise TypeError("text and complex numbers have no order, times have a unit that is not known here")
        array = array.astype(float)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ModelError(f"{source} must return numbers, one row per input; got {describe(values)}.") from error
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or len(array) != n or array.shape[1] == 0:
        given = "None" if values is None else np.shape(values) or f"the single number {describe(values)}"
        advice = " These are transposed." if np.ndim(values) > 1 and array.shape[1:] == (n,) else advice
        raise ModelError(f"{source} must return one row of numbers per input, shape ({n}, k); got {given}.{advice}")
    if (large := array[np.isfinite(array) & (np.abs(array) > LARGEST)]).size:
        raise ModelError(
            f"{source} must return numbers of a size up to {LARGEST:g}; got {alone(large[0])}. Scale what it returns."
        )
    return array
