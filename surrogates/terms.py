"""Terms: the readable functions φ(Z) that every surrogate is a weighted sum of, and their only evaluator.

Two kinds serve every family. A :class:`Product` of coordinates is a main effect or an interaction. A :class:`Box` is a
conjunction of interval conditions: a leaf of a tree, a rule, or one step of a one-feature shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np

from probes.probe import Feature

__all__ = ["Box", "Product", "Term", "describe", "evaluate", "shapley", "term_from_json", "term_to_json"]


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
        """The factors ``(n, order)``."""
        return Z[..., list(self.features)] - np.array(self.centers)

    def __call__(self, Z: np.ndarray) -> np.ndarray:
        return self.factors(Z).prod(axis=-1)


@dataclass(frozen=True)
class Box:
    """1 where low < z_i ≤ high for every condition, else 0; with no conditions, 1 everywhere.

    Parameters
    ----------
    conditions : tuple of (int, float, float)
        Feature number, low, high; one condition a feature; infinities leave a side open.
    """

    conditions: tuple[tuple[int, float, float], ...]

    def __call__(self, Z: np.ndarray) -> np.ndarray:
        inside = np.ones(len(Z), dtype=bool)
        for i, low, high in self.conditions:
            inside &= (low < Z[:, i]) & (Z[:, i] <= high)
        return inside.astype(float)


Term = Product | Box


def evaluate(terms: Sequence[Term], Z: np.ndarray) -> np.ndarray:
    """All terms on all rows: ``(n, d)`` → ``(n, t)``.

    Examples
    --------
    >>> evaluate([Product((0, 1)), Box(((1, 0.5, np.inf),))], np.array([[1.0, 1.0], [0.0, 1.0]]))
    array([[1., 1.],
           [0., 1.]])
    """
    Z = np.asarray(Z, dtype=float)
    return np.column_stack([term(Z) for term in terms]) if terms else np.empty((len(Z), 0))


def describe(term: Term, features: Sequence[Feature]) -> str:
    """A term in words.

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
            parts.append(f"{name} ≤ {high:.4g}")
        else:
            parts.append(f"{name} > {low:.4g}" if np.isinf(high) else f"{low:.4g} < {name} ≤ {high:.4g}")
    return " and ".join(parts) or "always"


def _factor(name: str, center: float) -> str:
    if center == 0:
        return name
    return f"({name} − ½)" if center == 0.5 else f"({name} − {center:.4g})".replace("− -", "+ ")


def shapley(terms: Sequence[Term], coef: np.ndarray, x: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Shapley values of Σ wₖ φₖ for the instance `x` against `reference`, exact in closed form.

    A coalition's features take their values from `x`, the others from `reference`. For a conjunction with p conditions
    that only `x` meets and q that only the reference meets, each of the p earns (p−1)! q! / (p+q)! and each of the q
    loses p! (q−1)! / (p+q)! (Lundberg et al. 2020, interventional TreeSHAP). Products are enumerated.

    Parameters
    ----------
    terms : sequence of t terms
    coef : ndarray ``(k, t)``
    x, reference : ndarray ``(d,)``

    Returns
    -------
    ndarray ``(k, d)``
        Adding up over features to prediction at `x` minus prediction at `reference`.
    """
    values = np.zeros((len(coef), len(x)))
    for term, weight in zip(terms, coef.T, strict=True):
        shares = _product_shares(term, x, reference) if isinstance(term, Product) else _box_shares(term, x, reference)
        for i, share in shares.items():
            values[:, i] += weight * share
    return values


def _product_shares(term: Product, x: np.ndarray, reference: np.ndarray) -> dict[int, float]:
    size = len(term.features)
    here, there = (dict(zip(term.features, term.factors(row), strict=True)) for row in (x, reference))
    shares = {}
    for i in term.features:
        others = [j for j in term.features if j != i]
        shares[i] = sum(
            factorial(r)
            * factorial(size - r - 1)
            / factorial(size)
            * (here[i] - there[i])
            * np.prod([here[j] if j in chosen else there[j] for j in others])
            for r in range(size)
            for chosen in combinations(others, r)
        )
    return shares


def _box_shares(term: Box, x: np.ndarray, reference: np.ndarray) -> dict[int, float]:
    only_x: list[int] = []
    only_reference: list[int] = []
    for i, low, high in term.conditions:
        met, met_by_reference = low < x[i] <= high, low < reference[i] <= high
        if not met and not met_by_reference:
            return {}
        if met != met_by_reference:
            (only_x if met else only_reference).append(i)
    p, q = len(only_x), len(only_reference)
    total = factorial(p + q)
    gain = factorial(p - 1) * factorial(q) / total if p else 0.0
    loss = factorial(p) * factorial(q - 1) / total if q else 0.0
    return {**dict.fromkeys(only_x, gain), **dict.fromkeys(only_reference, -loss)}


def term_to_json(term: Term) -> dict[str, list]:
    """A term as plain JSON data; open sides become null."""
    if isinstance(term, Product):
        return {"product": list(term.features), "centers": list(term.centers)}
    return {"box": [[i, *(None if np.isinf(v) else v for v in (low, high))] for i, low, high in term.conditions]}


def term_from_json(data: dict[str, list]) -> Term:
    """The term that :func:`term_to_json` wrote."""
    if "product" in data:
        return Product(tuple(int(i) for i in data["product"]), tuple(float(c) for c in data["centers"]))
    return Box(
        tuple(
            (int(i), -np.inf if low is None else float(low), np.inf if high is None else float(high))
            for i, low, high in data["box"]
        )
    )
