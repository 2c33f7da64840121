"""Cross-fitting: each row is predicted by a surrogate that was fitted to other rows.

The sampled rows are split in ten folds, from 800 rows on in five; each fold is predicted by a surrogate fitted
to the others. As a control the same is done with shuffled answers, in which there is nothing to find; five folds say so
as well as ten.
"""

from __future__ import annotations

import numpy as np
from sklearn.base import clone

from surrogates.judging.agreement import r2
from surrogates.judging.crossed import CrossFit
from surrogates.judging.problem import Problem
from surrogates.numerics.folds import folds
from surrogates.numerics.merged_rows import distinct_rows
from surrogates.surrogate import Surrogate

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
    if not control:
        return CrossFit(*_held_out(surrogate, Z, y, block, seed, count), np.full(k, np.nan))
    shuffled = y[np.random.default_rng([seed, 1]).permutation(len(y))]
    if surrogate.separate:
        both, fits = _held_out(surrogate, Z, np.hstack([y, shuffled]), block, seed, count)
        predicted, of_shuffled = both[:, :k], both[:, k:]
        fits = tuple((fitted.part(slice(0, k)), test) for fitted, test in fits)
    else:
        predicted, fits = _held_out(surrogate, Z, y, block, seed, count)
        of_shuffled, _ = _held_out(surrogate, Z, shuffled, block, seed, CONTROL_FOLDS)
    return CrossFit(predicted, fits, r2(shuffled[block:], of_shuffled))


def fold_count(rows: int) -> int:
    """Return in how many folds so many judged rows are split."""
    return _OF_MANY if rows >= _MANY else FOLDS


def _held_out(
    surrogate: Surrogate, Z: np.ndarray, y: np.ndarray, block: int, random_state: int, count: int
) -> tuple[np.ndarray, tuple[tuple[Surrogate, np.ndarray], ...]]:
    """Return predictions ``(m, k)`` for all rows after the block, and the surrogate of each fold with its rows."""
    judged = Z[block:]
    predicted = np.empty_like(y[block:])
    fits = []
    for train, test in folds(len(judged), count, random_state, equal_rows(judged)):
        rows = np.concatenate([np.arange(block), block + train])
        fitted = clone(surrogate).fit(Z[rows], y[rows])
        predicted[test] = fitted.predict(judged[test]).reshape(len(test), -1)
        fits.append((fitted, test))
    return predicted, tuple(fits)


def equal_rows(Z: np.ndarray) -> np.ndarray | None:
    """Give equal rows one number, ``(m,)``, in order of first appearance; None if no two rows are equal."""
    first, place = distinct_rows(Z)
    return None if len(first) == len(Z) else np.argsort(np.argsort(first))[place]
