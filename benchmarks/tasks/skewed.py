"""Probabilities that are small nearly everywhere, as of a class that is rarely seen: made-up ones and those of tables.

Answers count as skewed where their median is at most a twentieth, and nine in ten at most two fifths, of the largest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import count, islice, product
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.tasks.task import Answer, Task

__all__ = ["load", "names"]

#: rows that say whether a game is skewed
ROWS = 2000
#: real instances of each table and model, at most
EACH = 6
HELD_OUT = 4096
#: games are numbered from here: lower numbers were looked at while the process was made safe
FIRST = 2000
TABLES = {"wine": load_wine, "cancer": load_breast_cancer, "digits": load_digits}
MODELS: dict[str, Callable[[], Any]] = {
    "logistic": lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)),
    "mlp": lambda: make_pipeline(StandardScaler(), MLPClassifier((64,), max_iter=400, random_state=1)),
    "boosted": lambda: GradientBoostingClassifier(random_state=1, n_estimators=40),
}


def names(total: int) -> list[str]:
    """Real games, a quarter of all at most, then made-up ones of each kind in turns."""
    real = list(islice(_real(), total // 4))
    made = (f"{kind}_{number}" for number in count(FIRST) for kind in MAKERS)
    return [*real, *islice((name for name in made if _skewed(load(name))), total - len(real))]


def load(name: str) -> Task:
    """The task of a name that :func:`names` lists."""
    kind, *rest = name.split("_")
    if kind in TABLES:
        model, row, label = rest
        return _of_table(name, kind, model, int(row), int(label))
    rng = np.random.default_rng(int(rest[0]))
    n = int(rng.integers(8, 24))
    return Task(name, n, MAKERS[kind](n, rng), HELD_OUT)


def _skewed(task: Task) -> bool:
    y = task.answer(np.random.default_rng(0).integers(0, 2, (ROWS, task.n)).astype(float))
    most = y.max()
    return bool(most > 0.001 and np.median(y) <= most / 20 and np.quantile(y, 0.9) <= most * 2 / 5)


def _real() -> Iterator[str]:
    """Instances with a class whose probability is skewed, the first of each table and model."""
    for table, model in product(TABLES, MODELS):
        X, _, fitted = _trained(table, model)
        pairs = product(range(len(X) // 2), range(len(fitted.classes_)))
        made = (f"{table}_{model}_{row}_{label}" for row, label in islice(pairs, 400))
        yield from islice((name for name in made if _skewed(load(name))), EACH)


@lru_cache(maxsize=9)
def _trained(table: str, model: str) -> tuple[np.ndarray, np.ndarray, Any]:
    X, y = TABLES[table](return_X_y=True)
    return X, y, MODELS[model]().fit(X[::2], y[::2])


def _of_table(name: str, table: str, model: str, row: int, label: int) -> Task:
    """Probability of a class; absent columns have the mean of the training rows, pixels go by blocks of eight."""
    X, _, fitted = _trained(table, model)
    x, reference = X[1::2][row], X[::2].mean(axis=0)
    block = np.arange(len(x)) if table != "digits" else np.arange(64) // 16 * 4 + np.arange(64) % 8 // 2

    def answer(Z: np.ndarray) -> np.ndarray:
        keep = Z[:, block]
        return fitted.predict_proba(keep * x + (1 - keep) * reference)[:, label]

    return Task(name, int(block.max()) + 1, answer, HELD_OUT)


def logistic(n: int, rng: np.random.Generator) -> Answer:
    """σ(Σ aᵢ zᵢ + Σ wᵢⱼ zᵢ zⱼ − b), where b lies in the upper twentieth of the sums."""
    main = rng.normal(size=n) * rng.choice([0.4, 0.8, 1.5]) * (rng.random(n) < rng.choice([0.4, 1.0]))
    pairs = np.triu(rng.normal(size=(n, n)) * rng.choice([0.3, 0.8]) * (rng.random((n, n)) < 1 / n), 1)

    def total(Z: np.ndarray) -> np.ndarray:
        return Z @ main + ((Z @ pairs) * Z).sum(axis=1)

    free = np.random.default_rng(1).integers(0, 2, (4000, n)).astype(float)
    bias = np.quantile(total(free), rng.uniform(0.95, 0.999))
    return lambda Z: 1 / (1 + np.exp(bias - total(Z)))


def softmax(n: int, rng: np.random.Generator) -> Answer:
    """The rarest of a few classes of a network with one hidden layer beside a linear one."""
    classes = int(rng.integers(3, 8))
    linear = rng.normal(size=(n, classes)) * rng.choice([0.5, 1.0, 1.5])
    hidden, out = rng.normal(size=(n, 16)), rng.normal(size=(16, classes)) * rng.choice([0.3, 0.8])

    def shares(Z: np.ndarray) -> np.ndarray:
        logits = Z @ linear + np.tanh(Z @ hidden - hidden.sum(axis=0) / 2) @ out
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)

    free = shares(np.random.default_rng(1).integers(0, 2, (4000, n)).astype(float))
    rarest = int(np.argmin(np.median(free, axis=0) / free.max(axis=0)))
    return lambda Z: shares(Z)[:, rarest]


def conjunction(n: int, rng: np.random.Generator) -> Answer:
    """A few sets of two to four features that count where all of one are present, and a little of everything."""
    sets = [rng.choice(n, int(rng.integers(2, 5)), replace=False) for _ in range(int(rng.integers(2, 5)))]
    weights, slight = rng.uniform(0.2, 1.0, len(sets)), np.abs(rng.normal(size=n)) * 0.02 / n

    def answer(Z: np.ndarray) -> np.ndarray:
        whole = sum(weight * Z[:, members].all(axis=1) for members, weight in zip(sets, weights, strict=True))
        return np.clip(0.003 + Z @ slight + whole, 0, 1) ** 1.5

    return answer


def exponential(n: int, rng: np.random.Generator) -> Answer:
    """exp(Σ aᵢ zᵢ), at most .6."""
    weights = rng.normal(size=n) * rng.choice([0.25, 0.5, 1.0])
    return lambda Z: 0.6 * np.exp(Z @ weights - np.maximum(weights, 0).sum())


MAKERS = {"logistic": logistic, "softmax": softmax, "conjunction": conjunction, "exponential": exponential}
