"""VectorShare → the parts of its page, and text."""

from __future__ import annotations

from collections.abc import Callable

from probes.rounding import between, percent, rounded
from surrogates.difference.one_vector import VectorShare
from surrogates.report.names import model_name
from surrogates.report.page import Contents, contents
from surrogates.report.part import Part, made
from surrogates.report.parts.again import Again
from surrogates.report.parts.forest import Forest, Point
from surrogates.report.parts.head import Head
from surrogates.report.parts.origin import Origin
from surrogates.report.parts.scan import Scan
from surrogates.report.parts.statements import LEVEL
from surrogates.report.repeat_call import vector_line
from surrogates.report.terminal import paragraph
from surrogates.results.provenance import cost_line
from surrogates.results.result import text_of
from surrogates.visible import joined

__all__ = ["vector_contents", "vector_text"]


@contents.register
def vector_contents(found: VectorShare) -> Contents:
    """Take the share of one vector apart."""
    makers: list[Callable[[VectorShare], list[Part]]] = [_head, _claims, _again, _scan, _origin]
    return Contents("How much of a change is one vector", made(makers, found))


def _said(v: VectorShare) -> str:
    return (
        f"Steering by one vector at layer {v.layer} (times {rounded(v.scale)}) makes {percent(v.share)} "
        f"{between(v.low, v.high, percent)} of the change on {v.entities} held-out entities."
    )


def _beside(v: VectorShare) -> str:
    return (
        f"Of {v.controls} random vectors of its length a typical one makes {percent(v.control)} "
        f"{between(v.control_low, v.control_high, percent)}, less by {percent(v.beyond)} "
        f"{between(v.beyond_low, v.beyond_high, percent)}."
    )


def _head(v: VectorShare) -> list[Part]:
    evidence = (
        "The vector, the layer and the scale come from one half of the entities, the share from the other. 100% means "
        "that steering does the same case by case, 0 that it is no nearer than no change, less that it is farther. "
        "Other cases, layers and scales were not asked."
    )
    return [Head(warning="", said=_said(v), change=_beside(v), evidence=evidence)]


def _claims(v: VectorShare) -> list[Part]:
    points = (
        ("share", Point(row.claim, "", row.verdict, LEVEL[row.verdict], row.share, row.low, row.high))
        for row in v.claims.itertuples()
    )
    note = "With 95% intervals over held-out entities, and over random vectors: for another one of these."
    return [Forest.of(points, "Beside random vectors", note)]


def _again(v: VectorShare) -> list[Part]:
    return [Again.of(vector_line(v))]


def _scan(v: VectorShare) -> list[Part]:
    return [Scan.of(v.scan, v.layer, v.scale)]


def _origin(v: VectorShare) -> list[Part]:
    facts = [("Model, before", v.models[0]), ("Model, after", v.models[1]), ("Cost", cost_line(v.cost))]
    return [Origin(title="Provenance", facts=tuple(facts))]


@text_of.register
def vector_text(found: VectorShare) -> str:
    """Write the share of the vector, and that of random ones."""
    names = " → ".join(model_name(name) for name in found.models)
    lines = [*paragraph(f"One vector for the change {names}", 4), *paragraph(_said(found)), *paragraph(_beside(found))]
    return joined([*lines, "", *paragraph(cost_line(found.cost))])
