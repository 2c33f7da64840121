"""Where rows are marked: short rules that together hold for the marked rows and for few others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from surrogates.numerics.folds import folds
from surrogates.terms import Box

__all__ = ["Counts", "find_rules", "joined", "snapped", "united", "worth"]

#: quantiles of a column, of all rows and of the marked ones, between whose values cuts are tried first
_QUANTILES = 33
#: conjunctions that are grown further, by either measure
_BEAM = 8
#: F1 that one more rule or condition must gain on the rows they are found in, besides what one marked row is worth
_GAIN = 0.01
#: marked rows that a rule must add
_FEWEST = 3
#: most rows that rules are searched in
_MOST = 3000
#: how far a cut may be moved to be short, as a share of the gap that it lies in
_NEAR = 0.3
#: F1 of marking all rows, beyond which a rule that holds for nearly all of them is hard to beat one by one
_OFTEN = 0.5
#: F1 in cross-validation that a shorter list of rules may lack
_SHORTER = 0.01
#: F1 in cross-validation below which lists of rules that hold for few others are tried as well
_FULL = 0.95
#: how far from the share of marked rows to one the precision lies from which a rule pays, where it need only beat
#: chance, and where it is to hold for few others
_CHANCE, _FEW_OTHERS = 0.0, 0.5


@dataclass(frozen=True)
class Counts:
    """How often rules hold and rows are marked.

    Attributes
    ----------
    both, held, marked, rows : int
        Marked rows for which rules hold, rows for which they hold, marked rows, and all.
    """

    both: int
    held: int
    marked: int
    rows: int

    @classmethod
    def of(cls, holds: np.ndarray, marked: np.ndarray) -> Counts:
        """Count rows ``(n,)``."""
        return cls(int((holds & marked).sum()), int(holds.sum()), int(marked.sum()), len(marked))

    def __add__(self, other: Counts) -> Counts:
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Counts(*(one + two for one, two in pairs))

    @property
    def precision(self) -> float:
        """Share of the rows held that are marked; NaN where none is held."""
        return self.both / self.held if self.held else float("nan")

    @property
    def recall(self) -> float:
        """Share of the marked rows that are held; NaN where none is marked."""
        return self.both / self.marked if self.marked else float("nan")

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, 0 where nothing is held."""
        return 2 * self.both / (self.held + self.marked) if self.held + self.marked else 0.0

    @property
    def jaccard(self) -> float:
        """Rows that are held and marked, as a share of those that are either."""
        either = self.held + self.marked - self.both
        return self.both / either if either else float("nan")


def united(rules: Sequence[Box], Z: np.ndarray) -> np.ndarray:
    """Return for which rows ``(n, d)`` any of the rules holds, ``(n,)``.

    Examples
    --------
    >>> united([Box(((0, 0.5, np.inf),))], np.array([[1.0], [0.0]]))
    array([ True, False])
    """
    holds = np.zeros(len(Z), dtype=bool)
    for rule in rules:
        holds |= rule(Z) > 0
    return holds


def find_rules(
    Z: np.ndarray,
    marked: np.ndarray,
    binary: Sequence[bool],
    most: int = 5,
    length: int = 3,
    random_state: int = 0,
    groups: np.ndarray | None = None,
) -> list[Box]:
    """Find a short list of conjunctions whose union has a high F1 for the marked rows, the most useful first.

    Parameters
    ----------
    Z : ndarray ``(n, d)``
        Features of rows; no condition holds for NaN.
    marked : ndarray of bool ``(n,)``
    binary : sequence of d bool
        Which features are 0/1.
    most, length : int
        The most rules, and the most conditions in one.
    random_state : int
    groups : ndarray of int ``(n,)``, optional
        Rows of one group share a fold of the cross-validation.

    Returns
    -------
    list of Box
        Empty where no list predicts rows kept out better than to mark all of them. Its length is chosen by
        five-fold cross-validation; of lists that do about as well the shortest.

    Notes
    -----
    Sequential covering by beam search over cuts at quantiles; each rule is then polished over all cuts. Rules are to
    raise F1; where many rows are marked, a first one does so best by holding for nearly all, and rules are tried as
    well that hold for more marked rows than as many others have (weighted relative accuracy, Lavrač, Flach and Zupan
    1999). A broad rule can stand in the way of two exact ones, for either of two levels of a column: where lists fall
    short, rules are tried that pay only from half way between chance and a precision of one. Of more than 3,000 rows
    that many, drawn at random, find rules.
    """
    marks = np.asarray(marked, dtype=bool)
    if len(Z) > _MOST:
        some = np.sort(np.random.default_rng([random_state, 4]).permutation(len(Z))[:_MOST])
        Z, marks, groups = Z[some], marks[some], None if groups is None else groups[some]
    if marks.sum() < _FEWEST or marks.all() or most < 1:
        return []
    of_group = None if groups is None else np.unique(groups, return_inverse=True)[1].reshape(-1)
    parts = list(folds(len(Z), 5, random_state, of_group))
    best, chosen = Counts.of(np.ones(len(marks), dtype=bool), marks).f1, None
    for strict in (None, _CHANCE, _FEW_OTHERS):
        if (strict == _CHANCE and best <= _OFTEN) or (strict == _FEW_OTHERS and best >= _FULL):
            continue
        held_out = [Counts(0, 0, 0, 0)] * (most + 1)
        for train, test in parts:
            found = _covering(Z[train], marks[train], binary, most, length, strict)
            for k in range(most + 1):
                held_out[k] = held_out[k] + Counts.of(united(found[:k], Z[test]), marks[test])
        scores = np.array([counts.f1 for counts in held_out])
        number = int(np.argmax(scores >= scores.max() - _SHORTER))
        if scores[number] > best:
            best, chosen = float(scores[number]), (number, length, strict)
    return [] if chosen is None else [snapped(rule, Z, binary) for rule in _covering(Z, marks, binary, *chosen)]


def worth(marked: np.ndarray) -> float:
    """Return what a rule or a condition must gain in F1 for the marked rows ``(n,)`` to be worth reading."""
    return _GAIN + 1 / max(int(marked.sum()), 1)


def snapped(rule: Box, Z: np.ndarray, binary: Sequence[bool]) -> Box:
    """Move each cut to the number of fewest digits that parts the same rows, so that it can be written in full.

    Examples
    --------
    >>> snapped(Box(((0, 0.31234, np.inf),)), np.array([[0.25], [0.4]]), [False])
    Box(conditions=((0, 0.3, inf),))
    >>> snapped(Box(((0, 44.89999983, np.inf),)), np.array([[44.8], [44.9]]), [False])
    Box(conditions=((0, 44.88, inf),))
    """
    moved = []
    for j, low, high in rule.conditions:
        column = Z[:, j]
        ends = (low, high) if binary[j] else (_plain_cut(low, column), _plain_cut(high, column))
        moved.append((j, *ends))
    return Box(tuple(moved))


def _plain_cut(cut: float, column: np.ndarray) -> float:
    """Return the number of fewest digits near a cut, between the greatest value at or below it and the next one."""
    below, above = column[column <= cut], column[column > cut]
    if np.isinf(cut) or not len(below) or not len(above):
        return cut
    low, high = float(below.max()), float(above.min())
    if low == round(low) and high == round(high):
        return float(np.floor(cut))
    near = _NEAR * (high - low)
    inner = float(np.clip(cut, low + near / 2, high - near / 2))
    # a cut of single precision has seven digits; one that lies at an end of the gap is moved off it first
    digits = [(cut, k) for k in range(1, 8)] + [(inner, k) for k in range(1, 17)] + [(cut, k) for k in range(8, 17)]
    tried = (0.0, *(float(f"{number:.{k}g}") for number, k in digits))
    return next((number for number in tried if low <= number < high and abs(number - cut) <= near), cut)


def _covering(
    Z: np.ndarray, marked: np.ndarray, binary: Sequence[bool], most: int, length: int, strict: float | None
) -> list[Box]:
    """Add rules one by one, each for what those before it leave."""
    if marked.sum() < _FEWEST:
        return []
    rules: list[Box] = []
    covered = np.zeros(len(Z), dtype=bool)
    cuts = [_cuts(Z[:, j], marked, flag) for j, flag in enumerate(binary)]
    conditions = [
        condition for j, points in enumerate(cuts) for c in points for condition in ((j, -np.inf, c), (j, c, np.inf))
    ]
    if not conditions:
        return []
    holds = np.array([(low < Z[:, j]) & (Z[:, j] <= high) for j, low, high in conditions], dtype=np.float32)
    score = 0.0
    while len(rules) < most:
        goal = _Goal(Z, marked, covered, strict)
        rule = _polished(_grown(conditions, holds, goal, length), goal, binary)
        inside = rule(Z) > 0
        gained = int((inside & ~covered & marked).sum())
        f1 = Counts.of(inside | covered, marked).f1
        if not rule.conditions or gained < _FEWEST or f1 < score + goal.gain:
            break
        rules.append(rule)
        score, covered = f1, covered | inside
    return rules


@dataclass(frozen=True)
class _Goal:
    """What a rule is to reach: the F1 of its union with the rules before it, or marked rows beyond a price of all.

    Attributes
    ----------
    Z : ndarray ``(n, d)``
    marked, covered : ndarray of bool ``(n,)``
        Rows to hold for, and those that earlier rules hold for.
    strict : float or None
        Where the price of each row held lies between the share of marked rows left (0: lift) and one; None for F1.
    """

    Z: np.ndarray
    marked: np.ndarray
    covered: np.ndarray
    strict: float | None

    @property
    def gain(self) -> float:
        """What a rule or a condition must gain."""
        return worth(self.marked)

    @cached_property
    def left(self) -> tuple[int, int]:
        """How many rows are not covered, marked and all."""
        return int((self.marked & ~self.covered).sum()), int((~self.covered).sum())

    def score(self, inside: np.ndarray) -> float:
        """Score a rule by the rows it holds for."""
        fresh = inside & ~self.covered
        return float(self.scores((fresh & self.marked).sum(), fresh.sum()))

    def scores(self, both: Any, held: Any) -> Any:
        """Score rules by how many uncovered rows, marked and all, they hold for."""
        marked, rows = self.left
        if self.strict is not None:
            price = self.strict + (1 - self.strict) * marked / max(rows, 1)
            return (both - price * held) / max(marked * (1 - price), 1 / max(rows, 1))
        return 2 * (both + int(self.marked.sum()) - marked) / (held + len(self.marked) - rows + self.marked.sum())

    def lift(self, both: Any, held: Any) -> Any:
        """Count the marked rows that rules hold for over and above those that as many rows have on average."""
        marked, rows = self.left
        return both - marked / max(rows, 1) * held


def _cuts(column: np.ndarray, marked: np.ndarray, binary: bool) -> np.ndarray:
    """Return values between which a column can be cut: all of a few, else at quantiles of all and of marked rows."""
    known = ~np.isnan(column)
    column, marked = column[known], marked[known]
    values = np.unique(column)
    if binary or len(values) < 2:
        return np.array([0.5]) if len(values) == 2 else np.empty(0)
    middles = _middles(values)
    if len(middles) > 2 * _QUANTILES:
        share = np.linspace(0, 1, _QUANTILES)
        ends = np.concatenate([np.quantile(part, share) for part in (column, column[marked]) if len(part)])
        # a cut on either side of each value
        at = np.searchsorted(values, ends)
        middles = middles[np.unique(np.clip(np.concatenate([at - 1, at]), 0, len(middles) - 1))]
    return middles


def _middles(values: np.ndarray) -> np.ndarray:
    """Return a number between each two neighbours of increasing values, never above the greater one's left side."""
    middles = values[:-1] + (values[1:] - values[:-1]) / 2
    return np.where(middles < values[1:], middles, values[:-1])


def _grown(conditions: Sequence[tuple[int, float, float]], holds: np.ndarray, goal: _Goal, length: int) -> Box:
    """Grow conjunctions by one condition at a time; return the best."""
    fresh = (~goal.covered).astype(np.float32)
    target = fresh * goal.marked
    beam: list[tuple[int, ...]] = [()]
    inside = np.ones((1, holds.shape[1]), dtype=np.float32)
    best: tuple[int, ...] = ()
    best_score = float(goal.scores(target.sum(), fresh.sum()))
    for _ in range(length):
        both, held = (inside * target) @ holds.T, (inside * fresh) @ holds.T
        scores = np.where(both > 0, goal.scores(both, held), -1.0)
        # a rule that leads to a good one need not be one
        lift = np.where(both > 0, goal.lift(both, held), -1.0)
        beam, inside = _best_of(beam, inside, conditions, holds, scores, lift)
        for chosen, rows in zip(beam, inside, strict=True):
            score = float(goal.scores(rows @ target, rows @ fresh))
            if score >= best_score + goal.gain:
                best, best_score = chosen, score
    return joined([conditions[c] for c in best])


def _best_of(
    beam: Sequence[tuple[int, ...]],
    inside: np.ndarray,
    conditions: Sequence[tuple[int, float, float]],
    holds: np.ndarray,
    *measures: np.ndarray,
) -> tuple[list[tuple[int, ...]], np.ndarray]:
    """Take the best extensions by each measure ``(b, c)``, none that holds for the rows of another."""
    kept: dict[bytes, tuple[tuple[int, ...], np.ndarray]] = {}
    for measure in measures:
        taken = 0
        for flat in np.argsort(-measure, axis=None, kind="stable")[: 20 * _BEAM]:
            at, condition = divmod(int(flat), measure.shape[1])
            if measure[at, condition] < 0 or taken == _BEAM:
                break
            rows = inside[at] * holds[condition]
            key = np.packbits(rows > 0).tobytes()
            if key not in kept:
                kept[key] = ((*beam[at], condition), rows)
                taken += 1
    found = list(kept.values())
    return [chosen for chosen, _ in found], np.array([rows for _, rows in found]).reshape(-1, holds.shape[1])


def joined(conditions: Iterable[tuple[int, float, float]]) -> Box:
    """Join conditions; several on one feature make an interval.

    Examples
    --------
    >>> joined([(2, 0.5, np.inf), (0, -np.inf, 9.0), (2, -np.inf, 1.5)])
    Box(conditions=((0, -inf, 9.0), (2, 0.5, 1.5)))
    """
    sides: dict[int, tuple[float, float]] = {}
    for j, low, high in conditions:
        known = sides.get(j, (-np.inf, np.inf))
        sides[j] = max(known[0], low), min(known[1], high)
    return Box(tuple((j, *sides[j]) for j in sorted(sides)))


def _polished(rule: Box, goal: _Goal, binary: Sequence[bool]) -> Box:
    """Drop conditions that gain nothing, and move every cut to where the score is highest."""
    for _ in range(2):
        before = rule
        for j, low, high in rule.conditions:
            others = Box(tuple(c for c in rule.conditions if c[0] != j))
            score = goal.score(rule(goal.Z) > 0)
            if others.conditions and goal.score(others(goal.Z) > 0) > score - goal.gain:
                rule = others
            elif not binary[j]:
                for side in (0, 1):
                    low, high = next(c[1:] for c in rule.conditions if c[0] == j)
                    if np.isfinite((low, high)[side]):
                        moved = _moved(others, j, low, high, side, goal)
                        rule = joined([*others.conditions, (j, *moved)])
        if rule == before:
            break
    return rule


def _moved(others: Box, j: int, low: float, high: float, side: int, goal: _Goal) -> tuple[float, float]:
    """Return the interval of a condition with one end where the score is highest; where it is unless that gains."""
    column = goal.Z[:, j]
    open_ = (column > low) if side else (column <= high)
    rows = (others(goal.Z) > 0) & open_ & ~goal.covered
    values, place = np.unique(column[rows], return_inverse=True)
    if len(values) < 2:
        return low, high
    both = np.bincount(place, goal.marked[rows], len(values)).cumsum()
    held = np.bincount(place, minlength=len(values)).cumsum()
    if not side:  # what is above a cut
        both, held = both[-1] - both, held[-1] - held
    scores = goal.scores(both[:-1], held[:-1])
    cuts = _middles(values)
    at = int(np.argmax(scores))
    now = goal.score(joined([*others.conditions, (j, low, high)])(goal.Z) > 0)
    if scores[at] <= now:
        return low, high
    return (low, float(cuts[at])) if side else (float(cuts[at]), high)
