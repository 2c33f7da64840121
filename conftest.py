"""Every test and every example runs in an empty folder with a store of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent
#: What --fast leaves out as a whole: real and tiny networks, servers, worker processes, commands, benchmarks, README.
HEAVY = (
    "README.md",
    "docs",
    "tests/benchmarks",
    "tests/probes/models/huggingface",
    "tests/probes/models/servers",
    "tests/probes/parallel",
    "tests/surrogates/cli",
)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IOMAP_STORE", str(tmp_path / "answers.sqlite"))
    monkeypatch.setenv("MPLBACKEND", "agg")
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run tests that take more than a minute")
    parser.addoption("--fast", action="store_true", help="leave out what takes seconds: for daily work")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if config.getoption("--fast") and any(collection_path == ROOT / name for name in HEAVY):
        return True
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--slow"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="slow: run with --slow"))
    if config.getoption("--fast"):
        heavy = [item for item in items if item.get_closest_marker("heavy")]
        config.hook.pytest_deselected(items=heavy)
        items[:] = [item for item in items if not item.get_closest_marker("heavy")]
