"""Made-up games of 40, 100 and 400 features: conjunctions and disjunctions, and a log-probability that saturates."""

from __future__ import annotations

from itertools import product
from zlib import crc32

import numpy as np

from benchmarks.tasks.task import Answer, Task, kind

__all__ = ["load", "names"]

SIZES = (40, 100, 400)
ACTIVE = 16


def names(instances: int) -> list[str]:
    """Every kind, size and instance."""
    return [f"{k}_{n}_{j:02d}" for k, n, j in product(MAKERS, SIZES, range(instances))]


def load(name: str) -> Task:
    """The task of a name that :func:`names` lists."""
    make, n = kind(name).rsplit("_", 1)
    return Task(name, int(n), MAKERS[make](int(n), np.random.default_rng(crc32(name.encode()))))


def and_or(n: int, rng: np.random.Generator) -> Answer:
    """Σ wₖ AND(Sₖ) or OR(Sₖ) over ten sets of two to four of 16 features, and six main effects.

    Weights are larger for larger sets, so that all of them matter at random rows.
    """
    active = rng.choice(n, ACTIVE, replace=False)
    sets = [rng.choice(active, rng.integers(2, 5), replace=False) for _ in range(10)]
    either = rng.random(10) < 0.5
    weights = rng.normal(size=10) * np.array([2 ** (len(s) / 2) for s in sets])
    main, sizes = active[:6], rng.normal(size=6)

    def answer(Z: np.ndarray) -> np.ndarray:
        present = Z > 0.5
        total = present[:, main] @ sizes
        for members, one, weight in zip(sets, either, weights, strict=True):
            some = present[:, members]
            total = total + weight * (some.any(axis=1) if one else some.all(axis=1))
        return total

    return answer


def log_prob(n: int, rng: np.random.Generator) -> Answer:
    """log σ(evidence) in nats: four facts stated in two places each (either will do), eight weaker sources, a bias.

    It saturates: with enough evidence the probability is near 1 and nothing more matters.
    """
    active = rng.choice(n, ACTIVE, replace=False)
    facts, weak = active[:8].reshape(4, 2), active[8:]
    strong, slight = rng.uniform(1.5, 3, 4), rng.normal(0, 0.7, 8)
    bias = -strong.sum() * 0.7

    def answer(Z: np.ndarray) -> np.ndarray:
        present = Z > 0.5
        evidence = bias + present[:, facts].any(axis=2) @ strong + present[:, weak] @ slight
        return -np.logaddexp(0.0, -evidence)

    return answer


MAKERS = {"and_or": and_or, "log_prob": log_prob}
