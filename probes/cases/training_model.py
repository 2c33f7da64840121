"""TrainingModel: which groups of training records are present → a metric of the model trained on them."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import joblib
import numpy as np
import pandas as pd

from probes.errors import describe
from probes.model import Identity, Model
from probes.models.estimator import fingerprint
from probes.outputs.arrays import as_outputs
from probes.rounding import counted

__all__ = ["OUTPUTS", "Metric", "TrainingModel", "column_of", "right_label"]

#: what a classifier, or a regressor, is judged by on rows with labels
Metric = Literal["score", "right_label"]
OUTPUTS: dict[Metric, str] = {"score": "held-out score", "right_label": "probability of the right label"}


class TrainingModel(Model):
    """Rows of 0 (absent) and 1 (present) groups → a metric of the model trained on the records present.

    A set of records that training fails on, or whose metric is no number, is a question that is not answered.
    """

    unit = "score"
    fallible = True
    compared = False

    def __init__(
        self,
        train: Any,
        X: Any,
        y: np.ndarray | None,
        groups: Sequence[np.ndarray],
        evaluate: Any,
        nothing: float | Sequence[float] | None,
        name: str | None,
        metric: Metric = "score",
    ):
        self.metric: Metric = metric
        self.train, self.X, self.y, self.groups, self.evaluate, self.name = train, X, y, groups, evaluate, name
        self.nothing = nothing
        self.batch, self.vouched = 1, name is not None
        if isinstance(evaluate, tuple):
            self.outputs = (OUTPUTS[metric],)
        self._always = np.setdiff1d(np.arange(len(X)), np.concatenate(groups))
        self._run, self._width = uuid.uuid4().hex, 0
        self._estimator = hasattr(train, "fit")
        self._mark = self._fingerprint()
        self.steady = name is not None or self._mark is not None

    def identity(self) -> Identity:
        if self.name is not None:
            return Identity(f"training:{self.name}:{self._data()[:32]}", True)
        return Identity(f"training:{self._mark or self._run}", self._mark is not None)

    def marks(self) -> tuple[Any, ...]:
        """Return what tells the answers apart from an estimator's score."""
        return () if self.metric == "score" else (self.metric,)

    def _data(self) -> str:
        told = ([group.tolist() for group in self.groups], self.nothing, *self.marks())
        total = hashlib.sha256(repr(told).encode())
        total.update(joblib.hash((self.X, self.y), hash_name="sha1").encode())
        return total.hexdigest()

    def fixed(self) -> bool:
        """Return whether no function of the user is part of how models are judged."""
        return isinstance(self.evaluate, tuple)

    def _fingerprint(self) -> str | None:
        """Return what identifies training and evaluation; None where a function or chance is part of it."""
        if not self._estimator or not self.fixed():
            return None
        parameters = self.train.get_params(deep=True)
        if any(key.split("__")[-1] == "random_state" and value is None for key, value in parameters.items()):
            return None
        mark = fingerprint(self.train)
        if mark is None:
            return None
        tested = joblib.hash(self.evaluate, hash_name="sha1")
        return hashlib.sha256(f"{mark}{self._data()}{tested}".encode()).hexdigest()

    def __call__(self, inputs: Any) -> np.ndarray:
        rows = [self._answer(np.asarray(z, dtype=float)) for z in inputs]
        known = next((len(row) for row in rows if row is not None), 1)
        return np.array([np.full(known, np.nan) if row is None else row for row in rows])

    def _answer(self, z: np.ndarray) -> np.ndarray | None:
        """Train on the groups present and evaluate; None where that fails."""
        here = [group for group, on in zip(self.groups, z, strict=True) if on > 0.5]
        chosen = np.sort(np.concatenate([self._always, *here])).astype(int)
        if not len(chosen) and self.nothing is not None:
            return self.untrained()
        try:
            trained = self._trained(chosen) if len(chosen) or not self._estimator else self._dummy()
            value = self.judged(trained)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong with few records, other sets are worth asking
            what = f"{type(error).__name__}: {describe(str(error), 120)}"
            advice = "" if len(chosen) else "; nothing= gives the answer where no record is present"
            self.reason = f"training on {counted(len(chosen), 'record')} raised {what}{advice}"
            return None
        row = as_outputs(np.atleast_1d(np.asarray(value, dtype=float))[None], 1, "evaluate", "")[0]
        self._width = self._width or len(row)
        if len(row) != self._width:
            few = f"{counted(len(row), 'number')} for {counted(len(chosen), 'record')}"
            self.reason = f"evaluate returned {few}, and {self._width} for others"
            return None
        if not np.isfinite(row).all():
            self.reason = f"evaluate returned {row}, no number, for a model trained on {counted(len(chosen), 'record')}"
            return None
        return row

    def untrained(self) -> np.ndarray:
        """Return `nothing`, the answer where no record is present."""
        return np.atleast_1d(np.asarray(self.nothing, dtype=float))

    def judged(self, trained: Any) -> Any:
        """Return what a trained model is worth."""
        if not isinstance(self.evaluate, tuple):
            return self.evaluate(trained)
        return (trained.score if self.metric == "score" else partial(right_label, trained))(*self.evaluate)

    def records(self, chosen: np.ndarray) -> tuple[Any, ...]:
        """Return some records, by their row numbers, and their labels, where there are any."""
        X = self.X.iloc[chosen] if isinstance(self.X, pd.DataFrame) else self._taken(chosen)
        return (X,) if self.y is None else (X, self.y[chosen])

    def _trained(self, chosen: np.ndarray) -> Any:
        given = self.records(chosen)
        if not self._estimator:
            return self.train(*given)
        from sklearn.base import clone

        return clone(self.train).fit(*given)

    def _dummy(self) -> Any:
        """Return what knows the shares of classes, or the mean, and nothing else."""
        from sklearn.base import is_classifier
        from sklearn.dummy import DummyClassifier, DummyRegressor

        made = DummyClassifier(strategy="prior") if is_classifier(self.train) else DummyRegressor()
        return made.fit(self.X, self.y)

    def _taken(self, chosen: np.ndarray) -> Any:
        return self.X[chosen] if isinstance(self.X, np.ndarray) else [self.X[i] for i in chosen]


def column_of(y: np.ndarray) -> np.ndarray:
    """Return labels ``(n, 1)`` as ``(n,)``, the shape that predictions have; others as they are."""
    return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y


def right_label(trained: Any, X: Any, y: Any) -> float:
    """Compute the mean probability that a classifier gives to the right labels; zero for those it has not seen."""
    place = {label: j for j, label in enumerate(trained.classes_.tolist())}
    columns = np.array([place.get(label, -1) for label in column_of(np.asarray(y)).tolist()])
    shown = trained.predict_proba(X)[np.arange(len(columns)), columns]
    return float(np.where(columns >= 0, shown, 0.0).mean())
