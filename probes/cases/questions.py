"""Questions: several inputs as a probe, so that any model can be asked them and keeps its answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from probes.deferred import take
from probes.design import Design
from probes.probe import Feature, Probe
from probes.views import ListView

__all__ = ["Questions"]


class Questions(Probe):
    """Several inputs as a probe: its one coordinate is the number of the input.

    Parameters
    ----------
    inputs : sequence, or DataFrame of rows
    """

    def __init__(self, inputs: Sequence[Any] | pd.DataFrame):
        self.inputs = inputs
        self.features = (Feature("number", "real"),)

    def render(self, Z: np.ndarray) -> Any:
        return take(self.inputs, np.asarray(Z)[:, 0].astype(int))

    def view(self) -> ListView:
        rows = self.inputs
        if isinstance(rows, pd.DataFrame):
            rows = [tuple(rows.columns), *rows.itertuples(index=False, name=None)]
        return {"kind": "list", "inputs": [repr(row) for row in rows]}

    @property
    def design(self) -> Design:
        """Every input once."""
        return Design(np.arange(len(self.inputs), dtype=float)[:, None], 0)
