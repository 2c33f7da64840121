"""The store under strain: killed writers, many writers, cut files, full disks, older layouts."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from probes import Store, StoreError
from probes.store.schema import APPLICATION_ID, MIGRATIONS, SCHEMA

ROOT = Path(__file__).resolve().parents[2]

COMMON = """
import os, signal, sys, time
import numpy as np
from probes.errors import StoreError
from probes.store.store import Store

def key(i):
    return int(i).to_bytes(32, "big")

def value(i, width=40):
    return np.arange(float(width)) + i
"""


def key(i: int) -> bytes:
    return int(i).to_bytes(32, "big")


def script(code: str, *arguments: object, before: tuple[str, ...] = ()) -> str:
    """What a process of its own prints; it must end well."""
    command = [*before, sys.executable, "-c", COMMON + textwrap.dedent(code), *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


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
    found = store.get(map(key, expected))
    assert len(found) == len(expected) == len(store) - old
    for i in expected:
        np.testing.assert_array_equal(found[key(i)], np.arange(5.0) + i)


# --- cut files


def filled(path: Path, count: int = 2000) -> bytes:
    store = Store(path)
    for start in range(0, count, 100):
        store.put({key(i): np.arange(5.0) + i for i in range(start, start + 100)}, "m")
    store.close()
    return path.read_bytes()


def test_a_file_cut_anywhere_is_refused_in_words_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    whole = filled(path)
    rng = np.random.default_rng(0)
    # the last page too: SQLite alone would read zeros for what is missing of it
    lengths = {1, 50, 99, 100, 4096, *rng.integers(1, len(whole), 60), *(len(whole) - n for n in (1, 2, 100, 4095))}
    for length in map(int, lengths):
        path.write_bytes(whole[:length])
        for readonly in (False, True):
            with pytest.raises(StoreError, match=r"a\.sqlite cannot be opened: .*move it away or name another one"):
                Store(path, readonly=readonly)
        assert path.read_bytes() == whole[:length]
        assert [f.name for f in tmp_path.iterdir() if not f.name.endswith(("-shm", "-wal"))] == ["a.sqlite"]
    path.write_bytes(whole)
    assert len(Store(path)) == 2000


def test_a_cut_log_loses_whole_transactions_from_its_end_only(tmp_path: Path) -> None:
    """What a copy of the file without all of its log still holds."""
    path, copy = tmp_path / "a.sqlite", tmp_path / "copy" / "a.sqlite"
    store = Store(path)
    for start in range(0, 400, 20):
        store.put({key(i): np.arange(5.0) + i for i in range(start, start + 20)})
    log = Path(f"{path}-wal").read_bytes()
    rng = np.random.default_rng(1)
    counts = []
    for length in sorted(map(int, rng.integers(0, len(log), 25))):
        shutil.rmtree(copy.parent, ignore_errors=True)
        copy.parent.mkdir()
        shutil.copy(path, copy)
        Path(f"{copy}-wal").write_bytes(log[:length])
        cut = Store(copy)
        cut.check()
        counts.append(len(cut))
        for i, value in cut.get(map(key, range(400))).items():
            np.testing.assert_array_equal(value, np.arange(5.0) + int.from_bytes(i, "big"))
        cut.close()
    assert counts == sorted(counts) and not any(n % 20 for n in counts)
    assert counts[0] < counts[-1] <= 400


# --- full disks

FULL = """
import subprocess

folder = sys.argv[1]
path = folder + "/a.sqlite"

def room(size):
    subprocess.run(["mount", "-o", f"remount,size={size}", folder], check=True)

def everything(store, count):
    store.check()
    found = store.get(map(key, range(count)))
    assert len(found) == count and all((found[key(i)] == value(i)).all() for i in range(count))
    return len(store)

store = Store(path)
kept = 0
try:
    while True:
        store.put({key(i): value(i) for i in range(kept, kept + 10)}, f"model {kept}")
        kept += 10
except StoreError as error:
    assert "cannot be written" in str(error) and "free some space" in str(error), error
assert kept >= 30, kept
assert everything(store, kept) == kept  # still reads, on the full disk
try:
    Store(folder + "/new.sqlite")
except StoreError as error:
    assert "cannot be opened" in str(error), error
else:
    raise AssertionError("a store was made where there is no room")
child = os.fork()  # the process goes down on the full disk
if not child:
    os.kill(os.getpid(), signal.SIGKILL)
os.waitpid(child, 0)
store.close()
room("8m")
store = Store(path)
assert everything(store, kept) == kept
for first in range(kept, kept + 2000, 10):
    store.put({key(i): value(i) for i in range(first, first + 10)}, f"model {first}")
assert everything(store, kept + 2000) == kept + 2000
assert len(Store(folder + "/new.sqlite")) == 0
print(kept)
"""


@pytest.mark.parametrize("size", ["200k", "1m", "6m"])
def test_a_disk_that_is_really_full_leaves_a_usable_store(tmp_path: Path, size: str) -> None:
    """A file system in memory of that size: writing fails in the log, or when the log is moved into the file."""
    mount = f"mount -t tmpfs -o size={size} tmpfs '{tmp_path}'"
    inside = ("unshare", "--map-root-user", "--mount", "sh", "-c", f'{mount} && exec "$@"', "sh")
    if not shutil.which("unshare") or subprocess.run([*inside, "true"], capture_output=True).returncode:
        pytest.skip("no small file system can be mounted here")
    assert int(script(FULL, tmp_path, before=inside)) >= 30


# --- older layouts


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
        found = store.get([*(b"old" + key(i) for i in range(50)), b"text"])
        assert found.pop(b"text") == "a text"
        assert all((found[b"old" + key(i)] == [i / 3, -i]).all() for i in range(50))
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


# --- who gave the answers


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


# --- all rows, and soundness


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
