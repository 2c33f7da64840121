"""The store: what is kept is found, by every object and thread, for the user alone."""

import os
import stat
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes import CallableModel, InputError, Store, StoreError, TextProbe, ask, open_store, sample
from tests.helpers.threads import ended, started

# exact: a store gives back every bit


def key(i):
    return int(i).to_bytes(32, "big")


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
    stored = store.get(answers)
    assert set(stored) == set(answers)
    for k, v in answers.items():
        if isinstance(v, str):
            assert stored[k] == v
        else:
            np.testing.assert_array_equal(stored[k], v)
    assert len(store) == len(answers)


def test_more_keys_than_sqlite_takes_at_once():
    store = Store()
    store.put({key(i): np.array([float(i)]) for i in range(5000)})
    stored = store.get([*(key(i) for i in range(6000)), key(0)])
    assert len(stored) == 5000
    assert all(stored[key(i)][0] == i for i in range(5000))


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
    stored = store.get([b"a", b"b", b"t", b"gone"])
    assert stored.keys() == {b"a", b"b", b"t"} and stored[b"t"] == "said"
    assert stored[b"a"].tolist() == [1.0, 2.0] and stored[b"b"].tolist() == [3.0]
    assert sorted(store.counts()) == [("m", 2, 1), ("n", 1, 0)]
    assert [row[0] for rows in store.rows() for row in rows] == [b"a", b"b", b"t"]


@pytest.mark.parametrize("on_disk", [False, True])
def test_memory_keeps_to_the_rules_of_a_file(tmp_path, on_disk):
    store = Store(tmp_path / "answers.sqlite" if on_disk else None)
    store.put({b"a": np.ones((2, 2)), b"b": 3.0, b"c": [1, 2]})
    stored = store.get([b"a", b"b", b"c"])
    assert {key: value.tolist() for key, value in stored.items()} == {b"a": [1.0] * 4, b"b": [3.0], b"c": [1.0, 2.0]}
    with pytest.raises(ValueError, match="read-only"):
        stored[b"c"][0] = 7.0

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
    with pytest.raises(StoreError, match=r"^An answer store in memory cannot be read: it was closed\.$"):
        store.get([b"a"])
    with pytest.raises(StoreError, match=r"cannot be written: it was closed\.$"):
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

    ended(started(*(partial(work, number) for number in range(6))))
    assert not errors
    assert len(store) == 240


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
    assert len(store) == 16 + 1  # and that the model was met
    for when in ("open", "closed"):
        content = b"".join(f.read_bytes() for f in tmp_path.iterdir())
        assert len(content) > 4096
        assert b"callable:the-model" in content, when  # the identity is
        for word in words:
            assert word.encode() not in content, when
            assert word.encode("utf-16-le") not in content, when
        store.close()


def test_rows_of_an_array_are_kept_as_answers_one_by_one_are(tmp_path):
    values = np.random.default_rng(0).normal(size=(4, 3))
    keys = [key(i) for i in (3, 1, 3, 2)]
    for path in (None, tmp_path / "a.sqlite"):
        store = Store(path)
        store.put({key(1): np.zeros(3)})
        store.put_rows(keys, values, {b"names": "a, b, c"}, "the-model")
        known = store.get([*keys, b"names"])
        np.testing.assert_array_equal(known[key(3)], values[0])  # of equal keys the first stays
        np.testing.assert_array_equal(known[key(1)], np.zeros(3))  # and what was known before
        assert known[b"names"] == "a, b, c"
        assert {model for rows in store.rows() for k, _, model in rows if k != key(1)} == {"the-model"}


@pytest.mark.parametrize("written", [False, True])
def test_a_closed_store_in_memory_refuses_what_it_is_asked(written):
    store = Store()
    store.put({b"k": np.array([1.0])})
    if written:
        assert len(store) == 1
    store.close()
    with pytest.raises(StoreError):
        store.put({b"k": np.array([2.0])})
    with pytest.raises(StoreError):
        len(store)
