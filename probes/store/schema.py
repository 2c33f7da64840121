"""The layout of the answer store's file: whose it is, whether it is complete, how older layouts are migrated."""

from __future__ import annotations

import sqlite3
from pathlib import Path

__all__ = ["APPLICATION_ID", "MIGRATIONS", "SCHEMA", "check_intact", "migrate", "roll_back", "version_of"]

APPLICATION_ID = 0x696F6D70  # "iomp"

#: statements that lead from schema i to schema i + 1; a new file goes through all of them
MIGRATIONS = (
    ("CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, value NOT NULL) WITHOUT ROWID",),
    (
        "CREATE TABLE models (id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE)",
        "ALTER TABLE answers ADD COLUMN model INTEGER",
    ),
)
SCHEMA = len(MIGRATIONS)

_HEADER = 100  # bytes of the shortest SQLite file


def check_intact(path: Path) -> None:
    """Refuse a file that is shorter than its header says.

    SQLite itself overlooks a last page that is cut, and reads zeros for what is missing. While there is a write-ahead
    log the file may be behind, so only a file without one is judged.

    Raises
    ------
    sqlite3.DatabaseError
        If the file is cut, or too short to be a SQLite file.
    """
    # twice: another process may have finished its log between two looks
    if path.is_file() and all(_is_cut(path) for _ in range(2)):
        raise sqlite3.DatabaseError("it is cut: its end is missing")


def _is_cut(path: Path) -> bool:
    with path.open("rb") as file:
        header = file.read(_HEADER)
    size = path.stat().st_size
    if len(header) < _HEADER:
        if header:
            raise sqlite3.DatabaseError("it is not a SQLite file")
        return False
    if header[24:28] != header[92:96] or not header.startswith(b"SQLite format 3\x00"):
        return False  # the count of pages is not to be trusted; SQLite finds what is wrong
    page, pages = int.from_bytes(header[16:18], "big"), int.from_bytes(header[28:32], "big")
    log = path.with_name(path.name + "-wal")
    return size < (65536 if page == 1 else page) * pages and not (log.exists() and log.stat().st_size)


def version_of(db: sqlite3.Connection) -> int:
    """Return the schema of a file of iomap's, 0 for an empty one.

    Raises
    ------
    sqlite3.DatabaseError
        If it is another program's, or newer than this version of iomap.
    """
    db.execute("PRAGMA trusted_schema=OFF")
    db.execute("BEGIN")  # one snapshot: another process may be making the tables right now
    owner, version = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    kinds = [kind for (kind,) in db.execute("SELECT type FROM sqlite_master LIMIT 100")]
    db.execute("COMMIT")
    if owner != APPLICATION_ID and (kinds or owner):
        raise sqlite3.DatabaseError("it is a SQLite file of another program")
    if runs := {"view", "trigger"}.intersection(kinds):
        raise sqlite3.DatabaseError(f"it holds a {min(runs)}, which no version of iomap makes")
    if version > SCHEMA:
        raise sqlite3.DatabaseError(f"it has schema {version}, this version of iomap reads up to {SCHEMA}")
    return int(version)


def migrate(db: sqlite3.Connection) -> None:
    """Bring a file to the present schema in one transaction: all steps or none, and only once among processes."""
    try:
        db.execute("BEGIN IMMEDIATE")
        version = db.execute("PRAGMA user_version").fetchone()[0]  # again: another process may have been first
        for statements in MIGRATIONS[version:]:
            for statement in statements:
                db.execute(statement)
        db.execute(f"PRAGMA application_id={APPLICATION_ID}")
        db.execute(f"PRAGMA user_version={max(version, SCHEMA)}")
        db.execute("COMMIT")
    finally:
        roll_back(db)


def roll_back(db: sqlite3.Connection) -> None:
    """End a transaction that an error or Ctrl-C left open; after COMMIT there is none."""
    if db.in_transaction:
        db.execute("ROLLBACK")
