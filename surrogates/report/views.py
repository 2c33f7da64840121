"""Loads every module that registers a view of a result, and registers the page that all of them share.

The page is registered here, after every type has registered its contents: whoever loads one module of the report alone
then still gets all of them with the first page.
"""

from __future__ import annotations

from surrogates.report import (
    anchor_and_shapley,
    card,
    card_difference,
    case_difference,
    counterfactual_set,
    dependence,
    difference,
    explanation,
    explanation_set,
    global_surrogate,
    one_vector,
    pairwise_interactions,
    row_difference,
    text,
)
from surrogates.report.page import fragment, page
from surrogates.report.plots.kinds import drawn, load
from surrogates.results.result import Result, figure_of, fragment_of, page_of

__all__ = ["VIEWS"]

#: a new type of result is one module here, which registers its page and text; its plots are found by their names
VIEWS = (
    anchor_and_shapley,
    card,
    card_difference,
    case_difference,
    counterfactual_set,
    dependence,
    difference,
    explanation,
    explanation_set,
    global_surrogate,
    one_vector,
    pairwise_interactions,
    row_difference,
    text,
)

page_of.register(Result, page)
fragment_of.register(Result, fragment)

load()
figure_of.register(Result, drawn)
