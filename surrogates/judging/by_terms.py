"""Held-out R² by how many terms of a surrogate are read: 1, 2, 4, 8, … and all.

Every fold's surrogate, which is fitted already, is cut to its strongest terms and predicts the rows that it has not
seen. Nothing is asked and no family is fitted again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from surrogates.families.branches import Leaf, Split, Tree, branches, leaves_below
from surrogates.judging.agreement import r2, r2_interval
from surrogates.judging.crossed import CrossFit
from surrogates.judging.problem import Problem
from surrogates.link import from_line
from surrogates.surrogate import Surrogate
from surrogates.terms import evaluate

__all__ = ["ByTerms", "by_terms"]

#: added to the diagonal of normal equations, relative: terms that hold for the same rows share their weight
_RIDGE = 1e-9


@dataclass(frozen=True)
class ByTerms:
    """Held-out R² of one output's surrogate by how many of its terms (of a tree: leaves) are kept.

    Attributes
    ----------
    terms : tuple of int
        Increasing; the last is all of them.
    r2, r2_low, r2_high : tuple of float
        Held-out R² with each number of terms, in answers of the model, and its 95% interval.
    """

    terms: tuple[int, ...]
    r2: tuple[float, ...]
    r2_low: tuple[float, ...]
    r2_high: tuple[float, ...]


def by_terms(surrogate: Surrogate, problem: Problem, crossed: CrossFit) -> tuple[ByTerms, ...]:
    """Judge a surrogate with fewer and fewer of its terms, for every output of a problem.

    Parameters
    ----------
    surrogate : Surrogate
        Fitted to all sampled rows.
    problem : Problem
    crossed : CrossFit
        The surrogates of all folds. Where every possible row was asked the surrogate itself is judged.

    Returns
    -------
    tuple of k ByTerms
        Empty for a surrogate without terms.
    """
    y, exact, judged, law = problem.judged, problem.design.exact, problem.design.judged, problem.design.sampled
    counts = _counts(surrogate)
    if not counts:
        return ()
    fits = [surrogate] if exact else [fitted for fitted, _ in crossed.fits]
    scores = []
    for by_fold in _predicted(fits, law, judged, counts).swapaxes(0, 1):
        if exact:
            scores.append((r2(y, by_fold[0]),) * 3)
            continue
        held_out = np.empty_like(y)
        for predicted, (_, test) in zip(by_fold, crossed.fits, strict=True):
            held_out[test] = predicted[test]
        score = r2(y, held_out)
        scores.append((score, *r2_interval(score, y, held_out, by_fold)))
    return tuple(_of_output(surrogate, j, counts, np.array(scores)[..., j]) for j in range(y.shape[1]))


def _counts(surrogate: Surrogate) -> list[int]:
    """Return 1, 2, 4, … and the number of terms; of a tree from 2 on, for one leaf is a constant."""
    total, first = len(surrogate.terms_), 1 + surrogate.partitions
    powers = [2**i for i in range(total.bit_length()) if first <= 2**i < total]
    return [*powers, total] if total else []


def _of_output(surrogate: Surrogate, j: int, counts: list[int], scores: np.ndarray) -> ByTerms:
    """Take what there is for one output: `scores` ``(c, 3)`` of numbers of terms, the last of all that it has."""
    used = int(np.count_nonzero(np.atleast_2d(surrogate.coef_)[j]))
    total = len(surrogate.terms_) if surrogate.partitions else used
    rows = [i for i, count in enumerate(counts[:-1]) if count < total] + [len(counts) - 1]
    terms = (*(counts[i] for i in rows[:-1]), total)
    return ByTerms(terms, *(tuple(map(float, column)) for column in scores[rows].T))


def _predicted(fits: list[Surrogate], law: np.ndarray, rows: np.ndarray, counts: list[int]) -> np.ndarray:
    """Predict rows ``(m, d)`` by surrogates cut to each number of terms, the last with all, ``(f, c, m, k)``."""
    answers = []
    for fitted in fits:
        values, spread = evaluate(fitted.terms_, rows), evaluate(fitted.terms_, law)
        cut = _merged_leaves if fitted.partitions else _strongest
        full = np.atleast_2d(fitted.coef_), np.atleast_1d(fitted.intercept_)
        cuts = [*cut(fitted, spread, counts[:-1]), full]  # all terms, of whatever number a fold has
        sums = [values @ coef.T + intercept for coef, intercept in cuts]
        answers.append([from_line(fitted.links_, line.reshape(len(rows), -1)).reshape(len(rows), -1) for line in sums])
    return np.array(answers)


def _strongest(fitted: Surrogate, values: np.ndarray, counts: list[int]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Cut a sum of terms to those that move it most, weighed anew to follow the full sum: coef ``(k, t)``, intercept.

    Strongest are the terms of the largest weight times standard deviation over the rows that `values` ``(n, t)`` are
    of. The weights w minimise Σᵢ (ηᵢ − b − Σₖ wₖ φₖ(zᵢ))², η the full sum: no answer is looked at again.
    """
    coef, total = np.atleast_2d(fitted.coef_), len(fitted.terms_)
    full = coef, np.atleast_1d(fitted.intercept_)
    means = values.mean(axis=0)
    around = values - means
    gram = around.T @ around
    order = np.argsort(-np.abs(coef) * np.sqrt(np.diag(gram)), axis=1, kind="stable")
    cuts = []
    for count in counts:
        if count >= total:
            cuts.append(full)
            continue
        kept = np.zeros_like(coef)
        for weights, target, chosen in zip(kept, coef, order[:, :count], strict=True):
            part = gram[np.ix_(chosen, chosen)]
            part[np.diag_indices(count)] += _RIDGE * np.trace(part) / count or 1.0
            weights[chosen] = np.linalg.solve(part, gram[chosen] @ target)
        cuts.append((kept, full[1] + (coef - kept) @ means))
    return cuts


def _merged_leaves(fitted: Surrogate, values: np.ndarray, counts: list[int]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Cut a tree to fewer leaves: two that hang together become one, where that changes predictions least."""
    coef, intercept = np.atleast_2d(fitted.coef_), np.atleast_1d(fitted.intercept_)
    tree, rows = branches(fitted.terms_), values.sum(axis=0) + _RIDGE
    spread = coef.std(axis=1)
    unit = np.where(spread > 0, spread, 1.0)
    if tree is None:
        return [(coef, intercept)] * len(counts)
    groups, shown = [[term] for term in leaves_below(tree)], coef.copy()
    cuts = {}
    while True:
        cuts[len(groups)] = shown.copy()
        pairs = _twins(tree, {tuple(group) for group in groups})
        if not pairs:
            break
        first, second = min(pairs, key=lambda pair: _loss(pair[0], pair[1], shown, rows, unit))
        both = [*first, *second]
        shown[:, both] = (coef[:, both] * rows[both]).sum(axis=1, keepdims=True) / rows[both].sum()
        groups = [group for group in groups if group not in (first, second)] + [both]
    return [(cuts[min(count, len(fitted.terms_))], intercept) for count in counts]


def _twins(tree: Tree, whole: set[tuple[int, ...]]) -> list[tuple[list[int], list[int]]]:
    """List the splits whose two sides are one leaf each by now, by the terms on either side."""
    if isinstance(tree, Leaf):
        return []
    sides = leaves_below(tree.below), leaves_below(tree.above)
    if tuple(sides[0]) in whole and tuple(sides[1]) in whole:
        return [sides]
    return [pair for side in (tree.below, tree.above) if isinstance(side, Split) for pair in _twins(side, whole)]


def _loss(first: list[int], second: list[int], shown: np.ndarray, rows: np.ndarray, unit: np.ndarray) -> float:
    """Compute n₁n₂ / (n₁ + n₂) Σⱼ (v₁ⱼ − v₂ⱼ)² / sⱼ²: what merging two leaves adds to the squared errors."""
    one, other = rows[first].sum(), rows[second].sum()
    apart = (shown[:, first[0]] - shown[:, second[0]]) / unit
    return float(one * other / (one + other) * (apart**2).sum())
