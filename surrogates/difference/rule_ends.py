"""Where rules end: rows on which two models differ are asked again with one cell changed, or without one word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from surrogates.difference.made_up_rows import MadeUp
from surrogates.difference.region_search import Counts, snapped, united, worth
from surrogates.difference.ways_of_cells import Cells
from surrogates.difference.ways_of_words import Words
from surrogates.many.columns import Column, Rows
from surrogates.terms import Box

__all__ = ["sharpened"]

#: rows from which the ends of one rule are looked for
_SEEDS = 2
#: marked rows that a rule which nothing but questions found must add, beside the one that they started from
_FEWEST = 3


def sharpened(
    rules: Sequence[Box],
    rows: Rows,
    Z: np.ndarray,
    marked: np.ndarray,
    columns: Sequence[Column],
    made_up: MadeUp,
    most: int = 5,
    length: int = 3,
    random_state: int = 0,
) -> list[Box]:
    """Ask where rules end, and for rules that the rows alone do not show.

    Parameters
    ----------
    rules : sequence of Box
        As found in the rows, the most useful first.
    rows : DataFrame of n rows, or sequence of n texts or chats
    Z : ndarray ``(n, c)``
        Their features.
    marked : ndarray of bool ``(n,)``
        Where two models differ.
    columns : sequence of c Column
    made_up : MadeUp
        Asks, and counts.
    most, length : int
        The most rules, and the most conditions in one.
    random_state : int

    Returns
    -------
    list of Box
        A rule is changed only where one that was asked for has as high an F1 for the marked rows, or nearly; a new one
        must raise it as those of :func:`~surrogates.difference.region_search.find_rules` do.

    Notes
    -----
    From a marked row each column goes its own way: it takes the farthest value that any row has on either side (or
    each other level), all other cells staying as they are; where the models no longer differ then, bisection between
    the values that rows have finds the last with which they do. The conditions found are a box around the row that is
    exact where the models differ by a conjunction. Columns that vary together, which no set of rows tells apart, are
    told apart by it. From a text each of its words is left out.
    """
    rng = np.random.default_rng([random_state, 6])
    made = (Z, marked, columns, made_up)
    ways = Cells(rows, *made) if isinstance(rows, pd.DataFrame) else Words(rows, *made)
    gain, waiting, out, score = worth(marked), list(rules), list[Box](), 0.0
    while len(out) < most:
        rule = waiting.pop(0) if waiting else None
        covered = united(out, Z)
        near = marked & ~covered if rule is None else marked & (rule(Z) > 0)
        if rule is None and (made_up.left < 1 or near.sum() <= _FEWEST):
            break
        around = [box for seed in rng.permutation(np.flatnonzero(near))[:_SEEDS] for box in ways.boxes(int(seed), rule)]
        tried = [_shortened(box, Z, marked, out, length) for box in around if box.conditions]
        tried += [] if rule is None else [rule]
        if not tried:
            break
        scores = np.array([Counts.of(covered | (box(Z) > 0), marked).f1 for box in tried])
        # what was asked for first: of as good ones it is the one that questions bear out
        at = int(np.argmax(scores >= scores.max() - gain / 4))
        fresh = int((~covered & marked & (tried[at](Z) > 0)).sum())
        if scores[at] >= score + gain and fresh > _FEWEST * (rule is None):
            out, score = [*out, tried[at]], float(scores[at])
        elif rule is None:
            break
    # one rule that stands for several may be in the way of the others
    known = united(rules, Z) if rules else np.ones(len(Z), dtype=bool)
    if score < Counts.of(known, marked).f1 + (-gain if rules else gain):
        return list(rules)
    return [snapped(rule, Z, [column.binary for column in columns]) for rule in out]


def _shortened(box: Box, Z: np.ndarray, marked: np.ndarray, others: Sequence[Box], length: int) -> Box:
    """Leave out the conditions that matter least in the rows, until there are few enough."""
    while len(box.conditions) > length:
        fewer = [Box((*box.conditions[:i], *box.conditions[i + 1 :])) for i in range(len(box.conditions))]
        box = max(fewer, key=lambda one: Counts.of(united([*others, one], Z), marked).f1)
    return box
