"""Work that another interpreter does: arrays go there in a file, and come back in one.

That interpreter is the one that the variable IOMAP_SHAPIQ names, ``.venv-shapiq`` by default, since today's shapiq asks
for Python 3.12. It needs numpy, and none of iomap.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, Any

import numpy as np

__all__ = ["ROOT", "Interpreter", "interpreter", "serve"]

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("shapiq", "lightgbm", "xgboost", "lime", "shap", "scikit-learn", "numpy")


class Interpreter:
    """A process that runs a module of these benchmarks which ends in :func:`serve`.

    Parameters
    ----------
    python : Path
    module : str

    Attributes
    ----------
    versions : dict
        Of what it has installed, and of Python.
    """

    def __init__(self, python: Path, module: str):
        self._process = subprocess.Popen(
            [str(python), "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        self.versions: dict[str, str] = json.loads(_pipe(self._process.stdout).readline() or "{}")

    def __call__(self, **asked: Any) -> dict[str, np.ndarray]:
        """Have arrays and words worked on there.

        Raises
        ------
        OSError
            If the process ended.
        RuntimeError
            If the work failed there.
        """
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "asked.npz"
            np.savez(path, **asked)
            print(path, file=_pipe(self._process.stdin), flush=True)
            line = _pipe(self._process.stdout).readline()
            if not line:
                raise OSError("the rivals' interpreter ended")
            reply = json.loads(line)
            if "failed" in reply:
                raise RuntimeError(reply["failed"])
            with np.load(f"{path}.out.npz") as file:
                return {name: file[name] for name in file.files}


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


def interpreter(module: str) -> Interpreter | None:
    """Start the rivals' interpreter; None where there is none."""
    python = Path(os.environ.get("IOMAP_SHAPIQ", ROOT / ".venv-shapiq" / "bin" / "python"))
    return Interpreter(python, module) if python.exists() else None


def serve(work: Callable[..., Mapping[str, np.ndarray]]) -> None:
    """Do work for each path on the input, with the arrays of that file by name; say versions first."""
    warnings.simplefilter("ignore")
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # packages print there
    print(json.dumps(_installed()), file=replies, flush=True)
    for line in sys.stdin:
        path = line.strip()
        try:
            with np.load(path) as file:
                asked = {name: file[name] for name in file.files}
            np.savez(f"{path}.out.npz", **work(**asked))  # type: ignore[arg-type]
            reply: dict[str, str] = {}
        except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            reply = {"failed": f"{type(error).__name__}: {str(error)[:120]}"}
        print(json.dumps(reply), file=replies, flush=True)


def _installed() -> dict[str, str]:
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
