"""Attributions: what each feature does, read off a surrogate, with intervals that hold for the model itself.

The attribution of a feature is its *average effect* over the declared law: how much the output changes, on average over
everything else, when the feature goes from the reference to the instance (for 0/1 features the Banzhaf value). Any
surrogate has its average effects in closed form, or, through a curve, by enumeration. Because the law is known, the
*model's* has an unbiased estimate: the average effect of each fold's surrogate plus the correlation of the feature with
that surrogate's held-out errors (the cross-fitted, doubly robust form; Chernozhukov et al. 2018). That is what is
reported, with an interval from its standard error. It is honest for any family, however wrong: a bad surrogate makes
wide intervals, not false ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from probes.design import Design
from probes.probe import Feature
from surrogates.judging.crossed import CrossFit
from surrogates.judging.curved_effects import curved_slopes
from surrogates.surrogate import Surrogate
from surrogates.terms import Product, Term

__all__ = ["average_effects", "effect_estimates", "scores", "steps"]


def steps(features: Sequence[Feature]) -> np.ndarray:
    """Return steps from reference to instance, ``(d,)``, each in the unit of the feature."""
    return np.array([f.instance - f.reference for f in features])


def average_effects(surrogate: Surrogate, features: Sequence[Feature]) -> np.ndarray:
    """Compute the average effect of every feature on ŷ over the declared law, in the unit of the answers.

    Exact, but for a surrogate through a curve with more than 13 features at work, which is asked at random rows.

    With independent features it is Cov(z_j, ŷ) / Var(z_j) times the step from reference to instance; for 0/1 features
    E[ŷ | z_j = 1] − E[ŷ | z_j = 0], the Banzhaf value.

    Parameters
    ----------
    surrogate : Surrogate
        Fitted.
    features : sequence of d features

    Returns
    -------
    ndarray ``(k, d)``
    """
    return _average_slopes([surrogate], np.ones(1), features)[0] * steps(features)


def _average_slopes(
    surrogates: Sequence[Surrogate], shares: np.ndarray, features: Sequence[Feature]
) -> tuple[np.ndarray, np.ndarray]:
    """Return average effects a step of one of the mean of surrogates, and the variance of what was estimated."""
    slopes = np.zeros((len(np.atleast_2d(surrogates[0].coef_)), len(features)))
    for surrogate, share in zip(surrogates, shares, strict=True):
        slopes += share * _slopes_of_sum(surrogate.terms_, np.atleast_2d(surrogate.coef_), features)
    variance = np.zeros_like(slopes)
    links = [surrogate.links_ for surrogate in surrogates if surrogate.curved]
    if links:
        curved = np.array([[link.curved for link in some] for some in links]).any(axis=0)
        known, unsure = curved_slopes(surrogates, shares, features, np.random.default_rng(0))
        slopes[curved], variance[curved] = known[curved], unsure[curved]
    return slopes, variance


def _slopes_of_sum(terms: Sequence[Term], coef: np.ndarray, features: Sequence[Feature]) -> np.ndarray:
    """Return average effects on Σ wₖ φₖ a step of one, ``(k, d)``."""
    slopes_of = np.zeros((len(coef), len(features)))
    for term, weight in zip(terms, coef.T, strict=True):
        if isinstance(term, Product) and len(term.features) == 1:
            slopes_of[:, term.features[0]] += weight
            continue
        members, means, slopes = _moments(term, features)
        for position, i in enumerate(members):
            others = np.prod(np.delete(means, position))
            slopes_of[:, i] += weight * slopes[position] * others
    return slopes_of


def _moments(term: Term, features: Sequence[Feature]) -> tuple[list[int], np.ndarray, np.ndarray]:
    """Return a term's factors under the law: their features, means E[g], and slopes Cov(z, g) / Var(z)."""
    if isinstance(term, Product):
        members = list(term.features)
        return members, np.array([features[i].loc for i in members]) - np.array(term.centers), np.ones(len(members))
    members, means, slopes = [], [], []
    for i, low, high in term.conditions:
        feature = features[i]
        members.append(i)
        if feature.kind == "binary":
            absent, present = (float(low < v <= high) for v in (0.0, 1.0))
            means.append((absent + present) / 2)
            slopes.append(present - absent)
        else:
            a, b = (low - feature.loc) / feature.scale, (high - feature.loc) / feature.scale
            means.append(stats.norm.cdf(b) - stats.norm.cdf(a))
            slopes.append((stats.norm.pdf(a) - stats.norm.pdf(b)) / feature.scale)
    return members, np.array(means), np.array(slopes)


def scores(Z: np.ndarray, features: Sequence[Feature]) -> np.ndarray:
    """What answers to rows ``(m, d)`` are multiplied by, so that the mean of the products is the average effect."""
    loc, scale = (np.array([getattr(f, name) for f in features]) for name in ("loc", "scale"))
    return (Z - loc) / scale**2 * steps(features)


def effect_estimates(
    design: Design, y: np.ndarray, crossed: CrossFit, features: Sequence[Feature], less: CrossFit | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Estimate the model's average effects without bias, with standard errors, both ``(k, d)``.

    Parameters
    ----------
    design : Design
    y : ndarray ``(m, k)``
        Answers to the judged rows.
    crossed : CrossFit
    features : sequence of d features
    less : CrossFit, optional
        Subtracted from `crossed`, where the answers are changes from what it predicts to what that does.

    Notes
    -----
    Rows drawn without replacement shrink the standard error by √(1 − m / population); with every row drawn the
    estimate is the exact value. Whatever the surrogates, with or without a curve, the same answers have the same
    expectation: the surrogate's effects are only what the errors are measured around.
    """
    m, score = len(y), scores(design.judged, features)
    if design.exact:
        return (y.T @ score) / m, np.zeros((y.shape[1], len(features)))
    slopes, variance = _slopes_of(crossed, features)
    errors = y - crossed.predicted
    if less is not None:
        other, more = _slopes_of(less, features)
        slopes, variance, errors = slopes - other, variance + more, errors + less.predicted
    products = errors.T[:, :, None] * score[None]
    left = max(0.0, 1 - m / design.population)
    step = steps(features)
    se = np.sqrt(products.var(axis=1, ddof=1) * left / m + variance * step**2)
    return slopes * step + products.mean(axis=1), se


def _slopes_of(crossed: CrossFit, features: Sequence[Feature]) -> tuple[np.ndarray, np.ndarray]:
    """Return average effects a step of one of the mean of all folds' surrogates, and the variance of the estimate."""
    shares = np.array([len(test) for _, test in crossed.fits]) / len(crossed.predicted)
    return _average_slopes([fitted for fitted, _ in crossed.fits], shares, features)
