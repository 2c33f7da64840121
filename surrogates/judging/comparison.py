"""Several families fitted to the same answers; held-out fidelity chooses among them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from surrogates.judging.analysis import Analysis, analyse_together
from surrogates.judging.problem import Problem
from surrogates.surrogate import Surrogate

__all__ = ["compare_families"]


def compare_families(
    families: dict[str, Surrogate], penalty: float, problems: Sequence[Problem], control: bool = True
) -> list[tuple[Analysis, pd.DataFrame]]:
    """Analyse problems that share their questions with every family, and choose a family for each.

    The choice is by mean held-out R² over outputs that vary, less `penalty` for every term.

    Parameters
    ----------
    families : dict of str to Surrogate
    penalty : float
        R² that one more term, or bound of a curve, must earn.
    problems : sequence of Problem
    control : bool, default True
        Whether to fit shuffled answers as well.

    Returns
    -------
    list of (Analysis, DataFrame)
        Per problem: the analysis of the chosen family; and one row per family, best first, with columns ``family,
        terms, r2, r2_low, r2_high, score``.
    """
    analyses = {name: analyse_together(family, problems, control) for name, family in families.items()}
    return [_best({name: each[i] for name, each in analyses.items()}, penalty) for i in range(len(problems))]


def _best(analyses: dict[str, Analysis], penalty: float) -> tuple[Analysis, pd.DataFrame]:
    """Return the analysis with the highest score, and the table of all."""
    rows = []
    for name, analysis in analyses.items():
        judged, terms = analysis.fidelity, len(analysis.surrogate.terms_)
        numbers = terms + np.mean([link.estimated for link in analysis.surrogate.links_] or [0])
        scores = np.array([judged.r2, judged.r2_low, judged.r2_high])
        scores = scores[:, ~np.isnan(scores[0])]  # an output that never changes says nothing about a family
        mean, low, high = scores.mean(axis=1) if scores.size else (np.nan,) * 3
        rows.append((name, terms, mean, low, high, mean - penalty * numbers))
    # equal but for rounding: the family named first
    rows.sort(key=lambda row: -np.nan_to_num(row[-1], nan=-np.inf).round(9))
    table = pd.DataFrame(rows, columns=["family", "terms", "r2", "r2_low", "r2_high", "score"])
    return analyses[rows[0][0]], table
