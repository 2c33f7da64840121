"""Classifiers of scikit-learn's tables, whose decisions counterfactuals are about."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

__all__ = ["DATA", "MODELS", "Counted", "decision_table", "decision_task"]

DATA: dict[str, Any] = {"breast cancer": load_breast_cancer, "wine": load_wine}
MODELS: dict[str, Any] = {
    "forest": lambda: RandomForestClassifier(100, random_state=0),
    "logistic": lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
    "boosted": lambda: HistGradientBoostingClassifier(max_iter=50, random_state=0),
    "network": lambda: make_pipeline(StandardScaler(), MLPClassifier((32,), max_iter=500, random_state=0)),
}


class Counted:
    """A classifier that counts the rows it is asked."""

    def __init__(self, model: Any):
        self.model, self.rows = model, 0
        self.classes_ = model.classes_

    def predict(self, X: Any) -> np.ndarray:
        """Decide, and count."""
        self.rows += len(X)
        return np.asarray(self.model.predict(X))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities, and count."""
        self.rows += len(X)
        return np.asarray(self.model.predict_proba(X))


def decision_task(data: str, model: str) -> tuple[pd.DataFrame, pd.Series, Any]:
    """A table, its classes, and a classifier fitted to them."""
    X, y = decision_table(data)
    return X, y, MODELS[model]().fit(X, y)


def decision_table(data: str) -> tuple[pd.DataFrame, pd.Series]:
    """A table and its classes."""
    X, y = DATA[data](return_X_y=True, as_frame=True)
    X = X.rename(columns=lambda name: str(name).replace(" ", "_")).astype(float)
    return X.loc[:, X.nunique() > 1], y
