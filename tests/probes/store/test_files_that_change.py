"""Stores that may only be read, and stores that are deleted or replaced while they are open."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest

import probes.store.store as module
from probes import CallableModel, MaskProbe, Store, StoreError, ask, sample

# exact: a store gives back every bit

ROW = {b"a" * 32: np.array([1.0])}
NEXT = {b"b" * 32: np.array([2.0])}


def design(d):
    return sample(MaskProbe(d).features, 12, np.random.default_rng(0))


def read_only(monkeypatch):
    """A read-only file system, also for who may do everything."""
    opened, may = os.open, os.access

    def no_writing(path, flags, *more, **named):
        if flags & (os.O_RDWR | os.O_WRONLY):
            raise OSError(errno.EROFS, "Read-only file system", str(path))
        return opened(path, flags, *more, **named)

    monkeypatch.setattr(module.os, "open", no_writing)
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and may(path, mode))


def test_a_read_only_file_serves_what_it_knows_and_asks_nothing_else(tmp_path, monkeypatch, caplog):
    path, asked = tmp_path / "a.sqlite", []
    model = CallableModel(lambda Z: asked.extend(Z) or Z[:, 0] - Z[:, 1], "model")
    with_store = Store(path)
    first = ask(model, MaskProbe(6), design(6), store=with_store)
    with_store.close()
    before, paid = path.read_bytes(), len(asked)
    read_only(monkeypatch)
    np.testing.assert_array_equal(ask(model, MaskProbe(6), design(6), store=Store(path)).y, first.y)
    assert "can only be read (Read-only file system)" in caplog.text
    with pytest.raises(StoreError, match="can only be read, and 12 of 12 questions are not in it: nothing is asked"):
        ask(model, MaskProbe(7), design(7), store=Store(path))
    assert len(asked) == paid and path.read_bytes() == before
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(tmp_path / "new.sqlite")


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be deleted there")
def test_what_is_written_after_the_file_was_deleted_is_in_a_new_file(tmp_path, caplog):
    path = tmp_path / "a.sqlite"
    store = Store(path)
    store.put(ROW, "model")
    path.unlink()
    store.put(NEXT, "model")
    assert "was deleted while it was open" in caplog.text
    store.close()
    assert Store(path).get([*ROW, *NEXT]).keys() == NEXT.keys()


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be replaced there")
def test_a_file_that_was_replaced_while_it_was_open_is_neither_read_nor_written(tmp_path):
    path = tmp_path / "a.sqlite"
    store, other = Store(path), Store(tmp_path / "b.sqlite")
    store.put(ROW)
    other.put(NEXT)
    other.close()
    os.replace(tmp_path / "b.sqlite", path)
    for use in (lambda: store.get(ROW), lambda: store.put(ROW)):
        with pytest.raises(StoreError, match="replaced by another file while it was open"):
            use()
