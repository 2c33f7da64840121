"""Planted functions: sparse sums of products of x = 2z − 1, answered with noise; which sets matter is known."""

from __future__ import annotations

import hashlib
from itertools import product
from zlib import crc32

import numpy as np

from benchmarks.tasks.task import Task, kind
from benchmarks.tasks.walsh import Subsets

__all__ = ["load", "names", "planted"]

SIZES = (20, 40, 100)
KINDS = ("nested", "hidden")
MAIN, PAIRS, TRIPLES = 8, 5, 2
NOISE = 0.1  # of the variance of the answers without it


def names(instances: int) -> list[str]:
    """Every kind, size and instance."""
    return [f"{k}_{n}_{j:02d}" for k, n, j in product(KINDS, SIZES, range(instances))]


def planted(name: str) -> Subsets:
    """Sets of features and their weights: eight main effects, five pairs, two triples.

    ``nested``: pairs and triples are of features that have main effects. ``hidden``: of features that have none, so
    that nothing smaller hints at them.
    """
    which, size = kind(name).rsplit("_", 1)
    rng = np.random.default_rng(crc32(name.encode()))
    features = rng.permutation(int(size))
    main = features[:MAIN]
    joined = main if which == "nested" else features[MAIN : 2 * MAIN]
    sets: set[tuple[int, ...]] = {(int(i),) for i in main}
    for order, count in ((2, PAIRS), (3, TRIPLES)):
        while sum(len(s) == order for s in sets) < count:
            sets.add(tuple(sorted(int(i) for i in rng.choice(joined, order, replace=False))))
    return {s: float(rng.choice([-1, 1]) * rng.uniform(0.5, 1.5)) for s in sorted(sets)}


def load(name: str) -> Task:
    """The task of a name that :func:`names` lists. A question asked again gets the same noise."""
    weights = planted(name)
    n = int(kind(name).rsplit("_", 1)[1])
    spread = np.sqrt(NOISE * sum(w**2 for w in weights.values()))

    def answer(Z: np.ndarray) -> np.ndarray:
        X = 2.0 * (Z > 0.5) - 1
        signal = sum(weight * X[:, members].prod(axis=1) for members, weight in weights.items())
        return signal + spread * np.array([_normal(name, row) for row in np.packbits(Z > 0.5, axis=1)])

    return Task(name, n, answer)


def _normal(name: str, row: np.ndarray) -> float:
    digest = hashlib.sha256(name.encode() + row.tobytes()).digest()
    return float(np.random.default_rng(int.from_bytes(digest[:8], "little")).normal())
