"""Dependence: what a model answers as one column changes, on average and row by row, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd

from surrogates.results.plain import Columns, Damaged
from surrogates.results.provenance import CostData, Provenance, no_cost, no_provenance
from surrogates.results.result import SavedResult

__all__ = ["Dependence"]


@dataclass(frozen=True)
class Dependence(SavedResult):
    """Partial dependence of an answer on one column, and the individual curves that it is the mean of.

    Attributes
    ----------
    feature : str
    output, unit : str
        The number answered.
    table : DataFrame
        One row a value of the column: ``value``, in words; ``place``, the value on a line, NaN without an order; the
        ``mean`` answer over the rows used with a 95% interval for all background rows, ``low`` and ``high``.
    curves : ndarray ``(n, G)``
        Individual conditional expectation: the answer for each row used, with each value.
    instance : ndarray ``(G,)``
        The same for one row; empty if none was given.
    held : str
        The value that this row holds; empty if none was given.
    population : int
        Background rows that the n used are drawn from.
    warnings : tuple of str
    cost : dict
    provenance : dict
    """

    kind: ClassVar[str] = "dependence"
    named: ClassVar[str] = "a dependence"

    feature: str
    output: str
    unit: str
    table: Annotated[pd.DataFrame, Columns("value", "place mean low high")]
    curves: np.ndarray = field(repr=False)
    instance: np.ndarray = field(repr=False)
    held: str
    population: int
    warnings: tuple[str, ...] = ()
    cost: CostData = field(default_factory=no_cost, repr=False)
    provenance: Provenance = field(default_factory=no_provenance, repr=False)

    @property
    def ordered(self) -> bool:
        """Whether values have an order."""
        return bool(self.table["place"].notna().all())

    def check_consistent(self) -> None:
        """Check that every curve has a number for every value, after reading.

        Raises
        ------
        Damaged
        """
        G = len(self.table)
        if self.curves.ndim != 2 or self.curves.shape[1] != G or not G:
            raise Damaged("curves", f"have a number for each of the {G} values", self.curves.shape)
        if self.instance.shape not in ((0,), (G,)):
            raise Damaged("instance", f"have a number for each of the {G} values, or none", self.instance.shape)
