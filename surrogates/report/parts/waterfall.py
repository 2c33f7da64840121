"""The part that draws Shapley values as a waterfall: from the number for the reference to that for this input."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from probes.rounding import Scale
from surrogates.local.shapley_values import ShapleyValues
from surrogates.report.drawings import Axis, length
from surrogates.report.names import named
from surrogates.report.part import Part
from surrogates.report.parts.instance import reference_in_words
from surrogates.report.styles import STACK, TABLE

__all__ = ["Step", "Waterfall", "waterfall_parts"]

#: features that have a step of their own, and outputs that have a waterfall
_STEPS, _OUTPUTS = 16, 3


@dataclass(frozen=True)
class Step:
    """One feature: what it adds, its interval, and where its bar and the interval of its end lie, in percent."""

    feature: str
    value: str
    interval: str
    sign: str
    left: str
    width: str
    low: str
    span: str


@dataclass(frozen=True, kw_only=True)
class Waterfall(Part):
    """The values of one output one after the other, the largest first; the rest in one step."""

    template = "waterfall.html"
    style = (
        TABLE,
        STACK,
        """\
.iomap .falls td.chart { width: 45%; min-width: 8rem; }
.iomap .falls .track { position: relative; height: 1.3rem;
  background: linear-gradient(var(--line), var(--line)) var(--base) 0 / 1px 100% no-repeat; }
.iomap .falls .track i { position: absolute; top: .2rem; height: .9rem; min-width: 2px; border-radius: 2px;
  background: rgba(var(--hue), .75); }
.iomap .falls .track u { position: absolute; top: .6rem; height: .1rem; background: var(--ink); }
.iomap .falls .track b { position: absolute; top: 0; width: 2px; height: 1.3rem; margin-left: -1px;
  background: var(--ink); }
.iomap .falls tr.end td { font-weight: 600; }""",
    )

    rows: tuple[Step, ...]
    reference: str
    start: str
    end: str
    starts: str
    ends: str
    unit: str
    exact: bool
    gap: str
    together: bool

    @classmethod
    def of(cls, values: ShapleyValues, j: int, scale: Scale) -> Waterfall:
        """Make it of one output of Shapley values."""
        table = values.table[values.table["output"] == values.outputs[j]].rename(columns={"index": "added"})
        names = named(values.features, values.view)
        worth = {f.name: f.value for f in values.features}
        base, end = float(values.base[j]), float(values.base[j] + values.values[j].sum())
        shown = table.head(_STEPS if len(table) > _STEPS + 1 else len(table))
        others = table["added"].iloc[len(shown) :]
        stops = base + np.cumsum([0.0, *shown["added"], *([others.sum()] if len(others) else [])])
        before = stops[: len(shown)]
        reach = [*stops, end, *(before + shown["low"].to_numpy()), *(before + shown["high"].to_numpy())]
        axis = Axis.over(reach, 0.03)
        rows = []
        for row, start, stop in zip(shown.itertuples(), before, stops[1:], strict=False):
            value = worth.get(row.features, "")
            label = names.get(row.features, row.features)
            label = f"{label} = {value}" if value and value != row.features else label
            span = "" if values.exact else scale.between(row.low, row.high)
            rows.append(
                _step(label, scale.signed(row.added), span, start, stop, (start + row.low, start + row.high), axis)
            )
        if len(others):
            label, added = f"{len(others)} others together", scale.signed(float(others.sum()))
            rows.append(_step(label, added, "", stops[-2], stops[-1], (stops[-1], stops[-1]), axis))
        over = end - float(stops[-1])
        several = len(values.outputs) > 1
        return cls(
            title="From the reference to this input" + (f": {values.outputs[j]}" if several else ""),
            rows=tuple(rows),
            reference=reference_in_words(values.features, values.view),
            start=scale.rounded(base),
            end=scale.rounded(end),
            starts=length(float(axis.at(base))),
            ends=length(float(axis.at(end))),
            unit=scale.unit(values.unit),
            exact=values.exact,
            gap=scale.signed(over) if abs(over) > 1e-6 * (1e-300 + max(abs(base), abs(end))) else "",
            together=len(others) > 0,
        )


def _step(
    feature: str, value: str, interval: str, start: float, stop: float, ends: tuple[float, float], axis: Axis
) -> Step:
    left, right = sorted(float(axis.at(v)) for v in (start, stop))
    low, high = (float(axis.at(v)) for v in ends)
    sign = "up" if stop >= start else "down"
    return Step(feature, value, interval, sign, *map(length, (left, right - left, low, high - low)))


def waterfall_parts(values: ShapleyValues, scale: Scale) -> list[Part]:
    """Return the waterfalls of the first outputs."""
    return [Waterfall.of(values, j, scale) for j in range(len(values.outputs[:_OUTPUTS]))]
