"""min over w of Σᵢ vᵢ (yᵢ − g⁻¹(ηᵢ))² + κ Σⱼ sⱼ² (wⱼ − w⁰ⱼ)², η = b + Xw: weights of a sum through a curve.

Columns and first weights w⁰ are those of a fit to g(y), whose squared errors are in the wrong unit: near a bound a
small error of an answer is a large one on the line. Few steps of Gauss and Newton put them right, held near w⁰ by a
penalty (s, the spread of a column). On fifteen games of real models with 64 and 128 answers that brings R² from .48 to
.53, where a sum without a curve has .41.

The link of an output is chosen by the held-out errors of its columns, each refitted in every fold. A curve that is
learned starts from the link so chosen and its weights, and is learned in turns with these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from surrogates.link import IDENTITY, Link, LinkLike, Stacked, named
from surrogates.numerics.folds import folds
from surrogates.numerics.learned_curve import EXACT, Pieces
from surrogates.numerics.path_selection import are_many

__all__ = ["PREFERENCE", "through_links"]

#: the identity stays unless a curve's held-out error is below this share of its own; and where columns are many, since
#: those chosen for the curve were chosen by the held-out rows too
PREFERENCE, _PREFERENCE_OF_MANY = 0.97, 0.93
#: how strongly weights are held where they were, in squared slopes of the curve
_HELD = 0.3
_STEPS = 3
#: how often weights are put right for a curve that is learned, and it is learned again
_TURNS = 1
#: penalties, in variances of a column, under which a fold's weights are fitted first
_RIDGES = np.array([0.003, 0.3])
#: folds of the choice between links; five left .01 of R² at 64 answers
_FOLDS = 10
#: rows from which on five folds will do, and rows that are enough
_MANY, _FEWER_FOLDS, _ENOUGH = 400, 5, 1000
#: numbers that are worked on at a time
_AT_ONCE = 2_000_000
#: fewest rows for a choice between links
_FEWEST = 20

#: of answers ``(n, k)`` the columns chosen ``(c,)``, their weights ``(k, c)`` and the intercepts ``(k,)``
_Select = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]


def through_links(
    X: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    links: Sequence[LinkLike],
    select: _Select,
    random_state: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[Link]]:
    """Select columns for each output, weigh them, and choose a link.

    Parameters
    ----------
    X : ndarray ``(n, p)``
    y : ndarray ``(n, k)``
    weight : ndarray ``(n,)``
    links : sequence of k
        What is offered to each output, in its unit.
    select : callable
        Of answers on the line: columns, weights, intercepts.
    random_state : int

    Returns
    -------
    columns : ndarray ``(c,)``
    coef : ndarray ``(k, c)``
    intercept : ndarray ``(k,)``
    links : list of k Link

    Examples
    --------
    >>> from surrogates import SparseLinear
    >>> X = np.random.default_rng(0).integers(0, 2, (80, 4)).astype(float)
    >>> y = 1 / (1 + np.exp(-4 * X[:, [1]] + 6 * X[:, [2]]))
    >>> def select(line):
    ...     return SparseLinear(max_terms=2).select(X, line, np.ones(80))
    >>> columns, _, _, (link,) = through_links(X, y, np.ones(80), ["auto"], select, 0)
    >>> columns.tolist(), link.kind
    ([1, 2], 'logistic')
    """
    outputs = np.ascontiguousarray(y.T)  # the same bits whatever stands beside an output
    offered = [named(link, row) for link, row in zip(links, outputs, strict=True)]
    if len(X) < _FEWEST:
        offered = [some[:1] for some in offered]
    lines = [link.line(row) for some, row in zip(offered, outputs, strict=True) for link in some]
    columns, coef, intercept = select(np.column_stack(lines))
    preference = _PREFERENCE_OF_MANY if are_many(*X.shape) else PREFERENCE
    weights, levels, chosen, first = np.zeros((y.shape[1], len(columns))), np.zeros(y.shape[1]), [], 0
    for i, some in enumerate(offered):
        fits = [_Fit.of(link, coef[first + j], intercept[first + j]) for j, link in enumerate(some)]
        own = [X[:, columns[fit.columns]] for fit in fits]
        # a curve that is learned starts from the best of those that are known
        best = 0
        if len(some) > 1:
            errors = _errors(X[:, columns], outputs[i], weight, links[i], fits, random_state)
            best = _best(errors, [link.curved for link in some], outputs[i], weight, preference)
        fit = fits[best].refined(own[best], outputs[i], weight)
        if links[i] == "learned" and len(X) >= _FEWEST:
            fit = _learned(own[best], outputs[i], weight, fit, random_state)
        weights[i, fit.columns], levels[i] = fit.coef, fit.level
        chosen.append(fit.link)
        first += len(some)
    kept = np.flatnonzero(weights.any(axis=0))
    return columns[kept], weights[:, kept], levels, chosen


@dataclass(frozen=True)
class _Fit:
    """A sum through a link: the numbers of the columns that it has, their weights, and the intercept."""

    link: Link
    columns: np.ndarray
    coef: np.ndarray
    level: float

    @classmethod
    def of(cls, link: Link, coef: np.ndarray, level: float) -> _Fit:
        """Take the columns that have a weight."""
        columns = np.flatnonzero(coef)
        return cls(link, columns, coef[columns], float(level))

    def missed(self, X: np.ndarray, y: np.ndarray, weight: np.ndarray) -> float:
        """Sum squared errors, given the columns."""
        return float(weight @ (y - self.link.answers(X @ self.coef + self.level)) ** 2)

    def refined(self, X: np.ndarray, y: np.ndarray, weight: np.ndarray, steps: int = _STEPS) -> _Fit:
        """Put weights of a fit on the line right for errors in the unit of the answers, given the columns."""
        link = self.link
        if not link.curved:
            return self
        X1 = np.column_stack([X, np.ones(len(X))])
        center = weight @ X1 / weight.sum()
        spread = weight @ (X1 - center) ** 2 / weight.sum()
        start = at = np.append(self.coef, self.level)
        held = _HELD * float(weight @ link.slope(X1 @ start) ** 2) * spread

        def objective(values: np.ndarray) -> float:
            missed = y - link.answers(X1 @ values)
            return float(weight @ missed**2 + held @ (values - start) ** 2)

        now = objective(at)
        for _ in range(steps):
            line = X1 @ at
            slope = link.slope(line)
            wanted = weight * slope * (y - link.answers(line)) @ X1 - held * (at - start)
            step = _solved(_normal(X1, weight * slope**2), held, wanted)
            then = next((a for a in (at + step, at + step / 4) if objective(a) < now), None)
            if then is None:
                break
            at, now = then, objective(then)
        return replace(self, coef=at[:-1], level=float(at[-1]))


def _best(errors: np.ndarray, curved: list[bool], y: np.ndarray, weight: np.ndarray, preference: float) -> int:
    """Choose the fit with the least held-out error, the identity preferred."""
    exact = EXACT * weight @ (y - np.average(y, weights=weight)) ** 2
    return int(np.argmin((errors + exact) * np.where(curved, 1.0, preference)))


def _learned(X: np.ndarray, y: np.ndarray, weight: np.ndarray, start: _Fit, random_state: int) -> _Fit:
    """Learn a curve and weights in turns, given the columns; the start stays unless held-out answers favour another.

    Sums through a learned curve have mean 0 and standard deviation 1.
    """
    total, fit = weight.sum(), start
    scatter = float(weight @ (y - weight @ y / total) ** 2)
    if not scatter > 0:
        return start
    # squares of answers beyond what weights and curve take up
    free = total / max(total - X.shape[1] - 3, total / 5) / scatter
    for turn in range(_TURNS + 1):
        line, left = X @ fit.coef + fit.level, fit.missed(X, y, weight) * free
        pieces = Pieces.of(line, y, weight, start.link)
        if pieces is None or not (turn or pieces.bends(left, random_state)):
            return start
        fit = replace(fit, link=pieces.curve(left))
        if turn < _TURNS:
            fit = fit.refined(X, y, weight, 1)
    center = weight @ line / total
    spread = np.sqrt(weight @ (line - center) ** 2 / total)
    link = Link.through((np.array(fit.link.knots) - center) / spread, fit.link.values)
    return replace(fit, link=link, coef=fit.coef / spread, level=float((fit.level - center) / spread))


def _errors(
    X: np.ndarray, y: np.ndarray, weight: np.ndarray, link: LinkLike, fits: list[_Fit], random_state: int
) -> np.ndarray:
    """Sum held-out squared errors of each fit over folds, under the better of its penalties; bounds are the fold's."""
    if len(X) > _ENOUGH:
        drawn = np.sort(np.random.default_rng(random_state).permutation(len(X))[:_ENOUGH])
        X, y, weight = X[drawn], y[drawn], weight[drawn]
    parts = list(folds(len(X), _FOLDS if len(X) < _MANY else _FEWER_FOLDS, random_state))
    offered = [named(link, y[train]) for train, _ in parts]
    errors = np.zeros((len(fits), len(_RIDGES)))
    for j, fit in enumerate(fits):
        curves = [some[j] if j < len(some) else IDENTITY for some in offered]
        columns = X[:, fit.columns]
        at_once = max(1, int(_AT_ONCE // (len(_RIDGES) * columns.size + 1)))
        if len({curve.kind for curve in curves}) > 1:
            at_once = 1
        for start in range(0, len(parts), at_once):
            some = slice(start, start + at_once)
            errors[j] += _held_out(columns, y, weight, [test for _, test in parts[some]], curves[some])
    return errors.min(axis=1)


def _held_out(
    X: np.ndarray, y: np.ndarray, weight: np.ndarray, tests: Sequence[np.ndarray], links: Sequence[Link]
) -> np.ndarray:
    """Sum squared errors under each penalty over f folds, given the numbers of the rows that each holds out."""
    X1 = np.column_stack([X, np.ones(len(X))])
    known = np.tile(weight, (len(tests), 1))
    for row, test in zip(known, tests, strict=True):
        row[test] = 0.0
    line = Stacked(links, 2).line(np.tile(y, (len(links), 1)))
    held = np.stack([_normal(X1[test], weight[test]) for test in tests])
    gram, cross = (_normal(X1, weight) - held)[:, None], (known * line) @ X1
    # the spread of a column, and none of the constant: v Σ (x − m)² = G_jj − G_j1² / G_11
    spread = np.maximum(gram[..., _diagonal(X1), _diagonal(X1)] - gram[..., -1] ** 2 / gram[..., -1:, -1], 0.0)
    values = _solved(gram, _RIDGES[:, None] * spread, cross[:, None])
    if links[0].curved:
        squares = _moved(X1, y, known, spread, values, Stacked(links, 3))
        return ((weight - known)[:, None] * squares).sum(axis=(0, 2))
    return sum(
        ((y[test] - of_fold @ X1[test].T) ** 2 @ weight[test] for of_fold, test in zip(values, tests, strict=True)),
        start=np.zeros(len(_RIDGES)),
    )


def _moved(
    X1: np.ndarray, y: np.ndarray, known: np.ndarray, spread: np.ndarray, values: np.ndarray, link: Stacked
) -> np.ndarray:
    """Return squared errors ``(f, r, n)`` of all rows by weights ``(f, r, c)`` of folds.

    The weights are put right by one step, or a quarter of it, where that misses less of what a fold is fitted to.
    """
    sums = values @ X1.T
    missed, slope = y - link.answers(sums), link.slope(sums)
    wanted = known[:, None] * slope
    penalty = _HELD * (wanted * slope).sum(axis=2, keepdims=True) * spread / known.sum(axis=1)[:, None, None]
    step = _solved(_normal(X1, wanted * slope), penalty, (wanted * missed) @ X1)
    along, squares = step @ X1.T, missed**2
    before = np.matmul(squares, known[..., None])[..., 0]
    for share in (1.0, 0.25):
        then = (y - link.answers(sums + share * along)) ** 2
        less = np.matmul(then, known[..., None])[..., 0] + (penalty * (share * step) ** 2).sum(axis=2)
        better = less < before
        if better.all():
            return then
        squares = np.where(better[..., None], then, squares)
        before = np.where(better, -np.inf, before)  # no second step
    return squares


def _diagonal(X1: np.ndarray) -> np.ndarray:
    return np.arange(X1.shape[1])


def _normal(X1: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Compute XᵀVX for weights ``(f, r, n)``: ``(f, r, c, c)``."""
    return np.matmul(X1.T * weight[..., None, :], X1)


def _solved(gram: np.ndarray, penalty: np.ndarray, cross: np.ndarray) -> np.ndarray:
    """Solve (G + diag(p)) w = c for all ``(f, r)``, a trace of ridge added where columns are dependent."""
    system = np.array(np.broadcast_to(gram, (*np.broadcast_shapes(gram.shape[:-1], penalty.shape), gram.shape[-1])))
    place = np.arange(system.shape[-1])
    system[..., place, place] += (
        penalty + 1e-12 * np.maximum(gram.diagonal(axis1=-2, axis2=-1).max(-1), 1e-300)[..., None]
    )
    return np.linalg.solve(system, np.broadcast_to(cross, system.shape[:-1])[..., None])[..., 0]
