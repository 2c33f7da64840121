"""The store: files that are no stores, damaged or full are refused in words."""

import os
import sqlite3

import numpy as np
import pytest

from probes import CallableModel, MaskProbe, Store, StoreError, ask, sample
from tests.helpers.processes import Process, finish

pytestmark = pytest.mark.xdist_group("forks")  # all are forked from one process

# exact: a store gives back every bit


def key(i):
    return int(i).to_bytes(32, "big")


def design(rows=60, seed=0, d=8):
    return sample(MaskProbe(d).features, rows, np.random.default_rng(seed))


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
    content = path.read_bytes()
    assert len(content) > 100_000
    for length in (100, 4096, 5000, len(content) // 2):
        path.write_bytes(content[:length])
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
            answers = store.get([key(i)])
            assert not answers or np.array_equal(answers[key(i)], np.arange(5.0) + i)


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
    model.batch, model.compared = 10, False
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
    known, distinct = map(int, finish(Process(FULL, tmp_path / "a.sqlite", log)).split())
    asked = log.read_text().split()
    assert len(set(asked)) == distinct
    # only the one batch that could not be kept was asked again
    assert len(asked) - distinct <= 10
    assert known < distinct


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
    assert len(Store(path)) == 4  # those that first contact asked alone


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE answers RENAME TO a; CREATE VIEW answers AS WITH RECURSIVE c(key) AS (SELECT 1 UNION ALL SELECT "
        "key + 1 FROM c LIMIT 100000) SELECT key, 1 AS value, NULL AS model FROM c",
        "CREATE TRIGGER t AFTER INSERT ON answers BEGIN DELETE FROM answers; END",
    ],
    ids=["view", "trigger"],
)
def test_a_file_that_runs_code_of_its_own_is_refused(tmp_path, sql):
    path = tmp_path / "a.sqlite"
    filled(path, 3)
    other = sqlite3.connect(path)
    other.executescript(sql)
    other.close()
    for readonly in (False, True):
        with pytest.raises(StoreError, match="which no version of iomap makes"):
            Store(path, readonly=readonly)


@pytest.mark.parametrize("names", ["[", "7", "[]", "[[1], {}]", "[" * 100_000, "nonsense"], ids=lambda s: s[:10])
def test_names_of_outputs_that_are_none_are_refused(tmp_path, names):
    model = CallableModel(lambda Z: Z[:, 0], "m", outputs=("risk",))
    store = Store(tmp_path / "a.sqlite")
    ask(model, MaskProbe(8), design(), store=store)
    store._db.execute("UPDATE answers SET value = ? WHERE typeof(value) = 'text'", [names])
    with pytest.raises(StoreError, match="names of outputs that are none"):
        ask(model, MaskProbe(8), design(), store=store)
