"""surrogates fits, judges and shows; it asks nothing itself.

:func:`explain` runs the whole flow: ``probes`` asks, a family is fitted to the answers, the fit is judged on answers it
has not seen, and the :class:`Explanation` carries the surrogate, its fidelity and its attributions to a report, a plot,
a data frame or JSON. Every family is a weighted sum of readable terms (``surrogates.terms``), so prediction, scoring,
attribution and display exist once.

This package imports ``probes``; ``probes`` never imports it.
"""

from surrogates.difference.card_difference import CardDifference
from surrogates.difference.case_difference import CaseDifference
from surrogates.difference.compare import compare
from surrogates.difference.compare_cards import compare_cards
from surrogates.difference.compare_cases import compare_cases
from surrogates.difference.compare_rows import compare_rows
from surrogates.difference.difference import Difference
from surrogates.difference.one_vector import VectorShare, one_vector
from surrogates.difference.row_difference import RowDifference
from surrogates.families.additive import AdditiveSurrogate
from surrogates.families.interactions import InteractionSurrogate
from surrogates.families.linear import SparseLinear
from surrogates.families.registry import FAMILIES, Auto
from surrogates.families.rules import RuleSurrogate
from surrogates.families.tree import TreeSurrogate
from surrogates.judging.fidelity import Fidelity
from surrogates.link import Link
from surrogates.local.anchor import Anchor
from surrogates.local.anchor_search import anchor
from surrogates.local.checks import CHECKS, check
from surrogates.local.coarse_to_fine import explain_document
from surrogates.local.counterfactual_search import counterfactuals
from surrogates.local.counterfactual_set import Counterfactuals
from surrogates.local.dependence import Dependence
from surrogates.local.dependence_curves import partial_dependence
from surrogates.local.explain import estimate, explain
from surrogates.local.explanation import Explanation
from surrogates.local.pairwise_estimate import pairwise_interactions
from surrogates.local.pairwise_interactions import PairwiseInteractions
from surrogates.local.shapley_estimate import shapley_values
from surrogates.local.shapley_values import ShapleyValues
from surrogates.local.stopping import Certified, StableOrder, Width
from surrogates.many.explain_many import explain_many
from surrogates.many.explanation_set import ExplanationSet
from surrogates.proxy.cube_proxy import CubeProxy
from surrogates.proxy.stacked_proxy import StackedProxy
from surrogates.shapley.indices import Indices, indices
from surrogates.statements.behave import behave
from surrogates.statements.card import Card
from surrogates.statements.generalise import generalise
from surrogates.statements.scope import Scope
from surrogates.statements.statement import Statement
from surrogates.statements.study import Study
from surrogates.surrogate import Surrogate
from surrogates.terms import Box, Product

__all__ = [
    "CHECKS",
    "FAMILIES",
    "AdditiveSurrogate",
    "Anchor",
    "Auto",
    "Box",
    "Card",
    "CardDifference",
    "CaseDifference",
    "Certified",
    "Counterfactuals",
    "CubeProxy",
    "Dependence",
    "Difference",
    "Explanation",
    "ExplanationSet",
    "Fidelity",
    "Indices",
    "InteractionSurrogate",
    "Link",
    "PairwiseInteractions",
    "Product",
    "RowDifference",
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
    "VectorShare",
    "Width",
    "anchor",
    "behave",
    "check",
    "compare",
    "compare_cards",
    "compare_cases",
    "compare_rows",
    "counterfactuals",
    "estimate",
    "explain",
    "explain_document",
    "explain_many",
    "generalise",
    "indices",
    "one_vector",
    "pairwise_interactions",
    "partial_dependence",
    "shapley_values",
]
