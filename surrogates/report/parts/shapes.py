"""The part that draws the shapes of an additive surrogate: what each feature adds to the sum at each of its values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from probes.rounding import given
from surrogates.families.additive import AdditiveSurrogate
from surrogates.local.explanation import Explanation
from surrogates.report.curves import weights_unit
from surrogates.report.drawings import PLOT, Axis, Spot, line, spot
from surrogates.report.names import renamed, states
from surrogates.report.part import Part
from surrogates.report.text import scale_of
from surrogates.terms import Term, evaluate

__all__ = ["Shape", "Shapes", "shapes_parts"]

#: features that are drawn at once and at all, and outputs that have shapes
_OPEN, _SHAPES, _OUTPUTS = 8, 40, 3


@dataclass(frozen=True)
class Shape:
    """One feature: its step function, where this input is on it, and the ends of its axis."""

    feature: str
    path: str
    zero: str
    spot: Spot
    here: str
    adds: str
    low: str
    high: str


@dataclass(frozen=True, kw_only=True)
class Shapes(Part):
    """The shapes of one output, all on one scale, the widest first."""

    template = "shapes.html"
    style = (
        PLOT,
        """\
.iomap .shapes { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 10rem), 1fr));
  gap: .9rem 1.2rem; margin: .6rem 0; }
.iomap .shapes figure { display: block; margin: 0; --tall: 5.5rem; min-width: 0; }
.iomap .shapes figcaption b { color: var(--ink); }""",
    )

    rows: tuple[Shape, ...]
    folded: tuple[Shape, ...]
    left_out: int
    top: str
    bottom: str
    unit: str
    muted: bool

    @classmethod
    def of(cls, ex: Explanation, j: int) -> Shapes | None:
        """Make it of one output of an explanation by an additive surrogate; None by anything else."""
        by_feature: dict[int, list[tuple[Term, float]]] = {}
        for term, weight in zip(ex.surrogate.terms_, np.atleast_2d(ex.surrogate.coef_)[j], strict=True):
            if len(term.features) == 1 and weight:
                by_feature.setdefault(term.features[0], []).append((term, float(weight)))
        if not isinstance(ex.surrogate, AdditiveSurrogate) or not by_feature:
            return None
        Z, scale, features = ex.answers.design.Z, scale_of(ex), renamed(ex.features, ex.view)
        curves = {i: _curve(i, parts, Z) for i, parts in by_feature.items()}
        up = Axis.over(np.concatenate([y for _, y, _ in curves.values()]), 0.05)
        order = sorted(curves, key=lambda i: -float(np.ptp(curves[i][1])))
        shapes = []
        for i in order[:_SHAPES]:
            x, y, here = curves[i]
            binary, name = features[i].kind == "binary", features[i].name
            there, gone = states(ex.view)
            across = Axis(-0.15, 1.15) if binary else Axis.over(x)
            spread = np.array([-0.15, 0.5, 0.5, 1.15]) if binary else x
            shapes.append(
                Shape(
                    feature=f"{name} = {features[i].value}" if binary and features[i].value else name,
                    path=line(spread, np.repeat(y, 2) if binary else y, across, up),
                    zero=line(np.array([across.low, across.high]), np.zeros(2), across, up),
                    spot=spot(float(Z[0, i]), here, across, up),
                    here=there if binary else given(float(Z[0, i])),
                    adds=scale.signed(here),
                    low=gone if binary else across.ends[0],
                    high=there if binary else across.ends[1],
                )
            )
        several = len(ex.target.outputs) > 1
        return cls(
            title="The surrogate: a shape for each feature" + (f", {ex.target.outputs[j]}" if several else ""),
            rows=tuple(shapes[:_OPEN]),
            folded=tuple(shapes[_OPEN:]),
            left_out=len(order) - len(shapes),
            top=scale.signed(up.high),
            bottom=scale.signed(up.low),
            unit=weights_unit(ex.surrogate, scale.unit(ex.target.unit)),
            muted=ex.fidelity.refused()[j],
        )


def shapes_parts(ex: Explanation) -> list[Part]:
    """Return the shapes of the first outputs, of an additive surrogate."""
    return [part for j in range(len(ex.target.outputs[:_OUTPUTS])) if (part := Shapes.of(ex, j)) is not None]


def _curve(i: int, parts: list[tuple[Term, float]], Z: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Return points of one shape ``(p,)``, two at every step, and its value for the instance.

    Each shape is measured from its mean over the questions.
    """
    low, high = float(Z[:, i].min()), float(Z[:, i].max())
    edges = {edge for term, _ in parts for _, *ends in getattr(term, "conditions", ()) for edge in ends}
    inner = [edge for edge in sorted(edges) if low < edge < high]
    binary = {low, high} <= {0.0, 1.0}
    x = np.array([low, *([] if binary else [v for e in inner for v in (e, np.nextafter(e, np.inf))]), high])
    terms, weights = [term for term, _ in parts], np.array([weight for _, weight in parts])

    def at(values: np.ndarray) -> np.ndarray:
        rows = np.zeros((len(values), Z.shape[1]))
        rows[:, i] = values
        added: np.ndarray = evaluate(terms, rows) @ weights
        return added

    middle = float(at(Z[:, i]).mean())
    return x, at(x) - middle, float(at(Z[:1, i])[0]) - middle
