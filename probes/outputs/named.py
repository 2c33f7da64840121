"""Outputs that carry names: the columns of a data frame, or labels with their scores. They are taken by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from probes.errors import ModelError

__all__ = ["by_name", "with_names"]

_PAIR = {"label", "score"}


def with_names(values: Any) -> pd.DataFrame | None:
    """Return answers as a frame with one column for each name; None if they carry no names.

    Columns of a data frame keep their order. Labels are in alphabetical order, because a classifier that sorts them by
    score would have another order for each input.

    Parameters
    ----------
    values : object
        A data frame; or, for each input, a mapping of names to numbers, or a list of ``{"label": …, "score": …}``.

    Raises
    ------
    ModelError
        If a label appears twice for one input, or not for all inputs.

    Examples
    --------
    >>> with_names([[{"label": "b", "score": 0.7}, {"label": "a", "score": 0.3}]]).to_dict("records")
    [{'a': 0.3, 'b': 0.7}]
    """
    if isinstance(values, pd.DataFrame):
        return values.set_axis([str(c) for c in values.columns], axis=1)
    if not isinstance(values, (Sequence, np.ndarray)) or isinstance(values, (str, bytes)):
        return None
    if isinstance(values, np.ndarray) and (values.ndim == 0 or values.dtype != object):
        return None
    rows = [_row(value) for value in values]
    named = [row for row in rows if row is not None]
    if not named or len(named) < len(rows):
        return None
    names = sorted({name for row in named for name in row})
    for row in named:
        if missing := [name for name in names if name not in row]:
            raise _missing(missing)
    return pd.DataFrame({name: [row[name] for row in named] for name in names})


def by_name(frame: pd.DataFrame, names: Sequence[str], source: str) -> pd.DataFrame:
    """Return a frame's columns in the order of names.

    Raises
    ------
    ModelError
        If the columns are not those names.
    """
    columns = list(frame.columns)
    if columns == list(names):
        return frame
    if missing := [name for name in names if name not in columns]:
        raise _missing(missing, source)
    if more := [name for name in columns if name not in names]:
        raise ModelError(f"{source} must name the same outputs every time; got {_shown(more)}, not there before.")
    if len(set(columns)) < len(columns):
        raise ModelError(f"{source} must give outputs that change their order a name each; got {_shown(columns)}.")
    return frame[list(names)]


def _row(value: Any) -> dict[str, Any] | None:
    """Return names and numbers of one input; None if there are no names."""
    if isinstance(value, Mapping):  # one label with its score says nothing about the others
        return None if set(value) <= _PAIR else {str(name): number for name, number in value.items()}
    entries = value if isinstance(value, (list, tuple)) else ()
    if not entries or not all(isinstance(entry, Mapping) and set(entry) == _PAIR for entry in entries):
        return None
    row = {str(entry["label"]): entry["score"] for entry in entries}
    if len(row) < len(entries):
        raise ModelError(f"A label must stand once for each input; got {_shown([e['label'] for e in entries])}.")
    return row


def _missing(names: Sequence[str], source: str = "The model") -> ModelError:
    return ModelError(
        f"{source} must name the same outputs for every input; for some it gave no {_shown(names)}. "
        "A classifier that shows only its best labels must show all: top_k=None in a pipeline."
    )


def _shown(names: Sequence[Any]) -> str:
    return ", ".join(map(repr, names[:12])) + (", …" if len(names) > 12 else "")
