"""Games whose whole table of 2ⁿ outputs is known: every question is free to check, and only those asked count."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from benchmarks.material import games
from probes import cube

__all__ = ["CONTROL", "Game", "Predict", "kind", "names", "score"]

#: predictions ``(m,)`` for rows ``(m, n)``
Predict = Callable[[np.ndarray], Any]

CONTROL = "parity_14"
CONTROLS = 3


class Game:
    """A table as a model that remembers what it was asked.

    Parameters
    ----------
    name : str
        A file of precomputed values, without its ending, or ``parity_14_NN``.

    Attributes
    ----------
    n : int
        Features.
    asked : ndarray of bool ``(2ⁿ,)``
        Which rows of the cube it was asked; as many model calls as are True, since answers are kept.
    """

    def __init__(self, name: str):
        self.table = _table(name)
        self.n = int(np.log2(len(self.table)))
        self.asked = np.zeros(len(self.table), dtype=bool)

    def __call__(self, Z: np.ndarray) -> np.ndarray:
        rows = (np.asarray(Z) > 0.5) @ (1 << np.arange(self.n))
        self.asked[rows] = True
        return self.table[rows]


@lru_cache(maxsize=2)
def _table(name: str) -> np.ndarray:
    if not name.startswith(CONTROL):
        return np.load({path.stem: path for path in games()}[name]).astype(float)
    n = int(CONTROL.rsplit("_", 1)[1])
    rng = np.random.default_rng(int(name.rsplit("_", 1)[1]))
    x, table = 2 * cube(n) - 1, np.zeros(2**n)
    for _ in range(6):
        subset = rng.choice(n, rng.integers(5, 9), replace=False)
        table += rng.normal() * x[:, subset].prod(axis=1)
    return table


def names(most: int | None = None) -> list[str]:
    """Every game, or the first few of each kind: the precomputed ones, then the control.

    The control is a sum of six parities of five to eight features, whose parts say nothing about the whole: no method
    that grows interactions from smaller ones can find them.
    """
    every = [path.stem for path in games()] + [f"{CONTROL}_{j:02d}" for j in range(CONTROLS)]
    return [name for name in every if most is None or int(name.rsplit("_", 1)[1]) < most]


def kind(name: str) -> str:
    """The name without the instance's number."""
    return name.rsplit("_", 1)[0]


def score(game: Game, predict: Predict) -> float:
    """R² on every row of the cube that was not asked."""
    rows = np.flatnonzero(~game.asked)
    Z, y = cube(game.n)[rows], game.table[rows]
    predicted = np.concatenate([np.ravel(predict(part)) for part in np.array_split(Z, max(1, len(Z) // 8192))])
    return float(1 - ((y - predicted) ** 2).sum() / ((y - y.mean()) ** 2).sum())
