"""Python processes with code of their own."""

import os
import subprocess
import sys
import textwrap

from tests.helpers.checkout import ROOT


def start(code, *arguments):
    """A process of its own that runs `code` with arguments."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process, code=0):
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, err
    return out


COMMON = """
import os, signal, sys, time
import numpy as np
from probes.errors import StoreError
from probes.store.store import Store

def key(i):
    return int(i).to_bytes(32, "big")

def value(i, width=40):
    return np.arange(float(width)) + i
"""


def key(i: int) -> bytes:
    return int(i).to_bytes(32, "big")


def script(code: str, *arguments: object, before: tuple[str, ...] = ()) -> str:
    """What a process of its own prints; it must end well."""
    command = [*before, sys.executable, "-c", COMMON + textwrap.dedent(code), *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
