"""The store: answers survive crashes, other processes, damage and full disks; prompts are never written."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes import CallableModel, InputError, MaskProbe, Store, StoreError, TextProbe, ask, open_store, sample

ROOT = Path(__file__).resolve().parents[2]


def start(code, *arguments):
    """A process of its own that runs `code` with arguments."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process, code=0):
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, err
    return out


def key(i):
    return int(i).to_bytes(32, "big")


def design(rows=60, seed=0, d=8):
    return sample(MaskProbe(d).features, rows, np.random.default_rng(seed))


# --- keeping and finding


@settings(max_examples=40, deadline=None)
@given(
    answers=st.dictionaries(
        st.binary(min_size=1, max_size=32),
        st.one_of(
            st.text(st.characters(exclude_categories=["Cs"])), st.lists(st.floats(width=64), min_size=1, max_size=5)
        ),
        max_size=20,
    )
)
def test_what_is_put_comes_back_exactly(answers):
    store = Store()
    store.put({k: v if isinstance(v, str) else np.array(v) for k, v in answers.items()})
    found = store.get(answers)
    assert set(found) == set(answers)
    for k, v in answers.items():
        if isinstance(v, str):
            assert found[k] == v
        else:
            np.testing.assert_array_equal(found[k], v)
    assert len(store) == len(answers)


def test_more_keys_than_sqlite_takes_at_once():
    store = Store()
    store.put({key(i): np.array([float(i)]) for i in range(5000)})
    found = store.get([*(key(i) for i in range(6000)), key(0)])
    assert len(found) == 5000
    assert all(found[key(i)][0] == i for i in range(5000))


def test_the_first_answer_stays():
    store = Store()
    store.put({b"k": np.array([1.0])})
    store.put({b"k": np.array([2.0])})
    assert store.get([b"k"])[b"k"][0] == 1.0


def test_memory_that_was_read_as_a_whole_goes_on_as_before():
    store = Store()
    value = np.array([1.0, 2.0])
    store.put({b"a": value, b"t": "said"}, "m")
    value[0] = 7.0  # the caller's array is the caller's
    assert store.get([b"a"])[b"a"].tolist() == [1.0, 2.0]
    assert len(store) == 2 and store.counts() == [("m", 2, 1)]
    store.put({b"a": np.zeros(2), b"b": np.array([3.0])}, "n")
    found = store.get([b"a", b"b", b"t", b"gone"])
    assert found.keys() == {b"a", b"b", b"t"} and found[b"t"] == "said"
    assert found[b"a"].tolist() == [1.0, 2.0] and found[b"b"].tolist() == [3.0]
    assert sorted(store.counts()) == [("m", 2, 1), ("n", 1, 0)]
    assert [row[0] for rows in store.rows() for row in rows] == [b"a", b"b", b"t"]


@pytest.mark.parametrize("on_disk", [False, True])
def test_memory_keeps_to_the_rules_of_a_file(tmp_path, on_disk):
    store = Store(tmp_path / "answers.sqlite" if on_disk else None)
    store.put({b"a": np.ones((2, 2)), b"b": 3.0, b"c": [1, 2]})
    found = store.get([b"a", b"b", b"c"])
    assert {key: value.tolist() for key, value in found.items()} == {b"a": [1.0] * 4, b"b": [3.0], b"c": [1.0, 2.0]}
    with pytest.raises(ValueError, match="read-only"):
        found[b"c"][0] = 7.0

    def cut():
        yield b"d", np.ones(1), None
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.add(cut())
    assert store.get([b"d"]) == {}

    def counting():
        yield b"e", np.full(1, len(store)), None
        yield b"f", np.full(1, len(store)), None

    store.add(counting())
    assert store.get([b"e", b"f"]).keys() == {b"e", b"f"} and len(store) == 5
    store.close()


@pytest.mark.parametrize("counted", [False, True])
def test_closed_memory_neither_takes_nor_gives(counted):
    store = Store()
    store.put({b"a": np.ones(1)})
    assert not counted or len(store) == 1
    store.close()
    with pytest.raises(StoreError, match="cannot be read"):
        store.get([b"a"])
    with pytest.raises(StoreError, match="cannot be written"):
        store.put({b"b": np.ones(1)})


def test_a_file_keeps_answers_beyond_the_object(tmp_path):
    path = tmp_path / "deep" / "er" / "answers.sqlite"
    Store(path).put({b"k": np.array([1.5, -2.0])})
    np.testing.assert_array_equal(Store(path).get([b"k"])[b"k"], [1.5, -2.0])
    np.testing.assert_array_equal(Store(str(path)).get([b"k"])[b"k"], [1.5, -2.0])


def test_a_text_that_is_not_unicode_is_kept_or_refused_in_words():
    store = Store()
    try:
        store.put({b"k": "half a pair \ud83d"})
    except StoreError:
        store.put({b"l": "good"})
        assert store.get([b"l"]) == {b"l": "good"}
    else:
        assert store.get([b"k"]) == {b"k": "half a pair \ud83d"}


def test_threads_may_share_a_store(tmp_path):
    store, errors = Store(tmp_path / "a.sqlite"), []

    def work(number):
        try:
            for i in range(40):
                store.put({key(1000 * number + i): np.array([float(i)])})
                store.get([key(1000 * number + i)])
        except StoreError as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(store) == 240


# --- which file


def test_none_is_memory(tmp_path, monkeypatch):
    monkeypatch.setenv("IOMAP_STORE", str(tmp_path / "never.sqlite"))
    store = open_store(None)
    store.put({b"k": np.array([1.0])})
    assert store.path is None
    assert open_store(None).get([b"k"]) == {}
    assert list(tmp_path.iterdir()) == []


def test_the_environment_names_the_default(tmp_path, monkeypatch):
    monkeypatch.setenv("IOMAP_STORE", str(tmp_path / "mine.sqlite"))
    store = open_store()
    store.put({b"k": np.array([1.0])})
    assert store.path == tmp_path / "mine.sqlite"
    assert open_store("default") is store
    monkeypatch.setenv("IOMAP_STORE", str(tmp_path / "other.sqlite"))
    assert open_store().get([b"k"]) == {}


def test_the_default_lies_in_the_cache_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("IOMAP_STORE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert open_store().path == tmp_path / "iomap" / "answers.sqlite"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert open_store().path == tmp_path / "home" / ".cache" / "iomap" / "answers.sqlite"
    assert open_store("~/x.sqlite").path == tmp_path / "home" / "x.sqlite"


def test_one_connection_for_one_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert open_store("a.sqlite") is open_store(tmp_path / "a.sqlite")
    store = Store()
    assert open_store(store) is store


def test_a_closed_store_is_opened_again(tmp_path):
    path = tmp_path / "a.sqlite"
    store = open_store(path)
    store.put({b"k": np.array([1.0])})
    store.close()
    assert open_store(path).get([b"k"])[b"k"][0] == 1.0


def test_a_file_that_was_moved_away_is_made_anew(tmp_path):
    path = tmp_path / "a.sqlite"
    open_store(path).put({b"k": np.array([1.0])})
    path.rename(tmp_path / "old.sqlite")
    for extra in ("-wal", "-shm"):
        (tmp_path / f"a.sqlite{extra}").unlink(missing_ok=True)
    assert open_store(path).get([b"k"]) == {}


@pytest.mark.parametrize("value", [3, 2.5, b"bytes", ["a"], {}])
def test_what_names_no_file_is_refused(value):
    with pytest.raises(InputError, match="store must be a path, a Store, None or"):
        open_store(value)


# --- privacy


def test_files_are_for_the_user_alone(tmp_path):
    before = os.umask(0)
    try:
        store = Store(tmp_path / "a.sqlite")
        store.put({b"k": np.array([1.0])})
    finally:
        os.umask(before)
    files = sorted(tmp_path.iterdir())
    assert "a.sqlite" in [f.name for f in files]
    assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {0o600}


def test_no_prompt_is_written(tmp_path):
    words = ["xylophone", "quagmire", "zeppelin", "jabberwocky"]
    store = Store(tmp_path / "a.sqlite")
    probe = TextProbe(" ".join(words))
    model = CallableModel(lambda texts: [float(len(t)) for t in texts], "the-model")
    ask(model, probe, sample(probe.features, 16, np.random.default_rng(0)), store)
    assert len(store) == 16
    for when in ("open", "closed"):
        content = b"".join(f.read_bytes() for f in tmp_path.iterdir())
        assert len(content) > 4096
        assert b"callable:the-model" in content, when  # the identity is
        for word in words:
            assert word.encode() not in content, when
            assert word.encode("utf-16-le") not in content, when
        store.close()


# --- files that are no stores


@pytest.mark.parametrize(
    "content",
    [
        b"garbage " * 1000,
        os.urandom(8192),
        b"x",
        b"a short note\n" * 20,
        b"SQLite format 3\x00" + b"\xff" * 5000,
        b"a,b\n1,2\n" * 500,
    ],
    ids=["text", "random", "one byte", "short text", "a header only", "csv"],
)
def test_garbage_is_refused_in_words_and_left_alone(tmp_path, content):
    path = tmp_path / "a.sqlite"
    path.write_bytes(content)
    with pytest.raises(StoreError) as caught:
        Store(path)
    assert str(path) in str(caught.value)
    assert "move it away or name another one" in str(caught.value)
    assert path.read_bytes() == content


def filled(path, count=3000):
    store = Store(path)
    store.put({key(i): np.arange(5.0) + i for i in range(count)})
    store.close()


def test_a_cut_file_is_refused_in_words(tmp_path):
    path = tmp_path / "a.sqlite"
    filled(path)
    whole = path.read_bytes()
    assert len(whole) > 100_000
    for length in (100, 4096, 5000, len(whole) // 2):
        path.write_bytes(whole[:length])
        with pytest.raises(StoreError, match=r"a\.sqlite"):
            Store(path).get([key(i) for i in range(3000)])


def test_damage_inside_is_noticed_and_never_becomes_an_answer(tmp_path):
    path = tmp_path / "a.sqlite"
    filled(path)
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 9] = os.urandom(4096 * 6)
    path.write_bytes(bytes(content))
    with pytest.raises(StoreError, match=r"a\.sqlite"):
        store = Store(path)
        for i in range(3000):
            found = store.get([key(i)])
            assert not found or np.array_equal(found[key(i)], np.arange(5.0) + i)


def test_counting_a_damaged_store_is_a_store_error(tmp_path):
    path = tmp_path / "a.sqlite"
    filled(path)
    path.write_bytes(path.read_bytes()[: 4096 * 4])
    with pytest.raises(StoreError):
        len(Store(path))


def test_an_answer_of_half_a_number_is_a_store_error(tmp_path):
    path = tmp_path / "a.sqlite"
    Store(path).close()
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO answers (key, value) VALUES (?, ?)", (b"k", b"\x00\x01\x02"))
    db.close()
    with pytest.raises(StoreError):
        Store(path).get([b"k"])


def test_a_file_of_another_program_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "a.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE invoices (id INTEGER)")
        db.execute("INSERT INTO invoices VALUES (1)")
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="SQLite file of another program"):
        Store(path)
    assert path.read_bytes() == before


def test_an_empty_file_marked_by_another_program_is_refused(tmp_path):
    path = tmp_path / "a.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA application_id=7")
    db.close()
    with pytest.raises(StoreError, match="another program"):
        Store(path)


def test_a_newer_schema_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "a.sqlite"
    filled(path, 3)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version=99")
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="schema 99, this version of iomap reads up to 2"):
        Store(path)
    assert path.read_bytes() == before


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(StoreError, match=str(tmp_path)):
        Store(tmp_path)


def test_a_path_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(tmp_path / "file" / "a.sqlite")


def test_an_empty_file_becomes_a_store(tmp_path):
    path = tmp_path / "a.sqlite"
    path.touch()
    Store(path).put({b"k": np.array([1.0])})
    assert len(Store(path)) == 1


# --- full disks


def test_a_full_file_is_a_store_error_and_earlier_answers_stay(tmp_path):
    path = tmp_path / "a.sqlite"
    store = Store(path)
    store.put({key(i): np.ones(3) * i for i in range(100)})
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count={pages + 1}")
    with pytest.raises(StoreError, match="Earlier answers are kept"):
        store.put({key(i): np.ones(50) for i in range(1000, 3000)})
    assert len(store.get([key(i) for i in range(100)])) == 100
    assert store.get([key(i) for i in range(1000, 3000)]) == {}
    store._db.execute("PRAGMA max_page_count=1000000")
    store.put({key(i): np.ones(50) for i in range(1000, 3000)})
    assert len(store) == len(Store(path)) == 2100


FULL = """
    import resource, sys
    import numpy as np
    from probes import CallableModel, MaskProbe, Store, StoreError, ask, sample

    path, log = sys.argv[1:]
    probe = MaskProbe(12)
    design = sample(probe.features, 400, np.random.default_rng(0))

    def function(Z):
        with open(log, "a") as file:
            file.writelines(f"{row.tobytes().hex()}\\n" for row in Z)
        return np.tile(Z.sum(axis=1, keepdims=True), (1, 100))

    model = CallableModel(function, "sum")
    model.batch = 10
    store = Store(path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, resource.RLIM_INFINITY))
    try:
        ask(model, probe, design, store)
    except StoreError as error:
        assert "cannot be written" in str(error), error
    else:
        raise AssertionError("nothing went wrong")
    known = len(store)
    assert known >= 20, known
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    answers = ask(model, probe, design, store)
    assert (answers.y[:, 0] == design.Z.sum(axis=1)).all()
    assert answers.cost.reused == known
    print(known, len({row.tobytes() for row in design.Z}))
"""


def test_a_full_disk_is_a_store_error_and_the_run_goes_on_later(tmp_path):
    """The limit on the size of files stands for the disk: the write itself fails, as it does on a full one."""
    pytest.importorskip("resource")
    log = tmp_path / "log"
    known, distinct = map(int, finish(start(FULL, tmp_path / "a.sqlite", log)).split())
    asked = log.read_text().split()
    assert len(set(asked)) == distinct
    # only the one batch that could not be kept was asked again
    assert len(asked) - distinct <= 10
    assert known < distinct


# --- crashes


RUN = """
    import os, signal, sys
    import numpy as np
    from probes import CallableModel, MaskProbe, Store, ask, sample

    path, log, seed, die_after = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    probe = MaskProbe(10)
    design = sample(probe.features, 200, np.random.default_rng(seed))
    calls = 0

    def function(Z):
        global calls
        if calls == die_after:
            os.kill(os.getpid(), signal.SIGKILL)
        calls += 1
        with open(log, "a") as file:
            file.writelines(f"{row.tobytes().hex()}\\n" for row in Z)
        return Z @ np.arange(10.0)

    model = CallableModel(function, "crashing")
    model.batch = 8
    print("ready", flush=True)
    sys.stdin.readline()
    answers = ask(model, probe, design, Store(path))
    assert np.array_equal(answers.y[:, 0], design.Z @ np.arange(10.0))
"""


def run(path, log, seed=0, die_after=-1, code=RUN):
    process = start(code, path, log, seed, die_after)
    process.stdin.write("go\n")
    process.stdin.flush()
    return process


def resume(path, seed=0):
    """The same questions from here: how many inputs were asked, each once, and how many were known."""
    asked = []

    def function(Z):
        asked.extend(row.tobytes() for row in Z)
        return Z @ np.arange(10.0)

    questions = design(rows=200, seed=seed, d=10)
    answers = ask(CallableModel(function, "crashing"), MaskProbe(10), questions, Store(path))
    np.testing.assert_array_equal(answers.y[:, 0], questions.Z @ np.arange(10.0))
    assert len(asked) == len(set(asked)) == answers.cost.rows
    return {row.hex() for row in asked}, answers.cost.reused


def test_after_kill_9_no_answer_is_asked_again(tmp_path):
    path, log = tmp_path / "a.sqlite", tmp_path / "log"
    finish(run(path, log, die_after=5), -signal.SIGKILL)
    paid = log.read_text().split()
    assert len(paid) == 1 + 4 * 8
    finish(run(path, log, die_after=7), -signal.SIGKILL)
    paid = log.read_text().split()
    assert len(paid) == len(set(paid)), "a question was put twice"
    assert 1 + 4 * 8 + 6 * 8 < len(paid) <= 1 + 4 * 8 + 7 * 8
    asked, reused = resume(path)
    assert not asked & set(paid)
    assert reused == len(paid)


def test_kill_9_from_outside_at_any_moment_loses_at_most_the_batch_in_flight(tmp_path):
    path, log = tmp_path / "a.sqlite", tmp_path / "log"
    code = RUN.replace("return Z @", "import time; time.sleep(0.01); return Z @")
    killed = 0
    for wanted in (20, 90):
        process = run(path, log, code=code)
        while process.poll() is None and (not log.exists() or len(log.read_text().split()) < wanted):
            time.sleep(0.002)
        if process.poll() is None:
            process.kill()
            killed += 1
        process.communicate(timeout=60)
    assert killed
    paid = log.read_text().split()
    asked, _ = resume(path)
    assert len(paid) - len(set(paid)) + len(asked & set(paid)) <= 8 * killed


def test_two_processes_lose_nothing(tmp_path):
    path = tmp_path / "a.sqlite"
    logs = [tmp_path / f"log{i}" for i in range(2)]
    processes = [start(RUN, path, log, seed, -1) for seed, log in enumerate(logs)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        finish(process)
    paid = {line for log in logs for line in log.read_text().split()}
    assert len(Store(path)) == len(paid)
    for seed in range(2):
        assert resume(path, seed)[0] == set()


CROWD = """
    import multiprocessing, sys
    import numpy as np
    from probes import Store, StoreError

    folder, crowd, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    fork = multiprocessing.get_context("fork")
    gate = fork.Barrier(crowd)

    def work(me):
        for i in range(count):
            gate.wait()
            try:
                store = Store(f"{folder}/{i}.sqlite")
                store.put({bytes([me]): np.array([1.0])})
                store.close()
            except StoreError as error:
                print(error, flush=True)

    people = [fork.Process(target=work, args=(me,)) for me in range(crowd)]
    for person in people:
        person.start()
    for person in people:
        person.join()
        assert person.exitcode == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_processes_may_make_a_new_file_at_the_same_moment(tmp_path):
    count, crowd = 80, 4
    assert finish(start(CROWD, tmp_path, crowd, count)) == ""
    for i in range(count):
        store = Store(tmp_path / f"{i}.sqlite")
        assert len(store) == crowd
        store.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_opens_its_own(tmp_path):
    code = """
        import os, sys
        import numpy as np
        from probes import open_store

        path = sys.argv[1]
        open_store(path).put({b"parent": np.array([1.0])})
        children = []
        for me in range(3):
            child = os.fork()
            if child == 0:
                for i in range(30):
                    open_store(path).put({bytes([me, i]): np.array([1.0])})
                os._exit(0)
            children.append(child)
        for i in range(30):
            open_store(path).put({bytes([9, i]): np.array([1.0])})
        assert all(os.waitpid(child, 0)[1] == 0 for child in children)
        print(len(open_store(path)))
    """
    assert finish(start(code, tmp_path / "a.sqlite")).strip() == "121"
    assert len(Store(tmp_path / "a.sqlite")) == 121


def test_an_answer_that_cannot_be_kept_is_an_error_of_the_store(tmp_path):
    """The file goes bad while the model is being asked."""
    path = tmp_path / "a.sqlite"
    store = Store(path)

    def function(Z):
        if len(Z) > 1:
            store._db.execute("PRAGMA max_page_count=1")
            store._db.execute("PRAGMA query_only=1")
        return Z[:, 0]

    with pytest.raises(StoreError, match="cannot be written"):
        ask(CallableModel(function, "m"), MaskProbe(8), design(), store)
    store.close()
    assert len(Store(path)) == 1
