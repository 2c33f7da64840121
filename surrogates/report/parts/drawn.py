"""The surrogate drawn: the pictures that fit what it is made of."""

from __future__ import annotations

from surrogates.local.explanation import Explanation
from surrogates.report.part import Part
from surrogates.report.parts.link_curve import link_curve_parts
from surrogates.report.parts.pairs import pairs_parts
from surrogates.report.parts.rule_cards import RuleCards
from surrogates.report.parts.shapes import shapes_parts
from surrogates.report.parts.tree import DrawnTree

__all__ = ["drawn_parts"]


def drawn_parts(ex: Explanation) -> list[Part]:
    """Return a tree, or shapes, rules, pairs and the curve, whatever the surrogate has."""
    tree = DrawnTree.of(ex)
    if tree is not None:
        return [tree]
    shapes = shapes_parts(ex)
    rules = RuleCards.of(ex) if not shapes else None
    return [*shapes, *([rules] if rules is not None else []), *pairs_parts(ex), *link_curve_parts(ex)]
