"""Average effects of a surrogate whose sum passes through a curve: no closed form, so rows of the law are enumerated.

Where the terms are about at most 13 present/absent features, over all their rows. Else over rows drawn anew from the
law, apart from all that are judged; how far that leaves the effects open is returned as a variance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from probes.design import cube
from probes.probe import Feature
from surrogates.surrogate import Surrogate, predict_each

__all__ = ["curved_slopes"]

#: features of which all rows are enumerated
_ENUMERATED = 13
#: rows drawn, in two halves
_ROWS = 8192


def curved_slopes(
    surrogates: Sequence[Surrogate], shares: np.ndarray, features: Sequence[Feature], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Compute Cov(z_j, ŷ) / Var(z_j) over the declared law, and the variance of what was estimated, ``(k, d)`` each.

    Parameters
    ----------
    surrogates : sequence of f Surrogate
    shares : ndarray ``(f,)``
        ŷ is their mean with these weights, which add up to 1.
    features : sequence of d Feature
    rng : numpy Generator

    Notes
    -----
    Of rows drawn, each half gives slopes c as means of products, and these are control variates for the other half:
    the linear part c·(z − E z) has these slopes exactly, and what is left of ŷ varies less.
    """
    active = sorted({i for surrogate in surrogates for term in surrogate.terms_ for i in term.features})
    loc, scale = (np.array([getattr(f, name) for f in features]) for name in ("loc", "scale"))
    binary = np.array([f.kind == "binary" for f in features])[active]
    enumerated = len(active) <= _ENUMERATED and bool(binary.all())
    rows = cube(len(active)) if enumerated else _drawn(loc[active], scale[active], binary, rng)
    Z = rows
    if len(active) < len(features):
        Z = np.tile(loc, (len(rows), 1))
        Z[:, active] = rows
    answers = np.tensordot(shares, predict_each(surrogates, Z), 1)
    slopes, variance = np.zeros((2, answers.shape[1], len(features)))
    away, variances = rows - loc[active], scale[active] ** 2
    if enumerated:
        slopes[:, active] = answers.T @ away / len(Z) / variances
        return slopes, variance
    half = len(Z) // 2
    halves = slice(half), slice(half, None)
    for here, there in (halves, halves[::-1]):
        level = answers[there].mean(axis=0)
        control = (answers[there] - level).T @ away[there] / half / variances
        left = answers[here] - level - away[here] @ control.T
        mean = left.T @ away[here] / half / variances
        squares = (left**2).T @ away[here] ** 2 / half / variances**2
        slopes[:, active] += (control + mean) / 2
        variance[:, active] += (squares - mean**2) / half / 4
    return slopes, variance


def _drawn(loc: np.ndarray, scale: np.ndarray, binary: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw rows ``(n, a)`` of independent features."""
    rows = np.empty((_ROWS, len(loc)))
    rows[:, binary] = rng.integers(0, 2, (_ROWS, binary.sum()), dtype=np.int8)
    rows[:, ~binary] = rng.normal(loc[~binary], scale[~binary], (_ROWS, (~binary).sum()))
    return rows
