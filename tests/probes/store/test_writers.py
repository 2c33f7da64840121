"""The store under strain: killed writers and many writers."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from probes import Store
from tests.helpers.processes import key, script

# exact: a store gives back every bit

pytestmark = pytest.mark.xdist_group("forks")  # all are forked from one process

# --- killed writers

KILLED = """
path, lives, log = sys.argv[1], int(sys.argv[2]), sys.argv[3]
rng = np.random.default_rng()

def live(number, pipe):
    store = Store(path)
    batch = 0
    while True:
        first = number * 1_000_000 + batch * 20
        store.put({key(i): value(i) for i in range(first, first + 20)}, f"life {number}")
        os.write(pipe, b"x")  # now it counts as written
        batch += 1

def born(number):
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        live(number, writer)
    os.close(writer)
    return child, reader

for number in range(0, lives, 2):
    pair = [born(number), born(number + 1)]
    for child, reader in pair:
        time.sleep(rng.uniform(0, 0.15))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    for i, (child, reader) in enumerate(pair):
        said = 0
        while data := os.read(reader, 65536):
            said += len(data)
        os.close(reader)
        with open(log, "a") as file:
            file.write(f"{number + i} {said}\\n")
    if number % 10 == 0:  # a reader in between must not see harm, or do it
        store = Store(path)
        store.check()
        store.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_fifty_kills_at_random_moments_lose_and_corrupt_nothing(tmp_path: Path) -> None:
    """Two writers live at a time; each is killed while it opens, writes, or moves its log into the file."""
    path, log = tmp_path / "a.sqlite", tmp_path / "log"
    script(KILLED, path, 50, log)
    said = dict(map(int, line.split()) for line in log.read_text().splitlines())
    assert len(said) == 50 and sum(n > 0 for n in said.values()) >= 20
    store = Store(path)
    store.check()
    kept = {model: count for model, count, _ in store.counts()}
    for number, batches in said.items():
        # whole batches only, and none missing that was said to be written; one more may have made it
        assert kept.get(f"life {number}", 0) in (20 * batches, 20 * batches + 20)
    read = [row for rows in store.rows() for row in rows]
    assert len(read) == sum(kept.values())
    for name, value, model in read:
        i = int.from_bytes(name, "big")
        assert model == f"life {i // 1_000_000}" and np.array_equal(value, np.arange(40.0) + i)


# --- many writers

WRITERS = """
path, writers, batches = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
gate, opened = os.pipe()
children = []
for number in range(writers):
    child = os.fork()
    if not child:
        os.close(opened)
        os.read(gate, 1)  # all begin at once
        store = Store(path)
        for batch in range(batches):
            own = range(1_000_000 * (number + 1) + 10 * batch, 1_000_000 * (number + 1) + 10 * batch + 10)
            shared = range(5 * batch, 5 * batch + 10)
            store.put({key(i): value(i, 5) for i in (*own, *shared)}, f"writer {number}")
            assert len(store.get(map(key, own))) == 10
        os._exit(0)
    children.append(child)
os.close(opened)
assert [os.waitpid(child, 0)[1] for child in children] == [0] * writers
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("before", ["nothing", "schema 1"])
def test_eight_writers_at_once_lose_nothing(tmp_path: Path, before: str) -> None:
    """Also while they all make the file, or all bring it to the present schema."""
    path, old = tmp_path / "a.sqlite", 0
    if before == "schema 1":
        old = older(path, 1)
    script(WRITERS, path, 8, 40)
    store = Store(path)
    store.check()
    expected = [*range(5 * 39 + 10), *(1_000_000 * (n + 1) + i for n in range(8) for i in range(400))]
    answers = store.get(map(key, expected))
    assert len(answers) == len(expected) == len(store) - old
    for i in expected:
        np.testing.assert_array_equal(answers[key(i)], np.arange(5.0) + i)


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
