"""Shapley values as a ``shap.Explanation``, for shap's plots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from probes.errors import require
from probes.probe import Feature

__all__ = ["shap_explanation"]


def shap_explanation(
    values: np.ndarray,
    base: np.ndarray,
    features: Sequence[Feature] | Sequence[Sequence[Feature]],
    outputs: Sequence[str],
) -> Any:
    """Convert values ``(k, d)`` and base values ``(k,)`` to a ``shap.Explanation``; ``(n, k, d)`` and ``(n, k)`` too.

    Parameters
    ----------
    values, base : ndarray
        For one input, or for n.
    features : sequence of d features, or n such sequences
    outputs : sequence of k str

    Returns
    -------
    shap.Explanation
        Its values are ``(d,)`` for one output, ``(d, k)`` for several, ``(n, d)`` or ``(n, d, k)`` for n inputs. Its
        data are numbers if every feature's value is one.

    Raises
    ------
    MissingExtra
        Without the ``shap`` extra.
    """
    shap = require("shap", "to_shap()")
    single = len(outputs) == 1
    rows: Any = features if values.ndim == 3 else [features]
    data = _data(rows)
    return shap.Explanation(
        values=values[..., 0, :] if single else np.swapaxes(values, -1, -2),
        base_values=(base[:, 0] if base.ndim == 2 else float(base[0])) if single else base,
        data=data if values.ndim == 3 else data[0],
        feature_names=[f.name for f in rows[0]],
        output_names=None if single else list(outputs),
    )


def _data(rows: Sequence[Sequence[Feature]]) -> np.ndarray:
    """Return what the inputs hold ``(n, d)``: numbers, or text where a feature has none."""
    text = [[f.value or f.name for f in row] for row in rows]
    try:
        return np.array([[float(value) for value in row] for row in text])
    except ValueError:
        data = np.empty((len(text), len(text[0])), dtype=object)
        data[:] = [[_number(value) for value in row] for row in text]
        return data


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
