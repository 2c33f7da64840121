"""The ``iomap`` command, in this process or in one of its own."""

from __future__ import annotations

import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from tests.helpers.checkout import environment


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def iomap(*arguments: str) -> Done:
    """Run the command with its reading of arguments and its handling of errors, without the seconds of a new process.

    Modules that it imports from the working folder are forgotten again, as they would be with a process.
    """
    from surrogates.cli.main import main

    out, err, argv, path, code = StringIO(), StringIO(), sys.argv, sys.path.copy(), 0
    sys.argv = ["iomap", *arguments]
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main()
    except SystemExit as left:
        code = int(left.code or 0)
    finally:
        sys.argv, sys.path[:] = argv, path
        for name, module in list(sys.modules.items()):
            if Path(getattr(module, "__file__", None) or "/").parent == Path.cwd():
                del sys.modules[name]
    return Done(code, out.getvalue(), err.getvalue())


def iomap_process(*arguments: str) -> Done:
    """Run the command as a process, as a shell does."""
    code = "from surrogates.cli.main import main; main()"
    env = environment(HF_HUB_OFFLINE="1")
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=env)
    return Done(done.returncode, done.stdout, done.stderr)
