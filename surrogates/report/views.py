"""Loads every module that registers a view of a result."""

from __future__ import annotations

from surrogates.report import anchor_and_shapley, card, explanation, explanation_set, figures, text

__all__ = ["VIEWS"]

#: a new type of result is one module here, which registers its page, text and figure
VIEWS = (anchor_and_shapley, card, explanation, explanation_set, figures, text)
