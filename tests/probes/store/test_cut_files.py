"""The store under strain: cut files and full disks."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from probes import Store, StoreError
from tests.helpers.processes import key, script

# exact: a store gives back every bit


def filled(path: Path, count: int = 2000) -> bytes:
    store = Store(path)
    for start in range(0, count, 100):
        store.put({key(i): np.arange(5.0) + i for i in range(start, start + 100)}, "m")
    store.close()
    return path.read_bytes()


def test_a_file_cut_anywhere_is_refused_in_words_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    content = filled(path)
    rng = np.random.default_rng(0)
    # the last page too: SQLite alone would read zeros for what is missing of it
    lengths = {1, 50, 99, 100, 4096, *rng.integers(1, len(content), 60), *(len(content) - n for n in (1, 2, 100, 4095))}
    for length in map(int, lengths):
        path.write_bytes(content[:length])
        for readonly in (False, True):
            with pytest.raises(StoreError, match=r"a\.sqlite cannot be opened: .*move it away or name another one"):
                Store(path, readonly=readonly)
        assert path.read_bytes() == content[:length]
        assert [f.name for f in tmp_path.iterdir() if not f.name.endswith(("-shm", "-wal"))] == ["a.sqlite"]
    path.write_bytes(content)
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

def fill():
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
    new = Store(folder + "/new.sqlite")
    assert len(new) == 0
    new.close()
    store.close()

for size in sys.argv[2:]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        fill()
    except BaseException as error:
        error.add_note(f"on a disk of {size}")
        raise
    subprocess.run(["umount", folder], check=True)
"""


def test_a_disk_that_is_really_full_leaves_a_usable_store(tmp_path: Path) -> None:
    """A file system in memory of some size: writing fails in the log, or when the log is moved into the file."""
    inside = ("unshare", "--map-root-user", "--mount")
    mount = [*inside, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)]
    if not shutil.which("unshare") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no small file system can be mounted here")
    script(FULL, tmp_path, "200k", "1m", "6m", before=inside)
