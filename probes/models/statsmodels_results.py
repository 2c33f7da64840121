"""Results of statsmodels: what fixes their predictions, in hashable form."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import numpy as np
import pandas as pd

from probes.digests import digest_rows
from probes.models.estimator import fingerprint

__all__ = ["fingerprint_of_results", "is_results"]

#: models whose predictions for new rows follow from parameters, settings, formula and training data
_KINDS = ("regression", "discrete", "genmod", "duration", "robust", "miscmodels")
#: settings that hold no part of that: they are made from the formula or only estimate errors
_LEFT_OUT = ("missing_idx", "model_spec", "design_info", "formula", "cov_struct")
#: functions that mean the same in every formula
_KNOWN = (
    "C", "Q", "I", "center", "standardize", "scale", "bs", "cr", "cc", "te", "Treatment", "Sum", "Helmert", "Poly",
    "Diff", "np", "True", "False", "None",
)  # fmt: skip
_TEXTS = re.compile(r"\"[^\"]*\"|'[^']*'")
#: names in a formula that are no attributes and no keywords of a call
_NAMES = re.compile(r"(?<![\w.])[^\W\d]\w*\b(?!\s*=[^=])")


def is_results(model: object) -> bool:
    """Return whether an object is the results of a fit of statsmodels."""
    return type(model).__module__.startswith("statsmodels.") and hasattr(model, "params") and hasattr(model, "model")


def fingerprint_of_results(results: Any) -> str | None:
    """Return the SHA-256 of all that fixes the predictions of results.

    None for kinds of models whose predictions are not known to follow from that, and for formulas that call functions
    or take variables of the user's, which their names do not fix.
    """
    model = results.model
    kind = type(model).__module__.split(".")
    if kind[0] != "statsmodels" or kind[1] not in _KINDS:
        return None
    formula, frame = getattr(model, "formula", None), getattr(model.data, "frame", None)
    if formula is not None and not _plain(str(formula), frame):
        return None
    settings = {k: _settled(v) for k, v in model._get_init_kwds().items() if k not in _LEFT_OUT}
    data = [_digest(part) for part in (results.params, model.endog, model.exog, frame)]
    parts = (type(results), type(model), str(formula), data, settings, type(getattr(model, "distr", None)))
    return fingerprint(parts)


def _plain(formula: str, frame: Any) -> bool:
    """Return whether a formula is made of columns of its frame and of functions that mean the same everywhere."""
    columns = {str(c) for c in frame.columns} if isinstance(frame, pd.DataFrame) else set()
    return set(_NAMES.findall(_TEXTS.sub("", formula))) <= columns | set(_KNOWN)


def _settled(value: Any) -> Any:
    """Return a setting; of an array, which may lie in memory in several ways, the digest."""
    return _digest(value) if isinstance(value, (np.ndarray, pd.Series, pd.DataFrame)) else value


def _digest(values: Any) -> str:
    """Return the SHA-256 of an array or data frame; the names of parameters count."""
    if values is None:
        return ""
    if isinstance(values, pd.Series):
        values = values.to_frame()
    rows = digest_rows(values if isinstance(values, pd.DataFrame) else np.asarray(values))
    labels = str(values.index.tolist()) if isinstance(values, pd.DataFrame) else ""
    return hashlib.sha256(b"".join(rows) + labels.encode()).hexdigest()
