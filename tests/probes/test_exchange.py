"""Merge, Parquet and statistics of stores: what moves arrives bit for bit, and what is unsound is refused unwritten."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes import CallableModel, InputError, MaskProbe, Store, StoreError, ask, sample
from probes.store.transfer import Merged, export, load, merge, stats

ROOT = Path(__file__).resolve().parents[2]
ANSWERS = st.dictionaries(
    st.binary(min_size=32, max_size=32),
    st.tuples(
        st.one_of(
            st.text(st.characters(exclude_categories=["Cs"])),
            st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=4),
        ),
        st.one_of(st.none(), st.sampled_from(["lm:a", "lm:b:score:12", "ünïcode"])),
    ),
    max_size=20,
)


TEXT = hashlib.sha256(b"text").digest()


def key(i: int) -> bytes:
    return hashlib.sha256(b"%d" % i).digest()


def filled(path: Path | None, numbers: range, shift: float = 0.0, model: str | None = "m") -> Store:
    store = Store(path)
    store.put({key(i): np.array([i + shift, -1.0]) for i in numbers}, model)
    return store


def held(store: Store) -> list[tuple]:
    """All rows, comparable bit for bit."""
    return [(k, v if isinstance(v, str) else v.tobytes(), m) for rows in store.rows() for k, v, m in rows]


def of(answers: dict) -> Store:
    store = Store()
    store.add((k, v if isinstance(v, str) else np.array(v), m) for k, (v, m) in answers.items())
    return store


# --- merge


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


# --- Parquet


@settings(max_examples=30, deadline=None)
@given(answers=ANSWERS)
def test_parquet_gives_back_every_bit(tmp_path_factory: pytest.TempPathFactory, answers: dict) -> None:
    pytest.importorskip("pyarrow")
    file = tmp_path_factory.mktemp("p") / "a.parquet"
    source, back = of(answers), Store()
    assert export(source, file) == len(answers)
    assert load(file, back, progress=False) == Merged(read=len(answers), added=len(answers))
    assert held(back) == held(source)


def parquet(tmp_path: Path, count: int = 3000) -> Path:
    pytest.importorskip("pyarrow")
    store = filled(tmp_path / "a.sqlite", range(count))
    store.put({TEXT: "words, words"}, "lm:x")
    export(tmp_path / "a.sqlite", tmp_path / "a.parquet")
    store.close()
    return tmp_path / "a.parquet"


def test_other_programs_read_the_file_and_it_is_for_the_user_alone(tmp_path: Path) -> None:
    file = parquet(tmp_path)
    frame = pd.read_parquet(file).set_index("key")
    assert list(frame.columns) == ["values", "text", "model"] and len(frame) == 3001
    assert frame.loc[key(7), "values"].tolist() == [7.0, -1.0] and pd.isna(frame.loc[key(7), "text"])
    assert frame.loc[TEXT, "text"] == "words, words" and frame.loc[TEXT, "model"] == "lm:x"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(f.name for f in tmp_path.iterdir()) == ["a.parquet", "a.sqlite"]


def test_a_file_written_by_another_program_with_the_same_columns_is_read(tmp_path: Path) -> None:
    frame = pd.read_parquet(parquet(tmp_path))
    frame.sample(frac=1, random_state=0).to_parquet(tmp_path / "b.parquet", index=False)
    back = Store()
    assert load(tmp_path / "b.parquet", back).added == 3001
    assert held(back) == held(Store(tmp_path / "a.sqlite"))


def test_many_row_groups_and_a_second_time(tmp_path: Path) -> None:
    file = parquet(tmp_path, 60_000)
    back = Store()
    assert load(file, back, progress=False) == Merged(read=60_001, added=60_001)
    assert load(file, back, progress=False) == Merged(read=60_001)
    assert held(back) == held(Store(tmp_path / "a.sqlite"))
    assert export(back, file) == 60_001  # an older export is replaced


def test_a_cut_file_is_refused_and_no_store_is_made(tmp_path: Path) -> None:
    file = parquet(tmp_path)
    whole = file.read_bytes()
    for length in map(int, [0, 1, 4, 12, *np.random.default_rng(0).integers(1, len(whole), 40), len(whole) - 1]):
        file.write_bytes(whole[:length])
        with pytest.raises(InputError, match="Parquet file by iomap store export"):
            load(file, tmp_path / "new.sqlite")
        assert not (tmp_path / "new.sqlite").exists()


def test_flipped_bytes_never_become_answers(tmp_path: Path) -> None:
    """Pages carry checksums; what is flipped elsewhere must not change an answer either."""
    file = parquet(tmp_path)
    whole, truth = file.read_bytes(), held(Store(tmp_path / "a.sqlite"))
    refused = 0
    for place in map(int, np.random.default_rng(0).integers(4, len(whole) * 9 // 10, 60)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        back = Store()
        try:
            load(file, back, progress=False)
        except InputError:
            refused += 1
            assert len(back) == 0
        else:
            assert held(back) == truth
    assert refused >= 50


A, B = b"a" * 32, b"b" * 32
ROWS = {"key": [A, B], "values": [[1.0], None], "text": [None, "t"], "model": [None, "m"]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"values": [[np.nan], None]}, r"finite .*column values, row 120000,.*got \[nan\]"),
        ({"values": [[np.inf], None]}, "finite .*column values, row 120000"),
        ({"values": [[None], None]}, "finite .*column values, row 120000"),
        ({"values": [[], None]}, "one number at least .*column values, row 120000"),
        ({"values": [[1.0], [2.0]]}, "either values or a text .*row 120001, .*got 'both'"),
        ({"text": [None, None]}, "either values or a text .*row 120001, .*got 'neither'"),
        ({"key": [None, B]}, "keys of 32 bytes .*column key, row 120000, .*got 'none'"),
        ({"key": [A, b"b"]}, "keys of 32 bytes .*column key, row 120001, .*got '1 bytes'"),
        ({"key": [A, B + b"!"]}, "keys of 32 bytes .*got '33 bytes'"),
        ({"values": ["x", None]}, "sound Parquet file"),
        ({"model": None}, "have the columns"),
    ],
)
def test_rows_that_are_no_answers_are_refused_before_any_is_written(tmp_path: Path, change: dict, words: str) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    good = {name: values * 60_000 for name, values in ROWS.items()}  # sound chunks first
    columns = {name: good[name] + values for name, values in {**ROWS, **change}.items() if values is not None}
    if change.get("values") == ["x", None]:
        columns["values"] = ["x", None] * 60_001
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    target = Store()
    with pytest.raises(InputError, match=words):
        load(tmp_path / "a.parquet", target, progress=False)
    assert len(target) == 0


def test_keys_that_repeat_are_added_once_and_the_first_is_kept(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    values, text = [[1.0], [1.0], [1.5], None], [None, None, None, "t"]
    rows = {"key": [A, A, A, B], "values": values, "text": text, "model": ["m"] * 4}
    # once within a chunk, once over two of them
    for times, file in ((1, tmp_path / "a.parquet"), (20_000, tmp_path / "b.parquet")):
        pq.write_table(pa.table({name: part * times for name, part in rows.items()}), file)
        target = Store()
        done = load(file, target, progress=False)
        assert (done.read, done.added, done.conflicts) == (4 * times, 2, times) and len(target) == 2
        assert done.known == 3 * times - 2
        assert target.get([A])[A] == [1.0] and done.apart == pytest.approx(1 / 3)


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table(ROWS).replace_schema_metadata({"iomap.answers": "2"}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="have format 1"):
        load(tmp_path / "a.parquet", Store())


def test_an_export_overwrites_nothing_but_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    filled(tmp_path / "a.sqlite", range(5)).close()
    filled(tmp_path / "b.sqlite", range(5)).close()
    before = (tmp_path / "b.sqlite").read_bytes()
    for path in (tmp_path / "b.sqlite", tmp_path / "a.sqlite", tmp_path, tmp_path / "no" / "x.parquet"):
        with pytest.raises(InputError, match="path must name a new file"):
            export(tmp_path / "a.sqlite", path)
    assert (tmp_path / "b.sqlite").read_bytes() == before
    with pytest.raises(InputError, match="store must be a store or the path of one that exists"):
        export(tmp_path / "none.sqlite", tmp_path / "x.parquet")
    assert sorted(f.name for f in tmp_path.iterdir()) == ["a.sqlite", "b.sqlite"]


FULL = """
import resource, sys
from probes import StoreError
from probes.store.transfer import export
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, resource.RLIM_INFINITY))
try:
    export(sys.argv[1], sys.argv[2])
except StoreError as error:
    assert "cannot be exported" in str(error), error
else:
    raise AssertionError("nothing went wrong")
"""


def test_a_full_disk_leaves_the_older_export_and_no_half_file(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    file = parquet(tmp_path)
    assert file.stat().st_size > 60_000
    before = file.read_bytes()
    command = [sys.executable, "-c", FULL, str(tmp_path / "a.sqlite"), str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert file.read_bytes() == before
    assert sorted(f.name for f in tmp_path.iterdir()) == ["a.parquet", "a.sqlite"]


def test_without_pyarrow_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    for action in (lambda: export(Store(), tmp_path / "a.parquet"), lambda: load(tmp_path / "a.parquet", Store())):
        with pytest.raises(ImportError, match=r"pip install 'iomap\[parquet\]'"):
            action()
    assert not list(tmp_path.iterdir())


# --- statistics


def test_statistics_count_answers_texts_and_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    store = filled(path, range(500), model="lm:x:score:aa")
    store.put({b"1": np.array([1.0]), b"2": "text"}, "lm:x:score:bb")
    store.put({b"3": np.array([1.0])})
    found = stats(path)
    assert (found.path, found.schema, found.answers) == (path, 2, 503)
    assert found.models.fillna("?").to_numpy().tolist() == [["lm:x", 502, 1], ["?", 1, 0]]
    assert found.size == sum(f.stat().st_size for f in tmp_path.iterdir() if not f.name.endswith("-shm"))
    assert "503 answers" in str(found) and "(model not recorded)" in str(found)
    store.close()
    assert stats(path).size == path.stat().st_size
    assert stats(Store()).answers == 0 and "in memory" in str(stats(Store()))


def test_statistics_of_many_models_are_cut_short() -> None:
    store = Store()
    store.add((key(i), np.array([1.0]), f"m{i % 25}") for i in range(250))
    text = str(stats(store))
    assert "(5 other models)" in text and len(text.splitlines()) == 23
    assert len(stats(store).models) == 25
