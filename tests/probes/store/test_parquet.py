"""Stores go to Parquet and back."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from probes import InputError, Store
from probes.store.transfer import Merged, export, load
from tests.helpers.filled_stores import ANSWERS, TEXT, filled, held, key, of
from tests.helpers.processes import Process, finish

# exact: a store gives back every bit


@settings(max_examples=30, deadline=None)
@given(answers=ANSWERS)
def test_parquet_gives_back_every_bit(tmp_path_factory: pytest.TempPathFactory, answers: dict) -> None:
    pytest.importorskip("pyarrow")
    file = tmp_path_factory.mktemp("p") / "a.parquet"
    source, back = of(answers), Store()
    assert export(source, file) == len(answers)
    assert load(file, back, progress=False) == Merged(read=len(answers), added=len(answers))
    assert held(back) == held(source)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row groups of 500 answers."""
    monkeypatch.setattr("probes.store.parquet.CHUNK", 500)


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


@pytest.mark.usefixtures("small_chunks")
def test_many_row_groups_and_a_second_time(tmp_path: Path) -> None:
    file = parquet(tmp_path, 600)
    back = Store()
    assert load(file, back, progress=False) == Merged(read=601, added=601)
    assert load(file, back, progress=False) == Merged(read=601)
    assert held(back) == held(Store(tmp_path / "a.sqlite"))
    assert export(back, file) == 601  # an older export is replaced


def test_a_cut_file_is_refused_and_no_store_is_made(tmp_path: Path) -> None:
    file = parquet(tmp_path)
    content = file.read_bytes()
    for length in map(int, [0, 1, 4, 12, *np.random.default_rng(0).integers(1, len(content), 40), len(content) - 1]):
        file.write_bytes(content[:length])
        with pytest.raises(InputError, match="Parquet file by iomap store export"):
            load(file, tmp_path / "new.sqlite")
        assert not (tmp_path / "new.sqlite").exists()


def test_flipped_bytes_never_become_answers(tmp_path: Path) -> None:
    """Pages carry checksums; what is flipped elsewhere must not change an answer either."""
    file = parquet(tmp_path)
    content, truth = file.read_bytes(), held(Store(tmp_path / "a.sqlite"))
    refused = 0
    for place in map(int, np.random.default_rng(0).integers(4, len(content) * 9 // 10, 60)):
        file.write_bytes(content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :])
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
        ({"values": [[np.nan], None]}, r"finite .*column values, row 1200,.*got \[nan\]"),
        ({"values": [[np.inf], None]}, "finite .*column values, row 1200"),
        ({"values": [[None], None]}, "finite .*column values, row 1200"),
        ({"values": [[], None]}, "one number at least .*column values, row 1200"),
        ({"values": [[1.0], [2.0]]}, "either values or a text .*row 1201, .*got 'both'"),
        ({"text": [None, None]}, "either values or a text .*row 1201, .*got 'neither'"),
        ({"key": [None, B]}, "keys of 32 bytes .*column key, row 1200, .*got 'none'"),
        ({"key": [A, b"b"]}, "keys of 32 bytes .*column key, row 1201, .*got '1 bytes'"),
        ({"key": [A, B + b"!"]}, "keys of 32 bytes .*got '33 bytes'"),
        ({"values": ["x", None]}, "sound Parquet file"),
        ({"model": None}, "have the columns"),
    ],
)
@pytest.mark.usefixtures("small_chunks")
def test_rows_that_are_no_answers_are_refused_before_any_is_written(tmp_path: Path, change: dict, words: str) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    good = {name: values * 600 for name, values in ROWS.items()}  # sound chunks first
    columns = {name: good[name] + values for name, values in {**ROWS, **change}.items() if values is not None}
    if change.get("values") == ["x", None]:
        columns["values"] = ["x", None] * 601
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    target = Store()
    with pytest.raises(InputError, match=words):
        load(tmp_path / "a.parquet", target, progress=False)
    assert len(target) == 0


@pytest.mark.usefixtures("small_chunks")
def test_keys_that_repeat_are_added_once_and_the_first_is_kept(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    values, text = [[1.0], [1.0], [1.5], None], [None, None, None, "t"]
    rows = {"key": [A, A, A, B], "values": values, "text": text, "model": ["m"] * 4}
    # once within a chunk, once over two of them
    for times, file in ((1, tmp_path / "a.parquet"), (200, tmp_path / "b.parquet")):
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


@pytest.mark.xdist_group("forks")
def test_a_full_disk_leaves_the_older_export_and_no_half_file(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    file = parquet(tmp_path)
    assert file.stat().st_size > 60_000
    before = file.read_bytes()
    finish(Process(FULL, tmp_path / "a.sqlite", file))
    assert file.read_bytes() == before
    assert sorted(f.name for f in tmp_path.iterdir()) == ["a.parquet", "a.sqlite"]


def test_without_pyarrow_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    for action in (lambda: export(Store(), tmp_path / "a.parquet"), lambda: load(tmp_path / "a.parquet", Store())):
        with pytest.raises(ImportError, match=r"pip install 'iomap\[parquet\]'"):
            action()
    assert not list(tmp_path.iterdir())


def test_text_that_is_no_text_and_names_that_repeat_are_refused(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    good = pq.read_table(parquet(tmp_path, 3))
    bytes_ = pa.array([b"\xff"] * len(good), pa.binary())
    wrong = pa.Array.from_buffers(pa.string(), len(good), bytes_.buffers())
    twice = pa.Table.from_arrays([*good.columns, good["key"]], names=[*good.column_names, "key"])
    hostile = [
        good.set_column(good.column_names.index("model"), "model", wrong),
        twice.replace_schema_metadata(good.schema.metadata),
        good.replace_schema_metadata({b"iomap.answers": b"\xff"}),
    ]
    for i, table in enumerate(hostile):
        pq.write_table(table, tmp_path / f"{i}.parquet")
        with pytest.raises(InputError, match=r"^file must"):
            load(tmp_path / f"{i}.parquet", Store(), progress=False)
