"""Sums of products of few of many features: functions whose interaction indices are known in closed form."""

from __future__ import annotations

from itertools import combinations
from zlib import crc32

import numpy as np

from benchmarks.tasks.task import Task, kind

__all__ = ["SIZES", "load", "names", "pairs", "products"]

SIZES = (40, 100)
#: features that do something, and how many products there are of one to four of them
ACTIVE, COUNTS = 12, (6, 8, 4, 2)

#: sets of features → weights
Products = dict[tuple[int, ...], float]


def names(instances: int) -> list[str]:
    """Every size and instance."""
    return [f"products_{n}_{j:02d}" for n in SIZES for j in range(instances)]


def products(name: str) -> Products:
    """The weights of a name that :func:`names` lists; those of more features are larger, so that they matter."""
    rng, n = np.random.default_rng(crc32(name.encode())), int(kind(name).rsplit("_", 1)[1])
    active, weights = rng.choice(n, ACTIVE, replace=False), Products()
    for size, count in enumerate(COUNTS, 1):
        for _ in range(count):
            members = tuple(sorted(rng.choice(active, size, replace=False).tolist()))
            weights[members] = weights.get(members, 0.0) + float(rng.normal() * 2 ** (size / 2))
    return weights


def load(name: str) -> Task:
    """The task of a name."""
    weights = products(name)

    def answer(Z: np.ndarray) -> np.ndarray:
        return np.sum([w * (Z[:, list(s)] > 0.5).all(axis=1) for s, w in weights.items()], axis=0)

    return Task(name, int(kind(name).rsplit("_", 1)[1]), answer)


def pairs(weights: Products, n: int, index: str) -> np.ndarray:
    """Shapley or Banzhaf interaction indices of all pairs, in the order of ``combinations``.

    A product of t features adds its weight / (t − 1) to each of its pairs, or its weight / 2^(t − 2).

    Examples
    --------
    >>> pairs({(0, 1, 2): 6.0}, 3, "shapley"), pairs({(0, 1, 2): 6.0}, 3, "banzhaf")
    (array([3., 3., 3.]), array([3., 3., 3.]))
    """
    place, values = {s: j for j, s in enumerate(combinations(range(n), 2))}, np.zeros(n * (n - 1) // 2)
    for members, weight in weights.items():
        over = len(members) - 2
        for pair in combinations(members, 2):
            values[place[pair]] += weight / (over + 1 if index == "shapley" else 2**over)
    return values
