"""Cross-fitting: each row is predicted by a surrogate that was fitted to other rows.

The sampled rows are split in ten folds, from 800 rows on in five; each fold is predicted by a surrogate fitted
to the others. As a control the same is done with shuffled answers, in which there is nothing to find; five folds say so
as well as ten.
"""

from __future__ import annotations

import numpy as np

from surrogates.judging.agreement import r2
from surrogates.judging.crossed import CrossFit
from surrogates.judging.hints import fit_each
from surrogates.judging.problem import Problem
from surrogates.numerics.folds import folds
from surrogates.numerics.merged_rows import distinct_rows
from surrogates.surrogate import Surrogate, predict_each

__all__ = ["FOLDS", "cross_fit", "equal_rows", "fold_count"]

FOLDS, CONTROL_FOLDS = 10, 5
#: judged rows from which on five folds will do: fits to four fifths of them predict as well as fits to nine tenths
_MANY, _OF_MANY = 800, 5


def cross_fit(surrogate: Surrogate, problem: Problem, control: bool = False) -> CrossFit:
    """Fit to all folds but one, and predict that one, for each fold.

    Parameters
    ----------
    surrogate : Surrogate
        Unfitted, or a fitted one whose settings are used.
    problem : Problem
        Its block is fitted to every time and never predicted. Equal rows share a fold.
    control : bool, default False
        Whether to do the same on shuffled answers, in five folds: half as long again. A family that fits each output
        separately is fitted to answers and shuffled answers at once.
    """
    Z, y, block, seed = problem.design.sampled, problem.sampled, problem.design.block, problem.random_state
    k, count = y.shape[1], fold_count(len(y) - block)
    shuffled = y[np.random.default_rng([seed, 1]).permutation(len(y))]
    together = control and surrogate.separate
    fits, tests = _fitted(surrogate, problem, np.hstack([y, shuffled]) if together else y, count)
    every = predict_each(fits, Z[block:])
    permuted = np.full(k, np.nan)
    if together:
        permuted = r2(shuffled[block:], _held_out(every[..., k:], tests))
        every, fits = every[..., :k], [fitted.part(slice(0, k)) for fitted in fits]
    elif control:
        of_shuffled, some = _fitted(surrogate, problem, shuffled, CONTROL_FOLDS)
        permuted = r2(shuffled[block:], _held_out(predict_each(of_shuffled, Z[block:]), some))
    return CrossFit(_held_out(every, tests), tuple(zip(fits, tests, strict=True)), permuted, every)


def fold_count(rows: int) -> int:
    """Return in how many folds so many judged rows are split."""
    return _OF_MANY if rows >= _MANY else FOLDS


def _fitted(
    surrogate: Surrogate, problem: Problem, y: np.ndarray, count: int
) -> tuple[list[Surrogate], list[np.ndarray]]:
    """Return the surrogate of each fold, fitted to the block and all other folds, and the judged rows of the fold."""
    judged, block = problem.design.judged, problem.design.block
    parts = list(folds(len(judged), count, problem.random_state, equal_rows(judged)))
    known = [np.concatenate([np.arange(block), block + train]) for train, _ in parts]
    return fit_each(surrogate, problem.design.sampled, y, known, problem.hinted), [test for _, test in parts]


def _held_out(every: np.ndarray, tests: list[np.ndarray]) -> np.ndarray:
    """Take from predictions ``(f, m, k)`` those for the rows of each fold, ``(m, k)``."""
    predicted = np.empty(every.shape[1:])
    for values, test in zip(every, tests, strict=True):
        predicted[test] = values[test]
    return predicted


def equal_rows(Z: np.ndarray) -> np.ndarray | None:
    """Give equal rows one number, ``(m,)``, in order of first appearance; None if no two rows are equal."""
    first, place = distinct_rows(Z)
    return None if len(first) == len(Z) else np.argsort(np.argsort(first))[place]
