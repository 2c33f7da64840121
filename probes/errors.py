"""Every error iomap raises, with one wording: which parameter, which rule, what was received."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

__all__ = [
    "InputError",
    "IomapError",
    "MissingExtra",
    "ModelError",
    "SpendCapError",
    "StoreError",
    "UnavailableError",
    "describe",
    "require",
]

#: import name -> the extra that brings it
EXTRAS = {
    "torch": "transformers",
    "transformers": "transformers",
    "gguf": "transformers",
    "accelerate": "transformers",
    "shap": "shap",
    "openai": "endpoint",
    "yaml": "yaml",
    "pyarrow": "parquet",
}


def describe(value: object, limit: int = 120) -> str:
    """Short, single-line text for a received value: its type, its shape where it has one, else its repr."""
    shape = getattr(value, "shape", None)
    if shape is not None and len(shape):
        return f"{type(value).__name__} of shape {tuple(shape)}"
    text = " ".join(repr(value).split())
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


class IomapError(Exception):
    """Base class of all errors that iomap raises on purpose.

    Attributes
    ----------
    finished : ExplanationSet or None
        What ``explain_many`` had explained when the error ended it.
    """

    finished: Any = None


class InputError(IomapError, ValueError):
    """A parameter breaks its rule.

    Parameters
    ----------
    parameter : str
        Name of the parameter as the user wrote it.
    rule : str
        What it must be, continuing the sentence "<parameter> must ...".
    received : object
        The offending value; shortened with :func:`describe`.
    """

    def __init__(self, parameter: str, rule: str, received: object):
        super().__init__(f"{parameter} must {rule}; got {describe(received)}.")
        self.parameter = parameter


class ModelError(IomapError):
    """The model failed, or answered with the wrong shape, NaN, or labels where numbers are needed."""


class UnavailableError(ModelError):
    """No question can be asked any more, whatever it is: a wrong key, an unknown model, a server that is gone.

    The answers that came before are kept; run again to go on.
    """


class SpendCapError(UnavailableError):
    """A cap on calls or tokens is reached; the answers that came before are kept."""


class StoreError(IomapError):
    """The answer store cannot be read or written."""


class MissingExtra(IomapError, ImportError):
    """An optional dependency is not installed."""


def require(module: str, purpose: str) -> ModuleType:
    """Import an optional dependency or say which extra brings it.

    Raises
    ------
    MissingExtra
        If the module is not installed; the message holds the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        extra = EXTRAS[module.split(".")[0]]
        raise MissingExtra(f"{purpose} needs {module}, which is not installed: pip install 'iomap[{extra}]'") from error
