"""Parquet files of a few kB that would unpack to gigabytes: refused, before they are unpacked."""

from __future__ import annotations

import hashlib
import resource
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.when_used import when_used

pa, pq = when_used("pyarrow"), when_used("pyarrow.parquet")
from probes import InputError, Store  # noqa: E402
from probes.store import parquet  # noqa: E402
from probes.store.transfer import export, load  # noqa: E402

ROWS = 20_000


def keys(count: int) -> list[bytes]:
    return [hashlib.sha256(str(i).encode()).digest() for i in range(count)]


def written(path: Path, count: int, **columns: object) -> Path:
    """A file with sound columns but those given."""
    given = {
        "key": columns.get("key", pa.array(keys(count if "key" not in columns else 0), pa.binary())),
        "values": columns.get("values", pa.array([[1.0]] * (count if "values" not in columns else 0))),
        "text": pa.nulls(count, pa.string()),
        "model": pa.array(["m"] * count, pa.string()),
        **columns,
    }
    pq.write_table(pa.table(given), path, compression="zstd")
    return path


def repeated(value: bytes | str, count: int) -> object:
    """One value in a dictionary and as many references to it, which Parquet writes as a run of a few bytes."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, dtype=np.int32)), pa.array([value]))


def of_values(path: Path) -> Path:
    each = 9_000_000  # one answer of so many zeros
    flat = pa.DictionaryArray.from_arrays(pa.array(np.zeros(each, dtype=np.int8)), pa.array([0.0]))
    return written(path, 1, values=pa.ListArray.from_arrays(pa.array([0, each], pa.int32()), flat))


def of_models(path: Path) -> Path:
    return written(path, ROWS, model=repeated("m" * 200_000, ROWS))


def of_texts(path: Path) -> Path:
    return written(path, ROWS, text=repeated("x" * 200_000, ROWS), values=pa.nulls(ROWS, pa.list_(pa.float64())))


def of_keys(path: Path) -> Path:
    return written(path, ROWS, key=repeated(b"k" * 200_000, ROWS))


def of_rows(path: Path) -> Path:
    count = 3_000_000
    return written(
        path,
        count,
        key=repeated(b"k" * 32, count),
        values=pa.nulls(count, pa.list_(pa.float64())),
        text=repeated("t", count),
        model=repeated("m", count),
    )


@pytest.mark.parametrize("bomb", [of_models, of_texts, of_keys, of_rows])
def test_a_file_that_unpacks_to_gigabytes_is_refused_in_bounded_memory(bomb, tmp_path):
    file = bomb(tmp_path / "a.parquet")
    assert file.stat().st_size < 2_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError, match=r"be a sound Parquet file by iomap store export|hold keys of 32 bytes"):
        load(file, tmp_path / "b.sqlite")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 400_000  # kB; unpacked it would be 4 GB and more
    assert not (tmp_path / "b.sqlite").exists()


def test_what_a_row_group_unpacks_to_is_known_before(tmp_path, monkeypatch):
    store = Store(tmp_path / "a.sqlite")
    store.put({key: np.zeros(100) for key in keys(300)}, "m")
    export(store, tmp_path / "a.parquet")
    bomb = of_values(tmp_path / "c.parquet")
    monkeypatch.setattr(parquet, "LARGEST", 2**26)
    assert bomb.stat().st_size < 20_000
    with pytest.raises(InputError, match="row group 0 would unpack to 72"):
        load(bomb, Store())
    monkeypatch.setattr(parquet, "LARGEST", 200_000)
    with pytest.raises(InputError, match="row group 0 would unpack to"):
        load(tmp_path / "a.parquet", Store())
    export(store, tmp_path / "b.parquet")  # in groups that can be read again
    assert pq.ParquetFile(tmp_path / "b.parquet").num_row_groups > 1
    assert load(tmp_path / "b.parquet", Store()).added == 300
