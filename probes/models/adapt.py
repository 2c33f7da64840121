"""The kinds of model: one file each, tried in order by :func:`as_model`.

Every file offers ``adopt(model, name, batched) -> Model | Generator | None`` and recognises its kind by type. None of
them imports torch or transformers before an object of theirs has been passed in.
"""

from __future__ import annotations

from typing import TypeAlias

from probes.errors import InputError
from probes.model import Generator, Model
from probes.models import estimator, functions
from probes.models.huggingface import causal_lm, classifier

__all__ = ["ADAPTERS", "ModelLike", "as_model"]

ADAPTERS = (estimator, classifier, causal_lm, functions)
#: whatever as_model() takes: it looks at what an object can do, not at its type
ModelLike: TypeAlias = Model | Generator | object


def as_model(model: ModelLike, name: str | None = None, *, batched: bool = True) -> Model | Generator:
    """Turn whatever answers questions into a :class:`Model`.

    Parameters
    ----------
    model : object
        A :class:`Model`; a scikit-learn estimator or pipeline; a transformers sequence classifier, ``pipeline`` or
        causal language model; or any callable from a batch of inputs to numbers.
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
    raise InputError(
        "model",
        "be a scikit-learn estimator with predict, a transformers classifier, pipeline or causal language model, "
        "or a callable that takes a batch of inputs and returns one row of numbers for each",
        model,
    )
