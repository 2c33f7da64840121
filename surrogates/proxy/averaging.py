"""What the proxy averages, and by which shares: processes of several shrinkages, and with a curve the plain sum.

All are fitted in folds too, and shares that minimise the squared error of the average there, pulled to equal ones, are
those of stacked regressions (Breiman 1996). To pick the one with the least error picks by luck where few answers hold
most of the variance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve
from scipy.optimize import nnls

from surrogates.link import Link, from_line
from surrogates.numerics.curved_weights import through_links
from surrogates.numerics.merged_rows import Rows
from surrogates.numerics.path_selection import select, standardised
from surrogates.offer import LinkLike, reach
from surrogates.proxy.kernel import Kernel, condition, optimise
from surrogates.proxy.on_line import OnLine

__all__ = [
    "AVERAGED",
    "AVERAGED_OF_MANY",
    "FEWEST",
    "MANY_FEATURES",
    "SHRINKAGES",
    "Choice",
    "PlainSum",
    "choose",
    "shares",
    "units",
]

#: pulls of log length-scales to their mean, strongest first because each warm-starts the next
SHRINKAGES = (16.0, 4.0, 1.0)
#: those that a proxy averages: with the strongest too R² on games of real models was lower by .00 to .01
AVERAGED = SHRINKAGES[1:]
#: those with more than so many features, of which few matter as a rule: the weak one lets most of them fade, the strong
#: one is for answers to which all add
AVERAGED_OF_MANY, MANY_FEATURES = (4.0, 0.25), 32
#: folds, of few rows and of as many that errors are sure enough, where each fit is dear
FOLDS, MANY = (4, 3), 256
#: rows below which nothing is chosen
FEWEST = 8
#: the identity stays unless a curve explains so much more of the variance: what two bounds must earn
PREFERENCE = 0.004
#: likewise where there are known bounds to choose from, and so more curves that may be better by chance
PREFERENCE_BESIDE_KNOWN = 0.01
#: pull of shares towards equal ones, in standard errors of the least error: what few answers decide is not trusted
PULL = 0.6
#: gradient at which a fold's search ends: enough to compare errors, at half the steps of the last fit
_GTOL = 0.3
#: likewise with more features than rows, where each has little of the gradient; there each fit also starts anew, since
#: a weak pull does not find what the strong one left at the common mean
_GTOL_OF_MANY = 0.1


@dataclass(frozen=True)
class Choice:
    """What cross-validation says of processes with different shrinkages.

    Attributes
    ----------
    columns : list of k int
        The column of the answers on the line, and so the link, that each output takes.
    starts : ndarray ``(s, 4 + n)``
        Hyperparameters to start the fit at each shrinkage from.
    missed : ndarray ``(g, s, k)``
        Errors of held-out rows at each shrinkage, in standard deviations of each output.
    """

    columns: list[int]
    starts: np.ndarray
    missed: np.ndarray


def _folds(rows: int) -> np.ndarray:
    """Assign rows to folds ``(rows,)``."""
    return np.random.default_rng(0).permutation(rows) % FOLDS[rows >= MANY]


def choose(answers: OnLine, rows: Rows, strengths: Sequence[float]) -> Choice:
    """Fit a process of each strength to all folds but one, for each; and choose each output's link by their average.

    Parameters
    ----------
    answers : OnLine
        With a column for each link offered to an output; where there are several, the identity first.
    rows : Rows
        The answers themselves ``(g, k)``.
    strengths : sequence of float

    Notes
    -----
    Every fold fits its own hyperparameters, one set for all columns: on games of real models that chose the link as
    well as a set for each. They are those of bounds estimated from the answers, so that where no known ones are chosen
    these change nothing. Known ones may be right although these hyperparameters are not, where few answers are more
    than nothing; so the plain sum, which has none, joins their average, and in fairness that of the identity. Where
    they are chosen, folds are fitted anew with their own. Errors at hyperparameters fitted once to all rows would cost
    next to nothing, but prefer the weakest shrinkage whatever the truth: the held-out answers shaped the 4 + n numbers.
    """
    output, y = np.array(answers.output), rows.y
    curved = np.array([link.curved for link in answers.links])
    known = np.array([link.known(y[:, i]) for link, i in zip(answers.links, output, strict=True)])
    known &= np.bincount(output)[output] > 1  # what is offered alone is not chosen
    beside_known = np.isin(output, output[known])
    missed, fitted = _held_out(answers, answers.take(np.flatnonzero(~known).tolist()).rows, y, strengths)
    averaged: list[np.ndarray] = list(np.moveaxis(missed, 2, 0))
    if known.any() and len(strengths) > 1:
        summed = np.flatnonzero(known | beside_known & ~curved)
        each = Rows(rows.Z, y[:, output[summed]], rows.weight, rows.scatter[:, output[summed]])
        for c, of_sum in zip(summed, PlainSum.missed(each, [answers.links[c] for c in summed]).T, strict=True):
            averaged[c] = np.column_stack([averaged[c], of_sum])
    averages = np.column_stack([of @ shares(of[..., None], rows.weight) for of in averaged])
    errors = rows.weight @ averages**2 / rows.weight.sum()
    errors *= [reach(link, y[:, i], rows.weight) for link, i in zip(answers.links, output, strict=True)]
    errors += curved * np.where(beside_known, PREFERENCE_BESIDE_KNOWN, PREFERENCE)
    of = (np.flatnonzero(output == i) for i in range(y.shape[1]))
    columns = [int(some[errors[some].argmin()]) for some in of]
    missed = missed[..., columns]
    if known[columns].any():
        taken = answers.take(columns)
        missed, fitted = _held_out(taken, taken.rows, y, strengths)
    return Choice(columns, fitted.mean(axis=0), missed)


def _held_out(answers: OnLine, told: Rows, y: np.ndarray, strengths: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Predict the rows of each fold by processes whose hyperparameters are fitted to the others of those told.

    Returns errors ``(g, s, c)``, in standard deviations of answers ``(g, k)``, and hyperparameters ``(f, s, 4 + n)``.
    """
    rows, output = answers.rows, list(answers.output)
    unit = units(y, rows.weight)[output]
    fold, missed = _folds(len(rows.Z)), np.empty((len(rows.Z), len(strengths), len(output)))
    fitted, many = [], rows.Z.shape[1] > len(rows.Z)
    for test in (fold == k for k in range(fold.max() + 1)):
        p, known, asked = None, rows.take(~test), rows.take(test)
        for j, shrinkage in enumerate(strengths):
            p = optimise(told.take(~test), shrinkage, None if many else p, _GTOL_OF_MANY if many else _GTOL)
            kernel, X = Kernel.from_log(p), 2 * known.Z - 1
            factor, new = condition(kernel, X, known.weight), 2 * asked.Z - 1
            cross = kernel(new, X)
            sd = kernel.sd(new, cross, factor) if answers.curved else np.zeros(len(new))
            missed[test, j] = (answers.answers(cross @ cho_solve(factor, known.y), sd) - y[test][:, output]) / unit
            fitted.append(p)
    return missed, np.reshape(fitted, (-1, len(strengths), rows.Z.shape[1] + 4))


def units(y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return standard deviations ``(k,)`` of answers ``(g, k)``, 1 where they are constant."""
    unit = np.sqrt(weight @ (y - np.average(y, axis=0, weights=weight)) ** 2 / weight.sum())
    return np.where(unit > 0, unit, 1.0)


def shares(missed: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return shares ``(s,)`` of fits, not negative and adding up to one, from errors of held-out rows ``(g, s, k)``.

    They minimise |Σⱼ sⱼ eⱼ|² + r |s|², with r the :data:`PULL` times the standard error of the least |eⱼ|².
    """
    count = missed.shape[1]
    loss = (missed**2).sum(axis=2)
    best = loss[:, np.argmin(weight @ loss)]
    level = weight @ best / weight.sum()
    root = np.sqrt(weight)[:, None, None] * missed
    gram = np.einsum("gsk,gtk->st", root, root)
    # equal where nothing is missed
    gram += (PULL * np.sqrt(weight @ (best - level) ** 2) + 1e-12 * np.trace(gram) + 1e-300) * np.eye(count)
    # minimise s'Gs over the simplex: the direction of min |Ls|² + (sum(s) − 1)² over s ≥ 0 has the same optimum
    factor = np.linalg.cholesky(gram / gram.max()).T
    solution, _ = nnls(np.vstack([factor, np.ones(count)]), np.append(np.zeros(count), 1.0))
    return solution / solution.sum()


@dataclass(frozen=True)
class PlainSum:
    """ŷ = g⁻¹(b + Σⱼ wⱼ zⱼ) for each output, few wⱼ ≠ 0: what a process on the line is slow to find.

    Attributes
    ----------
    coef : ndarray ``(k, n)``
    intercept : ndarray ``(k,)``
    links : tuple of k Link
    """

    coef: np.ndarray
    intercept: np.ndarray
    links: tuple[Link, ...]

    @classmethod
    def fit(cls, rows: Rows, links: Sequence[LinkLike]) -> PlainSum:
        """Fit to rows ``(g, n)`` and answers ``(g, k)``, and choose links of those offered."""

        Z, weight = rows.Z[None], rows.weight[None]

        def on_line(line: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return standardised(Z, line, weight, lambda X, t, v: select(X, t, v, FOLDS[0], 0))

        (coef,), (intercept,), (chosen,) = through_links(Z, rows.y[None], weight, [links], on_line, 0)
        return cls(coef, intercept, tuple(chosen))

    @classmethod
    def missed(cls, rows: Rows, links: Sequence[Link]) -> np.ndarray:
        """Compute errors ``(g, k)`` of held-out rows, in standard deviations of each output."""
        fold, predicted = _folds(len(rows.Z)), np.empty_like(rows.y)
        for test in (fold == k for k in range(fold.max() + 1)):
            predicted[test] = cls.fit(rows.take(~test), links).predict(rows.Z[test])
        return (predicted - rows.y) / units(rows.y, rows.weight)

    def predict(self, Z: np.ndarray) -> np.ndarray:
        """Predict answers ``(m, k)`` to rows ``(m, n)``."""
        return np.reshape(from_line(self.links, Z @ self.coef.T + self.intercept), (len(Z), -1))
