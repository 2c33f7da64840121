"""The inputs that two models are compared on, none twice, and what rules about them are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_float_dtype

from probes.errors import InputError
from probes.inputs.table_columns import shown
from probes.inputs.table_rows import background_frame, in_order_of
from probes.model import Prompt, is_chat
from surrogates.difference.grouped_rows import numbered
from surrogates.many.columns import Rows

__all__ = ["FEWEST", "AskedRows", "in_full", "taken"]

#: fewest rows: some of them find rules, the others test these
FEWEST = 40

#: whole numbers below are written as such
_EXACT = 1e15

_KINDS = "be a DataFrame, an array, or a list of texts or chats"


@dataclass(frozen=True)
class AskedRows:
    """Inputs, none twice, and what rules are about.

    Attributes
    ----------
    inputs : DataFrame, ndarray or list of n texts or chats
    described : DataFrame or list of n texts or chats
        What features are made of: the inputs themselves, or what the user knows of them.
    shown : list of n str
        As reports show them.
    notes : tuple of str
    groups : list of n str or None
        What each input belongs to.
    feature_names : tuple of str
        Of the columns of an array that rules are about; empty where there is none.
    """

    inputs: Any
    described: Rows
    shown: list[str]
    notes: tuple[str, ...]
    groups: list[str] | None = None
    feature_names: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, rows: Any, by: pd.DataFrame | None, feature_names: Sequence[str] | None, groups: Any = None
    ) -> AskedRows:
        """Read what the user gives.

        Raises
        ------
        InputError
        """
        numbers = isinstance(rows, np.ndarray) and (rows.ndim > 1 or rows.dtype.kind in "biufc")
        table = isinstance(rows, pd.DataFrame) or numbers
        inputs = background_frame(rows, feature_names, "rows") if table else _texts(rows)
        if by is not None and (not isinstance(by, pd.DataFrame) or len(by) != len(inputs)):
            raise InputError("by", f"be a table with a row for each of the {len(inputs)} inputs", by)
        labels = None
        if groups is not None:
            number, names = numbered(in_order_of(rows, groups), len(inputs))
            labels = [names[i] for i in number]
        for called, frame in (("rows", inputs), ("by", by)):
            if isinstance(frame, pd.DataFrame):
                _check_table(called, frame)
        written = in_full(inputs)
        first = {text: i for i, text in reversed(list(enumerate(written)))}
        chosen = np.sort(np.array([*first.values()], dtype=int))
        notes: tuple[str, ...] = ()
        if len(chosen) < len(written):
            notes = (f"Repeats of earlier inputs are left out: {len(written) - len(chosen)}.",)
        if len(chosen) < FEWEST:
            raise InputError("rows", f"be at least {FEWEST} different inputs", len(chosen))
        kept = taken(inputs, chosen)
        described = kept if by is None else by.iloc[chosen].reset_index(drop=True)
        belong = None if labels is None else [labels[i] for i in chosen]
        columns = tuple(map(str, described.columns)) if numbers and by is None else ()
        given = kept.to_numpy(dtype=float) if numbers else kept  # a model is given what the user gives
        return cls(given, described, _written(kept, _for_people), notes, belong, columns)

    def features(self, kept: np.ndarray) -> Rows:
        """Return what rules are about, of some inputs."""
        return taken(self.described, np.flatnonzero(kept))


def taken(rows: Any, index: np.ndarray) -> Any:
    """Take some of the rows, by number."""
    if isinstance(rows, pd.DataFrame):
        return rows.iloc[index].reset_index(drop=True)
    return [rows[i] for i in index]


def _check_table(called: str, table: pd.DataFrame) -> None:
    """Refuse a table whose columns cannot be told apart, or hold what no condition can be about."""
    background_frame(table, None, called)
    names = list(map(str, table.columns))
    if len(set(names)) < len(names):
        raise InputError(called, "have column names that do not read alike", list(table.columns))
    for name, values in table.items():
        if is_float_dtype(values) and np.isinf(values.to_numpy(dtype=float, na_value=np.nan)).any():
            raise InputError(f"{called}[{name!r}]", "hold finite or missing numbers", "an infinite one")


def _texts(rows: Any) -> list[Prompt]:
    several = rows.tolist() if isinstance(rows, np.ndarray) else rows
    single = isinstance(several, (str, dict)) or is_chat(several) or not isinstance(several, Iterable)
    texts = [] if single else list(several)
    right = [isinstance(text, str) or is_chat(text) for text in texts]
    if not any(right):
        raise InputError("rows", _KINDS, texts[0] if texts else rows)
    if not all(right):
        at = right.index(False)
        raise InputError(f"rows[{at}]", "be a text or a chat, as others are", texts[at])
    return texts


def in_full(inputs: pd.DataFrame | Sequence[Prompt]) -> list[str]:
    """Write each input so that equal ones alone read alike."""
    return _written(inputs, _in_full)


def _written(inputs: pd.DataFrame | Sequence[Prompt], written: Callable[[Any], str]) -> list[str]:
    """Write each input, cells of a table one by one."""
    if isinstance(inputs, pd.DataFrame):
        names = list(map(str, inputs.columns))
        return [
            ", ".join(f"{n}={written(v)}" for n, v in zip(names, row, strict=True))
            for row in inputs.itertuples(index=False, name=None)
        ]
    return [text if isinstance(text, str) else repr(text) for text in inputs]


def _for_people(cell: Any) -> str:
    """Write a cell as tables show it."""
    whole = isinstance(cell, float) and cell.is_integer() and abs(cell) < _EXACT
    return _in_full(cell) if isinstance(cell, str) or whole else shown(cell)


def _in_full(cell: Any) -> str:
    """Write a cell so that equal ones alone read alike; a text like something else stands between quotation marks."""
    if isinstance(cell, (datetime, timedelta)) and not pd.isna(cell):
        return shown(cell)
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < _EXACT:
        return str(int(cell))
    if not isinstance(cell, str):
        return str(cell)
    return repr(cell) if cell.strip()[:1] in "0123456789.+-" or cell in ("True", "False", "nan", "None") else cell
