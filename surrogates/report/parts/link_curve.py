"""The part that draws the curve which a surrogate's sum passes through, with this input and the answers on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from probes.rounding import alone
from surrogates.local.explanation import Explanation
from surrogates.report.drawings import PLOT, Axis, Spot, dots, line, spot
from surrogates.report.part import Part
from surrogates.report.text import scale_of
from surrogates.terms import evaluate

__all__ = ["LinkCurve", "link_curve_parts"]

#: answers that are drawn, points of the curve, and outputs that have a picture
_ANSWERS, _POINTS, _OUTPUTS = 400, 81, 3


@dataclass(frozen=True, kw_only=True)
class LinkCurve(Part):
    """The curve of one output: the sum across, the model's answers up."""

    template = "link_curve.html"
    style = (
        PLOT,
        ".iomap .curve { max-width: 30rem; margin: .5rem 0; --tall: 13rem; }"
        " .iomap .plot path.knots { stroke-width: 6; stroke-linecap: round; }",
    )

    curve: str
    path: str
    knots: str
    answers: str
    shown: int
    asked: int
    spot: Spot
    real: Spot
    sum: str
    said: str
    model: str
    output: str
    unit: str
    left: str
    right: str
    bottom: str
    top: str
    muted: bool

    @classmethod
    def of(cls, ex: Explanation, j: int) -> LinkCurve | None:
        """Make it of one output of an explanation; None where its sum is the prediction."""
        link = ex.surrogate.links_[j] if ex.surrogate.links_ else None
        if link is None or not link.curved:
            return None
        coef, intercept = np.atleast_2d(ex.surrogate.coef_)[j], np.atleast_1d(ex.surrogate.intercept_)[j]
        y, scale = ex.y[:, j], scale_of(ex)
        sums = evaluate(ex.surrogate.terms_, ex.answers.design.Z) @ coef + intercept
        across = Axis.over(sums, 0.08)
        within = np.array([knot for knot in link.knots if across.low < knot < across.high])
        x = np.sort(np.append(np.linspace(across.low, across.high, _POINTS), within))
        up = Axis.over([*link.answers(x), *y], 0.03)
        some = np.unique(np.linspace(0, len(y) - 1, min(len(y), _ANSWERS)).astype(int))
        said = float(link.answers(sums[:1])[0])
        left, right = (alone(v) for v in (across.low, across.high))
        several = len(ex.target.outputs) > 1
        return cls(
            title="The curve that the sum passes through" + (f": {ex.target.outputs[j]}" if several else ""),
            curve=str(link),
            path=line(x, link.answers(x), across, up),
            knots=dots(within, link.answers(within), across, up),
            answers=dots(sums[some], y[some], across, up),
            shown=len(some),
            asked=len(y),
            spot=spot(float(sums[0]), said, across, up),
            real=spot(float(sums[0]), float(y[0]), across, up),
            sum=alone(float(sums[0])),
            said=scale.rounded(said),
            model=scale.rounded(float(y[0])),
            output=ex.target.outputs[j],
            unit=scale.unit(ex.target.unit),
            left=left,
            right=right,
            bottom=scale.rounded(up.low),
            top=scale.rounded(up.high),
            muted=ex.fidelity.refused()[j],
        )


def link_curve_parts(ex: Explanation) -> list[Part]:
    """Return the curves of the first outputs whose sums pass through one."""
    return [part for j in range(len(ex.target.outputs[:_OUTPUTS])) if (part := LinkCurve.of(ex, j)) is not None]
