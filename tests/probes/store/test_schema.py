"""Files of older layouts."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from probes import Store, StoreError
from probes.store.schema import APPLICATION_ID, MIGRATIONS, SCHEMA

# exact: a store gives back every bit


def key(i: int) -> bytes:
    return int(i).to_bytes(32, "big")


def older(path: Path, version: int, count: int = 50) -> int:
    """A file as an earlier version of iomap wrote it."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("CREATE TABLE answers (key BLOB PRIMARY KEY, value NOT NULL) WITHOUT ROWID")
    db.execute(f"PRAGMA application_id={0x696F6D70}")
    db.execute(f"PRAGMA user_version={version}")
    rows = [(b"old" + key(i), np.array([i / 3, -i]).tobytes()) for i in range(count)]
    db.executemany("INSERT INTO answers VALUES (?, ?)", [*rows, (b"text", "a text")])
    db.close()
    return count + 1


@pytest.mark.parametrize("version", range(SCHEMA))
def test_older_files_are_brought_to_the_present_schema(tmp_path: Path, version: int) -> None:
    path = tmp_path / "a.sqlite"
    count = older(path, version)
    for _ in range(2):  # the second time there is nothing left to do
        store = Store(path)
        assert (store.schema, len(store)) == (SCHEMA, count)
        answers = store.get([*(b"old" + key(i) for i in range(50)), b"text"])
        assert answers.pop(b"text") == "a text"
        assert all((answers[b"old" + key(i)] == [i / 3, -i]).all() for i in range(50))
        assert store.counts() == [(None, count, 1)]
        store.close()
    store = Store(path)
    store.put({b"new": np.array([1.0])}, "a model")
    assert store.counts() == [(None, count, 1), ("a model", 1, 0)]
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA,)
    assert db.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    db.close()


def test_reading_only_changes_no_byte_of_an_older_file(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    count = older(path, 1)
    before = path.read_bytes()
    store = Store(path, readonly=True)
    assert (store.schema, len(store)) == (1, count)
    assert store.counts() == [(None, count, 1)]
    assert {model for rows in store.rows(7) for _, _, model in rows} == {None}
    with pytest.raises(StoreError, match="cannot be written"):
        store.put({b"k": np.array([1.0])})
    store.close()
    assert path.read_bytes() == before


@pytest.mark.parametrize("obstacle", ["CREATE TABLE models (x)", "ALTER TABLE answers ADD COLUMN model TEXT"])
def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path, obstacle: str) -> None:
    path = tmp_path / "a.sqlite"
    count = older(path, 1)
    db = sqlite3.connect(path)
    db.execute(obstacle)
    db.commit()
    layout = db.execute("SELECT sql FROM sqlite_master").fetchall()
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(path)
    assert db.execute("SELECT sql FROM sqlite_master").fetchall() == layout
    assert db.execute("PRAGMA user_version").fetchone() == (1,)
    assert db.execute("SELECT count(*) FROM answers").fetchone() == (count,)
    db.close()


def test_a_missing_or_empty_file_cannot_be_opened_for_reading_only(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(tmp_path / "none.sqlite", readonly=True)
    assert not list(tmp_path.iterdir())
    (tmp_path / "empty.sqlite").touch()
    with pytest.raises(StoreError, match="it is empty"):
        Store(tmp_path / "empty.sqlite", readonly=True)


def test_every_schema_has_its_migration() -> None:
    assert len(MIGRATIONS) == SCHEMA == Store().schema
