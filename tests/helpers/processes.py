"""Python processes with code of their own, forked from one that has imported `probes`: it takes seconds."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
from contextlib import suppress
from multiprocessing.connection import Connection

from tests.helpers.checkout import ROOT

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["probes"])


class Process:
    """A process that runs `code` with arguments, and its input, output and errors."""

    def __init__(self, code: str, *arguments: object):
        pipes = [_FORKS.Pipe(duplex=False) for _ in range(3)]
        ends = [pipes[0][0], pipes[1][1], pipes[2][1]]  # what it reads, writes and writes errors to
        argv = ["-c", *map(str, arguments)]
        self._process = _FORKS.Process(target=_run, args=(textwrap.dedent(code), argv, dict(os.environ), *ends))
        self._process.start()
        for end in ends:
            end.close()
        self.stdin = os.fdopen(os.dup(pipes[0][1].fileno()), "w")
        self.stdout, self.stderr = (os.fdopen(os.dup(pipe[0].fileno())) for pipe in pipes[1:])
        for mine in (pipes[0][1], pipes[1][0], pipes[2][0]):
            mine.close()
        self.pid, self.kill = self._process.pid, self._process.kill

    def poll(self) -> int | None:
        """Return how it ended: minus the signal that killed it; None while it runs."""
        return self._process.exitcode

    def communicate(self, timeout: float = 120) -> tuple[str, str]:
        """Wait for its end, if need be bring it about, also of what it started; return what it wrote."""
        with self.stdin, self.stdout, self.stderr:
            self._process.join(timeout)
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            return self.stdout.read(), self.stderr.read()


def _run(code: str, argv: list[str], env: dict[str, str], *ends: Connection) -> None:
    os.setsid()
    os.environ.update(env)
    for number, end in enumerate(ends):
        os.dup2(end.fileno(), number)
        end.close()
    sys.stdin, sys.argv = os.fdopen(0, closefd=False), argv
    exec(compile(code, "<process>", "exec"), {"__name__": "__main__"})


def finish(process: Process, code: int = 0) -> str:
    out, err = process.communicate()
    assert process.poll() == code, err
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
    if not before:
        return finish(Process(COMMON + textwrap.dedent(code), *arguments))
    command = [*before, sys.executable, "-c", COMMON + textwrap.dedent(code), *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
