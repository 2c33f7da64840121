"""What scripts on a page are made of: their code, and the data that they compute with.

Code lies in ``templates/*.js``; a part names the files that it needs. Data stand in a block that no browser runs, as
JSON that cannot end the block; large tables of numbers are packed in 16 bits, with a unit for each row.
"""

from __future__ import annotations

import base64
import json
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from markupsafe import Markup

__all__ = ["bits", "data_block", "numbers", "packed", "script"]

#: written by their code points, so that no data end the block or begin a comment
_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
_LARGEST = 32767


@cache
def script(*names: str) -> str:
    """Join files of code into one script that leaves no name behind."""
    folder = files("surrogates.report") / "templates"
    code = "".join((folder / name).read_text("utf-8") for name in names)
    return f'(() => {{\n"use strict";\n{code}}})();'


def data_block(data: Any) -> Markup:
    """Write data as a block of JSON.

    Examples
    --------
    >>> data_block({"a": "</script><!--"})
    Markup('<script type="application/json">{"a":"\\\\u003c/script\\\\u003e\\\\u003c!--"}</script>')
    """
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)  # all but ASCII by code points
    for letter, code in _UNSAFE.items():
        text = text.replace(letter, code)
    return Markup('<script type="application/json">' + text + "</script>")


def numbers(values: Any) -> Any:
    """Return an array as lists of numbers of single precision, and null for what is not finite.

    Examples
    --------
    >>> numbers(np.array([1 / 3, np.nan]))
    [0.33333334, None]
    """
    if isinstance(values, np.ndarray) and values.ndim:
        return [numbers(value) for value in values]
    return float(str(np.float32(values))) if np.isfinite(values) else None


def packed(table: np.ndarray) -> dict[str, Any]:
    """Pack a table ``(r, c)`` in 16 bits a number, each row in a unit of its own.

    Examples
    --------
    >>> packed(np.array([[1.0, -0.25]]))
    {'numbers': '/38A4A==', 'units': [3.051851e-05]}
    """
    units = np.abs(table).max(axis=1, initial=0.0) / _LARGEST
    whole = np.rint(table / np.where(units > 0, units, 1.0)[:, None]).astype("<i2")
    return {"numbers": base64.b64encode(whole.tobytes()).decode(), "units": numbers(units)}


def bits(rows: np.ndarray) -> str:
    """Pack rows ``(n, d)`` of true and false, each in whole bytes, the first in the highest bit.

    Examples
    --------
    >>> bits(np.array([[True, False, True]]))
    'oA=='
    """
    return base64.b64encode(np.packbits(rows, axis=1).tobytes()).decode()
