"""What is checked of any two models that are compared: their names, and whether they are told apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from probes.errors import InputError, ModelError

__all__ = ["alike", "check_names", "said_of"]


def check_names(names: Sequence[str]) -> None:
    """Refuse names that do not tell two models apart.

    Raises
    ------
    InputError
    """
    pair = [] if isinstance(names, str) or not isinstance(names, Sequence) else [*names]
    if len(pair) != 2 or not all(isinstance(n, str) and n.strip() for n in pair) or pair[0].strip() == pair[1].strip():
        raise InputError("names", "be two different texts", names)


def alike(before: object, after: object, identities: tuple[str, str]) -> list[str]:
    """Warn of two objects under one identity: the second was given the answers of the first."""
    if identities[0] != identities[1] or before is after:
        return []
    return [
        f"Both models have the identity {identities[0][:60]!r}, under which answers are kept, so that one is taken for "
        "the other. If they are not the same, give them different names."
    ]


@contextmanager
def said_of(name: str) -> Iterator[None]:
    """Let errors of a model say that a second one was asked as well."""
    try:
        yield
    except ModelError as error:
        error.add_note(f"(while {name} was compared)")
        raise
