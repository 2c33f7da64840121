"""Ctrl-C at any statement of a write leaves no transaction open."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from pathlib import Path

import numpy as np
import pytest

from probes import Store

GOLDEN = Path(__file__).parents[2] / "golden" / "1"


class Interrupting:
    """A connection that is interrupted just after its n-th statement."""

    def __init__(self, db, n):
        self.db, self.left = db, n

    def __getattr__(self, name):
        return getattr(self.db, name)

    def _count(self, made):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return made

    def execute(self, *given):
        return self._count(self.db.execute(*given))

    def executemany(self, *given):
        return self._count(self.db.executemany(*given))


def row(i):
    return {bytes([i]) * 32: np.array([float(i)])}


def check_usable(store, i):
    """Another connection can write at once, and this store's next put is in the file."""
    other = sqlite3.connect(store.path, timeout=0, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("ROLLBACK")
    other.close()
    store.put(row(i), model="next")
    assert store.get(row(i)).keys() == row(i).keys()


@pytest.mark.parametrize("n", range(1, 7))
def test_ctrl_c_just_after_a_statement_locks_nobody_out(tmp_path, n):
    store = Store(tmp_path / "a.sqlite")
    plain = store._db
    store._db = Interrupting(plain, n)
    try:
        store.put(row(1), model="first")
    except KeyboardInterrupt:
        assert n <= 5
    store._db = plain
    check_usable(store, 2)


def interrupted(call, n):
    """Call something, and interrupt it at the n-th line that it runs of the store's; whether it ended before."""
    left = [n]

    def trace(frame, event, argument):
        if "/probes/store/" not in frame.f_code.co_filename.replace("\\", "/"):
            return None
        if event == "line":
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        return False
    finally:
        sys.settrace(before)
    return True


def test_ctrl_c_at_each_line_of_a_write_locks_nobody_out(tmp_path):
    store, n, ended = Store(tmp_path / "a.sqlite"), 0, False
    while not ended:
        n += 1
        ended = interrupted(lambda n=n: store.put(row(1 + n % 100), model=f"m{n}"), n + 1)
        check_usable(store, 101 + n % 100)
    assert n > 15


@pytest.mark.parametrize("kind", ["new", "old schema"])
def test_ctrl_c_at_each_line_of_opening_leaves_a_store_that_opens(tmp_path, kind):
    n, ended = 0, False
    while not ended:
        n, path = n + 1, tmp_path / f"{n}.sqlite"
        if kind == "old schema":
            shutil.copy(GOLDEN / "store-1.sqlite", path)
        ended = interrupted(lambda path=path: Store(path).close(), n)
        store = Store(path)
        check_usable(store, 1)
        assert len(store) == 1 + (len(Store(GOLDEN / "store-1.sqlite", readonly=True)) if kind == "old schema" else 0)
        store.close()
    assert n > 40
