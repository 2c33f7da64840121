"""Digests: SHA-256 of each input of a batch, under which its answer is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from probes.errors import InputError

__all__ = ["digest_rows"]


def digest_rows(inputs: Any) -> list[bytes]:
    """Return the SHA-256 of every row of a batch: strings, chats, arrays, data frames, or dicts of such.

    Raises
    ------
    InputError
        For an input that has no canonical form.

    Examples
    --------
    >>> a, b, c = digest_rows(["x", "y", "x"])
    >>> a == c, a == b
    (True, False)
    """
    if isinstance(inputs, pd.DataFrame):
        return _digest_frame(inputs)
    if isinstance(inputs, np.ndarray) and inputs.dtype != object:
        rows = np.ascontiguousarray(inputs)
        head = f"array {rows.dtype.str} {rows.shape[1:]} ".encode()
        size = rows[:1].nbytes if len(rows) else 0
        flat = rows.reshape(len(rows), -1).view(np.uint8) if size else np.empty((len(rows), 0), dtype=np.uint8)
        return _digests(head, _slices(flat))
    return [hashlib.sha256(_canonical(item)).digest() for item in inputs]


def _canonical(item: object) -> bytes:
    if isinstance(item, str):
        return b"text " + item.encode("utf-8", "surrogatepass")
    if isinstance(item, Mapping) and any(isinstance(value, np.ndarray) for value in item.values()):
        return b"parts " + b"".join(_cell(str(name)) + _cell(value) for name, value in sorted(item.items()))
    try:
        return b"json " + json.dumps(item, sort_keys=True, ensure_ascii=True).encode()
    except TypeError as error:
        raise InputError("input", "be text, a chat, numbers or a data frame row", item) from error


def _digest_frame(frame: pd.DataFrame) -> list[bytes]:
    """Digest the rows of a frame: column names and types first, then each row's values."""
    head = json.dumps([[str(c), str(t)] for c, t in frame.dtypes.items()]).encode()
    if all(_fixed_width(t) for t in frame.dtypes):
        if len(frame) and len(set(frame.dtypes)) == 1:
            rows = _bytes(frame.to_numpy().ravel()).reshape(len(frame), -1)
        else:
            parts = [_bytes(frame.iloc[:, j].to_numpy()) for j in range(frame.shape[1])]
            rows = np.hstack(parts) if parts else np.empty((len(frame), 0), dtype=np.uint8)
        return _digests(head, _slices(rows))
    columns = []
    for j in range(frame.shape[1]):
        column = frame.iloc[:, j]
        if _fixed_width(column.dtype):
            columns.append(_slices(_bytes(column.to_numpy())))
        elif isinstance(column.dtype, pd.CategoricalDtype):
            known = [*map(_cell, column.cat.categories), _cell(np.nan)]
            columns.append([known[code] for code in column.cat.codes])
        elif isinstance(column.dtype, pd.StringDtype):
            codes, values = pd.factorize(column)
            known = [*map(_cell, values), _cell(column.dtype.na_value)]
            columns.append([known[code] for code in codes])
        else:
            columns.append([_cell(v) for v in column])
    return _digests(head, map(b"".join, zip(*columns, strict=True)))


def _digests(head: bytes, rows: Iterable[bytes]) -> list[bytes]:
    """Digest a head with each row; the head, which can be long, is hashed once."""
    start, digests = hashlib.sha256(head), []
    for row in rows:
        each = start.copy()
        each.update(row)
        digests.append(each.digest())
    return digests


def _fixed_width(kind: Any) -> bool:
    return isinstance(kind, np.dtype) and kind.kind in "biufc"


def _bytes(values: np.ndarray) -> np.ndarray:
    """View numbers ``(n,)`` as bytes ``(n, width)``."""
    return np.ascontiguousarray(values).view(np.uint8).reshape(len(values), values.dtype.itemsize)


def _slices(rows: np.ndarray) -> list[bytes]:
    """Split bytes ``(n, width)`` into rows."""
    data, width = np.ascontiguousarray(rows).tobytes(), rows.shape[1]
    return [data[i : i + width] for i in range(0, len(data), width)] if width else [b""] * len(rows)


def _cell(value: Any) -> bytes:
    """Bring one value of a column of objects to canonical bytes."""
    if isinstance(value, np.ndarray):
        return digest_rows(value[None])[0]
    if pd.api.types.is_scalar(value):
        return f"{type(value).__name__}:{value!r};".encode("utf-8", "surrogatepass")
    return _canonical(value) + b";"
