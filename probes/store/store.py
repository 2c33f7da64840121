"""Every answer ever paid for: one SQLite file, shared by processes, safe against a crash.

Prompts are never written, only SHA-256 keys, the numbers (or generated texts) that came back, and the identity of the
model that gave them. The file is created with mode 0600 all the same, because generated texts can be private.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from probes.errors import InputError, StoreError
from probes.store.connection import connect, prepare
from probes.store.paths import default_path
from probes.store.schema import SCHEMA, check_intact, roll_back

__all__ = ["Row", "Store", "Value", "open_store"]

log = logging.getLogger(__name__)

_LOOKUP = 500  # keys per SELECT, below SQLite's limit on variables
_NUMBER = np.dtype("<f8")
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
_ADDRESS = re.compile(r"//(?:[^/\s@]*@)?([^\s?#]*)(?:[?#]\S*)?")  # user and query of an address may be credentials

Value: TypeAlias = np.ndarray | str
#: key, answer, identity of the model (None if it was not recorded)
Row: TypeAlias = tuple[bytes, Value, str | None]
#: the same as the file holds it
_Kept: TypeAlias = tuple[bytes, bytes | str, str | None]


class Store:
    """Answers by key, in a SQLite file in WAL mode, or in memory.

    A file that exists and may not be written is read: what it holds is served, and a warning in the log says so. One
    that is deleted while it is open is made anew, with a warning; one that is replaced is refused.

    Parameters
    ----------
    path : str or Path, optional
        The file; made, with its folder, if it does not exist. None keeps everything in memory.
    readonly : bool
        Open an existing file, of this or an older schema, to read it; what it holds is not changed.

    Raises
    ------
    StoreError
        If the file is not a store, is cut or damaged, or was written by a newer version.

    Examples
    --------
    >>> store = Store()
    >>> store.put({b"key": np.array([1.0, 2.0])}, model="callable:risk-v3")
    >>> store.get([b"key", b"other"])
    {b'key': array([1., 2.])}
    >>> [row for rows in store.rows() for row in rows]
    [(b'key', array([1., 2.]), 'callable:risk-v3')]
    """

    def __init__(self, path: str | Path | None = None, readonly: bool = False):
        self.path = None if path is None else Path(path).expanduser()
        self.readonly = readonly
        self._lock = threading.RLock()
        self._closed = False
        self._models: dict[str | None, int | None] = {None: None}
        # a store in memory holds what it is given, and opens a database when more than keys is asked for
        self._held: dict[bytes, bytes | str] = {}
        self._givers: dict[bytes, str | None] = {}
        self._written_down = False
        self.schema = SCHEMA
        if self.path is not None and self.path.is_dir():
            raise StoreError(f"The answer store {self.path} is a folder; name a file in it.")
        if self.path is not None:
            self._open()

    def _open(self) -> None:
        try:
            if self.path is not None:
                self.readonly = self.readonly or not _writable(self.path)
                check_intact(self.path)
            db = connect(self.path, self.readonly)
            try:
                self.schema = prepare(db, self.readonly)
                self._place = _place(self.path)
            except BaseException:
                db.close()
                raise
            self._db = db
        except (sqlite3.Error, OSError) as error:
            hint = "" if self.readonly else "; a new one is made"
            raise StoreError(
                f"The answer store {self.path} cannot be opened: {error}. If the file is damaged, move it away or name "
                f"another one with store=PATH or IOMAP_STORE{hint}."
            ) from error

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._closed

    def get(self, keys: Iterable[bytes]) -> dict[bytes, Value]:
        """Return the known ones among `keys`: float arrays ``(k,)``, or text for generated answers.

        Raises
        ------
        StoreError
            If the file is damaged.
        """
        answers: dict[bytes, Value] = {}
        with self._lock:
            if self.path is None and not self._written_down:
                known = self._held.keys() & keys if self._held else ()
                return {key: self._decoded(self._held[key]) for key in known}
        in_order = sorted(set(keys))  # of the file
        for start in range(0, len(in_order), _LOOKUP):
            part = in_order[start : start + _LOOKUP]
            marks = ",".join("?" * len(part))
            rows = self._read(f"SELECT key, value FROM answers WHERE key IN ({marks})", part)
            answers.update((key, self._decoded(value)) for key, value in rows)
        return answers

    def rows(self, size: int = 10_000) -> Iterator[list[Row]]:
        """Yield all answers, in lists of at most `size`, in the order of their keys.

        No lock is held between two lists: other processes may go on writing, and what they write may be missed.

        Raises
        ------
        StoreError
            If the file is damaged.
        """
        model = "(SELECT identity FROM models WHERE id = model)" if self.schema > 1 else "NULL"
        query = f"SELECT key, value, {model} FROM answers"
        part = self._read(f"{query} ORDER BY key LIMIT ?", [size])
        while part:
            yield [(key, self._decoded(value), identity) for key, value, identity in part]
            part = self._read(f"{query} WHERE key > ? ORDER BY key LIMIT ?", [part[-1][0], size])

    def put(self, answers: Mapping[bytes, Value], model: str | None = None) -> None:
        """Write answers in one transaction; when this returns they are in the file. A known key keeps its answer.

        Parameters
        ----------
        answers : mapping of bytes to ndarray ``(k,)`` or str
        model : str, optional
            Identity of the model that gave them, for statistics; what may be a credential in an address is left out.

        Raises
        ------
        StoreError
            If they cannot be written (a full disk, say). What was written before stays.
        """
        name = _without_credentials(model)
        self._keep(list(answers), _encoded(answers.values()), [name] * len(answers))

    def put_rows(
        self, keys: Sequence[bytes], values: np.ndarray, beside: Mapping[bytes, Value], model: str | None = None
    ) -> None:
        """Put, like :meth:`put`, the rows ``(m, K)`` of one array under m keys, and more `beside` them.

        Raises
        ------
        StoreError
            As :meth:`put` does.
        """
        data, width = np.ascontiguousarray(values, _NUMBER).tobytes(), values.shape[1] * _NUMBER.itemsize
        rows = [data[i * width : (i + 1) * width] for i in range(len(keys))]
        name = _without_credentials(model)
        self._keep([*keys, *beside], [*rows, *_encoded(beside.values())], [name] * (len(keys) + len(beside)))

    def add(self, rows: Iterable[Row]) -> None:
        """Put, like :meth:`put`, for answers of several models.

        Raises
        ------
        StoreError
            As :meth:`put` does.
        """
        keys, values, models = map(list, zip(*rows, strict=True)) if (rows := list(rows)) else ([], [], [])
        self._keep(keys, _encoded(values), list(map(_without_credentials, models)))

    def _keep(self, keys: list[bytes], values: list[bytes | str], models: list[str | None]) -> None:
        with self._lock:
            if self.path is None and not self._written_down:
                # of equal keys the first stays, of known ones the one that is known
                fresh = dict(zip(reversed(keys), reversed(values), strict=True))
                givers = dict(zip(reversed(keys), reversed(models), strict=True))
                for key in self._held.keys() & fresh.keys():
                    del fresh[key], givers[key]
                self._held.update(fresh)
                self._givers.update(givers)
                return
        self._write(list(zip(keys, values, models, strict=True)))

    def _follow(self) -> None:
        """See that the file is the one that was opened: what is written to one that is gone would be lost."""
        if self._closed or _place(self.path) == self._place:
            return
        if _place(self.path) is not None:
            raise OSError("it was replaced by another file while it was open; start again to use that one")
        log.warning("The answer store %s was deleted while it was open; it is made anew.", self.path)
        self._db.close()
        self._models = {None: None}
        self._open()

    def _write(self, kept: list[_Kept]) -> None:
        kept.sort(key=itemgetter(0))  # in the order of the file
        identities = {model for _, _, model in kept}
        try:
            with self._lock:
                self._follow()
                # BEGIN stands inside: Ctrl-C may come at any statement, and what it leaves open locks others out
                try:
                    roll_back(self._db)
                    self._db.execute("BEGIN IMMEDIATE")
                    known = self._known_models(identities)
                    self._db.executemany(
                        "INSERT OR IGNORE INTO answers (key, value, model) VALUES (?, ?, ?)",
                        ((key, value, known[model]) for key, value, model in kept),
                    )
                    self._db.execute("COMMIT")
                    self._models = known
                finally:
                    roll_back(self._db)
        except (sqlite3.Error, OSError, UnicodeError) as error:
            if self._closed:
                raise self._was_closed("written") from error
            raise StoreError(
                f"The answer store {self.path} cannot be written: {error}. Earlier answers are kept; free some space "
                "or name another file with store=PATH, then run again: only unanswered questions are asked."
            ) from error

    def _known_models(self, identities: set[str | None]) -> dict[str | None, int | None]:
        """Return numbers of models, new ones written; to be kept only once the transaction is through."""
        known = dict(self._models)
        for identity in identities - known.keys():
            self._db.execute("INSERT OR IGNORE INTO models (identity) VALUES (?)", (identity,))
            known[identity] = self._db.execute("SELECT id FROM models WHERE identity = ?", (identity,)).fetchone()[0]
        return known

    def check(self) -> None:
        """Read the file to its end and see that it is sound: a fifth of a second for a million answers.

        Raises
        ------
        StoreError
            If it is damaged.
        """
        verdict = self._read("PRAGMA quick_check(1)")[0][0]
        if verdict != "ok":
            raise StoreError(f"The answer store {self.path} is damaged: {verdict}.")
        blob = "typeof(value) = 'blob' AND length(value) % 8 = 0"
        if self._read(f"SELECT 1 FROM answers WHERE NOT ({blob} OR typeof(value) = 'text') LIMIT 1"):
            raise self._no_number()

    def counts(self) -> list[tuple[str | None, int, int]]:
        """Count answers by model, most first: identity (None: not recorded), answers, and how many of them are text.

        Raises
        ------
        StoreError
            If the file is damaged.
        """
        model, source = ("model", "models") if self.schema > 1 else ("NULL", "(SELECT 0 AS id, NULL AS identity)")
        grouped = f"SELECT {model} AS m, count(*) AS n, sum(typeof(value) = 'text') AS t FROM answers GROUP BY m"
        return self._read(f"SELECT identity, n, t FROM ({grouped}) LEFT JOIN {source} ON id = m ORDER BY n DESC")

    def size(self) -> int:
        """Return the bytes on disk, with the write-ahead log; of a store in memory, the bytes of its pages."""
        if self.path is None:
            return int(self._read("PRAGMA page_count")[0][0] * self._read("PRAGMA page_size")[0][0])
        files = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def _read(self, query: str, values: list[Any] | None = None) -> list[Any]:
        try:
            with self._lock:
                if self.path is None and not self._written_down:
                    self._open()
                    self._write([(key, value, self._givers[key]) for key, value in self._held.items()])
                    self._held, self._givers, self._written_down = {}, {}, True
                self._follow()
                return self._db.execute(query, values or []).fetchall()
        except (sqlite3.Error, OSError, UnicodeError) as error:
            if self._closed:
                raise self._was_closed("read") from error
            raise StoreError(f"The answer store {self.path} cannot be read: {error}.") from error

    def _was_closed(self, deed: str) -> StoreError:
        where = f"The answer store {self.path}" if self.path is not None else "An answer store in memory"
        return StoreError(f"{where} cannot be {deed}: it was closed.")

    def _decoded(self, value: Any) -> Value:
        if isinstance(value, str):
            return value
        try:
            return np.frombuffer(value, _NUMBER)
        except (ValueError, TypeError) as error:
            raise self._no_number() from error

    def _no_number(self) -> StoreError:
        return StoreError(f"The answer store {self.path} is damaged: it holds an answer that is no number.")

    def __len__(self) -> int:
        return int(self._read("SELECT count(*) FROM answers")[0][0])

    def close(self) -> None:
        """Close the file; an in-memory store is forgotten."""
        with self._lock:
            self._closed = True
            if self.path is None and not self._written_down:
                self._open()  # so that whatever is asked of it from now on is refused as a closed file refuses it
            self._held, self._givers, self._written_down = {}, {}, True
            self._db.close()


def _encoded(values: Iterable[Value]) -> list[bytes | str]:
    """Bring answers to what the file holds: the bytes of their numbers, or text as it is."""
    return [value if isinstance(value, str) else np.asarray(value, _NUMBER).tobytes() for value in values]


def _writable(path: Path) -> bool:
    """Return whether a file, made if there is none, may be written; say so if not."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        if error.errno not in _READ_ONLY or not os.access(path, os.R_OK):
            raise
        log.warning("The answer store %s can only be read (%s): known answers are served.", path, error.strerror)
        return False
    return True


def _place(path: Path | None) -> tuple[int, int] | None:
    """Return what tells a file from others of its name; None if there is none."""
    try:
        status = None if path is None else path.stat()
    except FileNotFoundError:
        return None
    return status and (status.st_dev, status.st_ino)


_OPEN: dict[Path, tuple[int, Store]] = {}


@lru_cache(maxsize=64)
def _without_credentials(model: str | None) -> str | None:
    """Return a model's identity as the file has it."""
    return model and _ADDRESS.sub(r"//\1", model)


def open_store(store: Store | str | Path | None = "default") -> Store:
    """Open the store that an argument `store` stands for.

    Parameters
    ----------
    store : Store, path, None or "default"
        A file, memory only (None), or ``IOMAP_STORE``, else ``answers.sqlite`` in
        :func:`~probes.store.paths.cache_folder` ("default").

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
        store = default_path()
    if not isinstance(store, (str, Path)) or "\0" in str(store):
        raise InputError("store", 'be a path, a Store, None or "default"', store)
    path = Path(store).expanduser().resolve()
    # one connection per file and process; a forked child must open its own
    owner, known = _OPEN.get(path, (0, None))
    if known is None or owner != os.getpid() or known.closed or known.readonly or not path.exists():
        known = Store(path)
        _OPEN[path] = (os.getpid(), known)
    return known
