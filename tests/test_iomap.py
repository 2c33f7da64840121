"""The ``iomap`` command while it is loaded, in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from tests.helpers.checkout import environment

#: packages that stand in for ours: loading them is interrupted, and what they do about it too
STANDS_IN = """
import os, signal
try:
    os.kill(os.getpid(), signal.SIGINT)
except BaseException:
    raise ImportError("something else")
"""


def run(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m iomap`` in a folder, which Python looks into first; Ctrl-C counts, whatever started the tests."""

    def heeded() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    command, options = [sys.executable, "-m", "iomap", *arguments], {"capture_output": True, "text": True}
    return subprocess.run(command, cwd=path, env=environment(), timeout=60, preexec_fn=heeded, **options)


def test_ctrl_c_while_the_command_is_loaded_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "surrogates").mkdir()
    (tmp_path / "surrogates" / "__init__.py").write_text(STANDS_IN)
    done = run(tmp_path, "--version")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "iomap: interrupted\n")


def test_the_command_is_a_module_too(tmp_path: Path) -> None:
    done = run(tmp_path, "--version")
    assert done.returncode == 0 and done.stdout.startswith("iomap "), done.stderr
    assert "Usage: iomap [OPTIONS]" in run(tmp_path, "--help").stdout
