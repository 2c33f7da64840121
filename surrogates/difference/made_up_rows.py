"""Rows that nobody has: two models are asked about them, and what that costs is counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from probes.asking.cost import Cost
from probes.errors import NoAnswerError
from probes.outputs.target import TargetLike
from surrogates.difference.answered_rows import Answered, told_apart
from surrogates.many.columns import Rows

__all__ = ["BothAsked", "MadeUp", "telling"]


@dataclass
class MadeUp:
    """Rows that are made up of two others and asked, up to a number.

    Attributes
    ----------
    differ : callable
        Takes a table of m rows or m texts, returns whether two models differ on each, ``(m,)`` bool.
    left : int
        How many more may be asked.
    asked : list of tables, or of lists of texts
        What was asked.
    """

    differ: Callable[[Rows], np.ndarray]
    left: int
    asked: list[Rows] = field(default_factory=list)

    def __call__(self, rows: Rows) -> np.ndarray:
        self.left -= len(rows)
        self.asked.append(rows)
        return np.asarray(self.differ(rows), dtype=bool)


@dataclass
class BothAsked:
    """Two models whose answers to the user's rows are known.

    Attributes
    ----------
    asks : two callables
        Each asks one of the models about rows.
    as_array : bool
        Whether models are given a table as an array.
    target
        As of :func:`~surrogates.difference.compare_rows.compare_rows`.
    cost : Cost
        Of what was asked here.
    """

    asks: Sequence[Callable[[Any], Answered]]
    as_array: bool
    target: TargetLike
    cost: Cost = field(default_factory=Cost)

    def differ(self, number: int, margin: float, rows: Rows) -> np.ndarray:
        """Return on which rows ``(m,)`` the models differ, in one of the numbers compared.

        Where a model gives no answer they are said not to.

        Parameters
        ----------
        number : int
            Which of them.
        margin : float
            By how much; NaN where decisions count.
        rows : DataFrame of m rows, or sequence of m texts

        Raises
        ------
        ModelError
        """
        inputs = rows.to_numpy(dtype=float) if self.as_array and isinstance(rows, pd.DataFrame) else rows
        try:
            one, other = (ask(inputs) for ask in self.asks)
        except NoAnswerError:
            return np.zeros(len(rows), dtype=bool)
        self.cost.add(one.cost + other.cost)
        there = one.answered & other.answered
        out = np.zeros(len(rows), dtype=bool)
        if there.any():
            least = None if np.isnan(margin) else margin
            out[there] = told_apart(one.only(there), other.only(there), self.target, least)[number].differs
        return out


def telling(Z: np.ndarray, marked: np.ndarray) -> np.ndarray:
    """Return how far the ranks of marked rows lie from those of all, for each feature ``(c,)`` of rows ``(n, c)``."""
    ranks = stats.rankdata(np.where(np.isnan(Z), -np.inf, Z), axis=0)
    return np.abs(ranks[marked].mean(axis=0) - ranks.mean(axis=0))
