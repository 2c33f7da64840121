"""A run that ends early says why in one line, never in a traceback; without a terminal its progress is a line."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from probes import progress
from probes.progress import Bar
from surrogates.cli.app import Visible
from tests.helpers.checkout import environment
from tests.helpers.command import iomap

SLOW = """
import pathlib, time

def lengths(texts):
    pathlib.Path("asked").touch()
    time.sleep(0.2 * len(texts))
    return [len(t) for t in texts]

def unnamed(texts):
    raise SystemError("line one\\n\\x1b[2Jline two")
"""


@pytest.fixture(autouse=True)
def _models():
    Path("slow.py").write_text(SLOW)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("sent", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_run_that_is_stopped_says_so_in_one_line(sent, code, word):
    # a run that was itself started in the background ignores what a terminal sends
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    command = [sys.executable, "-c", f"{heard}; from surrogates.cli.main import main; main()", "explain", "text"]
    command += ["a b c d e f g h i j k l", "-m", "slow:lengths", "--store", "none"]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
    for _ in range(600):
        if Path("asked").exists():
            break
        time.sleep(0.1)
    run.send_signal(sent)
    out, err = run.communicate(timeout=60)
    assert run.returncode == code and not out
    kept = "answers so far are in the store, but for functions without a name and --store none"
    assert err.strip() == f"iomap: {word}; {kept}"


def test_what_nobody_foresaw_is_one_line(monkeypatch):
    from surrogates.cli import texts

    def fails(*_, **options):
        raise RuntimeError("line one\n\x1b[2Jline two")

    monkeypatch.setattr(texts.Path, "read_text", fails)
    done = iomap("explain", "text", "@some.txt", "-m", "slow:lengths")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("iomap: RuntimeError: line one ⟨U+001B⟩[2Jline two")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("report", "none.json"), "No such file"),
        (("explain", "tabular", "none.csv", "--row", "1", "-m", "slow:lengths"), "No such file"),
        (("explain", "text", "@none.txt", "-m", "slow:lengths"), "readable"),
        (("explain", "text", "a b c", "-m", "endpoint:x@http://127.0.0.1:9/v1", "--store", "none"), "server"),
        (("explain", "text", "a b c", "-m", "slow:unnamed", "--store", "none"), "SystemError"),
    ],
)
def test_what_is_missing_or_gone_is_one_line(arguments, words):
    done = iomap(*arguments)
    assert done.returncode in (1, 2) and not done.stdout
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("iomap: ") and words in done.stderr


def test_what_is_logged_hides_nothing():
    record = logging.LogRecord("probes", logging.WARNING, "", 0, "%s is odd", ("a\u202eb\x1b[2J",), None)
    assert Visible("%(name)s: %(message)s").format(record) == "probes: a⟨U+202E⟩b⟨U+001B⟩[2J is odd"


def test_progress_is_a_line_now_and_then_without_a_terminal(monkeypatch, caplog):
    now = iter([0.0, 5.0, 11.0, 20.0, 42.0])
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())
    monkeypatch.setattr(progress.log, "handlers", [handler])
    # of this module alone: other threads ask the time too
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(now)))
    with caplog.at_level(logging.INFO, progress.__name__), Bar(1200, "asking", "row") as bar:
        for _ in range(4):
            bar.update(300)
    assert said == ["asking: 600 of 1,200 rows, 11 s", "asking: 1,200 of 1,200 rows, 42 s"]


def test_who_wants_no_progress_gets_none(monkeypatch, caplog):
    monkeypatch.setattr(progress, "FIRST", 0.0)
    with caplog.at_level(logging.INFO, progress.__name__), Bar(3, "asking", "row", False) as bar:
        bar.update(3)
    assert not caplog.records
