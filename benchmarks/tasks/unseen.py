"""Instances that nothing was chosen on: sentences, tables, photographs, and contexts of a language model.

The seed is for these alone. Nothing in the library may be tuned on them; whoever looks at them for that takes another
seed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, make_classification
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.tasks import context, photographs, sentiment
from benchmarks.tasks.task import Task, remembered, through_store
from benchmarks.tasks.unseen_documents import DOCUMENTS
from probes import CallableModel, ContextProbe, TabularProbe, Target

__all__ = ["LOADERS", "a_context", "load", "sentence", "superpixels", "table"]

SEED, COLUMNS = 2611, 14
#: rows of uniform masks, and the least standard deviation of the probabilities that a model gives these
TRIED, LEAST = 512, 0.05


@lru_cache(maxsize=32)
def sentence(name: str) -> Task:
    """Log-odds of MiniLM for a review sentence of 14 words, absent ones removed; others have 19 or more."""
    j = int(name.rsplit("_", 1)[1])
    return remembered(sentiment.log_odds(name, sentiment.drawn(j + 1, range(COLUMNS, COLUMNS + 1), SEED)[j]))


@lru_cache(maxsize=32)
def superpixels(name: str) -> Task:
    """Log-odds of EfficientNet-Lite0 for a piece of a photograph; absent superpixels have their mean colour."""
    j = int(name.rsplit("_", 1)[1])
    photograph = photographs.NAMES[j % len(photographs.NAMES)]
    seen = photographs.cropped(photograph, np.random.default_rng([SEED, j]), COLUMNS)
    number = Target("identity", (0,), ("top",), "log-odds")
    answers = through_store(CallableModel(seen, f"EfficientNet-Lite0 {seen.top}"), seen.probe, number)
    return remembered(Task(name, COLUMNS, answers))


@lru_cache(maxsize=32)
def a_context(name: str) -> Task:
    """Mean token log-probability (nats) of an answer that SmolLM2 reads ten sentences for; absent ones are removed."""
    document, question, answer = DOCUMENTS[int(name.rsplit("_", 1)[1])]
    probe = ContextProbe(document, question, answer=answer)
    return remembered(Task(name, len(probe.features), context.answers(probe)))


def _cancer(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    X, y = load_breast_cancer(return_X_y=True)
    return X[:, rng.choice(X.shape[1], COLUMNS, replace=False)], y


def _digits(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    X, y = load_digits(return_X_y=True)
    varied = np.flatnonzero(X.std(axis=0) > 2)
    return X[:, rng.choice(varied, COLUMNS, replace=False)], y % 2


def _made(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    X, y = make_classification(
        1200, COLUMNS, n_informative=9, n_redundant=2, n_clusters_per_class=3, random_state=int(rng.integers(2**31))
    )
    return X, y


TABLES: tuple[Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]], ...] = (_cancer, _digits, _made)
MODELS: tuple[Callable[[], Any], ...] = (
    lambda: RandomForestClassifier(200, random_state=SEED),
    lambda: GradientBoostingClassifier(random_state=SEED),
    lambda: make_pipeline(StandardScaler(), MLPClassifier((32, 32), max_iter=500, random_state=SEED)),
)


@lru_cache(maxsize=32)
def table(name: str) -> Task:
    """Probability of a class by a forest, boosted trees or a network, of one of three tables in turns.

    An absent column has the mean of the training rows. Of the test rows it is the first drawn whose answers vary.
    """
    j = int(name.rsplit("_", 1)[1])
    rng = np.random.default_rng([SEED, j])
    X, y = TABLES[j % len(TABLES)](rng)
    order = rng.permutation(len(X))
    train, test = order[: len(X) // 2], order[len(X) // 2 :]
    model = MODELS[(j // len(TABLES) + j) % len(MODELS)]().fit(X[train], y[train])
    background = X[train].mean(axis=0)[None]
    tried = rng.integers(0, 2, (TRIED, COLUMNS)).astype(float)
    for row in test:
        probe = TabularProbe(X[row], background=background)

        def answer(Z: np.ndarray, probe: TabularProbe = probe) -> np.ndarray:
            return model.predict_proba(probe.render(Z))[:, 1]

        if answer(tried).std() >= LEAST:
            return Task(name, COLUMNS, answer)
    raise AssertionError(f"{name}: no row whose answers vary")


#: kind → the task of a name
LOADERS: dict[str, Callable[[str], Task]] = {
    f"sentence_{COLUMNS}": sentence,
    f"table_{COLUMNS}": table,
    f"superpixels_{COLUMNS}": superpixels,
    "context_10": a_context,
}


def load(name: str) -> Task:
    """The task of a name ``KIND_NN``."""
    return LOADERS[name.rsplit("_", 1)[0]](name)
