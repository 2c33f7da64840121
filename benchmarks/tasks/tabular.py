"""Models of scikit-learn's breast cancer table (30 columns): an absent column has the mean of the training rows."""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.tasks.task import Task, kind
from probes import TabularProbe

__all__ = ["load", "names"]

SEED = 0


def names(instances: int) -> list[str]:
    """Test rows, for the neural network and for the forest."""
    return [f"{k}_{j:02d}" for k, j in product(MODELS, range(instances))]


def load(name: str) -> Task:
    """The task of a name that :func:`names` lists: log-odds of the network, probability of the forest."""
    train, test, model = _trained(kind(name))
    probe = TabularProbe(test[int(name.rsplit("_", 1)[1])], background=train.mean(axis=0)[None])
    if kind(name) == "forest_30":  # many of its probabilities are 0 or 1
        return Task(name, 30, lambda Z: model.predict_proba(probe.render(Z))[:, 1])
    return Task(name, 30, lambda Z: np.diff(model.predict_log_proba(probe.render(Z)), axis=1)[:, 0])


def _network() -> Any:
    return make_pipeline(StandardScaler(), MLPClassifier((64, 32), alpha=0.1, max_iter=500, random_state=SEED))


#: kind → unfitted model
MODELS = {"mlp_30": _network, "forest_30": lambda: RandomForestClassifier(200, random_state=SEED)}


@lru_cache(maxsize=2)
def _trained(which: str) -> tuple[np.ndarray, np.ndarray, Any]:
    """Training rows, test rows, fitted model."""
    X, y = load_breast_cancer(return_X_y=True)
    train, test, labels, _ = train_test_split(X, y, test_size=0.3, random_state=SEED, stratify=y)
    return train, test, MODELS[which]().fit(train, labels)
