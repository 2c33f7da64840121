"""A model's raw return value, checked and made an array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from probes.errors import ModelError, describe

__all__ = ["as_outputs"]


def as_outputs(values: Any, n: int, source: str) -> np.ndarray:
    """Check a model's raw return value and make it a float array ``(n, k)``.

    Raises
    ------
    ModelError
        If it is not numeric, or does not have one row per input.
    """
    first = values[0] if isinstance(values, (Sequence, np.ndarray)) and len(values) else None
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
        if array.dtype.kind in "USc":
            raise TypeError("text and complex numbers have no order")
        array = array.astype(float)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ModelError(f"{source} must return numbers, one row per input; got {describe(values)}.") from error
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or len(array) != n or array.shape[1] == 0:
        raise ModelError(f"{source} must return one row of numbers per input, shape ({n}, k); got {np.shape(values)}.")
    return array
