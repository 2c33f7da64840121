"""The ``iomap`` command, in this process or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from io import StringIO
from typing import Any, NamedTuple
from unittest.mock import patch

from tests.helpers.checkout import environment


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@cache
def built() -> Any:
    """Build the tree of commands once; the application builds it anew at every call."""
    from typer.main import get_command

    from surrogates.cli.main import app

    return get_command(app)


def iomap(*arguments: str) -> Done:
    """Run the command with its reading of arguments and its handling of errors, without the seconds of a new process.

    Modules that it imports from the working folder are forgotten again, as they would be with a process.
    """
    from surrogates.cli import main

    out, err, argv, path, code = StringIO(), StringIO(), sys.argv, sys.path.copy(), 0
    before = set(sys.modules)
    sys.argv = ["iomap", *arguments]
    try:
        with redirect_stdout(out), redirect_stderr(err), patch.object(main, "app", built()):
            main.main()
    except SystemExit as left:
        code = int(left.code or 0)
    finally:
        sys.argv, sys.path[:] = argv, path
        for name in set(sys.modules) - before:
            if os.path.dirname(getattr(sys.modules[name], "__file__", None) or "") == os.getcwd():
                del sys.modules[name]
    return Done(code, out.getvalue(), err.getvalue())


def iomap_process(*arguments: str) -> Done:
    """Run the command as a process, as a shell does."""
    env = environment(HF_HUB_OFFLINE="1")
    command = [sys.executable, "-m", "iomap", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=300)
    return Done(done.returncode, done.stdout, done.stderr)
