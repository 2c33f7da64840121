"""Games whose whole table of 2ⁿ outputs is known: real models' precomputed ones, and a control."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from benchmarks.tasks.material import games
from benchmarks.tasks.task import Task
from probes import cube

__all__ = ["CONTROL", "control_names", "load", "table_names"]

CONTROL = "parity_14"


def table_names(instances: int) -> list[str]:
    """The first few precomputed games of each kind."""
    return [path.stem for path in games() if int(path.stem.rsplit("_", 1)[1]) < instances]


def control_names(instances: int) -> list[str]:
    """Instances of the control: a sum of six parities of five to eight features.

    The parts of a parity say nothing about the whole: what grows interactions from smaller ones cannot find it.
    """
    return [f"{CONTROL}_{j:02d}" for j in range(instances)]


@lru_cache(maxsize=2)
def load(name: str) -> Task:
    """The task of a name that :func:`table_names` or :func:`control_names` lists."""
    if name.startswith(CONTROL):
        table = _parities(int(name.rsplit("_", 1)[1]))
    else:
        table = np.load({path.stem: path for path in games()}[name]).astype(float)
    n = int(np.log2(len(table)))
    return Task(name, n, lambda Z: table[(Z > 0.5) @ (1 << np.arange(n))], table=table)


def _parities(seed: int) -> np.ndarray:
    n = int(CONTROL.rsplit("_", 1)[1])
    rng = np.random.default_rng(seed)
    x, table = 2 * cube(n) - 1, np.zeros(2**n)
    for _ in range(6):
        subset = rng.choice(n, rng.integers(5, 9), replace=False)
        table += rng.normal() * x[:, subset].prod(axis=1)
    return table
