"""Text files that users name: read and written, a new version replacing the old one as a whole."""

from __future__ import annotations

import os
from pathlib import Path

from probes.errors import InputError

__all__ = ["written"]


def written(path: object, text: str) -> Path:
    """Write a text to a file that a user named.

    The text goes to a new file beside it, which then takes the place of the old one: whoever reads the file sees one or
    the other, and an error leaves the old one.

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
        _replace(target.resolve(), text)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError("path", f"be a file that can be written ({reason})", str(path)) from error
    return target


def _replace(file: Path, text: str) -> None:
    special = file.exists() and not file.is_file()  # a device or a pipe, which cannot be replaced
    fixed = file.exists() and not os.access(file.parent, os.W_OK)
    if special or fixed:
        file.write_text(text, encoding="utf-8")
        return
    if file.exists() and not os.access(file, os.W_OK):
        raise PermissionError(13, "Permission denied")
    beside = file.with_name(f".{file.name[:200]}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        if file.exists():
            beside.chmod(file.stat().st_mode & 0o7777)
        os.replace(beside, file)
    finally:
        beside.unlink(missing_ok=True)
