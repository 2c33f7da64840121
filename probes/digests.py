"""Digests: SHA-256 of each input of a batch, under which its answer is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard

import numpy as np
import pandas as pd

from probes.deferred import Deferred
from probes.errors import InputError

__all__ = ["digest_rows", "digests_of"]


def digest_rows(inputs: Any) -> list[bytes]:
    """Return the SHA-256 of every row of a batch: texts, chats, arrays, tensors, images, frames, lists, dicts of such.

    Of numbers the exact bytes count, with their type and shape.

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
    if isinstance(inputs, Deferred):
        return [digest for batch in inputs.batches() for digest in digest_rows(batch)]
    if hasattr(inputs, "detach"):  # a tensor
        inputs = inputs.detach().cpu().numpy()
    if isinstance(inputs, np.ndarray) and inputs.dtype != object:
        rows = np.ascontiguousarray(inputs)
        head = f"array {rows.dtype.str} {rows.shape[1:]} ".encode()
        size = rows[:1].nbytes if len(rows) else 0
        flat = rows.reshape(len(rows), -1).view(np.uint8) if size else np.empty((len(rows), 0), dtype=np.uint8)
        return digests_of(head, _slices(flat))
    return [_digest(item) for item in inputs]


def _digest(item: object) -> bytes:
    if isinstance(item, np.ndarray) and item.ndim and item.dtype != object:  # as in a batch that is one array
        return digest_rows(item[None])[0]
    return hashlib.sha256(_canonical(item)).digest()


def _canonical(item: object) -> bytes:
    if isinstance(item, str):
        return b"text " + item.encode("utf-8", "surrogatepass")
    if isinstance(item, (pd.Series, pd.DataFrame)):
        return _labelled(item)
    if _is_pillow(item):
        return f"image {item.mode} {item.size} ".encode() + item.tobytes()
    if isinstance(item, Mapping) and any(_holds_numbers(value) for value in item.values()):
        return b"parts " + b"".join(_cell(str(name)) + _cell(value) for name, value in sorted(item.items()))
    if isinstance(item, (list, tuple)) and any(map(_holds_numbers, item)):
        return b"parts in order " + b"".join(map(_cell, item))
    try:
        return b"json " + json.dumps(item, sort_keys=True, ensure_ascii=True).encode()
    except TypeError as error:
        rule = "be text, a chat, numbers, an image, a series or a data frame row, or a dict or list of such"
        raise InputError("input", rule, item) from error


def _labelled(item: pd.Series | pd.DataFrame) -> bytes:
    """Bring an input that is a Series or a frame itself to canonical bytes: its numbers, their types and labels."""
    frame = item.to_frame() if isinstance(item, pd.Series) else item
    labels, values = item.index.to_numpy(), frame.to_numpy()
    head = [type(item).__name__, str(item.index.dtype), *([str(c), str(t)] for c, t in frame.dtypes.items())]
    plain = all(map(_fixed_width, frame.dtypes))
    body = np.ascontiguousarray(values).tobytes() if plain else b"".join(_digest_frame(frame))
    index = str(labels.tolist()).encode() if labels.dtype == object else np.ascontiguousarray(labels).tobytes()
    return b"labelled " + json.dumps(head).encode() + hashlib.sha256(index).digest() + body


def _holds_numbers(item: Any) -> bool:
    """Return whether a part of an input has a canonical form of its own, beside text and JSON."""
    return isinstance(item, (np.ndarray, pd.Series, pd.DataFrame)) or hasattr(item, "detach") or _is_pillow(item)


def _is_pillow(item: Any) -> TypeGuard[Any]:
    """Return whether an input is an image of Pillow, which is not imported for that."""
    return all(hasattr(item, name) for name in ("mode", "size", "tobytes"))


def _digest_frame(frame: pd.DataFrame) -> list[bytes]:
    """Digest the rows of a frame: column names and types first, then each row's values."""
    head = json.dumps([[str(c), str(t)] for c, t in frame.dtypes.items()]).encode()
    if all(_fixed_width(t) for t in frame.dtypes):
        if len(frame) and len(set(frame.dtypes)) == 1:
            rows = _bytes(frame.to_numpy().ravel()).reshape(len(frame), -1)
        else:
            parts = [_bytes(frame.iloc[:, j].to_numpy()) for j in range(frame.shape[1])]
            rows = np.hstack(parts) if parts else np.empty((len(frame), 0), dtype=np.uint8)
        return digests_of(head, _slices(rows))
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
    return digests_of(head, map(b"".join, zip(*columns, strict=True)))


def digests_of(head: bytes, rows: Iterable[bytes]) -> list[bytes]:
    """Return the SHA-256 of a head and each row; the head, which can be long, is hashed once."""
    start, digests = hashlib.sha256(head).copy, []
    for row in rows:
        each = start()
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
    if isinstance(value, np.ndarray) or hasattr(value, "detach"):
        return digest_rows(value[None])[0]
    if pd.api.types.is_scalar(value) and not getattr(value, "ndim", 0):  # what is written of a large array is cut off
        return f"{type(value).__name__}:{value!r};".encode("utf-8", "surrogatepass")
    return _canonical(value) + b";"
