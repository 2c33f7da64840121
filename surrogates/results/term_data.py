"""Terms as plain data and back: a product by its features, a conjunction by its conditions."""

from __future__ import annotations

import numpy as np

from surrogates.results.plain import READERS, Damaged, Json, plain, read
from surrogates.terms import Box, Product, Term, term_to_json

__all__ = ["check_terms"]


@plain.register
def _(term: Product) -> Json:
    return plain(term_to_json(term))


@plain.register
def _(term: Box) -> Json:
    return plain(term_to_json(term))


def _product(data: object, where: str) -> Product:
    given = read(dict, data, where)
    features = read(tuple[int, ...], given.get("product"), f"{where}.product")
    centers = read(tuple[float, ...], given.get("centers"), f"{where}.centers")
    if len(centers) != len(features) or not np.isfinite(centers).all():
        raise Damaged(where, "have a center for every feature", data)
    return Product(features, centers)


def _box(data: object, where: str) -> Box:
    given = read(dict, data, where)
    conditions = read(tuple[tuple[int, float, float], ...], given.get("box"), f"{where}.box")
    return Box(tuple((i, _side(low, -np.inf), _side(high, np.inf)) for i, low, high in conditions))


def _side(value: float, open_: float) -> float:
    """Return a bound of an interval; null leaves the side open."""
    return open_ if np.isnan(value) else value


READERS[Product] = _product
READERS[Box] = _box


def check_terms(terms: tuple[Term, ...] | list[Term], features: int, where: str) -> None:
    """Check that terms are about features that there are.

    Raises
    ------
    Damaged
    """
    for term in terms:
        if wrong := [i for i in term.features if not 0 <= i < features]:
            raise Damaged(where, f"be about features from 0 to {features - 1}", wrong)
