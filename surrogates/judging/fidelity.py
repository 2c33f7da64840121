"""How far a surrogate can be trusted: agreement with answers that were not used to fit it.

Cross-fitting: the sampled rows are split in ten folds; each fold is predicted by a surrogate fitted to the others. R²
and rank agreement of these predictions stand for the surrogate shown, which is fitted to all rows. The interval is for
that surrogate's R² over the whole declared law. Where every possible row was asked there is nothing left to hold out:
R² over all of them is then the thing itself, and is reported as exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.base import clone

from probes.design import Design
from surrogates.surrogate import Surrogate, folds

__all__ = ["CrossFit", "Fidelity", "cross_fit", "fidelity", "r2"]

FOLDS = 10
#: held-out R² on shuffled answers above which a method is not to be believed
PERMUTED = 0.1


def r2(y: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """1 − Σ(y−ŷ)² / Σ(y−ȳ)² per column, ``(n, k)`` → ``(k,)``; never clamped, NaN where y does not vary.

    Examples
    --------
    >>> r2(np.array([[0.0], [1.0]]), np.array([[1.0], [0.0]]))
    array([-3.])
    """
    total = ((y - y.mean(axis=0)) ** 2).sum(axis=0)
    error = ((y - predicted) ** 2).sum(axis=0)
    moves = varies(y)
    return np.where(moves, 1 - error / np.where(moves, total, 1.0), np.nan)


def varies(y: np.ndarray) -> np.ndarray:
    """Whether each column of ``(n, k)`` varies by more than rounding, ``(k,)``."""
    return np.ptp(y, axis=0) > 64 * np.finfo(float).eps * np.abs(y).max(axis=0)


@dataclass(frozen=True)
class CrossFit:
    """Predictions for rows by surrogates that have not seen them.

    Attributes
    ----------
    predicted : ndarray ``(m, k)``
    fits : tuple of (Surrogate, ndarray)
        Each fold's surrogate, and the numbers of the rows it predicted.
    permuted : ndarray ``(k,)``
        R² of the same on shuffled answers; NaN where that was not done.
    """

    predicted: np.ndarray
    fits: tuple[tuple[Surrogate, np.ndarray], ...]
    permuted: np.ndarray


def cross_fit(
    surrogate: Surrogate, Z: np.ndarray, y: np.ndarray, random_state: int, block: int = 0, control: bool = False
) -> CrossFit:
    """Fit to all folds but one, predict that one; rows ``(b + m, d)``, answers ``(b + m, k)``.

    The leading `block` of b rows is fitted to every time and never predicted. Equal rows share a fold. As a `control`
    the same is done on shuffled answers, which takes as long again, unless outputs are fitted each by itself anyway.
    """
    k = y.shape[1]
    if not control:
        return CrossFit(*_crossed(surrogate, Z, y, random_state, block), np.full(k, np.nan))
    shuffled = y[np.random.default_rng([random_state, 1]).permutation(len(y))]
    if surrogate.separate:
        both, fits = _crossed(surrogate, Z, np.hstack([y, shuffled]), random_state, block)
        predicted, of_shuffled = both[:, :k], both[:, k:]
        fits = tuple((fitted.part(slice(0, k)), test) for fitted, test in fits)
    else:
        predicted, fits = _crossed(surrogate, Z, y, random_state, block)
        of_shuffled, _ = _crossed(surrogate, Z, shuffled, random_state, block)
    return CrossFit(predicted, fits, r2(shuffled[block:], of_shuffled))


def _crossed(
    surrogate: Surrogate, Z: np.ndarray, y: np.ndarray, random_state: int, block: int
) -> tuple[np.ndarray, tuple[tuple[Surrogate, np.ndarray], ...]]:
    judged = Z[block:]
    predicted = np.empty_like(y[block:])
    fits = []
    for train, test in folds(len(judged), FOLDS, random_state, _same(judged)):
        rows = np.concatenate([np.arange(block), block + train])
        fitted = clone(surrogate).fit(Z[rows], y[rows])
        predicted[test] = fitted.predict(judged[test]).reshape(len(test), -1)
        fits.append((fitted, test))
    return predicted, tuple(fits)


def _same(Z: np.ndarray) -> np.ndarray | None:
    """Numbers ``(m,)`` that equal rows share, in order of first appearance; None if no two rows are equal."""
    _, first, inverse = np.unique(Z, axis=0, return_index=True, return_inverse=True)
    if len(first) == len(Z):
        return None
    return np.argsort(np.argsort(first))[inverse.reshape(-1)]


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
        R² of adding up leave-one-out effects; NaN where they were too dear to ask.
    permuted : tuple of float
        Held-out R² of the same family fitted to shuffled answers; anything well above 0 would be a warning.
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

    def part(self, outputs: slice) -> Fidelity:
        """The same of some of the outputs."""
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        some: dict[str, Any] = {name: value[outputs] for name, value in given.items() if isinstance(value, tuple)}
        return replace(self, **some, observed=self.observed[:, outputs], predicted=self.predicted[:, outputs])

    @property
    def table(self) -> pd.DataFrame:
        """One row an output."""
        names = ("r2", "r2_low", "r2_high", "rank", "rank_low", "rank_high", "constant", "leave_one_out", "permuted")
        return pd.DataFrame({n: getattr(self, n) for n in names}, index=pd.Index(self.outputs, name="output"))

    @property
    def verdicts(self) -> tuple[str, ...]:
        """What the numbers allow, in words, one sentence an output."""
        return tuple(
            verdict(*row)
            for row in zip(self.r2, self.r2_low, self.permuted, self.clear, self.ordered, self.misses, strict=True)
        )

    @property
    def verdict(self) -> str:
        """The verdict on the output that is explained worst."""
        worst = int(np.argmin(np.nan_to_num(self.r2_low, nan=-np.inf)))
        return self.verdicts[worst] if len(self.outputs) == 1 else f"{self.outputs[worst]}: {self.verdicts[worst]}"

    def __str__(self) -> str:
        how = f"exact: all {self.rows} questions asked" if self.exact else f"{self.rows} held-out answers"
        return "\n".join(
            f"{name}: R² {self.r2[j]:.2f} [{self.r2_low[j]:.2f}, {self.r2_high[j]:.2f}], "
            f"rank agreement {self.rank[j]:.2f} [{self.rank_low[j]:.2f}, {self.rank_high[j]:.2f}] ({how})"
            + (f"; its noise allows at most R² {self.ceiling[j]:.2f}" if self.ceiling else "")
            for j, name in enumerate(self.outputs)
        )


def verdict(r2: float, low: float, permuted: float, clear: int, ordered: int, misses: bool) -> str:
    """One sentence on what may be relied on: set by the lower end of the interval, never by the estimate alone."""
    if np.isnan(r2) and not misses:
        return "Nothing to fit: the model gave the same answer to every sampled question."
    if misses:
        return "Do not use it for this input: the model's answer here is far from what the surrogate says."
    if r2 <= 0:
        return "Do not use it: on questions it had not seen it predicts no better than a constant."
    if low <= 0:
        return "Do not rely on it: with this few answers it may predict no better than a constant."
    if np.isfinite(permuted) and permuted > PERMUTED and low <= permuted:
        return "Do not use it: the same method does as well on shuffled answers."
    if clear == 0:
        level = "well" if low >= 0.7 else "in part" if low >= 0.4 else "weakly"
        return f"It predicts the model {level}, but no single effect stands out: read its terms, not single effects."
    if low < 0.4:
        return f"Weak: trust the {_top('sign', clear)}, neither order nor sizes; ask more or try another family."
    what = f"Trust the order of the top {ordered}" if ordered > 1 else f"Trust that the top {clear} matter"
    if clear == 1:
        what = "Trust that one effect stands out"
    elif ordered == 1:
        what += " and which is first"
    return what + (
        ", and the sizes." if low >= 0.9 else "; the sizes are approximate." if low >= 0.7 else ", not the sizes."
    )


def _top(what: str, count: int) -> str:
    return f"{what} of the top effect" if count == 1 else f"{what}s of the top {count}"


def fidelity(
    surrogate: Surrogate,
    design: Design,
    y: np.ndarray,
    crossed: CrossFit,
    clear: tuple[int, ...],
    ordered: tuple[int, ...],
    outputs: tuple[str, ...],
    random_state: int,
) -> Fidelity:
    """Judge a fitted surrogate on the design it was fitted to.

    Parameters
    ----------
    surrogate : Surrogate
        The one shown, fitted to all sampled rows.
    design : Design
    y : ndarray ``(n, k)``
        Answers to all rows of the design, fixed ones included.
    crossed : CrossFit
        Of the judged rows, with its control.
    clear : tuple of int
        Per output, how many effects are clearly not zero.
    ordered : tuple of int
        Per output, how many leading places in their order are certain.
    outputs : tuple of str
    random_state : int

    Returns
    -------
    Fidelity
    """
    Z, block = design.judged, design.block
    sampled = y[design.fixed + block :]
    exact = design.exact
    predicted = surrogate.predict(Z).reshape(len(Z), -1) if exact else crossed.predicted
    score = r2(sampled, predicted)
    low, high = (score, score) if exact else _r2_interval(Z, sampled, crossed, score)
    rank = _spearman(sampled, predicted)
    width = 0.0 if exact else stats.norm.ppf(0.975) * 1.03 / np.sqrt(max(len(Z) - 3, 1))
    turned = np.arctanh(np.clip(rank, -0.999999, 0.999999))

    mean = np.empty_like(sampled)
    for train, test in folds(len(sampled), FOLDS, random_state):
        mean[test] = sampled[train].mean(axis=0)
    return Fidelity(
        outputs=outputs,
        r2=_floats(score),
        r2_low=_floats(low),
        r2_high=_floats(high),
        rank=_floats(rank),
        rank_low=_floats(rank if exact else np.tanh(turned - width)),
        rank_high=_floats(rank if exact else np.tanh(turned + width)),
        constant=_floats(r2(sampled, mean)),
        leave_one_out=_floats(_leave_one_out(design, y)),
        permuted=_floats(crossed.permuted),
        rows=len(Z),
        exact=exact,
        clear=clear,
        ordered=ordered,
        misses=_misses(surrogate, design, y, sampled - predicted),
        observed=sampled,
        predicted=predicted,
    )


def _r2_interval(Z: np.ndarray, y: np.ndarray, crossed: CrossFit, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95% interval of R², ``(k,)`` each end: log-normal for 1 − R².

    Three sources of error add up: the sampling of the held-out rows (delta method on the ratio of two means); that
    rows with large errors may be missing from the sample, judged by the largest that is there (heavy tails); and that
    the surrogate shown is not one of those judged, which grows with how much the folds' surrogates differ (the
    jackknife variance of the fit relative to its error). The weights of the last two, 3/m² and 10/m, were set on games
    of real models (``python -m benchmarks coverage``). No interval knows of changes so rare that none was sampled.
    """
    m = len(y)
    error, total = (y - crossed.predicted) ** 2, (y - y.mean(axis=0)) ** 2
    scale = np.maximum(error.mean(axis=0), 1e-300)
    share = error / scale - total / np.maximum(total.mean(axis=0), 1e-300)
    everyone = np.stack([fitted.predict(Z).reshape(m, -1) for fitted, _ in crossed.fits])
    unstable = (len(everyone) - 1) * everyone.var(axis=0).mean(axis=0) / scale
    largest = np.abs(share).max(axis=0)
    variance = share.var(axis=0, ddof=1) / m + 3 * (largest / m) ** 2 + 10 / m * np.minimum(unstable, 10.0)
    spread = np.sqrt(variance)
    factor = np.exp(stats.t.ppf(0.975, m - 1) * spread)
    return 1 - (1 - score) * factor, 1 - (1 - score) / factor


def _misses(surrogate: Surrogate, design: Design, y: np.ndarray, errors: np.ndarray) -> tuple[bool, ...]:
    """Whether the surrogate is off at the instance by more than five held-out errors and a fifth of the range."""
    gap = np.abs(y[0] - surrogate.predict(design.Z[:1]).reshape(-1))
    usual = np.sqrt((errors**2).mean(axis=0))
    rounding = 64 * np.finfo(float).eps * np.abs(y).max(axis=0)
    return tuple(bool(v) for v in gap > np.maximum(np.maximum(5 * usual, 0.2 * np.ptp(y, axis=0)), rounding))


def _leave_one_out(design: Design, y: np.ndarray) -> np.ndarray:
    """R² of v(all) − Σ over absent features of what leaving each out alone costs, on the sampled rows."""
    if not design.leave_one_out:
        return np.full(y.shape[1], np.nan)
    instance, reference = design.Z[0], design.Z[1]
    effects = y[0] - y[2 : 2 + design.Z.shape[1]]
    absent = (instance - design.judged) / np.where(instance == reference, 1.0, instance - reference)
    return r2(y[design.fixed + design.block :], y[0] - absent @ effects)


def _spearman(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Rank correlation of the columns of ``(n, k)``, NaN where one does not vary; what no eye sets apart is a tie."""
    wide = np.ptp(a, axis=0)
    unit = np.where(wide > 0, 1e-5 * np.maximum(wide, 1e-300), 1.0)
    a, b = (stats.rankdata(np.round(values / unit), axis=0) - (len(values) + 1) / 2 for values in (a, b))
    size = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    return np.where(size > 0, (a * b).sum(axis=0) / np.where(size > 0, size, 1.0), np.nan)


def _floats(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(v) for v in values)
