"""Warnings about the curve that a surrogate's sum passes through."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from probes.rounding import percent, rounded
from surrogates.judging.cross_fit import CrossFit
from surrogates.judging.problem import Problem
from surrogates.offer import each
from surrogates.surrogate import Surrogate
from surrogates.terms import evaluate

__all__ = ["about_a_curve", "curve_notes"]

#: share of the rows on the flat of the curve, and of the folds that chose otherwise, above which it is said
_FLAT, _OTHERWISE = 0.2, 0.3
#: how far answers may be beyond a bound, as a share of the largest
_ROUNDING = 1e-6
#: how far answers may be from adding up to one
_ONE = 1e-6
#: how far predictions are from it where it is said
_AWAY = 0.005
#: what each of the warnings says, whatever the output
_BEYOND = "beyond the bounds of its curve"
_ON_FLAT = "where its curve is nearly flat"
_UNDECIDED = "passes through a curve is undecided"
_ADD_UP = "The model's outputs add up to 1; the surrogate's, each through a curve of its own"


def curve_notes(surrogate: Surrogate, problem: Problem, crossed: CrossFit) -> tuple[str, ...]:
    """Say where a curve hides something, is doubtful, or breaks a sum that the model keeps to.

    Parameters
    ----------
    surrogate : Surrogate
        Fitted to all sampled rows.
    problem : Problem
    crossed : CrossFit
    """
    if not surrogate.links_ or not (surrogate.curved or any(fitted.curved for fitted, _ in crossed.fits)):
        return ()
    notes = [*_beyond(surrogate, problem), *_flat(surrogate, problem), *_doubtful(surrogate, problem.outputs, crossed)]
    return (*notes, *_sums(surrogate, problem))


def about_a_curve(warning: str) -> bool:
    """Say whether a warning of an explanation is one of these."""
    return any(words in warning for words in (_BEYOND, _ON_FLAT, _UNDECIDED, _ADD_UP))


def _beyond(surrogate: Surrogate, problem: Problem) -> list[str]:
    notes = []
    given = each(getattr(surrogate, "link", "auto"), len(problem.outputs))
    for name, link, asked, y in zip(problem.outputs, surrogate.links_, given, problem.y.T, strict=True):
        low, high = (-np.inf if link.low is None else link.low), (np.inf if link.high is None else link.high)
        slack = _ROUNDING * np.abs(y).max()
        if beyond := np.sum((y < low - slack) | (y > high + slack)):
            advice = "" if asked == "auto" else ": give bounds that hold, or link='auto'"
            lie = "lies" if beyond == 1 else "lie"
            notes.append(
                f"{beyond} of {len(y)} answers of {name} {lie} {_BEYOND} ({link}), where no prediction does{advice}."
            )
    return notes


def _flat(surrogate: Surrogate, problem: Problem) -> list[str]:
    line = evaluate(surrogate.terms_, problem.design.judged) @ np.atleast_2d(surrogate.coef_).T + surrogate.intercept_
    shares = [link.flat(column).mean() for link, column in zip(surrogate.links_, line.T, strict=True)]
    return [
        f"{f'{percent(share)} of the' if share < 1 else 'All'} answers of {name} lie {_ON_FLAT}: a weight moves them "
        "little there, so that weights are less sure than effects."
        for name, share in zip(problem.outputs, shares, strict=True)
        if share > _FLAT
    ]


def _doubtful(surrogate: Surrogate, outputs: Sequence[str], crossed: CrossFit) -> list[str]:
    notes = []
    for j, (name, link) in enumerate(zip(outputs, surrogate.links_, strict=True)):
        others = sum(fitted.links_[j].curved != link.curved for fitted, _ in crossed.fits)
        if others > _OTHERWISE * len(crossed.fits):
            shown = "a curve" if link.curved else "none"
            notes.append(
                f"Whether {name} {_UNDECIDED}: {others} of {len(crossed.fits)} fits to parts of "
                f"the answers chose otherwise than the surrogate shown, which has {shown}."
            )
    return notes


def _sums(surrogate: Surrogate, problem: Problem) -> list[str]:
    if problem.y.shape[1] < 2 or np.abs(problem.y.sum(axis=1) - 1).max() > _ONE:
        return []
    total = surrogate.predict(problem.design.judged).sum(axis=1)
    if np.abs(total - 1).max() < _AWAY:
        return []
    return [f"{_ADD_UP}, to between {rounded(total.min())} and {rounded(total.max())}."]
