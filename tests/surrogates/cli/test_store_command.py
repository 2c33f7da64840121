"""The ``iomap store`` commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from probes import Store
from tests.helpers import command as commands
from tests.helpers.command import Done


@pytest.fixture
def iomap() -> Callable[..., Done]:
    """The commands of the group ``store``."""
    return lambda *arguments: commands.iomap("store", *arguments)


def filled(name: str, start: int, stop: int) -> None:
    store = Store(name)
    store.put({b"%032d" % i: np.array([float(i)]) for i in range(start, stop)}, "callable:risk-v3")
    store.close()


def test_merge_export_import_and_stats(iomap: Callable[..., Done]) -> None:
    pytest.importorskip("pyarrow")
    filled("a.sqlite", 0, 30)
    filled("b.sqlite", 20, 50)
    for command, words in (
        (("merge", "all.sqlite", "a.sqlite", "b.sqlite"), "60 answers read, 50 added, 10 known already"),
        (("export", "all.sqlite", "all.parquet"), "wrote 50 answers to all.parquet"),
        (("import", "all.parquet", "a.sqlite"), "50 answers read, 20 added, 30 known already"),
        (("stats", "a.sqlite"), "50  callable:risk-v3"),
    ):
        done = iomap(*command)
        assert done.returncode == 0, done.stderr
        assert words in done.stdout and done.stderr == ""
    assert len(Store("a.sqlite")) == 50


def test_stats_of_the_default_store_and_quiet(tmp_path: Path, iomap: Callable[..., Done]) -> None:
    none = iomap("stats")
    assert none.returncode == 2 and "store must be a store or the path of one that exists" in none.stderr
    assert not (tmp_path / "answers.sqlite").exists()  # looking makes nothing
    filled("answers.sqlite", 0, 3)  # where IOMAP_STORE points
    assert "3 answers" in iomap("stats").stdout
    quiet = iomap("merge", "new.sqlite", "answers.sqlite", "--quiet")
    assert quiet == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["merge", "a.sqlite", "none.sqlite"], 2, "source must be a store"),
        (["merge", "a.sqlite", "a.sqlite"], 2, "source must be another store"),
        (["merge", "a.sqlite", "text.txt"], 1, "text.txt cannot be opened"),
        (["merge", "a.sqlite"], 2, "Missing"),
        (["export", "a.sqlite", "text.txt"], 2, "path must name a new file"),
        (["export", "text.txt", "a.parquet"], 1, "text.txt cannot be opened"),
        (["import", "a.sqlite", "b.sqlite"], 2, "file must be a Parquet file"),
        (["import", "none.parquet", "b.sqlite"], 2, "file must be a Parquet file"),
        (["stats", "text.txt"], 1, "text.txt cannot be opened"),
    ],
)
def test_errors_are_one_line_with_an_exit_code_and_write_nothing(
    tmp_path: Path, iomap: Callable[..., Done], arguments: list[str], code: int, words: str
) -> None:
    filled("a.sqlite", 0, 3)
    Path("text.txt").write_text("no store " * 50)
    before = {f.name: f.read_bytes() for f in tmp_path.iterdir()}
    done = iomap(*arguments)
    assert done.returncode == code, done.stderr
    assert words in done.stderr and "Traceback" not in done.stderr
    assert {f.name: f.read_bytes() for f in tmp_path.iterdir()} == before
