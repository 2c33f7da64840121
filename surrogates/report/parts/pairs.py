"""The part that shows which features act together: a network of pairs, and terms of more than two features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np

from surrogates.local.explanation import Explanation
from surrogates.report.curves import weights_unit
from surrogates.report.drawings import length
from surrogates.report.names import renamed
from surrogates.report.part import Part
from surrogates.report.styles import PAIR
from surrogates.report.text import scale_of
from surrogates.terms import Product

__all__ = ["Pairs", "pair_marks", "pairs_parts"]

#: pairs that are drawn and numbered, terms that are listed beside them, and outputs that have a network
_DRAWN, _LISTED, _OUTPUTS = 9, 60, 3
#: share of an output's largest weight up to which a term is none of its own: outputs share their terms
_LEAST = 1e-3


@dataclass(frozen=True)
class Arc:
    """One pair: its number, the line between its two features, and what it adds."""

    number: int
    first: str
    second: str
    path: str
    width: str
    sign: str
    weight: str


@dataclass(frozen=True)
class Node:
    """A feature of a pair, and the numbers of its pairs."""

    name: str
    numbers: tuple[int, ...]


@dataclass(frozen=True)
class Together:
    """A term without a number of its own: its features, and what it adds."""

    names: tuple[str, ...]
    weight: str


@dataclass(frozen=True, kw_only=True)
class Pairs(Part):
    """The strongest pairs of one output as arcs between features, in their order; all else in a list."""

    template = "pairs.html"
    style = (
        """\
.iomap .together { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr));
  gap: .3rem 2rem; align-items: start; }
.iomap .net { display: grid; grid-template-columns: fit-content(60%) minmax(4rem, 14rem); column-gap: .4rem; }
.iomap .net .nodes { min-width: 0; }
.iomap .net .node { display: flex; justify-content: flex-end; height: 1.8rem; line-height: 1.8rem;
  white-space: nowrap; }
.iomap .net .node sup { align-self: flex-start; line-height: 1.4; }
.iomap .net .node span { overflow: hidden; text-overflow: ellipsis; }
.iomap .net svg { width: 100%; height: 100%; overflow: visible; }
.iomap .net path { fill: none; stroke: rgb(var(--hue)); stroke-opacity: .75; vector-effect: non-scaling-stroke;
  stroke-linecap: round; }
.iomap ol.pairs { margin: .5rem 0; padding-left: 2rem; } .iomap ol.pairs li { padding: .1rem 0; }
.iomap ol.pairs b { font-variant-numeric: tabular-nums; color: rgb(var(--hue)); }
.iomap ul.pairs { padding-left: 1.2rem; }""",
        PAIR,
    )

    nodes: tuple[Node, ...]
    height: int
    arcs: tuple[Arc, ...]
    others: tuple[Together, ...]
    wider: tuple[Together, ...]
    left_out: int
    unit: str
    lead: bool
    marked: bool
    real: bool
    muted: bool

    @classmethod
    def of(cls, ex: Explanation, j: int) -> Pairs | None:
        """Make it of one output of an explanation; None where no features act together."""
        terms, coef, scale = ex.surrogate.terms_, np.atleast_2d(ex.surrogate.coef_)[j], scale_of(ex)
        least = _LEAST * float(np.abs(coef).max(initial=0.0))
        order = [i for i in _by_size(ex) if abs(float(coef[i])) > least]
        if not order:
            return None
        features = renamed(ex.features, ex.view)
        marks = pair_marks(ex)
        numbers = {i: number for number, i in enumerate(_drawn(ex), 1)}
        drawn, rest = ([i for i in order if (i in numbers) is has] for has in (True, False))
        shown = sorted(set(chain.from_iterable(terms[i].features for i in drawn)))
        place = {feature: 10 * k + 5 for k, feature in enumerate(shown)}
        largest = max((abs(float(coef[i])) for i in drawn), default=0.0) or 1.0
        arcs = []
        for i in drawn:
            first, second = terms[i].features
            a, b = place[first], place[second]
            reach = 20 + 75 * (b - a) // max(10 * (len(shown) - 1), 1)
            arcs.append(
                Arc(
                    numbers[i],
                    features[first].name,
                    features[second].name,
                    f"M1 {a}C{reach} {a} {reach} {b} 1 {b}",
                    length(1 + 5 * abs(float(coef[i])) / largest),
                    "up" if coef[i] >= 0 else "down",
                    scale.signed(coef[i]),
                )
            )
        listed = [
            (i, Together(tuple(features[f].name for f in terms[i].features), scale.signed(coef[i])))
            for i in rest[:_LISTED]
        ]
        several = len(ex.target.outputs) > 1
        return cls(
            title="Features that act together" + (f": {ex.target.outputs[j]}" if several else ""),
            nodes=tuple(Node(features[f].name, marks[ex.features[f].name]) for f in shown),
            height=10 * len(shown),
            arcs=tuple(arcs),
            others=tuple(each for i, each in listed if len(terms[i].features) == 2),
            wider=tuple(each for i, each in listed if len(terms[i].features) > 2),
            left_out=len(rest) - len(listed),
            unit=weights_unit(ex.surrogate, scale.unit(ex.target.unit)),
            lead=not j,
            marked=ex.view.get("kind") == "text",
            real=any(features[f].kind == "real" for i in order for f in terms[i].features),
            muted=ex.fidelity.refused()[j],
        )


def pairs_parts(ex: Explanation) -> list[Part]:
    """Return the networks of the first outputs, where features act together."""
    return [part for j in range(len(ex.target.outputs[:_OUTPUTS])) if (part := Pairs.of(ex, j)) is not None]


def pair_marks(ex: Explanation) -> Mapping[str, tuple[int, ...]]:
    """Return the numbers of the pairs that each feature is in, by its name; the strongest pair has number 1."""
    marks: dict[str, tuple[int, ...]] = {}
    for number, i in enumerate(_drawn(ex), 1):
        for feature in ex.surrogate.terms_[i].features:
            name = ex.features[feature].name
            marks[name] = (*marks.get(name, ()), number)
    return marks


def _by_size(ex: Explanation) -> list[int]:
    """Return the terms of two features and more, heaviest first."""
    terms, coef = ex.surrogate.terms_, np.atleast_2d(ex.surrogate.coef_)
    order = np.argsort(-np.abs(coef).sum(axis=0), kind="stable")
    return [int(i) for i in order if isinstance(terms[i], Product) and len(terms[i].features) > 1]


def _drawn(ex: Explanation) -> list[int]:
    """Return the pairs that have a number."""
    return [i for i in _by_size(ex) if len(ex.surrogate.terms_[i].features) == 2][:_DRAWN]
