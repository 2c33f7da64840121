"""Effects over entities: a weighted sum of means over sets of cases, with an interval that counts entities, not cases.

An effect is Σ wₖ mₖ, where mₖ is the mean of a set of cases. Cases of one entity depend on each other, so the
uncertainty comes from how much each entity pulls the effect (its influence, the linearised sandwich estimate). With
every entity in every set this is the paired t interval, with entities on one side only Welch's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import special

from surrogates.numerics.merged_rows import distinct_rows

__all__ = ["FEWEST_ENTITIES", "Effect", "effect", "holm", "shares", "variance_over", "wilson"]

#: fewest entities on each side that a test needs
FEWEST_ENTITIES = 5
#: a share of the largest number in a sum below which the sum is rounding
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Effect:
    """An estimate of Σₖ wₖ mₖ with its standard error and degrees of freedom.

    Attributes
    ----------
    value, error : float
        In the unit of the metric; `error` is the standard error.
    df : float
        Degrees of freedom (Welch–Satterthwaite over groups of entities that occur in the same sets).
    entities : int
        The fewest over its sets.
    cases : int
    spread : float
        Standard deviation of the cases within the sets.
    pulls : dict of str to (int, float)
        By entity: the sets it occurs in, as bits, and how far it pulls the effect (its summand of the linearised
        estimate). Two models' effects on the same entities are compared by them.
    """

    value: float
    error: float
    df: float
    entities: int
    cases: int
    spread: float
    pulls: Mapping[str, tuple[int, float]] = field(default_factory=dict, repr=False, compare=False)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the two-sided confidence interval."""
        reach = self.error * special.stdtrit(self.df, 0.5 + level / 2)
        return self.value - reach, self.value + reach

    def p_above(self, bound: float) -> float:
        """Return the one-sided p-value of "the effect is above `bound`"; a difference within rounding is not above."""
        if self.error == 0:
            return 0.0 if self.value > bound and not np.isclose(self.value, bound, rtol=1e-9, atol=0) else 1.0
        return float(special.stdtr(self.df, -(self.value - bound) / self.error))

    def p_below(self, bound: float) -> float:
        """Return the one-sided p-value of "the effect is below `bound`"."""
        return replace(self, value=-self.value).p_above(-bound)


def effect(
    y: np.ndarray, entity: np.ndarray, parts: list[tuple[float, np.ndarray]], strata: np.ndarray | None = None
) -> Effect | None:
    """Estimate Σₖ wₖ mₖ and its standard error over entities.

    Parameters
    ----------
    y : ndarray ``(n,)``
    entity : ndarray ``(n,)`` of labels
    parts : list of (weight, boolean ndarray ``(n,)``)
        The sets of cases.
    strata : ndarray ``(n,)`` of labels, optional
        Only cases in strata that all sets share are used, and every set is weighted to the same mix of strata, so that
        a factor that goes along with the sets by design does not enter the effect.

    Returns
    -------
    Effect or None
        None if a set is empty or holds a single entity.

    Examples
    --------
    >>> y, who = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 2.0]), np.array(list("aabbcc"))
    >>> first = np.arange(6) % 2 == 0
    >>> e = effect(y, who, [(1.0, first), (-1.0, ~first)])
    >>> round(e.value, 3), round(e.error, 3), e.df
    (2.667, 0.333, 2.0)
    """
    labels, who = np.unique(entity, return_inverse=True)
    weights = shares(who, [mask for _, mask in parts], strata)
    if weights is None:
        return None
    value, spread, count = 0.0, 0.0, len(labels)
    pull = np.zeros(len(labels))
    present = np.zeros((len(labels), len(parts)), dtype=bool)
    for k, ((weight, _), share) in enumerate(zip(parts, weights, strict=True)):
        mean = float(share @ y)
        value += weight * mean
        pull += weight * np.bincount(who, share * (y - mean), len(labels))
        present[:, k] = np.bincount(who, share, len(labels)) > 0
        spread += float(share @ (y - mean) ** 2) / len(parts)
        count = min(count, int(present[:, k].sum()))
    if count < 2:
        return None
    used = present.any(axis=1)
    total, df = variance_over(pull[used], present[used])
    cases = int(sum((share > 0).sum() for share in weights))
    tiny = _ROUNDING * float(np.abs(y[np.any([share > 0 for share in weights], axis=0)]).max())
    value, error, spread = (0.0 if abs(v) <= tiny else float(v) for v in (value, np.sqrt(total), np.sqrt(spread)))
    bits = (present[used] @ 2 ** np.arange(len(parts))).tolist()
    pulls = dict(zip(map(str, labels[used]), zip(bits, pull[used].tolist(), strict=True), strict=True))
    return Effect(value, error, df, count, cases, spread, pulls)


def variance_over(pull: np.ndarray, present: np.ndarray) -> tuple[float, float]:
    """Compute the variance of a sum over entities, and its degrees of freedom (Welch–Satterthwaite).

    Parameters
    ----------
    pull : ndarray ``(m,)``
        What every entity adds.
    present : ndarray ``(m, k)``
        The sets that each is in: entities of the same sets are one group, with a mean and a variance of its own.
    """
    _, group = distinct_rows(present)
    sizes = np.bincount(group)
    centred = pull - (np.bincount(group, pull) / sizes)[group] * (sizes > 1)[group]
    variances = np.bincount(group, centred**2) * sizes / np.maximum(sizes - 1, 1)
    total = float(variances.sum())
    df = total**2 / np.sum(variances**2 / np.maximum(sizes - 1, 1)) if total > 0 else float(len(pull) - 1)
    return total, float(max(df, 1.0))


def shares(who: np.ndarray, masks: list[np.ndarray], strata: np.ndarray | None) -> list[np.ndarray] | None:
    """Weigh the cases of each set, ``(n,)`` adding up to 1; None where a set is empty.

    Strata have the same weight in every set, and entities equal weight within a stratum.

    Parameters
    ----------
    who : ndarray of int ``(n,)``
        Number of each case's entity.
    masks : list of boolean ndarray ``(n,)``
    strata : ndarray ``(n,)`` of labels, optional
        See :func:`effect`.
    """
    if any(not mask.any() for mask in masks):
        return None
    groups = np.zeros(len(who), dtype=int) if strata is None else np.unique(strata, return_inverse=True)[1].reshape(-1)
    counts = np.array([np.bincount(groups, mask, groups.max() + 1) for mask in masks])
    common: np.ndarray = np.all(counts > 0, axis=0)
    if not common.any():  # nothing is shared: the sets are compared as they are
        common, groups = np.array([True]), np.zeros(len(who), dtype=int)
        counts = np.array([[mask.sum()] for mask in masks])
    mix = np.where(common, counts.sum(axis=0), 0.0)
    pair = np.unique(groups * (int(who.max()) + 1) + who, return_inverse=True)[1].reshape(-1)  # an entity in a stratum
    of_pair = np.zeros(int(pair.max()) + 1, dtype=int)
    of_pair[pair] = groups
    out = []
    for mask in masks:
        cases = np.bincount(pair, mask, len(of_pair))
        entities = np.bincount(of_pair, cases > 0, len(mix))
        each = mix / np.maximum(entities, 1)  # entities have equal weight within a stratum
        share = np.where(mask, each[groups] / np.maximum(cases, 1)[pair], 0.0)
        out.append(share / share.sum())
    return out


def holm(p: np.ndarray) -> np.ndarray:
    """Compute Holm's adjusted p-values ``(m,)``; NaN stays and is not counted.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).round(3)
    array([0.03, 0.06, 0.06])
    """
    p = np.asarray(p, dtype=float)
    out = np.full(len(p), np.nan)
    order = [i for i in np.argsort(p, kind="stable") if np.isfinite(p[i])]
    running = 0.0
    for rank, i in enumerate(order):
        running = max(running, min(1.0, (len(order) - rank) * p[i]))
        out[i] = running
    return out


def wilson(share: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Compute Wilson's interval of a share of `n` independent trials.

    Examples
    --------
    >>> tuple(round(v, 3) for v in wilson(0.9, 50))
    (0.786, 0.957)
    """
    z = special.ndtri(0.5 + level / 2)
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # which holds the share itself, also after rounding
    return float(max(0.0, min(centre - reach, share))), float(min(1.0, max(centre + reach, share)))
