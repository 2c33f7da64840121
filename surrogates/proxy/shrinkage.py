"""How strongly log length-scales are pulled to their mean, and through which curve: chosen by cross-validation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import cho_solve

from surrogates.proxy.kernel import Kernel, condition, optimise
from surrogates.proxy.on_line import OnLine

__all__ = ["FOLDS", "SHRINKAGES", "choose"]

#: the choices, strongest pull first because each warm-starts the next
SHRINKAGES, FOLDS = (16.0, 4.0, 1.0), 3
#: the identity stays unless a curve's error is below this share of its own
PREFERENCE = 0.97
#: gradient at which a fold's search ends: enough to compare errors, at half the steps of the last fit
_GTOL = 0.3


def choose(answers: OnLine, y: np.ndarray, strengths: Sequence[float]) -> tuple[int, np.ndarray, list[int], np.ndarray]:
    """Choose the shrinkage, and each output's link, with the least cross-validated squared error of the answers.

    Parameters
    ----------
    answers : OnLine
        With a column for each link offered to an output; where there are several, the identity first.
    y : ndarray ``(g, k)``
        The answers themselves.
    strengths : sequence of float

    Returns
    -------
    strength : int
        Number of the strength chosen.
    start : ndarray ``(4 + n,)``
        Hyperparameters to start the fit from.
    columns : list of k int
        Numbers of the columns chosen.
    errors : ndarray ``(s,)``
        Mean squared error of those columns at each strength, in variances of the answers.

    Notes
    -----
    Every fold fits its own hyperparameters, one set for all columns: on games of real models that chose the link as
    well as a set for each. Errors at hyperparameters fitted once to all rows would cost next to nothing, but prefer the
    weakest shrinkage whatever the truth: the held-out answers shaped the 4 + n numbers. One split does: three in place
    of one changed R² by -.001 ± .002 on fifteen games at 48, 64 and 96 answers.
    """
    rows, output = answers.rows, np.array(answers.output)
    unit = np.sqrt(rows.weight @ (y - np.average(y, axis=0, weights=rows.weight)) ** 2 / rows.weight.sum())
    truth = y[:, output] / np.where(unit > 0, unit, 1.0)[output]
    fold, loss = np.random.default_rng(0).permutation(len(rows.Z)) % FOLDS, np.zeros((len(strengths), len(output)))
    fitted = []
    for test in (fold == k for k in range(FOLDS)):
        p, known, asked = None, rows.take(~test), rows.take(test)
        for j, shrinkage in enumerate(strengths):
            p = optimise(known, shrinkage, p, _GTOL)
            kernel, X = Kernel.from_log(p), 2 * known.Z - 1
            factor, new = condition(kernel, X, known.weight), 2 * asked.Z - 1
            cross = kernel(new, X)
            sd = kernel.sd(new, cross, factor) if answers.curved else np.zeros(len(new))
            predicted = answers.answers(cross @ cho_solve(factor, known.y), sd) / np.where(unit > 0, unit, 1.0)[output]
            loss[j] += asked.weight @ (predicted - truth[test]) ** 2
            fitted.append(p)
    preferred = loss * np.where([link.curved for link in answers.links], 1.0, PREFERENCE)
    of = [np.flatnonzero(output == i) for i in range(y.shape[1])]
    chosen = [[int(some[row[some].argmin()]) for some in of] for row in preferred]
    best = int(np.argmin([row[columns].sum() for row, columns in zip(loss, chosen, strict=True)]))
    errors = loss[:, chosen[best]].mean(axis=1) / rows.weight.sum()
    return best, np.mean(fitted[best :: len(strengths)], axis=0), chosen[best], errors
