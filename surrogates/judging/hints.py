"""Hints: numbers about single features that come with the answers, and fits that begin with what these say.

A row may tell something of a feature beside its answer, as a model that was trained without a group of records tells
how well it predicts them. The mean c of that over the rows fitted to says nothing of effects by itself; the answers say
how far effects follow it. A family is then fitted to what is left:

    ŷ = b Σⱼ cⱼ zⱼ + ĝ(z),    ĝ fitted to y − b Σⱼ cⱼ zⱼ.

That is an empirical Bayes regression of effects on a covariate. The slope is that of least squares times (1 − 4 / t²),
t being how many standard errors it has, and 0 below two: a non-negative garrote (Breiman 1995). Where it is 0 the fit
is what it is without hints. They are taken from the rows fitted to alone: what a fit is judged on has no part in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import TypeGuard

import numpy as np
from sklearn.base import clone

from surrogates.judging.problem import Problem
from surrogates.offer import each
from surrogates.surrogate import Surrogate
from surrogates.terms import Product, Term, evaluate

__all__ = ["fit_each", "fit_to", "hint_note"]

#: standard errors from which on answers follow the hints
_CLEAR = 2.0
#: share of the size of hints below which they are all alike
_ROUNDING = 1e-9
#: links of a sum that hints may begin: through another curve, effects are not in the unit of the answers
_STRAIGHT = ("identity", "auto")


def fit_to(family: Surrogate, Z: np.ndarray, y: np.ndarray, hints: np.ndarray | None) -> Surrogate:
    """Fit a copy of a family to rows ``(n, d)``, answers ``(n,)`` or ``(n, k)`` and their hints ``(n, d)``, or None.

    A sum that begins with hints passes through no curve.

    Examples
    --------
    >>> from surrogates.families.linear import SparseLinear
    >>> Z = np.random.default_rng(0).integers(0, 2, (24, 40)).astype(float)
    >>> told = np.tile([2.0, 1.0], (24, 20))  # of features 0, 2, … more than of the others
    >>> y = Z @ np.tile([0.5, -0.5], 20)
    >>> [fit_to(SparseLinear(), Z, y, hints).predict(np.eye(40)[:2]).round(1) for hints in (None, told)]
    [array([-1.2, -1.2]), array([ 0.5, -0.5])]
    """
    outputs = y.reshape(len(y), -1)
    effects = _begun(family, Z, outputs, hints)
    if not effects.any():
        return clone(family).fit(Z, y)
    pairs = zip(np.abs(effects).max(axis=1), each(family.link, outputs.shape[1]), strict=True)
    straight = tuple("identity" if begun else link for begun, link in pairs)
    left = clone(family).set_params(link=straight)
    fitted = left.fit(Z, y - (Z @ effects.T).reshape(y.shape)).set_params(link=family.link)
    return _shortened(_plus(fitted, effects), Z)


def fit_each(
    family: Surrogate, Z: np.ndarray, y: np.ndarray, parts: Sequence[np.ndarray], hints: np.ndarray | None
) -> list[Surrogate]:
    """Fit a copy of a family to each of several selections of rows, and the hints of these."""
    if hints is None:
        return [*family.fit_each(Z, y, parts)]
    return [fit_to(family, Z[rows], y[rows], hints[rows]) for rows in parts]


def hint_note(family: Surrogate, problem: Problem) -> tuple[str, ...]:
    """Say of how many outputs the surrogate begins with hints; empty where none does."""
    begin = np.abs(_begun(family, problem.design.sampled, problem.sampled, problem.hinted)).max(axis=1) > 0
    if not begin.any():
        return ()
    if len(begin) == 1:
        they = "The surrogate begins"
    else:
        they = f"The surrogates{'' if begin.all() else f' of {np.count_nonzero(begin)} of {len(begin)} outputs'} begin"
    return (
        f"{they} with how well each group is predicted by models without it, which the answers follow; what is left "
        "is fitted; attributions are corrected by held-out answers.",
    )


def _begun(family: Surrogate, Z: np.ndarray, y: np.ndarray, hints: np.ndarray | None) -> np.ndarray:
    """Return the main effects ``(k, d)`` that a fit to answers ``(n, k)`` begins with; zero without hints."""
    if hints is None or not family.sums_effects:
        return np.zeros((y.shape[1], Z.shape[1]))
    typical = _typical(hints)
    slopes = [_slope(Z @ typical, column) for column in y.T]
    straight = [link in _STRAIGHT for link in each(family.link, y.shape[1])]
    return np.outer(np.multiply(slopes, straight), typical)


def _typical(hints: np.ndarray) -> np.ndarray:
    """Average hints over rows, ``(d,)``, less the mean of all; zero of a feature that no row tells anything of."""
    known = ~np.isnan(hints)
    some = known.any(axis=0)
    mean = np.where(known, hints, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    away = np.where(some, mean - mean[some].mean() if some.any() else 0.0, 0.0)
    return away if np.abs(away).max() > _ROUNDING * np.abs(mean).max() else np.zeros_like(away)


def _slope(x: np.ndarray, y: np.ndarray) -> float:
    """Regress y ``(n,)`` on x ``(n,)``, and shrink the slope by how unsure it is."""
    x, y = x - x.mean(), y - y.mean()
    square = float(x @ x)
    if square == 0 or len(x) < 3:  # exact: nothing varies
        return 0.0
    slope = float(x @ y) / square
    explained, variance = slope**2 * square, float(((y - slope * x) ** 2).sum()) / (len(x) - 2)
    return slope * (1 - _CLEAR**2 * variance / explained) if explained > _CLEAR**2 * variance else 0.0


def _plus(surrogate: Surrogate, effects: np.ndarray) -> Surrogate:
    """Add main effects ``(k, d)``, to the family's own terms for these where it has some."""
    summed, one = copy(surrogate), surrogate.coef_.ndim == 1
    known = {term.features[0] for term in surrogate.terms_ if _is_main(term)}
    new = [Product((int(j),)) for j in np.flatnonzero(effects.any(axis=0)) if j not in known]
    summed.terms_ = [*surrogate.terms_, *new]
    coef = np.pad(np.atleast_2d(surrogate.coef_), ((0, 0), (0, len(new))))
    intercept = np.array(surrogate.intercept_, dtype=float).reshape(-1)
    for i, term in enumerate(summed.terms_):
        if _is_main(term):
            more = effects[:, term.features[0]]
            coef[:, i] += more
            intercept += more * term.centers[0]
    return _weighed(summed, coef, intercept, one)


def _is_main(term: Term) -> TypeGuard[Product]:
    return isinstance(term, Product) and len(term.features) == 1


def _shortened(surrogate: Surrogate, Z: np.ndarray) -> Surrogate:
    """Keep as many terms of each output as the family may have: those that it varies with most; others are their mean.

    Each output is shortened by itself, so that those fitted separately stay what they are alone.
    """
    most, coef = getattr(surrogate, "max_terms", None), np.atleast_2d(surrogate.coef_)
    if most is None or len(surrogate.terms_) <= most:
        return surrogate
    values = evaluate(surrogate.terms_, Z)
    order = np.argsort(-np.abs(coef * values.std(axis=0)), axis=1, kind="stable")
    gone = np.zeros_like(coef)
    np.put_along_axis(gone, order[:, most:], np.take_along_axis(coef, order[:, most:], axis=1), axis=1)
    short, kept = copy(surrogate), np.flatnonzero((coef != gone).any(axis=0))  # exact: the same numbers
    short.terms_ = [surrogate.terms_[i] for i in kept]
    intercept = np.reshape(surrogate.intercept_, -1) + gone @ values.mean(axis=0)
    return _weighed(short, (coef - gone)[:, kept], intercept, surrogate.coef_.ndim == 1)


def _weighed(surrogate: Surrogate, coef: np.ndarray, intercept: np.ndarray, one: bool) -> Surrogate:
    """Set weights ``(k, t)`` and intercepts ``(k,)``, of `one` output without an axis for it."""
    surrogate.coef_, surrogate.intercept_ = (coef[0], float(intercept[0])) if one else (coef, intercept)
    return surrogate
