"""Families as explain() makes them of a name, but cheap to fit: for tests of what surrounds a fit."""

from __future__ import annotations

from surrogates import FAMILIES, Auto
from surrogates.surrogate import Surrogate

#: fewer folds, terms, trees, rules and leaves, and no search for the proxy's shrinkage
CHEAP = {
    "folds": 2,
    "max_order": 2,
    "n_trees": 2,
    "max_length": 2,
    "max_leaves": 4,
    "steps": 4,
    "proxy__shrinkage": 4.0,
}


def cheap(family: str) -> Surrogate | Auto:
    """Return the family of this name with the settings of CHEAP that it has; "auto" compares its families so."""
    if family == "auto":
        return Auto(tuple(cheap(name) for name in Auto().families))
    made = FAMILIES[family]()
    return made.set_params(**{name: value for name, value in CHEAP.items() if name in made.get_params()})
