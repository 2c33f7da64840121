"""ModelIndices: what the results of all estimates of a model's own indices hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
import pandas as pd

from probes.probe import Feature
from probes.views import View
from surrogates.results.plain import Columns, Damaged
from surrogates.results.provenance import CostData, Provenance, no_provenance

__all__ = ["ModelIndices"]


@dataclass(frozen=True, kw_only=True)
class ModelIndices:
    """Fields of indices of the instance against the reference: t of each output, with standard errors."""

    table: Annotated[pd.DataFrame, Columns("output features exact source", "index se low high")]
    values: np.ndarray
    se: np.ndarray
    base: np.ndarray
    features: tuple[Feature, ...]
    outputs: tuple[str, ...]
    unit: str
    exact: bool
    cost: CostData = field(repr=False)
    warnings: tuple[str, ...] = ()
    view: View = field(default_factory=dict, repr=False)
    answer: str | None = None
    provenance: Provenance = field(default_factory=no_provenance, repr=False)

    def check_shapes(self, t: int) -> None:
        """Check, after reading, that the table has every output and that there are t indices of each.

        Raises
        ------
        Damaged
        """
        k = len(self.outputs)
        if not len(self.table) or set(self.table["output"]) != set(self.outputs):
            raise Damaged("table", "have rows for every output", [*self.table.columns])
        for name, due in (("values", (k, t)), ("se", (k, t)), ("base", (k,))):
            if getattr(self, name).shape != due:
                raise Damaged(name, f"have the shape {due}", getattr(self, name).shape)
