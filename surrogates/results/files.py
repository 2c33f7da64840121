"""JSON there and back, a path or the text itself; writing files that users name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from probes.errors import InputError

__all__ = ["dumped", "loaded", "written"]


def loaded(source: object, what: str) -> dict[str, Any]:
    """The JSON object in a file or a text.

    Raises
    ------
    InputError
        If there is none; `what` says what was expected.

    Examples
    --------
    >>> loaded('{"a": 1}', "a card")
    {'a': 1}
    """
    if not isinstance(source, (str, Path)):
        raise InputError("source", "be a path or JSON text", source)
    text = source if isinstance(source, str) else ""
    try:
        if isinstance(source, Path) or not source.lstrip().startswith("{"):
            text = Path(source).read_text(encoding="utf-8")
        data = json.loads(text)
        if not isinstance(data, dict):
            raise TypeError("it is not an object")
    except (OSError, ValueError, TypeError) as error:
        raise InputError("source", f"be {what} by to_json, or its path", text[:80] or source) from error
    return data


def dumped(data: dict[str, Any], path: str | Path | None) -> str:
    """Data as JSON text, written to `path` if given.

    Raises
    ------
    InputError
        As :func:`written` does.
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False)
    if path is not None:
        written(path, text)
    return text


def written(path: object, text: str) -> Path:
    """Write a text to a file that a user named.

    Raises
    ------
    InputError
        If there is no such folder, or the file cannot be written.

    Examples
    --------
    >>> written("no such folder/page.html", "")
    Traceback (most recent call last):
    probes.errors.InputError: path must be a file that can be written (No such file or directory); got 'no such ...
    """
    if not isinstance(path, (str, Path)) or not str(path):
        raise InputError("path", "be the path of a file", path)
    target = Path(path).expanduser()
    try:
        target.write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or error
        raise InputError("path", f"be a file that can be written ({told})", str(path)) from error
    return target
