"""The beeswarm: effects of features over many items, a dot an item, as inline SVG."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata, spearmanr

from probes.rounding import Scale, counted
from surrogates.report.part import Part, placed
from surrogates.report.parts.forest import Forest, Tick, ticks_of

__all__ = ["Beeswarm"]

#: features and dots that are drawn; items that a feature must have
_FEATURES, _DOTS, _FEWEST = 15, 1500, 3
#: steps of colour, width of a column of dots in percent, and the most dots beside its middle, of a height in pixels
_STEPS, _COLUMN, _HIGH, _STEP = 5, 1.2, 3, 4
#: rank correlation of effects and values from which an order is named, and the p-value up to which
_CLEAR, _CHANCE = 0.5, 0.01


@dataclass(frozen=True)
class Dot:
    """One item: where its effect lies, how far it is moved aside, and the step of its value."""

    x: str
    y: str
    step: str


@dataclass(frozen=True)
class Swarm:
    """One feature: its dots, and in words what they show."""

    feature: str
    dots: tuple[Dot, ...]
    zero: str
    spoken: str
    values: str


@dataclass(frozen=True, kw_only=True)
class Beeswarm(Part):
    """Effects on one output over all items, the features that matter most first."""

    template = "beeswarm.html"
    style = (
        *Forest.style,
        """\
.iomap .swarm circle { stroke: none; fill: var(--holds); }
.iomap .swarm .v1 { fill-opacity: .3; } .iomap .swarm .v2 { fill-opacity: .45; }
.iomap .swarm .v3 { fill-opacity: .6; } .iomap .swarm .v4 { fill-opacity: .8; }
.iomap .swarm .v0 { fill: var(--soft); fill-opacity: .6; }""",
    )

    rows: tuple[Swarm, ...]
    ticks: tuple[Tick, ...]
    unit: str
    coloured: bool
    left_out: str

    @classmethod
    def of(cls, effects: pd.DataFrame, order: Sequence[str], output: str, unit: str, dots: int = _DOTS) -> Beeswarm:
        """Make it of one output's rows ``item, feature, value, attribution``, and features in order of importance.

        The features that too few items have are left out. Of many items every k-th is drawn, `dots` in all.
        """
        by_feature = dict(tuple(effects.groupby("feature", sort=False)))
        shared = [name for name in order if len(by_feature.get(name, ())) >= _FEWEST]
        drawn = {name: by_feature[name] for name in shared[:_FEATURES]}
        scale = Scale.of([v for rows in drawn.values() for v in rows["attribution"]])
        sizes = [0.0, *(v for rows in drawn.values() for v in rows["attribution"])]
        pad = 0.03 * (max(sizes) - min(sizes)) or 1.0
        low, high = min(sizes) - pad, max(sizes) + pad
        every = max(1, -(-sum(map(len, drawn.values())) // dots))
        left = [f"Of the items every {every}th is drawn."] if every > 1 else []
        if more := len(shared) - len(drawn):
            left.append(f"Not drawn, but in the table of mean sizes: {counted(more, 'more feature')}.")
        rows = tuple(_swarm(name, table, every, (low, high), scale) for name, table in drawn.items())
        return cls(
            title=f"Effects on {output}, item by item",
            rows=rows,
            ticks=ticks_of(low, high, scale),
            unit=scale.unit(unit),
            coloured=any(row.values for row in rows),
            left_out=" ".join(left),
        )


def _swarm(name: str, table: pd.DataFrame, every: int, ends: tuple[float, float], scale: Scale) -> Swarm:
    """Place the dots of one feature, each beside those of the same column before it."""
    effects, values = table["attribution"].to_numpy(dtype=float), _numbers(table["value"])
    steps = np.zeros(len(effects), dtype=int)
    words = ""
    if values is not None and np.ptp(values) > 0:
        ranks = rankdata(values)
        steps = 1 + np.minimum((ranks - 1) * _STEPS // (len(ranks) - 1), _STEPS - 1).astype(int)
        words = _together(ranks, effects)
    taken = defaultdict[int, int](int)
    dots = []
    for i in range(0, len(effects), every):
        column = int(100 * (effects[i] - ends[0]) / (ends[1] - ends[0]) // _COLUMN)
        count, taken[column] = taken[column], taken[column] + 1
        aside = (count + 1) // 2 % (_HIGH + 1) * (1 if count % 2 else -1) * _STEP
        dots.append(Dot(placed(effects[i], *ends), f"{16 + aside}", f"{steps[i]}"))
    low, middle, high = (scale.signed(float(v)) for v in np.quantile(effects, (0, 0.5, 1)))
    spoken = f"effects from {low} to {high}, median {middle}, over {len(effects)} items"
    return Swarm(name, tuple(dots), placed(0.0, *ends), spoken + (f"; {words}" if words else ""), words)


def _numbers(values: pd.Series) -> np.ndarray | None:
    """Return values as numbers; None where one is none."""
    numbers = pd.to_numeric(values.astype(str).str.replace("−", "-").str.replace(",", ""), errors="coerce").to_numpy()
    return numbers if np.isfinite(numbers).all() else None


def _together(ranks: np.ndarray, effects: np.ndarray) -> str:
    """Say how effects go with values, where their rank correlation is large and not by chance."""
    if np.ptp(effects) == 0:
        return "the same effect at all values"
    rho, p = spearmanr(ranks, effects)
    if abs(rho) < _CLEAR or p > _CHANCE:
        return "no clear order by value"
    return f"larger values, {'higher' if rho > 0 else 'lower'} effects"
