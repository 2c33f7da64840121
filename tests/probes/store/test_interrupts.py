"""Ctrl-C at any statement of a write leaves no transaction open."""

from __future__ import annotations

import sqlite3
import sys

import numpy as np
import pytest

from probes import Store


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


def test_ctrl_c_at_each_line_of_a_write_locks_nobody_out(tmp_path):
    store, n, ended = Store(tmp_path / "a.sqlite"), 0, False
    while not ended:
        n, left = n + 1, [n + 1]

        def trace(frame, event, argument, left=left):
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
            store.put(row(1 + n % 100), model=f"m{n}")
            ended = True
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(before)
        check_usable(store, 101 + n % 100)
    assert n > 15
