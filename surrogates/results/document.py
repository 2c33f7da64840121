"""One JSON document for every result: a head that names its kind and format, then its fields.

The format is an integer. What changes the meaning of a field, or what a result predicts, raises it, together with an
upgrade in :mod:`surrogates.results.upgrades`; what is read passes the upgrades from its format to :data:`FORMAT`.
"""

from __future__ import annotations

import json
from pathlib import Path

from probes.errors import InputError
from surrogates.results.plain import Damaged, Json
from surrogates.results.provenance import library_version
from surrogates.results.upgrades import SINCE, UPGRADES

__all__ = ["FORMAT", "document", "fields_of", "kind_of", "parsed"]

_LONGEST = 2**28  # bytes of a document
#: the format that is written
FORMAT = 1 + len(UPGRADES)


def document(kind: str, fields: Json) -> str:
    """Return the JSON text of a result, given its kind and its fields as plain data.

    Examples
    --------
    >>> document("anchor", {})  # doctest: +ELLIPSIS
    '{"iomap": "...", "format": 4, "kind": "anchor"}'
    """
    head = {"iomap": library_version(), "format": FORMAT, "kind": kind}
    return json.dumps({**head, **fields}, ensure_ascii=False, allow_nan=False)


def parsed(source: object, named: str) -> Json:
    """Return the JSON object in a file, or in a text that begins with a brace.

    Raises
    ------
    InputError
        If there is none; `named` says what was expected.

    Examples
    --------
    >>> parsed('{"a": 1}', "a card")
    {'a': 1}
    """
    if not isinstance(source, (str, Path)):
        raise InputError("source", f"be {named} as JSON text, or a path", source)
    text = source if isinstance(source, str) else ""
    try:
        if isinstance(source, Path) or not source.lstrip().startswith("{"):
            with Path(source).open("rb") as file:
                text = file.read(_LONGEST + 1).decode()
        if len(text) > _LONGEST:
            raise ValueError(f"it is longer than {_LONGEST:,} bytes")
        data = json.loads(text)
    except OSError as error:
        raise InputError("source", f"be {named} by to_json, or its path ({error.strerror})", str(source)) from error
    except (ValueError, RecursionError) as error:
        raise InputError("source", f"be {named} by to_json, or its path", _begins(source, text)) from error
    if not isinstance(data, dict):
        raise InputError("source", f"be {named} by to_json, or its path", _begins(source, text))
    return data


def _begins(source: str | Path, text: str) -> str:
    """Name a file and how it begins; a text alone by its beginning."""
    if not text or text == source:
        return text[:80] or str(source)
    return f"{source}, which begins: {text[:80].splitlines()[0]}"


def kind_of(data: Json) -> str:
    """Return the kind of result that a document holds; empty where it does not say so.

    Examples
    --------
    >>> kind_of({"schema": 1, "kind": "anchor"}), kind_of({"schema": 1}), kind_of({"iomap_card": 1})
    ('anchor', 'explanation', 'card')
    """
    old = "card" if "iomap_card" in data else "explanation" if "schema" in data else ""  # heads of format 1
    return str(data.get("kind", old))


def fields_of(data: Json, kind: str, named: str) -> Json:
    """Return the fields of a document in today's format, without its head.

    Parameters
    ----------
    data : dict
        The document.
    kind : str
        What it must hold.
    named : str
        The kind in words, with its article.

    Raises
    ------
    InputError
        If it holds something else, or was written by a newer version.
    Damaged
        If it cannot be upgraded.
    """
    if not isinstance(data, dict):
        raise InputError("source", f"be {named} by to_json", data)
    given = kind_of(data)
    if given != kind:
        raise InputError("source", f"be {named} by to_json", given or sorted(map(str, data))[:5])
    written = next((data[name] for name in ("format", "schema", "iomap_card") if name in data), None)
    if isinstance(written, bool) or not isinstance(written, int) or written < 1:
        raise InputError("source", f"be {named} of a format from 1 to {FORMAT}", written)
    if written > FORMAT:
        newer = f"written by a newer version: format {written}, this version reads 1 to {FORMAT}"
        raise InputError("source", f"be {named} that this version can read ({newer})", f"format {written}")
    fields = {k: v for k, v in data.items() if k not in ("iomap", "format", "schema", "kind", "iomap_card")}
    if written < SINCE.get(kind, 1):
        raise Damaged("its head", f"have a format in which there was {named}", written)
    for upgrades in UPGRADES[written - 1 :]:
        fields = upgrades[kind](fields) if kind in upgrades else fields
    return fields
