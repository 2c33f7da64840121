"""Answers as a Parquet file: columns ``key``, ``values`` or ``text``, and ``model``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from probes.errors import InputError, StoreError, require
from probes.store.store import Row

__all__ = ["CHUNK", "check", "read", "write"]

CHUNK = 50_000  # answers of a row group
KEY = 32  # bytes of a key, a SHA-256
FORMAT = 1
#: bytes that a row group, and the texts of a chunk, may unpack to
LARGEST, TEXTS = 2**30, 2**28
#: how many times its size a file larger than that may unpack to
_RATIO = 2**14
#: rows that any file may have, and how often a key may occur on average where there are more: keys cannot be compressed
_ROWS, _REPEATS = 2**20, 8
_MAGIC = b"PAR1"
_VERSION = b"iomap.answers"  # where the file's metadata keep FORMAT


def write(chunks: Iterable[list[Row]], path: Path) -> int:
    """Write answers to a file that appears complete or not at all; see :func:`probes.store.transfer.export`."""
    pq = require("pyarrow.parquet", "Exporting answers")
    if path.is_dir() or not path.parent.is_dir() or (path.exists() and not _is_parquet(path)):
        raise InputError("path", "name a new file, or a Parquet file to replace, in a folder that exists", str(path))
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}")
    count = 0
    try:
        with open(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            # keys are random: only models repeat
            options = {"compression": "zstd", "use_dictionary": ["model"], "write_page_checksum": True}
            with pq.ParquetWriter(file, _schema(), **options) as writer:
                for rows in chunks:
                    table = _table(rows)
                    writer.write_table(table, max(1, len(rows) * LARGEST // (4 * table.nbytes + 1)))
                    count += len(rows)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        raise StoreError(f"The answers cannot be exported to {path}: {error}. The store is as it was.") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return count


def check(path: Path) -> int:
    """Read a file to its end and see that every answer is sound.

    Returns
    -------
    int
        The number of answers.

    Raises
    ------
    InputError
        If the file is no export, is cut or damaged, or has a row that is no answer: a key that is not 32 bytes, neither
        or both of values and text, a number that is not finite; or would unpack to far more than its size: that is
        seen before it is unpacked.
    """
    return sum(len(rows) for rows in read(path))


def read(path: Path) -> Iterator[list[Row]]:
    """Yield the answers of a file, chunk by chunk.

    Raises
    ------
    InputError
        As :func:`check` does.
    """
    pa, pq = (require(name, "Importing answers") for name in ("pyarrow", "pyarrow.parquet"))
    if not path.is_file() or not _is_parquet(path):
        raise InputError("file", "be a Parquet file by iomap store export", str(path))
    try:
        there = pq.read_schema(path).names
        texts = [name for name in ("key", "text", "model") if name in there]
        with pq.ParquetFile(path, page_checksum_verification=True, read_dictionary=texts) as file:
            _check_size(file.metadata, path)
            names = file.schema_arrow.names
            if missing := [name for name in _schema().names if name not in names]:
                raise InputError("file", f"have the columns {', '.join(_schema().names)}", f"none called {missing[0]}")
            version = (file.schema_arrow.metadata or {}).get(_VERSION, b"1")
            if version != str(FORMAT).encode():
                rule = f"have format {FORMAT}, the one this version of iomap reads"
                raise InputError("file", rule, version.decode(errors="replace"))
            first = 0
            for batch in _batches(file):
                _check_texts(batch, texts)
                table = pa.Table.from_batches([batch]).select(_schema().names).cast(_schema()).combine_chunks()
                yield _rows(table, first)
                first += len(table)
    except (OSError, KeyError, UnicodeDecodeError, pa.ArrowException) as error:  # two columns of a name; text in bytes
        raise InputError(
            "file", f"be a sound Parquet file by iomap store export ({_line(error)})", str(path)
        ) from error


def _batches(file: Any) -> Iterator[Any]:
    """Yield the rows of a file in chunks, one row group after the other."""
    for group in range(file.num_row_groups):
        yield from file.iter_batches(CHUNK, row_groups=[group], columns=_schema().names)


def _check_size(metadata: Any, path: Path) -> None:
    """Refuse a file that would unpack to far more than it can hold, by what its metadata say of its row groups."""
    size = path.stat().st_size
    rule = "be a sound Parquet file by iomap store export"
    if metadata.num_rows > max(_ROWS, size * _REPEATS // KEY):
        raise InputError("file", f"{rule} (it claims {metadata.num_rows:,} rows in {size:,} bytes)", str(path))
    total = 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        columns = [group.column(i) for i in range(group.num_columns)]
        here = sum(max(c.total_uncompressed_size, np.dtype(float).itemsize * c.num_values) for c in columns)
        total += here
        if here > LARGEST or total > max(LARGEST, _RATIO * size):
            raise InputError("file", f"{rule} (row group {number} would unpack to {here:,} bytes)", str(path))


def _check_texts(batch: Any, names: list[str]) -> None:
    """Refuse rows whose texts, which stand in a dictionary once, are longer than can be held when each row has one."""
    compute = require("pyarrow.compute", "Importing answers")
    for name in names:
        column = batch.column(name)
        if not hasattr(column, "dictionary"):
            continue
        lengths = compute.binary_length(column.dictionary).take(column.indices)
        if (length := compute.sum(lengths).as_py() or 0) > TEXTS:
            rule = "be a sound Parquet file by iomap store export"
            raise InputError(
                "file", f"{rule} (column {name} unpacks to {length:,} bytes in {len(column):,} rows)", name
            )


def _schema() -> Any:
    pa = require("pyarrow", "Answers in Parquet")
    columns = {"key": pa.binary(), "values": pa.list_(pa.float64()), "text": pa.string(), "model": pa.string()}
    return pa.schema(list(columns.items()), metadata={_VERSION: str(FORMAT)})


def _table(rows: list[Row]) -> Any:
    pa = require("pyarrow", "Answers in Parquet")
    numbers = [np.empty(0) if isinstance(value, str) else value for _, value, _ in rows]
    values = pa.ListArray.from_arrays(
        np.array([0, *accumulate(map(len, numbers))], dtype=np.int32),
        np.concatenate([*numbers, np.empty(0)]),
        mask=pa.array([isinstance(value, str) for _, value, _ in rows], pa.bool_()),
    )
    columns = {
        "key": pa.array([key for key, _, _ in rows], pa.binary()),
        "values": values,
        "text": pa.array([value if isinstance(value, str) else None for _, value, _ in rows], pa.string()),
        "model": pa.array([model for _, _, model in rows], pa.string()),
    }
    return pa.table(columns, schema=_schema())


def _rows(table: Any, first: int) -> list[Row]:
    """Convert a part of a file that begins with row `first` to answers."""
    keys, texts, models = (table[name].to_pylist() for name in ("key", "text", "model"))
    lists = [part for part in table["values"].chunks if len(part)]
    numbers: list[np.ndarray | None] = []
    for part in lists:
        flat = part.values.to_numpy(zero_copy_only=False)
        ends = part.offsets.to_numpy()
        here = part.is_valid().to_numpy(zero_copy_only=False)
        numbers += [flat[a:b] if ok else None for a, b, ok in zip(ends, ends[1:], here, strict=False)]
    rows: list[Row] = []
    for i, (key, value, text, model) in enumerate(zip(keys, numbers, texts, models, strict=True), first):
        if key is None or len(key) != KEY:
            received = "none" if key is None else f"{len(key)} bytes"
            raise InputError("file", f"hold keys of {KEY} bytes (column key, row {i}, counted from 0)", received)
        if (value is None) == (text is None):
            rule = f"hold either values or a text (columns values and text, row {i}, counted from 0)"
            raise InputError("file", rule, "neither" if value is None else "both")
        if value is not None and not (len(value) and np.isfinite(value).all()):
            rule = f"hold finite answers only, one number at least (column values, row {i}, counted from 0)"
            raise InputError("file", rule, value.tolist())
        rows.append((key, text if value is None else value, model))
    return rows


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def _line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
