"""Candidates for an anchor: a proxy is fitted to answers, and proposes rules; nothing is asked here.

A rule is named by its members, the features that have a condition: present, for a binary feature; the middle third of
the feature's law around the instance, for a real one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from scipy import stats

from probes.design import independent
from probes.probe import Feature
from surrogates.proxy.cube_proxy import CubeProxy
from surrogates.proxy.switched import Moved, switched_on

__all__ = ["Members", "Precisions", "condition", "counted", "coverage", "estimated", "proposed", "rows_under"]

#: features that have a condition, in ascending order
Members: TypeAlias = tuple[int, ...]
#: of the members of a rule and features: the precisions of the rule with each of these in turn added, ``(len(added),)``
Precisions: TypeAlias = Callable[[Members, Sequence[int]], np.ndarray]

#: half-width of the condition on a real feature, in standard deviations: the middle third of its law
_NEAR = float(stats.norm.ppf(2 / 3))
_BEAM, _FREE = 8, 512


def condition(features: Sequence[Feature], i: int) -> tuple[int, float, float]:
    """Return the condition on feature i: it lies above the first bound, up to the second."""
    feature = features[i]
    if feature.kind == "binary":
        return i, 0.5, np.inf
    return i, feature.loc - _NEAR * feature.scale, feature.loc + _NEAR * feature.scale


def coverage(features: Sequence[Feature], members: Members) -> float:
    """Return the probability of a rule under the law of the features."""
    return float(np.prod([0.5 if features[i].kind == "binary" else 1 / 3 for i in members]))


def rows_under(features: Sequence[Feature], members: Members, m: int, rng: np.random.Generator) -> np.ndarray:
    """Draw m independent rows of the law under a rule, ``(m, d)``."""
    Z = independent(features, m, rng)
    for i in members:
        Z[:, i] = _within(features[i], m, rng)
    return Z


def counted(Z: np.ndarray, same: np.ndarray, members: Members) -> np.ndarray:
    """Return whether the answers are the same, of all under a rule: rows ``(n, d)``, outcomes ``(n,)``."""
    return same[Z[:, list(members)].all(axis=1)]


def estimated(features: Sequence[Feature], Z: np.ndarray, same: np.ndarray, rng: np.random.Generator) -> Precisions:
    """Fit a proxy to whether answers to rows are the same: the precisions of rules as it predicts them."""
    proxy = CubeProxy().fit(Z, same.astype(float))
    free = independent(features, _FREE, rng)
    near = np.column_stack([_within(f, _FREE, rng) for f in features])
    moved = Moved(proxy, free, near)
    binary = all(f.kind == "binary" for f in features)

    def precisions(members: Members, added: Sequence[int]) -> np.ndarray:
        if binary:
            rows = free.copy()
            rows[:, list(members)] = 1
            answers = switched_on(proxy, rows)[:, list(added)]
        else:
            answers = moved(members, added)
        return np.clip(answers, 0, 1).mean(axis=0)

    return precisions


def proposed(precisions: Precisions, d: int, tried: set[Members], enough: float, longest: int) -> Members | None:
    """Return the shortest rule not tried before whose precision is enough; else the best that a beam search finds.

    Parameters
    ----------
    precisions : callable
        Of the members of a rule and of features: those of the rule with each of these in turn added.
    d : int
        Number of features.
    tried : set of tuple of int
    enough : float
        The precision asked for.
    longest : int
        The most conditions.
    """
    beam: list[Members] = [()]
    best: tuple[float, Members] | None = None
    for _ in range(min(longest, d)):
        grown: dict[Members, float] = {}
        for members in beam:
            rules = {i: tuple(sorted((*members, i))) for i in range(d) if i not in members}
            added = [i for i, rule in rules.items() if rule not in grown]
            grown.update(zip((rules[i] for i in added), precisions(members, added).tolist(), strict=True))
        scored = sorted(((precision, rule) for rule, precision in grown.items()), reverse=True)
        fresh = [s for s in scored if s[1] not in tried]
        if fresh and (best is None or fresh[0][0] > best[0]):
            best = fresh[0]
        if best is not None and best[0] >= enough:
            break
        beam = [rule for _, rule in scored[:_BEAM]]
    return None if best is None else best[1]


def _within(feature: Feature, m: int, rng: np.random.Generator) -> np.ndarray:
    """Draw m values of a feature under its condition."""
    if feature.kind == "binary":
        return np.ones(m)
    return stats.truncnorm.rvs(-_NEAR, _NEAR, loc=feature.loc, scale=feature.scale, size=m, random_state=rng)
