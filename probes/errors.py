"""Every error iomap raises, with one wording: which parameter, which rule, what was received."""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from math import isfinite
from numbers import Integral, Real
from types import ModuleType
from typing import Any

__all__ = [
    "InputError",
    "IomapError",
    "MissingExtra",
    "ModelError",
    "NoAnswerError",
    "SpendCapError",
    "StoreError",
    "UnavailableError",
    "describe",
    "integer",
    "number",
    "require",
]

#: import name -> the extra that brings it
EXTRAS = {
    "peft": "finetune",
    "torch": "transformers",
    "transformers": "transformers",
    "gguf": "transformers",
    "accelerate": "transformers",
    "shap": "shap",
    "openai": "endpoint",
    "yaml": "yaml",
    "pythainlp": "segmenters",
    "laonlp": "segmenters",
    "jieba": "segmenters",
    "janome": "segmenters",
    "pyarrow": "parquet",
    "ruptures": "series",
    "skimage": "images",
}


#: objects and functions by their place in memory, which says nothing; methods of what is written so
_PLACED = re.compile(r"<(function |)(?:\w+\.)*(\w+)(?: object(?: <?\w+>?)?)? at 0x[0-9a-fA-F]+>")
_METHOD = re.compile(r"<bound method ([\w.]+) of \w+>")


def describe(value: object, limit: int = 120) -> str:
    """Describe a received value in one short line: its type, its shape where it has one, else its repr.

    Objects and functions whose repr is an address in memory are named by their class, or their name; so is what cannot
    be shown.

    Examples
    --------
    >>> describe(object()), describe([describe]), describe(lambda texts: 0.0)
    ('object', '[function describe]', 'function lambda')
    """
    try:
        shape = getattr(value, "shape", None)
        if isinstance(shape, Sequence) and len(shape):
            return f"{type(value).__name__} of shape {tuple(shape)}"
        text = " ".join(repr(value).split())
    except Exception:  # noqa: BLE001 - an object that was not made to its end may fail to show itself in any way
        return type(value).__name__
    if " at 0x" in text:
        text = text.replace("<locals>.", "").replace("<lambda>", "lambda")
        text = _METHOD.sub(r"method \1", _PLACED.sub(r"\1\2", text))
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


class IomapError(Exception):
    """Base class of all errors that iomap raises on purpose.

    Attributes
    ----------
    finished : object or None
        Results that were complete when the error ended a longer run; set by the function that ran it.
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
        self.parameter, self.rule = parameter, rule


class ModelError(IomapError):
    """The model failed, or answered with the wrong shape, NaN, or labels where numbers are needed."""


class NoAnswerError(ModelError):
    """The model answered none of the questions of one call."""


class UnavailableError(ModelError):
    """No further question can be asked: a wrong key, an unknown model, a server that is gone.

    The answers that came before are kept; run again to go on.
    """


class SpendCapError(UnavailableError):
    """A cap on calls or tokens is reached; the answers that came before are kept."""


class StoreError(IomapError):
    """The answer store cannot be read or written."""


class MissingExtra(IomapError, ImportError):
    """An optional dependency is not installed."""


def integer(parameter: str, value: object, *, least: int | None = None, most: int | None = None) -> int:
    """Check that a parameter is an integer within bounds, and return it as a Python int.

    Parameters
    ----------
    parameter : str
        Name of the parameter as the user wrote it.
    value : object
    least, most : int, optional
        Inclusive bounds.

    Raises
    ------
    InputError
        For a bool, anything that is no integer, or a value out of bounds.

    Examples
    --------
    >>> integer("budget", 64, least=1)
    64
    >>> integer("budget", 0, least=1)
    Traceback (most recent call last):
    probes.errors.InputError: budget must be a positive integer; got 0.
    >>> integer("depth", True, least=1, most=5)
    Traceback (most recent call last):
    probes.errors.InputError: depth must be an integer from 1 to 5; got True.
    """
    if isinstance(value, Integral) and not isinstance(value, bool):
        exact = int(value)
        if (least is None or exact >= least) and (most is None or exact <= most):
            return exact
    if most is None and least in (0, 1):
        rule = "be a positive integer" if least else "be a non-negative integer"
    else:
        rule = " ".join(["be an integer", *_bounds(least, most, False, False)])
    raise InputError(parameter, rule, value)


def number(
    parameter: str,
    value: object,
    *,
    low: float | None = None,
    high: float | None = None,
    open_low: bool = False,
    open_high: bool = False,
) -> float:
    """Check that a parameter is a finite real number within bounds, and return it as a Python float.

    Parameters
    ----------
    parameter : str
        Name of the parameter as the user wrote it.
    value : object
    low, high : float, optional
        Bounds.
    open_low, open_high : bool, default False
        Whether the bound itself is excluded.

    Raises
    ------
    InputError
        For a bool, anything that is no real number, NaN, infinity, or a value out of bounds.

    Examples
    --------
    >>> number("confidence", 0.95, low=0, high=1, open_low=True, open_high=True)
    0.95
    >>> number("confidence", 1, low=0, high=1, open_low=True, open_high=True)
    Traceback (most recent call last):
    probes.errors.InputError: confidence must be a number above 0 and below 1; got 1.
    >>> number("width", float("nan"), low=0, open_low=True)
    Traceback (most recent call last):
    probes.errors.InputError: width must be a positive number; got nan.
    """
    if isinstance(value, Real) and not isinstance(value, bool):
        try:
            real = float(value)
        except OverflowError:
            real = float("inf")
        above = low is None or (real > low if open_low else real >= low)
        below = high is None or (real < high if open_high else real <= high)
        if isfinite(real) and above and below:
            return real
    if high is None and low == 0:
        rule = "be a positive number" if open_low else "be a non-negative number"
    else:
        rule = " ".join(["be a number", *_bounds(low, high, open_low, open_high)])
    raise InputError(parameter, rule, value)


def _bounds(low: float | None, high: float | None, open_low: bool, open_high: bool) -> list[str]:
    """Describe an interval in words: nothing, or one phrase."""
    if low is not None and high is not None and not open_low:
        return [f"from {low:g} to {'below ' if open_high else ''}{high:g}"]
    phrases = []
    if low is not None:
        phrases.append(f"{'above' if open_low else 'of at least'} {low:g}")
    if high is not None:
        phrases.append(f"{'below' if open_high else 'of at most' if low is None else 'at most'} {high:g}")
    return [" and ".join(phrases)] if phrases else []


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
