"""Shapley values as a ``shap.Explanation``, for shap's plots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from probes.errors import require
from probes.probe import Feature

__all__ = ["shap_explanation"]


def shap_explanation(values: np.ndarray, base: np.ndarray, features: Sequence[Feature], outputs: Sequence[str]) -> Any:
    """Convert values ``(k, d)`` and base values ``(k,)`` to a ``shap.Explanation``.

    Returns
    -------
    shap.Explanation
        Its values are ``(d,)`` for one output, ``(d, k)`` for several.

    Raises
    ------
    MissingExtra
        Without the ``shap`` extra.
    """
    shap = require("shap", "to_shap()")
    single = len(outputs) == 1
    return shap.Explanation(
        values=values[0] if single else values.T,
        base_values=float(base[0]) if single else base,
        data=np.array([f.value or f.name for f in features], dtype=object),
        feature_names=[f.name for f in features],
        output_names=None if single else list(outputs),
    )
