"""Tasks of others: games of shapiq's own benchmark, as shipped. Nothing in the library was tuned on them.

They need the interpreter of :mod:`benchmarks.rivals.served`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from benchmarks.rivals.served import Interpreter, interpreter
from benchmarks.rivals.shapiq_games import SETUPS
from benchmarks.run.record import Skipped
from benchmarks.tasks.task import Task, remembered

__all__ = ["LOADERS", "game"]


@lru_cache(maxsize=1)
def _there() -> Interpreter:
    found = interpreter("benchmarks.rivals.shapiq_games")
    if found is None or "shapiq" not in found.versions:
        raise Skipped("no interpreter that has shapiq (IOMAP_SHAPIQ)")
    return found


@lru_cache(maxsize=32)
def game(name: str) -> Task:
    """The game of a name ``KIND_NN``; a kind ends in its number of players."""
    kind, number = name.rsplit("_", 1)
    there, n = _there(), int(kind.rsplit("_", 1)[1])

    def answer(Z: np.ndarray) -> np.ndarray:
        return there(kind=kind, number=int(number), rows=Z)["y"]

    return remembered(Task(name, n, answer))


#: kind → the task of a name
LOADERS: dict[str, Callable[[str], Task]] = dict.fromkeys(SETUPS, game)
