"""The part about which layers and scales of a vector were tried."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from probes.rounding import percent, rounded
from surrogates.report.part import Part
from surrogates.report.styles import TABLE

__all__ = ["Scan"]


@dataclass(frozen=True)
class ScanRow:
    """One layer and scale: the share of the change that it makes, and whether it was taken."""

    layer: int
    scale: str
    share: str
    taken: bool


@dataclass(frozen=True, kw_only=True)
class Scan(Part):
    """What each layer and scale makes of the change, on the cases by which they were chosen."""

    template = "scan.html"
    style = (TABLE,)

    rows: tuple[ScanRow, ...]

    @classmethod
    def of(cls, scan: pd.DataFrame, layer: int, scale: float) -> Scan:
        """Make it of rows ``layer, scale, share`` and of those that were taken."""
        rows = tuple(
            ScanRow(int(r.layer), rounded(r.scale), percent(r.share), r.layer == layer and r.scale == scale)
            for r in scan.itertuples()
        )
        return cls(title="Layers and scales tried", rows=rows)
