"""The families by name. A new family is one file and one line here."""

from __future__ import annotations

from sklearn.base import clone

from probes.errors import InputError
from surrogates.base import Surrogate
from surrogates.linear import SparseLinear
from surrogates.tree import TreeSurrogate

__all__ = ["FAMILIES", "as_family"]

FAMILIES: dict[str, type[Surrogate]] = {"linear": SparseLinear, "tree": TreeSurrogate}


def as_family(family: str | Surrogate) -> Surrogate:
    """An unfitted surrogate of the family a user means: a name of the table, or a surrogate with its settings.

    Raises
    ------
    InputError

    Examples
    --------
    >>> as_family("tree")
    TreeSurrogate()
    """
    if isinstance(family, Surrogate):
        return clone(family)
    if isinstance(family, str) and family in FAMILIES:
        return FAMILIES[family]()
    raise InputError(
        "family", f"be one of {', '.join(FAMILIES)}, or a surrogate such as SparseLinear(max_terms=5)", family
    )
