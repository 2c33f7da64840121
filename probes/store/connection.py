"""Connections to a store's file: how it is opened, and brought to the present schema."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Any

from probes.store.schema import SCHEMA, migrate, version_of

__all__ = ["connect", "prepare"]

_PATIENCE = 60.0  # seconds to wait for another process's lock
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)


def connect(path: Path | None, readonly: bool) -> sqlite3.Connection:
    """Open a file, or a database in memory.

    Raises
    ------
    sqlite3.Error
    """
    place: dict[str, Any] = {"database": path or ":memory:"}
    if path is not None and readonly:
        folder, log = path.parent, path.with_name(path.name + "-wal")
        # where it may be written, the last to leave can clear up the log; where the folder may not be, SQLite must be
        # given to know that nobody else writes either
        writable = os.access(path, os.W_OK) and os.access(folder, os.W_OK)
        alone = not os.access(folder, os.W_OK) and not log.exists()
        mode = "rw" if writable else "ro&immutable=1" if alone else "ro"
        place = {"database": f"{path.resolve().as_uri()}?mode={mode}", "uri": True}
    return sqlite3.connect(timeout=_PATIENCE, isolation_level=None, check_same_thread=False, **place)


def prepare(db: sqlite3.Connection, readonly: bool) -> int:
    """Check whose file this is before writing a byte to it; bring it to the present schema unless it is only read.

    Returns
    -------
    int
        The file's schema.

    Raises
    ------
    sqlite3.Error
        If it is another program's, newer than this version of iomap, or to be read and empty.
    """
    schema = version_of(db)
    if readonly:
        db.execute("PRAGMA query_only=ON")
        if not schema:
            raise sqlite3.DatabaseError("it is empty")
        return schema
    _to_wal(db)
    db.execute("PRAGMA synchronous=NORMAL")
    if schema < SCHEMA:
        migrate(db)
    return SCHEMA


def _to_wal(db: sqlite3.Connection) -> None:
    """Turn write-ahead logging on; SQLite does not wait for a lock here by itself."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            db.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _LOCKED or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
