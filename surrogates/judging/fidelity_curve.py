"""How fidelity grows with the number of answers: refits to fewer of the answers that are known, judged on others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from probes.errors import InputError, integer
from surrogates.judging.agreement import r2, r2_interval
from surrogates.judging.cross_fit import equal_rows
from surrogates.judging.hints import fit_each
from surrogates.judging.problem import Problem
from surrogates.numerics.folds import folds
from surrogates.surrogate import Surrogate

__all__ = ["fidelity_curve"]

#: parts that answers are judged in, and sizes that are tried by default
_FOLDS, _SIZES = 5, 5


def fidelity_curve(surrogate: Surrogate, problem: Problem, sizes: Sequence[int] | None = None) -> pd.DataFrame:
    """Fit a family to growing numbers of answers, and judge each fit on the same answers, none of which it has seen.

    Every fifth of the judged answers is predicted by a surrogate that was fitted to the first n of the others and to
    the block, if there is one. So all sizes are judged on all judged answers.

    Parameters
    ----------
    surrogate : Surrogate
        Its settings are used.
    problem : Problem
    sizes : sequence of int, optional
        Numbers n of answers; by default five, in equal steps of their logarithm.

    Returns
    -------
    DataFrame
        ``output, answers, terms, r2, r2_low, r2_high``: R² with its 95% interval, and how many terms a fit had on
        average.

    Raises
    ------
    InputError
        If the sizes are not between what the family needs and four fifths of the judged answers.
    """
    design, seed = problem.design, problem.random_state
    Z, y, block = design.sampled, problem.sampled, design.block
    judged = len(problem.judged)
    parts = list(folds(judged, _FOLDS, seed, equal_rows(design.judged)))
    least, most = max(surrogate.least, 2), block + min(len(train) for train, _ in parts)
    if least > most:
        raise InputError("fidelity_curve", f"have {least * _FOLDS // (_FOLDS - 1) + 1} judged answers at least", judged)
    rows = []
    for size in _sizes(sizes, least, most):
        by_fold, predicted, terms = [], np.empty_like(problem.judged), []
        for train, test in parts:
            some = np.concatenate([np.arange(block), block + train])[:size]
            fitted = fit_each(surrogate, Z, y, [some], problem.hinted)[0]
            every = fitted.predict(design.judged).reshape(judged, -1)
            by_fold.append(every)
            predicted[test] = every[test]
            terms.append(len(fitted.terms_))
        value = r2(problem.judged, predicted)
        low, high = r2_interval(value, problem.judged, predicted, np.stack(by_fold))
        each = zip(problem.outputs, value, low, high, strict=True)
        rows += [(name, size, float(np.mean(terms)), *map(float, row)) for name, *row in each]
    return pd.DataFrame(rows, columns=["output", "answers", "terms", "r2", "r2_low", "r2_high"])


def _sizes(sizes: Sequence[int] | None, least: int, most: int) -> list[int]:
    """Return the numbers of answers in increasing order."""
    if sizes is None:
        return sorted({int(n) for n in np.geomspace(least, most, _SIZES).round()})
    return sorted({integer("sizes", size, least=least, most=most) for size in sizes})
