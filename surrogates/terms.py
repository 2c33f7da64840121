"""Terms: the readable functions φ(Z) that every surrogate is a weighted sum of, and their only evaluator.

Two kinds serve every family. A :class:`Product` of coordinates is a main effect or an interaction. A :class:`Box` is a
conjunction of interval conditions: a leaf of a tree, a rule, or one step of a one-feature shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from probes.probe import Feature
from probes.rounding import given

__all__ = ["Box", "Product", "Term", "describe", "evaluate", "factors", "term_to_json"]


@dataclass(frozen=True)
class Product:
    """∏ (z_i − center) over `features`; with one feature and center 0, the coordinate itself.

    Around the middle of the law (½ for 0/1 features) products are orthogonal to each other, and the weight of one is
    the average interaction of its features: how much each changes the effect of the others (the Banzhaf index).

    Parameters
    ----------
    features : tuple of int
        Feature numbers, increasing.
    centers : tuple of float, optional
        One a feature; by default all 0.
    """

    features: tuple[int, ...]
    centers: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not self.centers:
            object.__setattr__(self, "centers", (0.0,) * len(self.features))

    def factors(self, Z: np.ndarray) -> np.ndarray:
        """Evaluate the factors zᵢ − cᵢ on rows ``(n, d)``: ``(n, order)``."""
        return Z[..., list(self.features)] - np.array(self.centers)

    def __call__(self, Z: np.ndarray) -> np.ndarray:
        if not self.features:
            return np.ones(Z.shape[:-1])
        out = Z[..., self.features[0]] - self.centers[0]
        for i, center in zip(self.features[1:], self.centers[1:], strict=True):
            out *= Z[..., i] - center
        return out


@dataclass(frozen=True)
class Box:
    """1 where low < z_i ≤ high for every condition, else 0; with no conditions, 1 everywhere.

    Parameters
    ----------
    conditions : tuple of (int, float, float)
        Feature number, low, high; one condition a feature; infinities leave a side open.
    """

    conditions: tuple[tuple[int, float, float], ...]

    @property
    def features(self) -> tuple[int, ...]:
        """The features that the conditions are about."""
        return tuple(i for i, _, _ in self.conditions)

    def __call__(self, Z: np.ndarray) -> np.ndarray:
        inside = np.ones(len(Z), dtype=bool)
        for i, low, high in self.conditions:
            inside &= (low < Z[:, i]) & (Z[:, i] <= high)
        return inside.astype(float)


Term = Product | Box


def evaluate(terms: Sequence[Term], Z: np.ndarray) -> np.ndarray:
    """Evaluate all terms on all rows: ``(n, d)`` → ``(n, t)``.

    Examples
    --------
    >>> evaluate([Product((0, 1)), Box(((1, 0.5, np.inf),))], np.array([[1.0, 1.0], [0.0, 1.0]]))
    array([[1., 1.],
           [0., 1.]])
    """
    Z = np.asarray(Z, dtype=float)
    single = [
        (*term.features, *term.centers) for term in terms if isinstance(term, Product) and len(term.features) == 1
    ]
    if terms and len(single) == len(terms):  # all at once
        columns, centers = zip(*single, strict=True)
        values = Z.take(columns, axis=1)
        return values - np.array(centers) if any(centers) else values
    return np.column_stack([term(Z) for term in terms]) if terms else np.empty((len(Z), 0))


def describe(term: Term, features: Sequence[Feature]) -> str:
    """Put a term in words.

    Examples
    --------
    >>> describe(Product((0, 1)), [Feature("not"), Feature("bad")])
    'not × bad'
    >>> describe(Box(((0, 0.5, np.inf), (1, -np.inf, 0.5))), [Feature("not"), Feature("bad")])
    'not present and bad absent'
    """
    if isinstance(term, Product):
        return " × ".join(_factor(features[i].name, c) for i, c in zip(term.features, term.centers, strict=True))
    parts = []
    for i, low, high in term.conditions:
        name = features[i].name
        if features[i].kind == "binary":
            parts.append(f"{name} {'present' if high >= 1 else 'absent'}")
        elif np.isinf(low):
            parts.append(f"{name} ≤ {given(high)}")
        else:
            parts.append(f"{name} > {given(low)}" if np.isinf(high) else f"{given(low)} < {name} ≤ {given(high)}")
    return " and ".join(parts) or "always"


def _factor(name: str, center: float) -> str:
    if center == 0:
        return name
    return f"({name} − ½)" if center == 0.5 else f"({name} − {given(center)})".replace("− −", "+ ")


def factors(term: Term, x: np.ndarray, reference: np.ndarray) -> tuple[tuple[int, ...], np.ndarray, np.ndarray]:
    """Write a term between two rows as ∏ᵢ (startᵢ + stepᵢ · onᵢ) over its features, onᵢ in {0, 1}.

    A feature that is on takes its value from `x`, one that is off from `reference`.

    Parameters
    ----------
    term : Term
        With c factors.
    x, reference : ndarray ``(d,)``

    Returns
    -------
    features : tuple of c int
    start, step : ndarray ``(c,)``

    Examples
    --------
    >>> factors(Box(((0, 0.5, np.inf), (2, -np.inf, 0.5))), np.ones(3), np.zeros(3))
    ((0, 2), array([0., 1.]), array([ 1., -1.]))
    """
    if isinstance(term, Product):
        start, end = term.factors(reference), term.factors(x)
        return term.features, start, end - start
    inside = [[float(low < row[i] <= high) for i, low, high in term.conditions] for row in (reference, x)]
    start, end = np.array(inside[0]), np.array(inside[1])
    return term.features, start, end - start


def term_to_json(term: Term) -> dict[str, list]:
    """Convert a term to plain JSON data; open sides become null."""
    if isinstance(term, Product):
        return {"product": list(term.features), "centers": list(term.centers)}
    return {"box": [[i, *(None if np.isinf(v) else v for v in (low, high))] for i, low, high in term.conditions]}
