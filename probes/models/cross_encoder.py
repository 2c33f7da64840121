"""CrossEncoderModel: a cross-encoder or reranker, an object with ``predict`` for pairs of texts and ``rank``."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from functools import partial
from inspect import signature
from typing import Any

import numpy as np

from probes.errors import InputError, ModelError, describe
from probes.model import Identity, Model
from probes.models.evaluating import evaluating
from probes.outputs.arrays import as_outputs

__all__ = ["CrossEncoderModel", "adopt"]


class CrossEncoderModel(Model):
    """Pairs of texts (query, passage) → the scores that an object's ``predict`` returns, as they are.

    Parameters
    ----------
    model : object
        Such as a ``CrossEncoder`` of sentence-transformers.
    name : str, optional
        Identifies it for ever; without one, answers are kept for one run only.
    """

    unit = "score"
    fields = ("query", "passage")

    def __init__(self, model: Any, name: str | None = None):
        self.model, self.name, self.vouched = model, name, name is not None
        self.batch, self._run = 256, uuid.uuid4().hex
        self._predict = model.predict
        if "show_progress_bar" in signature(model.predict).parameters:
            self._predict = partial(model.predict, show_progress_bar=False)
        labels = getattr(getattr(model, "config", None), "id2label", None) or {}
        count = getattr(model, "num_labels", None)
        if isinstance(count, int) and count > 1:
            self.outputs = tuple(str(labels.get(i, i)) for i in range(count))
        elif count == 1:
            self.outputs = ("score",)

    def identity(self) -> Identity:
        return Identity(f"cross-encoder:{self.name or self._run}", self.name is not None)

    def __call__(self, inputs: Sequence[Any]) -> np.ndarray:
        for pair in inputs:
            if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not all(isinstance(t, str) for t in pair):
                raise InputError("text", "be a pair: PairProbe(query, passage) makes inputs of this model", pair)
        kind = type(self.model).__name__
        try:
            with evaluating(self.model):
                values = self._predict([list(pair) for pair in inputs])
        except Exception as error:
            raise ModelError(f"{kind}.predict raised {type(error).__name__}: {describe(str(error), 200)}") from error
        return as_outputs(values, len(inputs), f"{kind}.predict")


#: place among the adapters: before objects that predict
PLACE = 45


def adopt(model: object, name: str | None, batched: bool) -> Model | None:
    """Adopt an object that scores pairs of texts and ranks texts by them."""
    ranks = callable(getattr(model, "predict", None)) and callable(getattr(model, "rank", None))
    return CrossEncoderModel(model, name) if ranks and not isinstance(model, type) else None
