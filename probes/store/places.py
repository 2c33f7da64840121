"""Stores by object or by path, opened to be read or to be written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeAlias

from probes.errors import InputError
from probes.store.store import Store

__all__ = ["Place", "path_of", "reading", "same_file", "writing"]

Place: TypeAlias = Store | str | Path


@contextmanager
def reading(place: Place, parameter: str) -> Iterator[Store]:
    """Open a store to read; files are not changed.

    Raises
    ------
    InputError
        If it does not exist.
    """
    if isinstance(place, Store):
        yield place
        return
    path = path_of(place)
    if path is None or not path.exists():
        raise InputError(parameter, "be a store or the path of one that exists", _shown(place))
    with closing(Store(path, readonly=True)) as store:
        yield store


@contextmanager
def writing(place: Place) -> Iterator[Store]:
    """Open a store to write; what exists already is checked first.

    Raises
    ------
    StoreError
        If it is damaged.
    """
    if isinstance(place, Store):
        place.check()
        yield place
        return
    path = path_of(place)
    if path is None:
        raise InputError("target", "be a store or a path", _shown(place))
    if path.exists() and path.stat().st_size:
        with closing(Store(path, readonly=True)) as store:
            store.check()
    with closing(Store(path)) as store:
        yield store


def path_of(place: object) -> Path | None:
    """Return the path of a store; None for one in memory, and for what is neither store nor path."""
    if isinstance(place, Store):
        return place.path
    return Path(place).expanduser() if isinstance(place, (str, Path)) and str(place) else None


def _shown(place: object) -> object:
    return str(place) if isinstance(place, Path) else place


def same_file(target: Place, source: Store) -> bool:
    """Return whether two stores are one."""
    path = path_of(target)
    if target is source:
        return True
    return path is not None and source.path is not None and path.exists() and path.samefile(source.path)
