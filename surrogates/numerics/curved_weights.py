"""min over w of Σᵢ vᵢ (yᵢ − g⁻¹(ηᵢ))² + κ Σⱼ sⱼ² (wⱼ − w⁰ⱼ)², η = b + Xw: weights of a sum through a curve.

Columns and first weights w⁰ are those of a fit to g(y), whose squared errors are in the wrong unit: near a bound a
small error of an answer is a large one on the line. Few steps of Gauss and Newton put them right, held near w⁰ by a
penalty (s, the spread of a column). On fifteen games of real models with 64 and 128 answers that brings R² from .48 to
.53, where a sum without a curve has .41.

The link of an output is chosen by the held-out errors of its columns, each refitted in every fold. A curve that is
learned starts from the link so chosen and its weights, and is learned in turns with these.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from surrogates.link import Link, Stacked
from surrogates.numerics.folds import folds_of_sets, gathered, sizes_of
from surrogates.numerics.gauss_newton import moved, normal_of, solved, sums_of
from surrogates.numerics.learned_curve import EXACT, Pieces
from surrogates.numerics.path_selection import are_many
from surrogates.offer import LinkLike, learns, named, reach

__all__ = ["KNOWN", "best", "folds_of", "through_links"]

#: the identity stays unless a curve's held-out error is below this share of its own; and where columns are many, since
#: those chosen for the curve were chosen by the held-out rows too
PREFERENCE, _PREFERENCE_OF_MANY = 0.97, 0.93
#: estimated bounds stay unless known ones, to which no answer may come near, have an error below this share of theirs
KNOWN = 0.95
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
#: fits whose columns are as many but for this are worked on at once, the fewer filled up with columns of 0
_FILLED = 4
#: fewest rows for a choice between links
_FEWEST = 20

#: of answers ``(s, n, l)`` weights ``(s, l, p)``, 0 for columns left out, and intercepts ``(s, l)``
_Select = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def through_links(
    X: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    links: Sequence[Sequence[LinkLike]],
    select: _Select,
    random_state: int,
) -> tuple[np.ndarray, np.ndarray, list[list[Link]]]:
    """Select columns for each output, weigh them, and choose a link; of s sets of rows, each by itself.

    Parameters
    ----------
    X : ndarray ``(s, n, p)``
    y : ndarray ``(s, n, k)``
    weight : ndarray ``(s, n)``
    links : sequence of s sequences of k
        What is offered to each output, in its unit.
    select : callable
        Of answers on the line: weights, intercepts.
    random_state : int

    Returns
    -------
    coef : ndarray ``(s, k, p)``
    intercept : ndarray ``(s, k)``
    links : list of s lists of k Link

    Examples
    --------
    >>> from surrogates.numerics.path_selection import select, standardised
    >>> X = np.random.default_rng(0).integers(0, 2, (1, 80, 4)).astype(float)
    >>> y, weight = 1 / (1 + np.exp(-4 * X[:, :, [1]] + 6 * X[:, :, [2]])), np.ones((1, 80))
    >>> def two_columns(line):
    ...     return standardised(X, line, weight, lambda X, t, v: select(X, t, v, 5, 0, most=2))
    >>> coef, _, [[link]] = through_links(X, y, weight, [["auto"]], two_columns, 0)
    >>> np.flatnonzero(coef).tolist(), link.kind
    ([1, 2], 'logistic')
    """
    (sets, n), sizes = weight.shape, sizes_of(weight)
    outputs = np.ascontiguousarray(y.swapaxes(1, 2))  # the same bits whatever stands beside an output
    places = [(i, j) for i in range(sets) for j in range(y.shape[2])]
    offered = [named(links[i][j], outputs[i, j, : sizes[i]])[: None if folds_of(n) else 1] for i, j in places]
    most = max(map(len, offered), default=1)
    lines = np.zeros((sets, n, y.shape[2], most))
    for (i, j), some in zip(places, offered, strict=True):
        for number, link in enumerate(some):
            lines[i, :, j, number] = link.line(outputs[i, j])
    coef, level = (
        values.reshape(sets, y.shape[2], most, *values.shape[2:]) for values in select(lines.reshape(sets, n, -1))
    )
    fits = [
        [_Fit.of((i, j), link, coef[i, j, number], level[i, j, number]) for number, link in enumerate(some)]
        for (i, j), some in zip(places, offered, strict=True)
    ]
    rows = _Rows(X, outputs, weight)
    chosen = _refined(rows, _best(rows, fits, random_state), _STEPS)
    weights, levels = np.zeros((sets, y.shape[2], X.shape[2])), np.zeros((sets, y.shape[2]))
    for number, ((i, j), fit) in enumerate(zip(places, chosen, strict=True)):
        if learns(links[i][j]) and folds_of(n):
            # a curve that is learned starts from the best of those that are known
            chosen[number] = fit = _learned(rows, fit, random_state)
        weights[i, j, fit.columns], levels[i, j] = fit.coef, fit.level
    found = iter(fit.link for fit in chosen)
    return weights, levels, [[next(found) for _ in some] for some in links]


def folds_of(n: int) -> int:
    """Return in how many folds links of n rows are compared, 0 where they are not; sets fitted at once share it."""
    return 0 if n < _FEWEST else _FOLDS if n < _MANY else _FEWER_FOLDS


@dataclass(frozen=True)
class _Fit:
    """A sum through a link: of which set and output, the numbers of the columns that it has, weights, and intercept."""

    set: int
    output: int
    link: Link
    columns: np.ndarray
    coef: np.ndarray
    level: float

    @classmethod
    def of(cls, place: tuple[int, int], link: Link, coef: np.ndarray, level: float) -> _Fit:
        """Take the columns that have a weight."""
        columns = np.flatnonzero(coef)
        return cls(*place, link, columns, coef[columns], float(level))


@dataclass(frozen=True)
class _Rows:
    """Columns ``(s, n, p)``, answers ``(s, k, n)`` and weights ``(s, n)`` of s sets of rows."""

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray

    def answers(self, fit: _Fit) -> tuple[np.ndarray, np.ndarray]:
        """Return the answers ``(m,)`` that a fit is for, without what fills their set, and their weights."""
        size = int(sizes_of(self.weight[[fit.set]])[0])
        return self.y[fit.set, fit.output, :size], self.weight[fit.set, :size]

    def take(self, rows: np.ndarray) -> _Rows:
        """Select rows ``(s, r)`` of the sets."""
        y = gathered(self.y.swapaxes(1, 2), rows).swapaxes(1, 2)
        return _Rows(gathered(self.X, rows), np.ascontiguousarray(y), gathered(self.weight, rows))

    def of(self, fits: Sequence[_Fit]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return the columns of b fits and the constant, ``(b, n, c)``, answers and weights ``(b, n)``, and values.

        Values ``(b, c)`` are of the fits. Where one has fewer columns than c, the others are 0.
        """
        sets, most = [fit.set for fit in fits], max(len(fit.columns) for fit in fits)
        size = min(-(-most // _FILLED) * _FILLED, self.X.shape[2])  # whatever stands beside a fit
        X1, values = np.zeros((len(fits), self.X.shape[1], size + 1)), np.zeros((len(fits), size + 1))
        for columns, value, fit in zip(X1, values, fits, strict=True):
            count = len(fit.columns)
            columns[:, :count], value[:count] = self.X[fit.set][:, fit.columns], fit.coef
        X1[..., -1], values[:, -1] = 1.0, [fit.level for fit in fits]
        return X1, self.y[sets, [fit.output for fit in fits]], self.weight[sets], values


def _alike(fits: Sequence[_Fit], n: int, each: int) -> Iterator[list[int]]:
    """Group numbers of fits of about as many columns and the same kind of link, n · `each` numbers a column at once."""
    groups: dict[tuple[int, Hashable], list[int]] = {}
    for number, fit in enumerate(fits):
        kind = fit.link if fit.link.kind == "learned" else (fit.link.kind, fit.link.low is None)
        groups.setdefault((-(-len(fit.columns) // _FILLED), kind), []).append(number)
    for (size, _), group in groups.items():
        block = max(1, _AT_ONCE // (each * n * (size * _FILLED + 1)))
        yield from (group[start : start + block] for start in range(0, len(group), block))


def _best(rows: _Rows, offered: Sequence[Sequence[_Fit]], random_state: int) -> list[_Fit]:
    """Choose for each output the fit with the least held-out error, the identity preferred."""
    several = [fits for fits in offered if len(fits) > 1]
    if not several:
        return [fits[0] for fits in offered]
    errors = iter(_errors(rows, several, random_state))
    return [_preferred(rows, fits, next(errors)) if len(fits) > 1 else fits[0] for fits in offered]


def best(
    errors: np.ndarray, links: Sequence[Link], y: np.ndarray, weight: np.ndarray, preference: float = PREFERENCE
) -> int:
    """Choose a link of answers ``(n,)`` by held-out errors: the identity is preferred, then estimated bounds.

    Parameters
    ----------
    errors : ndarray ``(l,)``
        Sums of squares.
    links : sequence of l Link
    y, weight : ndarray ``(n,)``
    preference : float
        Share of the identity's error that a curve's has to be below.
    """
    exact = EXACT * weight @ (y - weight @ y / weight.sum()) ** 2
    pull = [
        preference if not link.curved else reach(link, y, weight) / KNOWN if link.known(y) else 1.0 for link in links
    ]
    return int(np.argmin((errors + exact) * pull))


def _preferred(rows: _Rows, fits: Sequence[_Fit], errors: np.ndarray) -> _Fit:
    y, weight = rows.answers(fits[0])
    preference = _PREFERENCE_OF_MANY if are_many(len(y), rows.X.shape[2]) else PREFERENCE
    return fits[best(errors, [fit.link for fit in fits], y, weight, preference)]


def _refined(rows: _Rows, fits: Sequence[_Fit], steps: int) -> list[_Fit]:
    """Put weights of fits on the line right for errors in the unit of the answers, given their columns."""
    refined = list(fits)
    for some in _alike(fits, rows.X.shape[1], 1):
        these = [fits[number] for number in some]
        link = these[0].link
        if not link.curved:
            continue
        X1, y, weight, start = rows.of(these)
        total = weight.sum(axis=1)[:, None]
        center = np.matmul(weight[:, None], X1) / total[..., None]
        spread = np.matmul(weight[:, None], (X1 - center) ** 2)[:, 0]
        curve = link if link.kind == "learned" else Stacked.of([fit.link for fit in these], 4)
        values, _ = moved(X1, y, weight[:, None, None], spread[:, None, None], start[:, None, None], curve, steps)
        for number, fit, value in zip(some, these, values[:, 0, 0], strict=True):
            refined[number] = replace(fit, coef=value[: len(fit.columns)], level=float(value[-1]))
    return refined


def _learned(rows: _Rows, start: _Fit, random_state: int) -> _Fit:
    """Learn a curve and weights in turns, given the columns; the start stays unless held-out answers favour another.

    Sums through a learned curve have mean 0 and standard deviation 1.
    """
    size = sizes_of(rows.weight)[start.set]
    rows = _Rows(rows.X[:, :size], rows.y[..., :size], rows.weight[:, :size])
    X1, (y,), (weight,), _ = rows.of([start])
    total, fit = weight.sum(), start
    scatter = float(weight @ (y - weight @ y / total) ** 2)
    if not scatter > 0:
        return start
    # squares of answers beyond what weights and curve take up
    free = total / max(total - len(start.columns) - 3, total / 5) / scatter
    for turn in range(_TURNS + 1):
        line = sums_of(X1, rows.of([fit])[3])[0]  # to the last bit as it is refined: knots are at some of these sums
        left = float(weight @ (y - fit.link.answers(line)) ** 2) * free
        pieces = Pieces.of(line, y, weight, start.link)
        if pieces is None or not (turn or pieces.bends(left, random_state)):
            return start
        fit = replace(fit, link=pieces.curve(left))
        if turn < _TURNS:
            [fit] = _refined(rows, [fit], 1)
    center = weight @ line / total
    spread = np.sqrt(weight @ (line - center) ** 2 / total)
    link = Link.through((np.array(fit.link.knots) - center) / spread, fit.link.values)
    return replace(fit, link=link, coef=fit.coef / spread, level=float((fit.level - center) / spread))


def _errors(rows: _Rows, offered: Sequence[Sequence[_Fit]], random_state: int) -> list[np.ndarray]:
    """Sum held-out squared errors of fits over folds, each under the better of its penalties; bounds are the fold's."""
    n, flat = rows.X.shape[1], [fit for fits in offered for fit in fits]
    given = np.array([fit.link.given(rows.answers(fit)[0]) for fit in flat])
    if n > _ENOUGH:
        sizes = sizes_of(rows.weight).tolist()
        drawn = [np.sort(np.random.default_rng(random_state).permutation(size)[:_ENOUGH]) for size in sizes]
        rows, n = rows.take(np.stack(drawn)), _ENOUGH
    tests = folds_of_sets(rows.weight, folds_of(n), random_state)
    errors = np.zeros((len(flat), len(_RIDGES)))
    for some in _alike(flat, n, len(_RIDGES) * len(tests)):
        X1, y, weight, _ = rows.of([flat[number] for number in some])
        of_sets = [flat[number].set for number in some]
        at_once = max(1, _AT_ONCE // (len(_RIDGES) * X1[0].size))
        for start in range(0, len(tests), at_once):
            own = [test[of_sets] for test in tests[start : start + at_once]]
            errors[some] += _held_out(X1, y, weight, own, given[some] if flat[some[0]].link.curved else None)
    return np.split(errors.min(axis=1), np.cumsum([len(fits) for fits in offered])[:-1])


def _held_out(
    X1: np.ndarray, y: np.ndarray, weight: np.ndarray, tests: Sequence[np.ndarray], given: np.ndarray | None
) -> np.ndarray:
    """Sum squared errors of b fits under each penalty over f folds, given the rows ``(b, t)`` that each holds out.

    A curve is logistic, between `given` bounds ``(b, 2)``, or, where these are NaN, over the answers that a fold knows.
    """
    known = np.repeat(weight[:, None], len(tests), axis=1)
    for number, test in enumerate(tests):
        np.put_along_axis(known[:, number], test, 0.0, axis=1)
    line = y[:, None]
    if given is not None:
        low = np.where(known > 0, line, np.inf).min(axis=2)
        high = np.where(known > 0, line, -np.inf).max(axis=2)
        line = Stacked.over(low, high, 3, given).line(line)
    held = np.stack([normal_of(gathered(X1, test), gathered(weight, test)) for test in tests], axis=1)
    gram, cross = (normal_of(X1, weight)[:, None] - held)[:, :, None], np.matmul(known * line, X1)
    # the spread of a column, and none of the constant: v Σ (x − m)² = G_jj − G_j1² / G_11
    spread = np.maximum(np.diagonal(gram, axis1=-2, axis2=-1) - gram[..., -1] ** 2 / gram[..., -1:, -1], 0.0)
    values = solved(gram, _RIDGES[:, None] * spread, cross[:, :, None])
    if given is not None:
        _, missed = moved(X1, y, known[:, :, None], spread, values, Stacked.over(low, high, 4, given), 1)
        return ((weight[:, None] - known)[:, :, None] * missed**2).sum(axis=(1, 3))
    squares = np.zeros((len(X1), len(_RIDGES)))
    for test, of_fold in zip(tests, values.swapaxes(0, 1), strict=True):
        missed = gathered(y, test)[:, None] - sums_of(gathered(X1, test), of_fold)
        squares += np.matmul(missed**2, gathered(weight, test)[..., None])[..., 0]
    return squares
