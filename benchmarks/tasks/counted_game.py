"""A task as a model that counts what it is asked, and the score on what it was not asked."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from zlib import crc32

import numpy as np

from benchmarks.tasks import tables
from benchmarks.tasks.tables import CONTROL
from benchmarks.tasks.task import Task, kind
from probes import cube

__all__ = ["CONTROL", "Game", "Predict", "judged", "kind", "names", "r2", "score", "uniform"]

#: predictions ``(m,)`` for rows ``(m, n)``
Predict = Callable[[np.ndarray], Any]


class Game:
    """A task as a model that remembers what it was asked.

    Parameters
    ----------
    task : Task or str
        The name of a full table stands for its task.

    Attributes
    ----------
    n : int
        Features.
    calls : int
        Rows asked, repeated ones included.
    seconds : float
        Time spent in the task's own answers.
    """

    def __init__(self, task: Task | str):
        self.task = tables.load(task) if isinstance(task, str) else task
        self.n = self.task.n
        self.calls = 0
        self.seconds = 0.0
        self._known: set[bytes] = set()

    def __call__(self, Z: np.ndarray) -> np.ndarray:
        rows = np.asarray(Z, dtype=float) > 0.5
        self.calls += len(rows)
        self._known.update(_keys(rows))
        start = time.perf_counter()
        answers = self.task.answer(rows.astype(float))
        self.seconds += time.perf_counter() - start
        return answers

    @property
    def distinct(self) -> int:
        """Different rows asked."""
        return len(self._known)

    @property
    def table(self) -> np.ndarray:
        """All outputs ``(2ⁿ,)`` of a full table."""
        assert self.task.table is not None
        return self.task.table

    @property
    def asked(self) -> np.ndarray:
        """Which rows of a full table were asked, bool ``(2ⁿ,)``."""
        return self.seen(cube(self.n))

    def seen(self, Z: np.ndarray) -> np.ndarray:
        """Which of the rows ``(m, n)`` were asked, bool ``(m,)``."""
        return np.array([key in self._known for key in _keys(Z > 0.5)])


def _keys(rows: np.ndarray) -> list[bytes]:
    return [row.tobytes() for row in np.packbits(rows, axis=1)]


def names(most: int | None = None) -> list[str]:
    """Every full table, or the first few of each kind: the precomputed ones, then the control."""
    return tables.table_names(10**6 if most is None else most) + tables.control_names(3 if most is None else most)


def uniform(n: int, rows: int, seed: int) -> np.ndarray:
    """Distinct uniform rows ``(rows, n)``; fewer rows of the same seed are the first ones."""
    rng = np.random.default_rng(seed)
    if n <= 16:
        numbers = rng.permutation(2**n)[:rows]
        return ((numbers[:, None] >> np.arange(n)) & 1).astype(float)
    distinct: dict[bytes, np.ndarray] = {}
    while len(distinct) < rows:
        for row in rng.integers(0, 2, (rows - len(distinct), n), dtype=np.uint8):
            distinct.setdefault(row.tobytes(), row)
    return np.array(list(distinct.values()), dtype=float)


def judged(game: Game) -> np.ndarray:
    """Rows that were not asked: all others of a small or known cube, else 2,000 fresh uniform ones."""
    task = game.task
    if task.table is not None or 2**task.n <= task.held_out:
        Z = cube(task.n)
    else:
        Z = uniform(task.n, task.held_out, crc32(task.name.encode()))
    return Z[~game.seen(Z)]


def score(game: Game, predict: Predict) -> float:
    """R² on the rows that judge."""
    Z = judged(game)
    predicted = np.concatenate([np.ravel(predict(part)) for part in np.array_split(Z, max(1, len(Z) // 8192))])
    return r2(game.task.answer(Z), predicted)


def r2(y: np.ndarray, predicted: np.ndarray) -> float:
    """1 − Σ(y − ŷ)² / Σ(y − ȳ)²."""
    return float(1 - ((y - predicted) ** 2).sum() / ((y - y.mean()) ** 2).sum())
