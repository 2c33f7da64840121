"""Zoom: how a document was taken apart, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pandas as pd

from probes.errors import InputError
from probes.inputs.adapt import ProbeLike
from probes.inputs.document import DocumentProbe, Run
from surrogates.results.plain import Columns

__all__ = ["FOUND", "SPLITS", "WORDS", "Zoom"]

#: columns of the tables: those of words, and those of numbers
FOUND = ("part level how", "group change share start stop")
WORDS = ("word of", "change share start stop")
SPLITS = ("part level why", "into asked")


@dataclass(frozen=True)
class Zoom:
    """From a few large parts of a document to the small ones that matter.

    Attributes
    ----------
    found : DataFrame
        Parts that the search found to decide the answer, most decisive first: ``part, level, how, group, change, share,
        start, stop``. The parts of group 0 together, with nothing else there, keep about half of what the document does
        to the answer, or more; those of a later group are `how` they belong to it: in place of a part of group 0,
        beside it, or on their own. Without the part, what it was found with (its group, and the rest of group 0 where
        it goes with that) loses `change` of the answer, in the unit of the target, for the first output; `share` is of
        what the document does to all outputs. Both are NaN where the model did not answer. They are answers of the
        model, not estimates, and were searched for: other parts may do as well. ``start, stop`` are units of the finest
        cut.
    words : DataFrame
        Units of the sentences in group 0 whose absence alone, all else of that group being there, changes the answer:
        ``word, of, change, share, start, stop``.
    splits : DataFrame
        Parts that were split, in order: ``part, level, why, into, asked``: into how many, after how many questions.
    runs : tuple of (int, int)
        The units of each feature, see :meth:`probe`.
    units : int
        Units of the finest cut.
    asked : int
        Questions of the search, which the surrogate is fitted to and never judged by.
    stopped : str
        Why the search ended.
    """

    found: Annotated[pd.DataFrame, Columns(*FOUND)]
    words: Annotated[pd.DataFrame, Columns(*WORDS)]
    splits: Annotated[pd.DataFrame, Columns(*SPLITS)]
    runs: tuple[Run, ...]
    units: int
    asked: int
    stopped: str

    @property
    def whole(self) -> int:
        """How many parts of several units were neither split nor found: effects inside one may cancel."""
        found = set(zip(self.found["start"], self.found["stop"], strict=True))
        return sum(stop - start > 1 and (start, stop) not in found for start, stop in self.runs)

    def probe(self, document: ProbeLike) -> DocumentProbe:
        """Return the document as it was taken apart, to ask the same parts again, as in :func:`~surrogates.compare`.

        Parameters
        ----------
        document : Probe, str, chat or dict
            As for :func:`~surrogates.explain_document`.

        Raises
        ------
        InputError
            If it has another number of units.
        """
        given = DocumentProbe(document)
        if (units := len(given.units.features)) != self.units:
            raise InputError("document", f"have the {self.units:,} units of the one that was taken apart", units)
        return DocumentProbe(given, runs=self.runs)
