"""Counterfactuals: rows near an instance for which a model answers as wanted, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

import pandas as pd

from probes.errors import InputError
from surrogates.results.plain import Columns, Damaged
from surrogates.results.provenance import CostData, Provenance, no_cost, no_provenance
from surrogates.results.result import SavedResult

__all__ = ["Counterfactuals"]


@dataclass(frozen=True)
class Counterfactuals(SavedResult):
    """Near rows with the answer wanted, each as the model itself answered it.

    Attributes
    ----------
    wanted : str
        What is wanted, in words.
    changes : DataFrame
        One row a changed column: ``counterfactual`` (from 1), ``column, before, after``, and ``distance``, in median
        absolute deviations of the background, 1 for another value without an order.
    answers : DataFrame
        One row a counterfactual, fewest changes first, then nearest: ``counterfactual, changed`` (columns),
        ``distance`` (sum), ``decision`` (empty where a number is wanted in a range), and ``answer``.
    rows : DataFrame
        The counterfactuals themselves, of the types of the background; in a file, numbers and texts.
    columns : tuple of str
    values : tuple of str
        The instance.
    output, unit : str
        What ``answer`` is.
    decision : str
        The instance's.
    answer : float
    exhausted : bool
        Whether the search ended because its calls were spent.
    asked : int
        Different rows that were asked.
    warnings : tuple of str
    cost : dict
    provenance : dict
    """

    kind: ClassVar[str] = "counterfactuals"
    named: ClassVar[str] = "counterfactuals"

    wanted: str
    changes: Annotated[pd.DataFrame, Columns("column before after", "counterfactual distance")]
    answers: Annotated[pd.DataFrame, Columns("decision", "counterfactual changed distance answer")]
    rows: pd.DataFrame = field(repr=False)
    columns: tuple[str, ...]
    values: tuple[str, ...]
    output: str
    unit: str
    decision: str
    answer: float
    exhausted: bool = False
    asked: int = 0
    warnings: tuple[str, ...] = ()
    cost: CostData = field(default_factory=no_cost, repr=False)
    provenance: Provenance = field(default_factory=no_provenance, repr=False)

    def __len__(self) -> int:
        return len(self.answers)

    def changed(self, number: int) -> pd.DataFrame:
        """The changes of one counterfactual, by its number from 1.

        Raises
        ------
        InputError
            If there is no counterfactual of this number.
        """
        if number not in range(1, len(self) + 1):
            known = f"from 1 to {len(self)}" if len(self) else "of which there is none"
            raise InputError("number", f"be the number of a counterfactual, {known}", number)
        return self.changes[self.changes["counterfactual"] == number].reset_index(drop=True)

    def check_consistent(self) -> None:
        """Check that every change is one of a counterfactual, after reading.

        Raises
        ------
        Damaged
        """
        if len(self.columns) != len(self.values):
            raise Damaged("values", "hold one for each column", len(self.values))
        if not {"counterfactual"} <= set(self.answers.columns) or not {"counterfactual"} <= set(self.changes.columns):
            raise Damaged("answers", "have a column counterfactual", sorted(self.answers.columns))
        numbers = set(self.answers["counterfactual"])
        if set(self.changes["counterfactual"]) != numbers or numbers != set(range(1, len(self.answers) + 1)):
            raise Damaged("changes", "be those of the answers, numbered from 1", sorted(numbers))
        if len(self.rows) != len(self.answers):
            raise Damaged("rows", "hold one row for each answer", len(self.rows))
