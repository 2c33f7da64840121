"""How far a surrogate can be trusted: agreement with answers that were not used to fit it.

R² and rank agreement of cross-fitted predictions (:mod:`surrogates.judging.cross_fit`) stand for the surrogate shown,
which is fitted to all rows. The interval is for that surrogate's R² over the declared law. Where every possible row was
asked, nothing is left to hold out: R² over all rows is then the quantity itself, and is reported as exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import pandas as pd

from probes.design import Design
from probes.rounding import between, score
from surrogates.judging.agreement import r2, r2_interval, rank_correlation, rank_interval, rounding
from surrogates.judging.by_terms import ByTerms, by_terms
from surrogates.judging.cross_fit import CrossFit, fold_count
from surrogates.judging.problem import Problem
from surrogates.judging.verdict import refuses, verdict
from surrogates.numerics.folds import folds
from surrogates.results.plain import MAY_LACK
from surrogates.surrogate import Surrogate
from surrogates.visible import in_line

__all__ = ["Fidelity", "fidelity"]

_THIRDS = ("low", "middle", "high")


@dataclass(frozen=True)
class Fidelity:
    """Held-out agreement of a surrogate with its model, per output.

    Attributes
    ----------
    outputs : tuple of k str
    r2, r2_low, r2_high : tuple of float
        Held-out R² and its 95% interval; NaN where the model's answer does not vary.
    rank, rank_low, rank_high : tuple of float
        Held-out Spearman rank correlation and its 95% interval.
    constant : tuple of float
        Held-out R² of predicting the mean answer.
    leave_one_out : tuple of float
        R² of adding up leave-one-out effects; NaN where those rows were not asked.
    permuted : tuple of float
        Held-out R² of the same family fitted to shuffled answers; well above 0 is a warning.
    rows : int
        Held-out answers.
    exact : bool
        Whether every possible question was asked, so that R² is exact and not held out.
    observed, predicted : ndarray ``(rows, k)``
        The held-out answers and what was predicted for them.
    clear : tuple of int
        How many attributions differ from zero, all tested together at 95%.
    ordered : tuple of int
        How many leading places in their order are certain.
    misses : tuple of bool
        Whether the model's answer for the instance itself is far from the surrogate's: out of line with the held-out
        errors and large against all answers. Something rare happens there that the sample did not show.
    ceiling : tuple of float
        For a model that answers the same question differently: the R² that its noise leaves for a perfect surrogate,
        as estimated from questions asked twice. Empty for any other.
    background : tuple of float
        How far the sizes of the clear effects are left open by the choice of background rows: half-widths of 95%
        intervals as a share of the effects; where none is clear, of those that would be with all rows, 0 if none
        would. Empty where rows are no sample.
    by_terms : tuple of ByTerms
        Held-out R² by how many terms of the surrogate are read. Empty for a surrogate without terms, for a tree of
        more than 128 leaves, and for a file from before this was measured.
    """

    outputs: tuple[str, ...]
    r2: tuple[float, ...]
    r2_low: tuple[float, ...]
    r2_high: tuple[float, ...]
    rank: tuple[float, ...]
    rank_low: tuple[float, ...]
    rank_high: tuple[float, ...]
    constant: tuple[float, ...]
    leave_one_out: tuple[float, ...]
    permuted: tuple[float, ...]
    rows: int
    exact: bool
    clear: tuple[int, ...]
    ordered: tuple[int, ...]
    misses: tuple[bool, ...]
    observed: np.ndarray = field(repr=False)
    predicted: np.ndarray = field(repr=False)
    ceiling: tuple[float, ...] = ()
    background: tuple[float, ...] = ()
    by_terms: tuple[ByTerms, ...] = field(default=(), repr=False, metadata=MAY_LACK)

    def part(self, outputs: slice) -> Fidelity:
        """Select some of the outputs."""
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        some: dict[str, Any] = {name: value[outputs] for name, value in given.items() if isinstance(value, tuple)}
        return replace(self, **some, observed=self.observed[:, outputs], predicted=self.predicted[:, outputs])

    @property
    def table(self) -> pd.DataFrame:
        """A table of one row per output."""
        names = ("r2", "r2_low", "r2_high", "rank", "rank_low", "rank_high", "constant", "leave_one_out", "permuted")
        return pd.DataFrame({n: getattr(self, n) for n in names}, index=pd.Index(self.outputs, name="output"))

    @property
    def thirds(self) -> pd.DataFrame:
        """Mean error by thirds of the predictions: ``output, third, predicted, error``, each in the unit of the answer.

        Errors of one sign at both ends and of the other between say that a curve is missing, or is the wrong one.
        """
        rows = []
        for name, seen, guess in zip(self.outputs, self.observed.T, self.predicted.T, strict=True):
            for third, part in zip(_THIRDS, np.array_split(np.argsort(guess, kind="stable"), 3), strict=True):
                rows.append((name, third, *(v[part].mean() if len(part) else np.nan for v in (guess, seen - guess))))
        return pd.DataFrame(rows, columns=["output", "third", "predicted", "error"])

    @property
    def verdicts(self) -> tuple[str, ...]:
        """What the numbers allow a reader to rely on: one sentence per output."""
        return self.judgement()

    def judgement(self, change: bool = False) -> tuple[str, ...]:
        """Return the verdicts, on answers of a model or on changes from one model to another."""
        return tuple(
            verdict(*row)
            for row in zip(
                self.r2,
                self.r2_low,
                self.permuted,
                self.clear,
                self.ordered,
                self.misses,
                self.background or (0.0,) * len(self.outputs),
                (change,) * len(self.outputs),
                (self.exact,) * len(self.outputs),
                strict=True,
            )
        )

    def refused(self, change: bool = False) -> tuple[bool, ...]:
        """Return for each output whether its verdict says that nothing may be read from the explanation."""
        return tuple(map(refuses, self.judgement(change)))

    @property
    def verdict(self) -> str:
        """The verdict on the output that is explained worst."""
        worst = int(np.argmin(np.nan_to_num(self.r2_low, nan=-np.inf)))
        return self.verdicts[worst] if len(self.outputs) == 1 else f"{self.outputs[worst]}: {self.verdicts[worst]}"

    def scored(self, j: int) -> str:
        """Write R² of output `j` with its interval."""
        return f"{score(self.r2[j])} {between(self.r2_low[j], self.r2_high[j], score)}".rstrip()

    def ranked(self, j: int) -> str:
        """Write the rank agreement of output `j` with its interval."""
        rank, low, high = self.rank[j], self.rank_low[j], self.rank_high[j]
        return f"{score(rank)} {between(low, max(high, rank), score)}".rstrip()  # the interval is open at 1

    def __str__(self) -> str:
        how = f"exact: all {self.rows} questions asked" if self.exact else f"{self.rows} held-out answers"
        return "\n".join(
            f"{in_line(name)}: R² {self.scored(j)}, rank agreement {self.ranked(j)} ({how})"
            + (f"; {_allowed(self.ceiling[j])}" if self.ceiling else "")
            for j, name in enumerate(self.outputs)
        )


def _allowed(ceiling: float) -> str:
    """What noise leaves for a perfect surrogate, in words."""
    if ceiling <= 0:
        return "its noise is as large as all differences between its answers: no surrogate can predict them"
    return f"its noise allows at most R² {score(ceiling)}"


def fidelity(
    surrogate: Surrogate,
    problem: Problem,
    crossed: CrossFit,
    clear: tuple[int, ...],
    ordered: tuple[int, ...],
    background: tuple[float, ...] = (),
) -> Fidelity:
    """Judge a surrogate that was fitted to all sampled rows of a problem.

    Parameters
    ----------
    surrogate : Surrogate
    problem : Problem
    crossed : CrossFit
        Of the judged rows, with its control.
    clear : tuple of k int
        Per output, how many effects are clearly not zero.
    ordered : tuple of k int
        Per output, how many leading places in their order are certain.
    background : tuple of k float
        Per output, how far the choice of background rows leaves sizes open.
    """
    design, y, exact = problem.design, problem.judged, problem.design.exact
    predicted = surrogate.predict(design.judged).reshape(len(y), -1) if exact else crossed.predicted
    score, rank = r2(y, predicted), rank_correlation(y, predicted)
    low, high, rank_low, rank_high = score, score, rank, rank  # where every row was asked nothing is estimated
    if not exact:
        low, high = r2_interval(score, y, predicted, crossed.every)
        rank_low, rank_high = rank_interval(rank, len(y))
    return Fidelity(
        outputs=problem.outputs,
        r2=_floats(score),
        r2_low=_floats(low),
        r2_high=_floats(high),
        rank=_floats(rank),
        rank_low=_floats(rank_low),
        rank_high=_floats(rank_high),
        constant=_floats(r2(y, _held_out_means(y, problem.random_state))),
        leave_one_out=_floats(_leave_one_out(design, problem.y)),
        permuted=_floats(crossed.permuted),
        rows=len(y),
        exact=exact,
        clear=clear,
        ordered=ordered,
        misses=_misses(surrogate, design, problem.y, y - predicted),
        observed=y,
        predicted=predicted,
        background=background,
        by_terms=by_terms(surrogate, problem, crossed),
    )


def _held_out_means(y: np.ndarray, random_state: int) -> np.ndarray:
    """Predict each fold of answers ``(m, k)`` by the mean of the others."""
    mean = np.empty_like(y)
    for train, test in folds(len(y), fold_count(len(y)), random_state):
        mean[test] = y[train].mean(axis=0)
    return mean


def _misses(surrogate: Surrogate, design: Design, y: np.ndarray, errors: np.ndarray) -> tuple[bool, ...]:
    """Check whether the surrogate misses the instance by over five held-out errors and a fifth of the range."""
    gap = np.abs(y[0] - surrogate.predict(design.Z[:1]).reshape(-1))
    usual = np.sqrt((errors**2).mean(axis=0))
    return tuple(bool(v) for v in gap > np.maximum(np.maximum(5 * usual, 0.2 * np.ptp(y, axis=0)), rounding(y)))


def _leave_one_out(design: Design, y: np.ndarray) -> np.ndarray:
    """Compute the R² of v(all) − Σ over absent features of the effect of leaving each out alone, on the judged rows."""
    if not design.leave_one_out:
        return np.full(y.shape[1], np.nan)
    instance, reference = design.Z[0], design.Z[1]
    effects = y[0] - y[2 : 2 + design.Z.shape[1]]
    absent = (instance - design.judged) / np.where(instance == reference, 1.0, instance - reference)
    return r2(y[design.fixed + design.block :], y[0] - absent @ effects)


def _floats(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(v) for v in values)
