"""TrainingProbe: which training data a behaviour comes from."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, get_args

import joblib
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from probes.errors import InputError, ModelError, describe, integer
from probes.inputs.mask import MaskProbe
from probes.inputs.table_rows import in_order_of
from probes.model import Identity, Model
from probes.models.estimator import fingerprint
from probes.outputs.arrays import as_outputs
from probes.rounding import counted
from probes.views import CubeView

__all__ = ["Metric", "TrainingModel", "TrainingProbe"]

#: what a classifier, or a regressor, is judged by on rows with labels
Metric = Literal["score", "right_label"]
_OUTPUTS: dict[Metric, str] = {"score": "held-out score", "right_label": "probability of the right label"}


class TrainingProbe(MaskProbe):
    """Groups of training records, present or absent; the answer is a metric of the model trained on those present.

    Explain its ``model`` with it: ``explain(probe.model, probe)``. The average effect of a group over random sets of
    the others is its data Banzhaf value; a weighted sum of groups is a datamodel.

    Parameters
    ----------
    train : estimator of scikit-learn, or callable
        A clone of the estimator is fitted to the rows present; a callable gets the records present (and their `y`,
        where given), and returns a model of any kind.
    X : DataFrame, array or sequence of n records
    y : array ``(n,)``, optional
    groups : sequence of n labels, mapping of names to row numbers, or int, default 20
        What is present or absent together: rows with one label (a Series belongs to the rows of a DataFrame that its
        index names); rows of a mapping (the others are always there); or that many groups of rows drawn at random.
    evaluate : callable, or (X, y)
        Of the trained model, a number or several; or rows that it is judged on by `metric`.
    metric : {"score", "right_label"}, default "score"
        Of a pair of rows and labels: the estimator's own ``score``; or the mean probability that a classifier gives to
        the right label, which moves with every record where an accuracy moves in steps: what a group does shows after
        far fewer trainings.
    nothing : float or sequence, optional
        The answer where no record is present, such as that of an untrained model. By default an estimator is replaced
        by scikit-learn's dummy, which knows the shares of classes (the mean) of `y` alone; a function is called with no
        records.
    name : str, optional
        Identifies training and evaluation beyond this run, where they are functions. Estimators whose `random_state`
        is set, where they have one, and that are scored on rows need none.
    random_state : int, default 0
        Draws groups.

    Raises
    ------
    InputError

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = np.arange(12.0)[:, None], np.repeat([0, 1], 6)
    >>> bad = np.where(np.arange(12) % 4 == 1, 1 - y, y)  # every fourth label is wrong
    >>> probe = TrainingProbe(DecisionTreeClassifier(random_state=0), X, bad, np.arange(12) % 4, evaluate=(X, y))
    >>> probe.model(np.array([[1.0, 1, 1, 1], [1, 0, 1, 1]]))[:, 0].round(2)
    array([0.75, 1.  ])

    Notes
    -----
    Ilyas et al. (2022), "Datamodels"; Wang and Jia (2023), "Data Banzhaf". Trained models are not kept, their answers
    are.
    """

    def __init__(
        self,
        train: Any,
        X: Any,
        y: ArrayLike | None = None,
        groups: Sequence[Hashable] | np.ndarray | Mapping[str, Sequence[int]] | int = 20,
        evaluate: Any = None,
        *,
        metric: Metric = "score",
        nothing: float | Sequence[float] | None = None,
        name: str | None = None,
        random_state: int = 0,
    ):
        estimator = hasattr(train, "fit") and hasattr(train, "get_params") and not isinstance(train, type)
        if not estimator and (not callable(train) or isinstance(train, type)):
            raise InputError("train", "be an estimator of scikit-learn, or a function of records", train)
        if hasattr(X, "toarray"):
            raise InputError("X", "be dense: X.toarray()", X)
        X = X.tolist() if isinstance(X, pd.Series) else X  # records are taken by their places
        count = len(X) if hasattr(X, "__len__") and not isinstance(X, (str, Mapping)) else 0
        if count < 2:
            raise InputError("X", "be a table or a list of at least two records", X)
        labels = None if y is None else np.asarray(y)
        if labels is not None and (labels.ndim < 1 or len(labels) != count):
            raise InputError("y", f"have one value for each of the {count} records", y)
        self._rows = _grouped(in_order_of(X, groups, "X"), count, integer("random_state", random_state, least=0))
        super().__init__(list(self._rows))
        if not (callable(evaluate) or (estimator and isinstance(evaluate, tuple) and len(evaluate) == 2)):
            rule = "be a function of the trained model" + (", or a pair of rows and their labels" if estimator else "")
            raise InputError("evaluate", rule, evaluate)
        if not isinstance(metric, str) or metric not in get_args(Metric):
            raise InputError("metric", f"be one of {', '.join(get_args(Metric))}", metric)
        if metric != "score" and not (isinstance(evaluate, tuple) and hasattr(train, "predict_proba")):
            raise InputError("metric", "be score, unless a classifier with probabilities is judged on rows", metric)
        if nothing is not None and not _are_numbers(nothing):
            raise InputError("nothing", "be a number, or as many as evaluate returns", nothing)
        if nothing is None and isinstance(evaluate, tuple) and getattr(train, "scoring", None) is not None:
            raise InputError("nothing", "be given, because this estimator scores by a rule of its own", None)
        each = sorted({len(rows) for rows in self._rows.values()})
        sizes = f"{each[0]} to {each[-1]} training records" if len(each) > 1 else counted(each[0], "training record")
        self.notes = (f"Features are {len(self._rows)} groups of {sizes}, of {count} in all.",)
        self.model = TrainingModel(train, X, labels, list(self._rows.values()), evaluate, nothing, name, metric)

    def view(self) -> CubeView:
        return {**super().view(), "whole": "with all groups", "nothing": "with none of them"}

    def asked_of(self, model: Any) -> Any:
        """Return a model of training, if its groups are those of the probe.

        Raises
        ------
        InputError
        """
        inner = getattr(model, "model", model)  # of one that workers answer for
        same = isinstance(inner, TrainingModel) and len(inner.groups) == len(self._rows)
        if not same or not all(map(np.array_equal, inner.groups, self._rows.values())):
            raise InputError("model", "be the model of this probe, or of one with the same groups of records", model)
        return model

    @property
    def digest(self) -> str:
        """SHA-256 of which records each group holds."""
        rows = [rows.tolist() for rows in self._rows.values()]
        return hashlib.sha256(f"{super().digest}{rows!r}".encode()).hexdigest()


def _are_numbers(value: Any) -> bool:
    try:
        return bool(np.isfinite(np.asarray(value, dtype=float)).all())
    except (TypeError, ValueError):
        return False


def _grouped(groups: Any, count: int, seed: int) -> dict[str, np.ndarray]:
    """Return the row numbers of each group by its name.

    Raises
    ------
    InputError
    """
    if isinstance(groups, (int, np.integer)) and not isinstance(groups, bool):
        if not 2 <= groups <= count:
            raise InputError("groups", f"be between 2 and the {count} records there are", groups)
        order = np.random.default_rng([seed, 13]).permutation(count)
        return {f"group {k}": np.sort(part) for k, part in enumerate(np.array_split(order, int(groups)))}
    if isinstance(groups, Mapping):
        made = {}
        for name, given in groups.items():
            rows = np.asarray(given)
            whole = rows.ndim == 1 and rows.dtype.kind in "iu" and len(rows) > 0
            if not whole or rows.min() < 0 or rows.max() >= count:
                raise InputError(f"groups[{name!r}]", f"hold numbers of rows from 0 to {count - 1}", given)
            made[str(name)] = np.unique(rows)
        if len(made) < len(groups):
            raise InputError("groups", "have names that do not read alike", list(groups))
        several = np.concatenate([*made.values()]) if made else np.empty(0)
        if len(np.unique(several)) < len(several):
            raise InputError("groups", "hold no row twice", groups)
        return made
    labels = [] if isinstance(groups, str) or not hasattr(groups, "__len__") else list(groups)
    if len(labels) != count:
        raise InputError("groups", f"have one label for each of the {count} records, or be a number of groups", groups)
    if any(pd.isna(label) for label in labels) or len({str(label) for label in labels}) < len(set(labels)):
        raise InputError("groups", "have labels, none of them missing, that do not read alike", groups)
    codes, names = pd.factorize(np.array([str(label) for label in labels], dtype=object))
    return {str(name): np.flatnonzero(codes == k) for k, name in enumerate(names)}


class TrainingModel(Model):
    """Rows of 0 (absent) and 1 (present) groups → a metric of the model trained on the records present.

    A set of records that training fails on is a question that is not answered.
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
            self.outputs = (_OUTPUTS[metric],)
        self._always = np.setdiff1d(np.arange(len(X)), np.concatenate(groups))
        self._run, self._width = uuid.uuid4().hex, 0
        self._estimator = hasattr(train, "fit")
        self._mark = self._fingerprint()
        self.steady = name is not None or self._mark is not None

    def identity(self) -> Identity:
        if self.name is not None:
            return Identity(f"training:{self.name}:{self._data()[:32]}", True)
        return Identity(f"training:{self._mark or self._run}", self._mark is not None)

    def _data(self) -> str:
        judged = () if self.metric == "score" else (self.metric,)
        total = hashlib.sha256(repr(([group.tolist() for group in self.groups], self.nothing, *judged)).encode())
        total.update(joblib.hash((self.X, self.y), hash_name="sha1").encode())
        return total.hexdigest()

    def _fingerprint(self) -> str | None:
        """Return what identifies training and evaluation; None where a function or chance is part of it."""
        if not self._estimator or not isinstance(self.evaluate, tuple):
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
            return np.atleast_1d(np.asarray(self.nothing, dtype=float))
        try:
            trained = self._trained(chosen) if len(chosen) or not self._estimator else self._dummy()
            if isinstance(self.evaluate, tuple):
                value = (trained.score if self.metric == "score" else partial(_right_label, trained))(*self.evaluate)
            else:
                value = self.evaluate(trained)
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
            raise ModelError(
                f"evaluate returned {row}, no number, for a model trained on {counted(len(chosen), 'record')}."
            )
        return row

    def _trained(self, chosen: np.ndarray) -> Any:
        X = self.X.iloc[chosen] if isinstance(self.X, pd.DataFrame) else self._taken(chosen)
        given = (X,) if self.y is None else (X, self.y[chosen])
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


def _right_label(trained: Any, X: Any, y: Any) -> float:
    """Compute the mean probability that a classifier gives to the right labels; zero for those it has not seen."""
    place = {label: j for j, label in enumerate(trained.classes_.tolist())}
    columns = np.array([place.get(label, -1) for label in np.asarray(y).tolist()])
    shown = trained.predict_proba(X)[np.arange(len(columns)), columns]
    return float(np.where(columns >= 0, shown, 0.0).mean())
