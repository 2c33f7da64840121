"""Who gave the answers, all rows, and soundness."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from probes import Store, StoreError


def key(i: int) -> bytes:
    return int(i).to_bytes(32, "big")


def filled(path: Path, count: int = 2000) -> bytes:
    store = Store(path)
    for start in range(0, count, 100):
        store.put({key(i): np.arange(5.0) + i for i in range(start, start + 100)}, "m")
    store.close()
    return path.read_bytes()


def test_answers_are_counted_by_model_and_the_first_model_stays() -> None:
    store = Store()
    store.put({key(i): np.array([1.0]) for i in range(3)}, "one")
    store.put({key(i): np.array([1.0]) for i in range(8)}, "two")
    store.put({b"t": "text"}, "one")
    store.put({b"u": np.array([2.0])})
    assert store.counts() == [("two", 5, 0), ("one", 4, 1), (None, 1, 0)]


def test_a_transaction_that_fails_leaves_no_model_and_the_next_one_is_right(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.sqlite")
    with pytest.raises(StoreError):
        store.put({b"k": "half a pair \ud83d"}, "failed")
    store.put({b"k": "good"}, "other")
    store.put({b"l": "good"}, "failed")
    assert sorted(store.counts()) == [("failed", 1, 1), ("other", 1, 1)]
    assert [(k, m) for rows in store.rows() for k, _, m in rows] == [(b"k", "other"), (b"l", "failed")]


def test_credentials_in_an_address_are_not_written(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.sqlite")
    store.put({b"k": np.array([1.0])}, "endpoint:https://me:hunter2@host.example:8080/v1?key=swordfish:gpt")
    store.put({b"l": np.array([1.0])}, "callable:is it?")
    store.close()
    content = (tmp_path / "a.sqlite").read_bytes()
    assert b"hunter2" not in content and b"swordfish" not in content
    assert b"endpoint:https://host.example:8080/v1" in content and b"callable:is it?" in content


@pytest.mark.parametrize("size", [1, 7, 99, 100, 101])
def test_rows_come_once_each_in_lists_of_the_size_asked_for(size: int) -> None:
    store = Store()
    store.put({key(i): np.array([float(i)]) for i in np.random.default_rng(0).permutation(100)}, "m")
    lists = list(store.rows(size))
    assert [len(part) for part in lists[:-1]] == [size] * (len(lists) - 1) and 0 < len(lists[-1]) <= size
    assert [(int.from_bytes(k, "big"), v[0], m) for part in lists for k, v, m in part] == [
        (i, float(i), "m") for i in range(100)
    ]


def test_damage_is_found_by_the_check(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    content = bytearray(filled(path))
    content[4096 * 3 : 4096 * 5] = os.urandom(4096 * 2)
    path.write_bytes(bytes(content))
    with pytest.raises(StoreError, match=r"damaged|cannot be read"):
        Store(path, readonly=True).check()


@pytest.mark.parametrize("value", [b"\x00\x01\x02", 3, 2.5])
def test_an_answer_that_is_no_number_is_found_by_the_check(tmp_path: Path, value: object) -> None:
    path = tmp_path / "a.sqlite"
    filled(path, 100)
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO answers (key, value) VALUES (?, ?)", (b"k", value))
    db.close()
    with pytest.raises(StoreError, match="no number"):
        Store(path).check()
    with pytest.raises(StoreError, match="no number"):
        Store(path).get([b"k"])
