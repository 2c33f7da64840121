"""Every answer ever paid for: one SQLite file, shared by processes, safe against a crash.

Prompts are never written, only SHA-256 keys and the numbers (or generated texts) that came back. The file is created
with mode 0600 all the same, because generated texts can be private.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from probes.errors import InputError, StoreError

__all__ = ["Store", "cache_folder", "open_store"]

APPLICATION_ID = 0x696F6D70  # "iomp"
SCHEMA = 1
_HEADER = 100  # bytes of the shortest SQLite file
_PATIENCE = 60.0  # seconds to wait for another process's lock
_LOOKUP = 500  # keys per SELECT, below SQLite's limit on variables


def cache_folder() -> Path:
    """iomap's folder in the user's cache directory (``$XDG_CACHE_HOME/iomap``, by default ``~/.cache/iomap``)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "iomap"


class Store:
    """Answers by key, in a SQLite file in WAL mode, or in memory.

    Parameters
    ----------
    path : str or Path, optional
        The file; made, with its folder, if it does not exist. None keeps everything in memory.

    Raises
    ------
    StoreError
        If the file is not a store, is damaged, or was written by a newer version.

    Examples
    --------
    >>> store = Store()
    >>> store.put({b"key": np.array([1.0, 2.0])})
    >>> store.get([b"key", b"other"])
    {b'key': array([1., 2.])}
    """

    def __init__(self, path: str | Path | None = None):
        self.path = None if path is None else Path(path).expanduser()
        self._lock = threading.Lock()
        self._closed = False
        try:
            if self.path is not None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
                if 0 < self.path.stat().st_size < _HEADER:
                    raise sqlite3.DatabaseError("it is not a SQLite file")
            self._db = sqlite3.connect(
                self.path or ":memory:", timeout=_PATIENCE, isolation_level=None, check_same_thread=False
            )
            self._prepare()
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"The answer store {self.path} cannot be opened: {error}. If the file is damaged, move it away or name "
                "another one with store=PATH or IOMAP_STORE; a new one is made."
            ) from error

    def _prepare(self) -> None:
        """Check whose file this is before writing a byte to it; make the table in a new one."""
        db = self._db
        db.execute("BEGIN")  # one snapshot: another process may be making the table right now
        owner, version = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
        tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        db.execute("COMMIT")
        if owner != APPLICATION_ID and (tables or owner):
            raise sqlite3.DatabaseError("it is a SQLite file of another program")
        if version > SCHEMA:
            raise sqlite3.DatabaseError(f"it has schema {version}, this version of iomap reads up to {SCHEMA}")
        self._to_wal()
        db.execute("PRAGMA synchronous=NORMAL")
        if version == 0:
            db.executescript(
                "BEGIN IMMEDIATE;"
                "CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, value NOT NULL) WITHOUT ROWID;"
                f"PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={SCHEMA};"
                "COMMIT;"
            )

    def _to_wal(self) -> None:
        """Turn write-ahead logging on; SQLite does not wait for a lock here by itself."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                self._db.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._closed

    def get(self, keys: Iterable[bytes]) -> dict[bytes, np.ndarray | str]:
        """The known ones among `keys`: float arrays ``(k,)``, or text for generated answers.

        Raises
        ------
        StoreError
            If the file is damaged.
        """
        wanted = list(dict.fromkeys(keys))
        found: dict[bytes, np.ndarray | str] = {}
        try:
            with self._lock:
                for start in range(0, len(wanted), _LOOKUP):
                    part = wanted[start : start + _LOOKUP]
                    marks = ",".join("?" * len(part))
                    rows = self._db.execute(f"SELECT key, value FROM answers WHERE key IN ({marks})", part)
                    found.update((key, v if isinstance(v, str) else np.frombuffer(v, "<f8")) for key, v in rows)
        except sqlite3.Error as error:
            raise StoreError(f"The answer store {self.path} cannot be read: {error}.") from error
        except ValueError as error:
            raise StoreError(
                f"The answer store {self.path} is damaged: it holds an answer that is no number."
            ) from error
        return found

    def put(self, answers: Mapping[bytes, np.ndarray | str]) -> None:
        """Write answers in one transaction; when this returns they are in the file.

        Raises
        ------
        StoreError
            If they cannot be written (a full disk, say). What was written before stays.
        """
        rows = [(k, v if isinstance(v, str) else np.asarray(v, "<f8").tobytes()) for k, v in answers.items()]
        try:
            with self._lock:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    self._db.executemany("INSERT OR IGNORE INTO answers VALUES (?, ?)", rows)
                    self._db.execute("COMMIT")
                except BaseException:
                    if self._db.in_transaction:
                        self._db.execute("ROLLBACK")
                    raise
        except (sqlite3.Error, OSError, UnicodeError) as error:
            raise StoreError(
                f"The answer store {self.path} cannot be written: {error}. Earlier answers are kept; free some space "
                "or name another file with store=PATH, then run again: only unanswered questions are asked."
            ) from error

    def __len__(self) -> int:
        try:
            with self._lock:
                return int(self._db.execute("SELECT count(*) FROM answers").fetchone()[0])
        except sqlite3.Error as error:
            raise StoreError(f"The answer store {self.path} cannot be read: {error}.") from error

    def close(self) -> None:
        """Close the file; an in-memory store is forgotten."""
        with self._lock:
            self._closed = True
            self._db.close()


_OPEN: dict[Path, tuple[int, Store]] = {}


def open_store(store: Store | str | Path | None = "default") -> Store:
    """The store a user means.

    Parameters
    ----------
    store : Store, path, None or "default"
        A file, memory only (None), or ``IOMAP_STORE``, else ``answers.sqlite`` in :func:`cache_folder` ("default").

    Raises
    ------
    InputError
        For anything else.
    StoreError
        If the file cannot be opened.
    """
    if isinstance(store, Store):
        return store
    if store is None:
        return Store()
    if store == "default":
        store = os.environ.get("IOMAP_STORE") or cache_folder() / "answers.sqlite"
    if not isinstance(store, (str, Path)):
        raise InputError("store", 'be a path, a Store, None or "default"', store)
    path = Path(store).expanduser().resolve()
    # one connection per file and process; a forked child must open its own
    owner, known = _OPEN.get(path, (0, None))
    if known is None or owner != os.getpid() or known.closed or not path.exists():
        known = Store(path)
        _OPEN[path] = (os.getpid(), known)
    return known
