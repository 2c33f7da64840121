"""scikit-learn estimators and pipelines."""

from __future__ import annotations

import copyreg
import hashlib
import pickle
import sys
import types
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from probes.errors import InputError, ModelError, describe
from probes.model import Identity, Model
from probes.models.estimator_kinds import (
    ADVICE,
    METHODS,
    choices_of,
    kind_of,
    of_pairs,
    one_hot,
    output_names,
    own_decisions,
    side_by_side,
    usual_methods,
)
from probes.outputs.arrays import as_outputs

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

__all__ = ["KNOWN", "EstimatorModel", "adopt", "fingerprint"]


class _Unknown(Exception):
    """Something whose behaviour its bytes do not fix."""


#: packages whose released code is fixed by its version
KNOWN = (
    "sklearn", "numpy", "scipy", "pandas", "xgboost", "lightgbm", "catboost", "imblearn", "interpret", "statsmodels",
    "sksurv", "lifelines",
)  # fmt: skip
#: modules of packages that do not begin with the package's name, as scikit-learn before 1.8 calls its losses
_ROOTS = {"_loss": "sklearn"}
#: what an estimator derives from the rest of its state and changes when asked: an address, a search tree's counters
_DERIVED = ("_stop_words_id", "_tree")
_PYTHON = ("builtins", "copyreg", "_codecs", "collections", "functools", "operator")


class _Fingerprint(pickle.Pickler):
    """Writes an object's bytes into a hash; nothing is ever loaded from them.

    Code outside the known packages (the user's own function or class) is not fixed by its name, so it makes the whole
    object unidentifiable.
    """

    def __init__(self, file: Any):
        super().__init__(file, protocol=5)
        self.fast = True  # no references back: equal parts count the same whether or not they are one object
        self.roots = {"sklearn"}

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, (type, types.FunctionType, types.BuiltinFunctionType)):
            root = (getattr(obj, "__module__", None) or "").split(".")[0]
            root = _ROOTS.get(root, root)
            if root not in KNOWN and root not in _PYTHON:
                raise _Unknown(root)
            self.roots.add(root)
        if isinstance(obj, np.ndarray) and not obj.flags.forc:  # a part of another array is written as a copy of it is
            return np.ascontiguousarray(obj).__reduce_ex__(5)
        if _is_estimator(obj):
            state = {k: sorted(v, key=repr) if isinstance(v, (set, frozenset)) else v for k, v in vars(obj).items()}
            return copyreg.__newobj__, (type(obj),), {k: v for k, v in state.items() if k not in _DERIVED}  # type: ignore[attr-defined]
        return NotImplemented


class _Sink:
    """A file that only hashes."""

    def __init__(self) -> None:
        self.hash = hashlib.sha256()

    def write(self, data: Any) -> int:
        self.hash.update(data)
        return memoryview(data).nbytes


def fingerprint(estimator: BaseEstimator) -> str | None:
    """Return the SHA-256 of a fitted estimator's parameters and state; None where user code makes it unidentifiable."""
    sink = _Sink()
    pickler = _Fingerprint(sink)
    try:
        pickler.dump(estimator)
    except Exception:  # noqa: BLE001 - user code, cycles, open files: whatever cannot be hashed is not identifiable
        return None
    versions = (f"{root} {getattr(sys.modules[root], '__version__', '')}" for root in sorted(pickler.roots))
    sink.write(" ".join(versions).encode())
    return sink.hash.hexdigest()


class EstimatorModel(Model):
    """A fitted scikit-learn estimator, asked for quantities: labels and numbers of clusters are none.

    Parameters
    ----------
    estimator : BaseEstimator
        Fitted. Class names become output names. Identified by a fingerprint of its parameters and fitted state.
    name : str, optional
        Identifies the estimator where it holds user code that no fingerprint can see through.
    method : {"predict_proba", "decision_function", "predict", "score_samples", "transform"}, optional
        Which method answers. By default ``predict_proba``, else ``decision_function``, else ``predict`` of a
        classifier; ``decision_function``, else ``score_samples`` of an outlier detector; ``transform`` (distances) of a
        clusterer with centres, else ``predict``; ``predict`` of the others. Classes and clusters that ``predict``
        returns become one column each, 1 where it is that one. ``transform`` is for clusterers alone.

    Raises
    ------
    InputError
        If the estimator is not fitted, or has none of the methods.
    """

    def __init__(self, estimator: BaseEstimator, name: str | None = None, method: str | None = None):
        kind = kind_of(estimator)
        if method is not None and method not in METHODS and not (kind == "clusterer" and method == "transform"):
            raise InputError("method", f"be one of {', '.join(METHODS)}", method)
        candidates = (method,) if method else usual_methods(estimator, kind)
        answers = next((m for m in candidates if hasattr(estimator, m)), None)
        if answers is None:
            raise InputError("model", f"have {' or '.join(candidates)}{ADVICE.get(kind, '')}", estimator)
        from sklearn.exceptions import NotFittedError
        from sklearn.utils.validation import check_is_fitted

        try:
            check_is_fitted(estimator)
        except NotFittedError as error:
            raise InputError("model", "be fitted: call fit first", estimator) from error
        self.estimator = estimator
        self.method = answers
        self.name = name
        units = {"predict_proba": "probability", "decision_function": "margin", "transform": "distance"}
        self.unit = units.get(answers, "output")
        self.batch = 65536
        #: what ``predict`` chooses from, where it chooses
        self.choices = choices_of(estimator, kind) if answers == "predict" else None
        if kind == "clusterer" and answers == "predict" and self.choices is None:
            raise InputError("model", "know its clusters: it has no labels_ and no cluster_centers_", estimator)
        self.outputs = output_names(estimator, kind, answers, self.choices)
        if self.choices is not None:
            self.unit = "probability"
        if answers == "decision_function" and of_pairs(estimator):
            self.unit = "margin of a pair"

    def identity(self) -> Identity:
        mark = self.name or fingerprint(self.estimator)
        # version 0.1.0 kept the labels that predict returns, as if they were quantities
        method = self.method
        if self.choices is not None:
            counts = [len(c) for c in self.choices] if isinstance(self.choices, list) else len(self.choices)
            method += f" one of {counts}"
        head = f"estimator:{type(self.estimator).__name__}:{method}"
        return Identity(f"{head}:{mark or uuid.uuid4().hex}", mark is not None)

    def direct(self) -> Callable[[Any], Any]:
        """Return the estimator's method; one that chooses, with 1 for what it chose."""
        answer, choices = getattr(self.estimator, self.method), self.choices
        if choices is None:
            return lambda row: side_by_side(answer(row), self._classes)
        return lambda row: one_hot(answer(row), choices, self.method)

    def decisions(self, inputs: Any) -> np.ndarray | None:
        """Return the classes that ``predict`` gives, where the highest outputs may be others."""
        classes = getattr(self.estimator, "classes_", None)
        if self.choices is not None or not isinstance(classes, np.ndarray) or len(self.outputs or ()) != len(classes):
            return None
        if self.method == "decision_function" and of_pairs(self.estimator):
            return None
        return own_decisions(self.estimator, inputs, classes, KNOWN)

    def randomised(self, rng: np.random.Generator, inputs: Any) -> EstimatorModel | None:
        """Return the same estimator fitted to its own answers to `inputs`, shuffled."""
        if inputs is None:
            return None
        if not hasattr(self.estimator, "predict") or kind_of(self.estimator) in ("clusterer", "outlier_detector"):
            return None  # what learns from inputs alone does not learn other answers
        from sklearn.base import clone

        try:
            labels = rng.permutation(self.estimator.predict(inputs))
            fitted = clone(self.estimator).fit(inputs, labels)
        except Exception:  # noqa: BLE001 - an estimator that cannot be fitted again to these inputs: no such check
            return None
        return EstimatorModel(fitted, self.name and f"{self.name} randomised", self.method)

    def __call__(self, inputs: Any) -> np.ndarray:
        kind = type(self.estimator).__name__
        try:
            values = getattr(self.estimator, self.method)(inputs)
        except Exception as error:
            said = f"{kind}.{self.method} raised {type(error).__name__}: {describe(str(error), 300)}"
            raise ModelError(f"{said}{self._unknown(inputs)}") from error
        if self.choices is not None:
            return one_hot(values, self.choices, f"{kind}.{self.method}")
        if isinstance(values, np.ndarray) and values.dtype.kind in "OUS":
            raise ModelError(
                f"{kind}.{self.method} returned labels such as {describe(np.ravel(values)[0])} where numbers are "
                "needed. Use a classifier with predict_proba, or pass a callable that returns scores."
            )
        return as_outputs(side_by_side(values, self._classes), len(inputs), f"{kind}.{self.method}")

    @property
    def _classes(self) -> Any:
        """The classes of what answers with probabilities; a list where there are several targets."""
        return getattr(self.estimator, "classes_", None) if self.method == "predict_proba" else None

    def _unknown(self, inputs: Any) -> str:
        """Name the columns of inputs that the estimator was not fitted with, and the way out; empty without any."""
        fitted = getattr(self.estimator, "feature_names_in_", None)
        if fitted is None or not isinstance(inputs, pd.DataFrame):
            return ""
        unknown = [name for name in inputs if name not in set(fitted)]
        named = ", ".join(map(str, unknown))
        return f" It was fitted without {named}: ignore={unknown!r} leaves it out." if unknown else ""


def _is_estimator(obj: object) -> bool:
    """Return whether an object is a scikit-learn estimator; none is before scikit-learn has been imported."""
    base = sys.modules.get("sklearn.base")
    return base is not None and isinstance(obj, base.BaseEstimator)


#: place among the adapters: lower ones are tried first
PLACE = 10


def adopt(model: object, name: str | None, batched: bool) -> Model | None:
    """Adopt a scikit-learn estimator, or a method of one such as ``model.predict_proba``."""
    if isinstance(model, types.MethodType) and _is_estimator(model.__self__):
        return EstimatorModel(model.__self__, name, model.__name__) if model.__name__ in METHODS else None
    return EstimatorModel(model, name) if _is_estimator(model) else None
