"""Objects that predict and are no scikit-learn estimators: boosters, results of statsmodels."""

from __future__ import annotations

import hashlib
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from probes.model import Identity, Model
from probes.models.estimator import KNOWN, fingerprint
from probes.models.estimator_kinds import own_decisions, side_by_side
from probes.models.functions import CallableModel
from probes.models.statsmodels_results import fingerprint_of_results, is_results

__all__ = ["Predictor", "adopt"]

#: methods of which the first there is answers, with the unit of what they return
_METHODS = {"predict_proba": "probability", "predict": "output"}
#: methods that write out all that fixes an object's answers
_WRITTEN = ("model_to_string", "save_raw")
#: what CatBoost writes into a model that differs between two fits with the same trees
_OF_THE_FIT = ("model_guid", "train_finish_time")


class Predictor(CallableModel):
    """An object with ``predict_proba`` or ``predict``.

    Parameters
    ----------
    model : object
        ``classes_`` are the names of its outputs. An ``xgboost.Booster`` is given a ``DMatrix``; of a Cox
        regression of statsmodels the log hazard ratio is taken. Identified by what ``model_to_string`` or ``save_raw``
        write, by the trees of a CatBoost model, by the parameters, data and formula of results of statsmodels, or by
        its pickled state.
    name : str, optional
        Identifies the object where nothing else does.
    method : str, optional
        By default ``predict_proba``, else ``predict``.
    """

    def __init__(self, model: Any, name: str | None = None, method: str | None = None):
        self.method = method or next(m for m in _METHODS if hasattr(model, m))
        classes = getattr(model, "classes_", None)
        named = self.method == "predict_proba" and isinstance(classes, (list, tuple, np.ndarray)) and len(classes) > 0
        outputs = tuple(map(str, classes)) if named else None  # type: ignore[arg-type]
        super().__init__(self._function(model), name, unit=_METHODS.get(self.method, "output"), outputs=outputs)
        self.model = model

    def identity(self) -> Identity:
        mark = self.name or _fingerprint(self.model)
        return Identity(f"predictor:{type(self.model).__name__}:{self.method}:{mark or self._run}", mark is not None)

    def decisions(self, inputs: Any) -> np.ndarray | None:
        """Return the classes that ``predict`` gives, where the highest probabilities may be others'."""
        classes = getattr(self.model, "classes_", ())
        if self.method != "predict_proba" or np.ndim(classes) != 1 or self.outputs != tuple(map(str, classes)):
            return None
        return own_decisions(self.model, inputs, np.asarray(classes), KNOWN)

    def _function(self, model: Any) -> Callable[[Any], Any]:
        method = self.method

        def answer(inputs: Any) -> Any:
            if _is_a(model, "xgboost", "Booster"):
                import xgboost

                return model.predict(xgboost.DMatrix(inputs, enable_categorical=True))
            if is_results(model):  # a Cox regression takes times first, and answers with standard errors
                values = getattr(model, method)(exog=inputs)
                return getattr(values, "predicted_values", values)
            return side_by_side(getattr(model, method)(inputs))

        answer.__name__ = f"{type(model).__name__}.{method}"
        return answer


def _is_a(model: object, package: str, kind: str) -> bool:
    """Whether an object is of a class of a package, which is not imported for that."""
    return any(k.__module__.split(".")[0] == package and k.__name__ == kind for k in type(model).__mro__)


def _fingerprint(model: Any) -> str | None:
    """SHA-256 of all that fixes an object's answers; None where nothing does."""
    if is_results(model):
        return fingerprint_of_results(model)
    written = _trees(model) if _is_a(model, "catboost", "CatBoost") else None
    for method in _WRITTEN:
        if hasattr(model, method):
            written = getattr(model, method)()
    if written is None:
        return fingerprint(model)
    return hashlib.sha256(written.encode() if isinstance(written, str) else bytes(written)).hexdigest()


def _trees(model: Any) -> bytes | None:
    """Return a CatBoost model as bytes, without what differs between two fits with the same trees."""
    bare = model.copy()
    notes = bare.get_metadata()
    for name in _OF_THE_FIT:
        if notes.get(name) is not None:
            del notes[name]
    return bare.__getstate__().get("__model")


#: place among the adapters: lower ones are tried first
PLACE = 50


def adopt(model: object, name: str | None, batched: bool) -> Model | None:
    """Adopt an object that predicts, or a method of one.

    What is called by the user stays a function: objects with ``__call__``, and methods that were given a name, under
    which answers may be stored.
    """
    if not batched or isinstance(model, (type, types.ModuleType)):
        return None
    if isinstance(model, types.MethodType):
        bound = name is None and model.__name__ in _METHODS and not isinstance(model.__self__, type)
        return Predictor(model.__self__, None, model.__name__) if bound else None
    predicts = any(callable(getattr(model, method, None)) for method in _METHODS)
    return Predictor(model, name) if predicts and not callable(model) else None
