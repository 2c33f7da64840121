"""Held-out R² by how many terms of a surrogate are read: 1, 2, 4, 8, … and all.

Every fold's surrogate, which is fitted already, is cut to its strongest terms and predicts the rows that it has not
seen. Nothing is asked and no family is fitted again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np

from surrogates.families.branches import Leaf, Tree, branches
from surrogates.judging.agreement import r2, r2_interval
from surrogates.judging.crossed import CrossFit
from surrogates.judging.problem import Problem
from surrogates.link import from_line
from surrogates.surrogate import Surrogate, joint_terms, sharing
from surrogates.terms import evaluate

__all__ = ["ByTerms", "by_terms"]

#: added to the diagonal of normal equations, relative: terms that hold for the same rows share their weight
_RIDGE = 1e-9
#: leaves of a tree that somebody may read; to cut larger ones takes more than a tenth of the time of the fits
_LEAVES = 128


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
        Empty for a surrogate without terms, and for a tree of more than 128 leaves.
    """
    y, exact, law, block = problem.judged, problem.design.exact, problem.design.sampled, problem.design.block
    counts = _counts(surrogate)
    if not counts or (surrogate.partitions and (counts[-1] > _LEAVES or branches(surrogate.terms_) is None)):
        return ()
    fits = [surrogate] if exact else [fitted for fitted, _ in crossed.fits]
    scores = []
    for by_fold in _predicted(fits, law, block, counts).swapaxes(0, 1):
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


def _predicted(fits: list[Surrogate], law: np.ndarray, block: int, counts: list[int]) -> np.ndarray:
    """Predict the last m of rows ``(block + m, d)`` by surrogates with each number of terms, ``(f, c, m, k)``.

    The last of these numbers means all terms.
    """
    sums = [
        line
        for some in sharing(fits)
        for line in (_of_leaves(some, law, counts) if fits[0].partitions else _of_strongest(some, law, counts))
    ]
    return np.array(
        [[from_line(fit.links_, line) for line in lines[:, block:]] for fit, lines in zip(fits, sums, strict=True)]
    )


def _of_strongest(fits: Sequence[Surrogate], law: np.ndarray, counts: list[int]) -> np.ndarray:
    """Sum for rows ``(n, d)`` the terms that move a sum most, weighed anew to follow the full sum: ``(f, c, n, k)``.

    Strongest are the terms of the largest weight times standard deviation over the rows. The weights w minimise
    Σᵢ (ηᵢ − b − Σₖ wₖ φₖ(zᵢ))², η the full sum: no answer is looked at again.
    """
    terms, coef = joint_terms(fits)
    values, level = evaluate(terms, law), np.stack([np.atleast_1d(fit.intercept_) for fit in fits])
    means = values.mean(axis=0)
    around = values - means
    gram = around.T @ around
    order = np.argsort(-np.abs(coef) * np.sqrt(np.diag(gram)), axis=2, kind="stable")
    total = np.array([len(fit.terms_) for fit in fits])[:, None, None]
    cuts = []
    for count in counts[:-1]:
        chosen = order[..., :count]
        part = gram[chosen[..., None], chosen[..., None, :]]
        trace = np.trace(part, axis1=2, axis2=3)[..., None]
        place = np.arange(chosen.shape[2])
        part[..., place, place] += np.where(trace > 0, _RIDGE * trace / count, 1.0)
        kept = np.zeros_like(coef)
        wanted = np.matmul(gram[chosen], coef[..., None])
        np.put_along_axis(kept, chosen, np.linalg.solve(part, wanted)[..., 0], axis=2)
        cuts.append(np.where(count < total, kept, coef))
    weights = np.stack([*cuts, coef], axis=1)  # all terms, of whatever number a fold has
    shift = level[:, None] + np.matmul(coef[:, None] - weights, means)
    sums = values @ weights.reshape(shift.size, len(terms)).T
    return (sums.reshape(len(law), *shift.shape) + shift).transpose(1, 2, 0, 3)


def _of_leaves(fits: Sequence[Surrogate], law: np.ndarray, counts: list[int]) -> np.ndarray:
    """Sum for rows ``(n, d)`` the leaves of trees that are cut to numbers of them: ``(f, c, n, k)``."""
    sums = []
    for fitted in fits:
        values = evaluate(fitted.terms_, law)
        full = np.atleast_2d(fitted.coef_), np.atleast_1d(fitted.intercept_)
        cuts = [*_merged_leaves(fitted, values, counts[:-1]), full]
        sums.append([values @ coef.T + intercept for coef, intercept in cuts])
    return np.array(sums)


def _merged_leaves(fitted: Surrogate, values: np.ndarray, counts: list[int]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Cut a tree to fewer leaves: two that hang together become one, where that adds least to the squared errors.

    Merging leaves of n₁ and n₂ rows adds n₁n₂ / (n₁ + n₂) Σⱼ (v₁ⱼ − v₂ⱼ)² / sⱼ² for their values v and the spread s.
    """
    coef, intercept = np.atleast_2d(fitted.coef_), np.atleast_1d(fitted.intercept_)
    tree = branches(fitted.terms_)
    if tree is None:
        return [(coef, intercept)] * len(counts)
    spread = coef.std(axis=1)
    rows = values.sum(axis=0) + _RIDGE
    nodes = _nodes(tree, coef.T / np.where(spread > 0, spread, 1.0), rows)
    merged, total = _merging_order(nodes), len(fitted.terms_)
    shown, cuts, done = coef.copy(), {}, 0
    for count in sorted({min(count, total) for count in counts}, reverse=True):
        for terms in (nodes[number].terms for number in merged[done : total - count]):
            shown[:, terms] = (coef[:, terms] @ rows[terms] / rows[terms].sum())[:, None]
        done, cuts[count] = total - count, shown.copy()
    return [(cuts[min(count, total)], intercept) for count in counts]


@dataclass(frozen=True)
class _Node:
    """A branch of a tree: its two sides by number, none of a leaf; all below it, what merging that adds."""

    sides: tuple[int, int] | None
    terms: list[int]
    rows: float
    value: np.ndarray
    loss: float


def _nodes(tree: Tree, values: np.ndarray, rows: np.ndarray) -> list[_Node]:
    """List the branches of a tree, those below before those above."""
    nodes: list[_Node] = []

    def walk(branch: Tree) -> int:
        if isinstance(branch, Leaf):
            nodes.append(_Node(None, [branch.term], float(rows[branch.term]), values[branch.term], 0.0))
            return len(nodes) - 1
        sides = walk(branch.below), walk(branch.above)
        one, other = nodes[sides[0]], nodes[sides[1]]
        total = one.rows + other.rows
        value = (one.rows * one.value + other.rows * other.value) / total
        loss = one.rows * other.rows / total * float(((one.value - other.value) ** 2).sum())
        nodes.append(_Node(sides, [*one.terms, *other.terms], total, value, loss))
        return len(nodes) - 1

    walk(tree)
    return nodes


def _merging_order(nodes: list[_Node]) -> list[int]:
    """Return the numbers of the branches in the order in which they become leaves, cheapest first."""
    above = {side: number for number, node in enumerate(nodes) if node.sides for side in node.sides}
    leaf = [node.sides is None for node in nodes]
    ready = [(n.loss, i) for i, n in enumerate(nodes) if n.sides and all(leaf[side] for side in n.sides)]
    heapify(ready)
    order = []
    while ready:
        _, number = heappop(ready)
        order.append(number)
        leaf[number] = True
        parent = above.get(number)
        sides = nodes[parent].sides if parent is not None else None
        if parent is not None and sides and all(leaf[side] for side in sides):
            heappush(ready, (nodes[parent].loss, parent))
    return order
