"""Where iomap keeps files unless the user says otherwise."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cache_folder", "default_path"]


def cache_folder() -> Path:
    """Return iomap's folder in the user's cache: ``$XDG_CACHE_HOME/iomap``, by default ``~/.cache/iomap``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "iomap"


def default_path() -> Path:
    """Return the default store: ``IOMAP_STORE``, else a file in :func:`cache_folder`."""
    return Path(os.environ.get("IOMAP_STORE") or cache_folder() / "answers.sqlite").expanduser()
