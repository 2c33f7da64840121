"""Average effects of a surrogate whose sum passes through a curve: no closed form, so rows of the law are enumerated.

Where the terms are about at most 13 present/absent features, over all their rows. Else over rows drawn anew from the
law, apart from all that are judged; how far that leaves the effects open is returned as a variance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from probes.design import cube
from probes.probe import Feature
from surrogates.surrogate import Surrogate

__all__ = ["curved_slopes"]

#: features of which all rows are enumerated
_ENUMERATED = 13
#: rows drawn, in two halves
_ROWS = 8192


def curved_slopes(
    surrogate: Surrogate, features: Sequence[Feature], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Compute Cov(z_j, ŷ) / Var(z_j) over the declared law, and the variance of what was estimated, ``(k, d)`` each.

    Notes
    -----
    Of rows drawn, each half gives slopes c as means of products, and these are control variates for the other half:
    the linear part c·(z − E z) has these slopes exactly, and what is left of ŷ varies less.
    """
    active = sorted({i for term in surrogate.terms_ for i in term.features})
    loc, scale = (np.array([getattr(f, name) for f in features]) for name in ("loc", "scale"))
    k, binary = len(np.atleast_2d(surrogate.coef_)), np.array([f.kind == "binary" for f in features])
    slopes, variance = np.zeros((2, k, len(features)))
    if len(active) <= _ENUMERATED and binary[active].all():
        Z = np.tile(loc, (2 ** len(active), 1))
        Z[:, active] = cube(len(active))
        score = (Z[:, active] - loc[active]) / scale[active] ** 2
        slopes[:, active] = surrogate.predict(Z).reshape(len(Z), -1).T @ score / len(Z)
        return slopes, variance
    Z = np.tile(loc, (_ROWS, 1))
    drawn = rng.normal(loc[active], scale[active], (_ROWS, len(active)))
    Z[:, active] = np.where(binary[active], rng.integers(0, 2, drawn.shape), drawn)
    answers = surrogate.predict(Z).reshape(len(Z), -1)
    away = Z[:, active] - loc[active]
    score = away / scale[active] ** 2
    halves = np.split(np.arange(_ROWS), 2)
    for here, there in (halves, halves[::-1]):
        level = answers[there].mean(axis=0)
        control = (answers[there] - level).T @ score[there] / len(there)
        left = answers[here] - level - away[here] @ control.T
        products = left.T @ score[here]
        squares = (left**2).T @ score[here] ** 2
        mean = products / len(here)
        slopes[:, active] += (control + mean) / 2
        variance[:, active] += (squares / len(here) - mean**2) / len(here) / 4
    return slopes, variance
