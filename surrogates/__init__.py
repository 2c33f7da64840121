"""surrogates fits, judges and shows; it asks nothing itself.

:func:`explain` runs the whole flow: ``probes`` asks, a family is fitted to the answers, the fit is judged on answers it
has not seen, and the :class:`Explanation` carries the surrogate, its fidelity and its attributions to a report, a plot,
a data frame or JSON. Every family is a weighted sum of readable terms (``surrogates.terms``), so prediction, scoring,
attribution and display exist once.

This package imports ``probes``; ``probes`` never imports it.
"""

from surrogates.additive import AdditiveSurrogate
from surrogates.anchored import Anchor
from surrogates.anchors import anchor
from surrogates.base import Surrogate
from surrogates.behave import behave
from surrogates.card import Card
from surrogates.checks import CHECKS, check
from surrogates.explain import estimate, explain
from surrogates.explanation import Explanation
from surrogates.explanation_set import ExplanationSet
from surrogates.families import FAMILIES, Auto
from surrogates.fidelity import Fidelity
from surrogates.generalise import generalise
from surrogates.indices import Indices, indices
from surrogates.interactions import InteractionSurrogate
from surrogates.linear import SparseLinear
from surrogates.many import explain_many
from surrogates.proxy import CubeProxy
from surrogates.rules import RuleSurrogate
from surrogates.stack import StackedProxy
from surrogates.statement import Scope, Statement
from surrogates.stopping import Certified, StableOrder, Width
from surrogates.study import Study
from surrogates.terms import Box, Product
from surrogates.tree import TreeSurrogate
from surrogates.values import ShapleyValues, shapley_values

__all__ = [
    "CHECKS",
    "FAMILIES",
    "AdditiveSurrogate",
    "Anchor",
    "Auto",
    "Box",
    "Card",
    "Certified",
    "CubeProxy",
    "Explanation",
    "ExplanationSet",
    "Fidelity",
    "Indices",
    "InteractionSurrogate",
    "Product",
    "RuleSurrogate",
    "Scope",
    "ShapleyValues",
    "SparseLinear",
    "StableOrder",
    "StackedProxy",
    "Statement",
    "Study",
    "Surrogate",
    "TreeSurrogate",
    "Width",
    "anchor",
    "behave",
    "check",
    "estimate",
    "explain",
    "explain_many",
    "generalise",
    "indices",
    "shapley_values",
]
