"""Kinds of scikit-learn estimators: which method of each returns quantities, and what its outputs are called."""

from __future__ import annotations

from collections.abc import Collection
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np

from probes.errors import ModelError, describe

__all__ = [
    "ADVICE",
    "METHODS",
    "Choices",
    "choices_of",
    "decides_otherwise",
    "kind_of",
    "of_pairs",
    "one_hot",
    "output_names",
    "own_decisions",
    "side_by_side",
    "usual_methods",
]

#: what ``predict`` chooses from: classes or clusters ``(k,)``, or those of each of several targets
Choices: TypeAlias = np.ndarray | list[np.ndarray]

METHODS = ("predict_proba", "decision_function", "predict", "score_samples")
_USUAL = {
    "classifier": ("predict_proba", "decision_function", "predict"),
    "outlier_detector": ("decision_function", "score_samples"),
    "regressor": ("predict",),
}
#: what helps where a method is missing
ADVICE = {
    "outlier_detector": "; a LocalOutlierFactor has them with novelty=True",
    "clusterer": "; this one only labels the rows that it was fitted to",
}


def kind_of(estimator: Any) -> str:
    """Return the kind: "classifier", "outlier_detector", "clusterer", "regressor", or "" for the others."""
    from sklearn.base import ClusterMixin, is_classifier, is_outlier_detector, is_regressor

    if is_outlier_detector(estimator):
        return "outlier_detector"
    if is_classifier(estimator):
        return "classifier"
    if isinstance(_last(estimator), ClusterMixin):
        return "clusterer"
    return "regressor" if is_regressor(estimator) else ""


def usual_methods(estimator: Any, kind: str) -> tuple[str, ...]:
    """Return the methods that give quantities, the best first."""
    if kind == "clusterer":
        return ("transform", "predict") if _has_distances(estimator) else ("predict",)
    if kind in _USUAL:
        return _USUAL[kind]
    # a mixture, or a classifier that does not say so: its labels are no quantities
    return ("predict_proba", "predict") if hasattr(estimator, "predict_proba") else ("predict",)


def choices_of(estimator: Any, kind: str) -> Choices | None:
    """Return the classes or clusters that ``predict`` chooses from; None if it returns quantities or nobody knows."""
    if kind == "outlier_detector":
        return np.array([-1, 1])
    if kind == "clusterer":
        last = _last(estimator)
        centres = getattr(last, "cluster_centers_", None)
        if centres is None:
            return np.unique(last.labels_) if hasattr(last, "labels_") else None
        return np.arange(len(centres))
    classes = getattr(estimator, "classes_", None)
    known = isinstance(classes, list) or (isinstance(classes, np.ndarray) and classes.ndim == 1)
    return classes if kind != "regressor" and known else None


def output_names(estimator: Any, kind: str, method: str, choices: Choices | None) -> tuple[str, ...] | None:
    """Return the names of the outputs of a method; None where there are none."""
    if isinstance(choices, np.ndarray):
        return tuple(f"cluster {c}" if kind == "clusterer" else str(c) for c in choices)
    if method == "transform":
        return tuple(f"distance to cluster {i}" for i in range(len(_last(estimator).cluster_centers_)))
    classes = getattr(estimator, "classes_", None)
    if isinstance(classes, list) and (choices is not None or method == "predict_proba"):  # of several targets
        return tuple(f"target {i} = {c}" for i, each in enumerate(classes) for c in each)
    if method not in ("predict_proba", "decision_function") or not isinstance(classes, np.ndarray):
        return None
    if method == "decision_function" and of_pairs(estimator):
        return tuple(f"{a} over {b}" for a, b in combinations(map(str, classes), 2))
    binary_margin = method == "decision_function" and len(classes) == 2
    return tuple(str(c) for c in (classes[1:] if binary_margin else classes))


def of_pairs(estimator: Any) -> bool:
    """Return whether ``decision_function`` has a column for each pair of classes, positive for the first of the two."""
    classes = getattr(estimator, "classes_", ())
    return len(classes) > 2 and getattr(_last(estimator), "decision_function_shape", "") == "ovo"


def decides_otherwise(estimator: Any, known: Collection[str]) -> bool:
    """Return whether ``predict`` may give another class than the one of the highest output.

    With a threshold of its own, with probabilities that are fitted apart, or in code of no package that is `known`.
    """
    last = _last(estimator)
    threshold = hasattr(last, "best_threshold_") or hasattr(last, "threshold")
    apart = threshold or getattr(last, "probability", False) is True
    return apart or type(last).__module__.split(".")[0] not in known


def own_decisions(estimator: Any, inputs: Any, classes: np.ndarray, known: Collection[str]) -> np.ndarray | None:
    """Return the numbers of the classes that ``predict`` gives, ``(n,)``, −1 for none of them.

    None where these are those of the highest outputs, as of all packages that are `known`, or nothing can be said.
    """
    if not hasattr(estimator, "predict") or not decides_otherwise(estimator, known):
        return None
    try:
        same = np.ravel(estimator.predict(inputs))[:, None] == classes
    except Exception:  # noqa: BLE001 - it answers with its outputs, whatever is wrong with predict
        return None
    return np.where(same.any(axis=1), same.argmax(axis=1), -1) if len(same) == len(inputs) else None


def one_hot(labels: Any, choices: Choices, source: str) -> np.ndarray:
    """Return one column for each choice, 1 where it is the label.

    Parameters
    ----------
    labels : ``(n,)``, or ``(n, targets)`` where choices are a list
        Of a model of several labels at once, 0 or 1 for each choice ``(n, k)``, which stays.
    choices : ndarray ``(k,)``, or a list of these
    source : str

    Returns
    -------
    ndarray ``(n, k)``

    Raises
    ------
    ModelError
        For a label that is none of the choices.

    Examples
    --------
    >>> one_hot(["b", "a"], np.array(["a", "b"]), "predict")
    array([[0., 1.],
           [1., 0.]])
    """
    if isinstance(choices, list):
        return np.hstack([one_hot(column, c, source) for column, c in zip(np.transpose(labels), choices, strict=True)])
    if _is_indicator(labels, choices):
        return np.asarray(labels, dtype=float)
    chosen = np.asarray(labels).reshape(-1, 1) == choices[None]
    if not chosen.any(axis=1).all():
        other = np.asarray(labels).ravel()[int(np.argmin(chosen.any(axis=1)))]
        raise ModelError(f"{source} must return one of {describe(choices.tolist())}; got {describe(other)}.")
    return chosen.astype(float)


def _is_indicator(labels: Any, choices: np.ndarray) -> bool:
    return len(choices) > 1 and np.shape(labels)[1:] == (len(choices),)


def side_by_side(values: Any, classes: Any = None) -> Any:
    """Return one array for what several targets are answered with, a list of arrays ``(n, classes)``.

    Of targets with two `classes` each, the probabilities of the second ``(n, targets)`` are enough.
    """
    if isinstance(classes, list) and isinstance(values, np.ndarray) and values.shape[1:] == (len(classes),):
        values = [np.column_stack([1 - second, second]) for second in values.T]
    several = isinstance(values, list) and bool(values) and all(getattr(v, "ndim", 0) == 2 for v in values)
    return np.hstack(values) if several else values


def _last(estimator: Any) -> Any:
    """Return the estimator that answers: the last step of a pipeline, the best of a search."""
    from sklearn.pipeline import Pipeline

    while True:
        if isinstance(estimator, Pipeline):
            estimator = estimator.steps[-1][1]
        elif hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        else:
            return estimator


def _has_distances(estimator: Any) -> bool:
    """Return whether ``transform`` returns the distance to the centre of each cluster."""
    return hasattr(estimator, "transform") and hasattr(_last(estimator), "cluster_centers_")
