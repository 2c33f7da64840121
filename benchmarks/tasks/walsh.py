"""Functions of 0/1 rows as Σ cₛ ∏ (2zᵢ − 1): one form in which what different methods found can be compared."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import numpy as np

from surrogates.surrogate import Surrogate
from surrogates.terms import Product, Term

__all__ = ["Subsets", "of_products", "of_surrogate"]

#: sets of features → weights
Subsets = dict[tuple[int, ...], float]


def of_products(weights: Subsets) -> Subsets:
    """From Σ wₛ ∏ zᵢ.

    Examples
    --------
    >>> of_products({(0, 1): 4.0})
    {(): 1.0, (0,): 1.0, (1,): 1.0, (0, 1): 1.0}
    """
    coefficients: Subsets = {}
    for members, weight in weights.items():
        _multiply_out(coefficients, weight, [(i, 0.5, 0.5) for i in members])
    return coefficients


def of_surrogate(surrogate: Surrogate) -> Subsets:
    """From a fitted surrogate's terms, one output; of one through a curve, those of the sum on its line.

    Examples
    --------
    >>> from surrogates import InteractionSurrogate
    >>> from probes import cube
    >>> of_surrogate(InteractionSurrogate().fit(cube(3), cube(3)[:, 2]))
    {(): 0.5, (2,): 0.5}
    """
    coefficients: Subsets = {(): float(surrogate.intercept_)}
    for term, weight in zip(surrogate.terms_, surrogate.coef_, strict=True):
        _multiply_out(coefficients, float(weight), list(_factors(term)))
    return coefficients


def _factors(term: Term) -> Iterable[tuple[int, float, float]]:
    """A term as factors a + b x: feature, a, b."""
    if isinstance(term, Product):
        return [(i, 0.5 - center, 0.5) for i, center in zip(term.features, term.centers, strict=True)]
    values = [(i, float(low < 0.0 <= high), float(low < 1.0 <= high)) for i, low, high in term.conditions]
    return [(i, (absent + present) / 2, (present - absent) / 2) for i, absent, present in values]


def _multiply_out(coefficients: Subsets, weight: float, factors: list[tuple[int, float, float]]) -> None:
    """Add weight ∏ (aᵢ + bᵢ xᵢ), parts that vanish left out."""
    for size in range(len(factors) + 1):
        for chosen in combinations(sorted(factors), size):
            inside = {i for i, _, _ in chosen}
            part = weight * np.prod([b if i in inside else a for i, a, b in factors])
            if part:
                key = tuple(i for i, _, _ in chosen)
                coefficients[key] = coefficients.get(key, 0.0) + float(part)
