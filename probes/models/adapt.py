"""The kinds of model: one file each, found by looking through this folder and tried in order by :func:`as_model`.

A module of this folder that has a function ``adopt(model, name, batched) -> Model | Generator | None`` is an adapter.
It recognises its kind by type, and its ``PLACE`` is its place in the order. None of them imports torch or transformers
before an object of theirs has been passed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType
from typing import TypeAlias

import numpy as np
import pandas as pd

import probes.models
from probes.errors import InputError
from probes.inputs.image_form import is_pillow
from probes.model import Generator, Model, is_chat
from probes.probe import Probe

__all__ = ["ADAPTERS", "ModelLike", "as_model", "check_order"]


def _adapters() -> tuple[ModuleType, ...]:
    """Find the modules below this folder that adopt models, in the order in which they are tried."""
    names = {m.name for m in walk_packages(probes.models.__path__, "probes.models.") if not m.ispkg} - {__name__}
    adapters = [module for module in map(import_module, sorted(names)) if hasattr(module, "adopt")]
    return tuple(sorted(adapters, key=lambda module: (module.PLACE, module.__name__)))


#: every adapter, the first to be tried first
ADAPTERS = _adapters()
#: whatever as_model() takes: it looks at what an object can do, not at its type
ModelLike: TypeAlias = Model | Generator | object


def as_model(model: ModelLike, name: str | None = None, *, batched: bool = True) -> Model | Generator:
    """Turn whatever answers questions into a :class:`Model`.

    Parameters
    ----------
    model : object
        A :class:`Model`; a scikit-learn estimator or pipeline, or a method of one; a transformers sequence classifier
        (of texts or pairs), image classifier, causal, sequence-to-sequence or masked language model, token classifier
        or extractive question answerer, alone or as ``(model, tokenizer)`` (of images: its processor), a ``pipeline``
        of one, or an existing folder (or GGUF file) that holds one; a cross-encoder or an encoder of sentences; an
        object with ``predict_proba`` or
        ``predict`` (a booster, results of statsmodels); a torch module over arrays; or any callable from a batch of
        inputs to numbers.
    name : str, optional
        A name that identifies the map for ever (``"risk-model-v3"``). A plain callable without one is remembered
        for one run only, because nobody can tell whether it still computes the same.
    batched : bool, default True
        For a plain callable: whether it takes a list of inputs (True) or one input at a time (False).

    Returns
    -------
    Model or Generator

    Raises
    ------
    InputError
        If nothing here knows how to ask `model`.

    Examples
    --------
    >>> as_model(lambda texts: [len(t) for t in texts])(["a", "bcd"])
    array([[1.],
           [3.]])
    """
    if isinstance(model, (Model, Generator)):
        return model
    if name is not None and (not isinstance(name, str) or not name.strip()):
        raise InputError("name", "be a non-empty string", name)
    for adapter in ADAPTERS:
        adopted = adapter.adopt(model, name, batched)
        if adopted is not None:
            return adopted
    rule = (
        "be a scikit-learn estimator with predict, a transformers classifier, pipeline or causal language model, "
        "or a callable that takes a batch of inputs and returns one row of numbers for each"
    )
    raise InputError("model", f"{rule}{_hint(model)}", model)


def _hint(model: object) -> str:
    """Say what to do with what is nearly a model."""
    if isinstance(model, type):
        return " (this is a class: pass an object of it)"
    if isinstance(model, (str, Path)):
        return (
            " (there is no such folder, and no name is looked up: CausalLM.from_pretrained and TextClassifier do that)"
        )
    return ""


def check_order(model: object, probe: object) -> None:
    """Refuse a model and an input that changed places.

    Raises
    ------
    InputError
    """
    pair = isinstance(probe, tuple) and len(probe) == 2 and not is_chat(probe) and callable(probe[1])
    given = isinstance(model, (Probe, str, Mapping, pd.DataFrame, pd.Series, np.ndarray, list)) or is_pillow(model)
    asked = isinstance(probe, (Model, Generator)) or callable(probe) or hasattr(probe, "predict") or pair
    if given and asked:
        raise InputError("model", "come first, and the input after it", model)
