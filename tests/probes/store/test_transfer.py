"""Stores are merged and counted."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from probes import CallableModel, InputError, MaskProbe, Store, StoreError, ask, sample
from probes.store.transfer import Merged, merge, stats
from tests.helpers.filled_stores import ANSWERS, filled, held, key, of

# exact: a store gives back every bit


@settings(max_examples=30, deadline=None)
@given(mine=ANSWERS, other=ANSWERS, third=ANSWERS)
def test_a_merge_is_the_union_and_the_first_answer_is_kept(mine: dict, other: dict, third: dict) -> None:
    target = of(mine)
    done = merge(target, [of(other), of(third)], progress=False)
    expected = held(of({**third, **other, **mine}))
    assert held(target) == expected
    assert done.read == len(other) + len(third)
    assert done.added == len(expected) - len(mine)
    assert done.known + done.conflicts == done.read - done.added
    before = held(target)
    again = merge(target, [of(other), of(third)], progress=False)
    assert (again.added, again.conflicts) == (0, done.conflicts)
    assert held(target) == before


def test_conflicts_are_counted_and_measured() -> None:
    target, source = Store(), Store()
    target.put({b"a": np.array([1.0, 0.0]), b"b": np.array([2.0]), b"c": np.array([3.0])})
    source.put({b"a": np.array([1.0, -0.0]), b"b": np.array([2.5]), b"c": np.array([3.0]), b"d": np.array([4.0])})
    assert merge(target, [source]) == Merged(read=4, added=1, conflicts=2, apart=0.2)
    assert target.get([b"b"])[b"b"] == [2.0]
    source = Store()
    source.put({b"b": "a text", b"c": np.array([3.0, 3.0])})
    assert merge(target, [source]) == Merged(read=2, added=0, conflicts=2, apart=np.inf)
    assert "2 in conflict, some of another kind" in str(merge(target, [source]))


def test_many_chunks_arrive_and_sources_stay_as_they_are(tmp_path: Path) -> None:
    filled(tmp_path / "a.sqlite", range(25_001)).close()
    filled(tmp_path / "b.sqlite", range(20_000, 31_000), 0.5, "other").close()
    before = [(tmp_path / name).read_bytes() for name in ("a.sqlite", "b.sqlite")]
    done = merge(tmp_path / "c.sqlite", [tmp_path / "a.sqlite", str(tmp_path / "b.sqlite")], progress=False)
    assert done == Merged(read=36_001, added=31_000, conflicts=5_001, apart=done.apart)
    assert 0 < done.apart < 0.5 / 20_000 * 1.001
    assert [(tmp_path / name).read_bytes() for name in ("a.sqlite", "b.sqlite")] == before
    store = Store(tmp_path / "c.sqlite")
    assert store.counts() == [("m", 25_001, 0), ("other", 5_999, 0)]
    assert store.get([key(20_000)])[key(20_000)][0] == 20_000


def test_a_store_that_is_being_written_gives_what_is_still_in_its_log(tmp_path: Path) -> None:
    source = filled(tmp_path / "a.sqlite", range(100))
    assert (tmp_path / "a.sqlite-wal").stat().st_size > 0
    assert merge(tmp_path / "b.sqlite", [tmp_path / "a.sqlite"]).added == 100
    source.put({b"later": np.array([1.0])})
    assert merge(tmp_path / "b.sqlite", [source]) == Merged(read=101, added=1)


def test_a_source_of_an_older_schema_is_read_and_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE answers (key BLOB PRIMARY KEY, value NOT NULL) WITHOUT ROWID")
        db.execute(f"PRAGMA application_id={0x696F6D70}")
        db.execute("PRAGMA user_version=1")
        db.execute("INSERT INTO answers VALUES (?, ?)", (b"k", np.array([2.5]).tobytes()))
    db.close()
    before = path.read_bytes()
    target = Store()
    assert merge(target, [path]).added == 1
    assert held(target) == [(b"k", np.array([2.5]).tobytes(), None)]
    assert path.read_bytes() == before and stats(path).schema == 1


@pytest.mark.parametrize("bad", ["damaged", "cut", "foreign", "newer", "text", "missing", "itself", "link"])
def test_nothing_is_written_if_one_source_is_unsound(tmp_path: Path, bad: str) -> None:
    target = tmp_path / "target.sqlite"
    good, other = tmp_path / "good.sqlite", tmp_path / "bad.sqlite"
    filled(good, range(50)).close()
    filled(other, range(3000)).close()
    filled(target, range(1000, 1010)).close()
    content = other.read_bytes()
    if bad == "damaged":
        other.write_bytes(content[: 4096 * 4] + os.urandom(4096) + content[4096 * 5 :])
    elif bad == "cut":
        other.write_bytes(content[:-50])
    elif bad == "text":
        other.write_text("not a store " * 100)
    elif bad == "missing":
        other = tmp_path / "none.sqlite"
    elif bad == "itself":
        other = target
    elif bad == "link":
        other.unlink()
        other.symlink_to(target)
    else:
        with sqlite3.connect(other) as db:
            db.execute("PRAGMA user_version=99" if bad == "newer" else "PRAGMA application_id=7")
        db.close()
    before = target.read_bytes()
    with pytest.raises(InputError if bad in ("missing", "itself", "link") else StoreError):
        merge(target, [good, other])
    assert target.read_bytes() == before
    assert not (tmp_path / "none.sqlite").exists()
    if bad not in ("itself", "link"):
        with pytest.raises((InputError, StoreError)):
            merge(tmp_path / "new.sqlite", [good, other])
        assert not (tmp_path / "new.sqlite").exists()
        if bad != "missing":  # nor is an unsound target written to
            before = other.read_bytes()
            with pytest.raises(StoreError):
                merge(other, [good])
            assert other.read_bytes() == before


@pytest.mark.parametrize("place", [3, None, "", ["a"]])
def test_what_names_no_store_is_refused(place: object) -> None:
    with pytest.raises(InputError, match="store must be a store or the path of one that exists"):
        stats(place)  # type: ignore[arg-type]
    with pytest.raises(InputError):
        merge(place, [Store()])  # type: ignore[arg-type]


def test_merged_answers_are_not_asked_again(tmp_path: Path) -> None:
    probe = MaskProbe(6)
    design = sample(probe.features, 40, np.random.default_rng(0))
    model = CallableModel(lambda Z: Z @ np.arange(6.0), "m")
    halves = []
    for number, rows in enumerate((design.head(20), design)):
        halves.append(Store(tmp_path / f"{number}.sqlite"))
        ask(model, probe, rows, halves[-1], progress=False)
    merge(tmp_path / "all.sqlite", halves)
    again = ask(model, probe, design, Store(tmp_path / "all.sqlite"), progress=False)
    assert again.cost.rows == 0
    np.testing.assert_array_equal(again.y[:, 0], design.Z @ np.arange(6.0))


def test_statistics_count_answers_texts_and_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    store = filled(path, range(500), model="lm:x:score:aa")
    store.put({b"1": np.array([1.0]), b"2": "text"}, "lm:x:score:bb")
    store.put({b"3": np.array([1.0])})
    counts = stats(path)
    assert (counts.path, counts.schema, counts.answers) == (path, 2, 503)
    assert counts.models.fillna("?").to_numpy().tolist() == [["lm:x", 502, 1], ["?", 1, 0]]
    assert counts.size == sum(f.stat().st_size for f in tmp_path.iterdir() if not f.name.endswith("-shm"))
    assert "503 answers" in str(counts) and "(model not recorded)" in str(counts)
    store.close()
    assert stats(path).size == path.stat().st_size
    assert stats(Store()).answers == 0 and "in memory" in str(stats(Store()))


def test_statistics_of_many_models_are_cut_short() -> None:
    store = Store()
    store.add((key(i), np.array([1.0]), f"m{i % 25}") for i in range(250))
    text = str(stats(store))
    assert "(5 other models)" in text and len(text.splitlines()) == 23
    assert len(stats(store).models) == 25
