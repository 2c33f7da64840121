"""Packages that are imported when a test first uses them: torch takes seconds, in each process that collects tests."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest


class _Later:
    """A package that is imported with the first of its names."""

    def __init__(self, name: str):
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what collecting asks of all that a module holds
            raise AttributeError(name)
        return getattr(import_module(self._name), name)


def when_used(package: str) -> Any:
    """Stand for a package, or skip the module that asks where it is not installed."""
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed", allow_module_level=True)
    return _Later(package)
