"""Which background rows stand for all of them: a sample, with more of the rare rows, and what it can say.

A t-interval over a few rows is too sure of itself where a column is skewed or one of its values rare. Two things are
done about it, both by the background alone. Rows that hold a rare value of a column (a dummy of 5%, a missing value)
are a stratum, from which :data:`RARE` rows a column are drawn. And because every column is known for the whole
background, the distribution of its studentised sample mean is known too: samples are drawn from the background until it
is, and its 95% quantile takes the place of Student's. What the model makes of a column may be more skewed than the
column itself (a square, an exponential); so once answers are there, the shape that is most like the effects of the rows
used takes the column's place, if there is one (:class:`_Bends`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from probes.inputs.table_columns import same_numbers
from probes.probe import Replication

__all__ = ["drawn_rows"]

#: rows that are drawn of those which hold a rare value of a column
RARE = 5
#: the largest share of the values other than the most frequent one at which they count as rare, if fewer than two of
#: them are drawn with more than this probability
_SHARE, _MISSED = 0.4, 0.05
#: skewness per square root of a number of rows from which Student's t is not trusted; samples drawn to replace it
_SKEWED, _SAMPLES = 0.2, 2000
#: members of a background a row, from which rare rows are drawn apart: fewer are nearly all drawn anyway
_MANY = 5
#: numbers that are drawn at once
_CELLS = 4_000_000
#: quantile from which an interval is worth nothing
_USELESS = 10.0
#: rows from which a shape can be told; the largest share of their variance that it leaves; rates of exponential shapes
_LEAST, _LEFT, _RATES = 6, 0.3, (-2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0)


def drawn_rows(
    frame: pd.DataFrame,
    columns: Sequence[Sequence[int]],
    rows: int,
    rare: int,
    seed: int,
    added: bool = False,
) -> tuple[np.ndarray, Replication | None]:
    """Draw background rows.

    Parameters
    ----------
    frame : DataFrame ``(N, p)``
    columns : sequence of d sequences of int
        Positions of the columns that each feature takes from the background; empty where it takes none.
    rows : int
        Rows that are drawn.
    rare : int
        How many of them, at most, are drawn from those that hold a rare value.
    seed : int
    added : bool, default False
        Whether rows for rare values are added to `rows`, which are drawn as if there were none.

    Returns
    -------
    chosen : ndarray of int ``(R,)``
        Positions in the background, in its order.
    replication : Replication or None
        How they were drawn; None if they are all there are.
    """
    order = np.random.default_rng(seed).permutation(len(frame))
    if rows >= len(frame):
        return np.sort(order), None
    values = np.ascontiguousarray(frame.to_numpy(dtype=float).T) if same_numbers(frame) else None
    traits, owner = list[np.ndarray](), list[int]()
    for feature, members in enumerate(columns):
        for j in members:
            several = _of_words(frame.iloc[:, j]) if values is None else _of_numbers(values[j])
            traits += several
            owner += [feature] * len(several)
    worth = rare > 0 and len(frame) > _MANY * rows
    held = [flags for trait in traits if (flags := _rare(trait, rows)).any()] if worth else []
    stratum, counts = _allocation(held, rows, rare, added, order)
    chosen = np.sort(np.concatenate([order[stratum[order] == h][:n] for h, n in enumerate(counts)]))
    drawn = Replication(stratum[chosen], np.bincount(stratum), np.empty(0))
    quantiles = np.full(len(columns), drawn.student)
    skewed = [i for i, trait in enumerate(traits) if _skewness(trait) > _SKEWED * np.sqrt(len(chosen))]
    samples = _Samples(stratum, counts, seed)
    np.maximum.at(quantiles, [owner[i] for i in skewed], [samples.quantile(traits[i]) for i in skewed])
    quantiles[quantiles > _USELESS] = np.inf
    return chosen, replace(drawn, quantiles=quantiles, bent=_Bends(frame, columns, chosen, drawn.weights, samples))


def _of_numbers(values: np.ndarray) -> list[np.ndarray]:
    """What an effect may be a multiple of, ``(N,)`` each: the value, whether it is the usual one, or missing."""
    known = np.isfinite(values)
    if not known.any():
        return []
    numbers = values if known.all() else np.where(known, values, values[known].mean())
    unusual = values != np.median(values[known])  # a value that most rows hold is the median
    flags = [known & unusual] if unusual.mean() <= _SHARE else []
    return [numbers, *flags, *([] if known.all() else [~known])]


def _of_words(column: pd.Series) -> list[np.ndarray]:
    """The same of a column of any type: for categories whether the value is the usual one, if there is such."""
    if is_numeric_dtype(column) and not is_bool_dtype(column):
        return _of_numbers(column.to_numpy(dtype=float, na_value=np.nan))
    codes = pd.factorize(column)[0]
    unusual = codes != np.argmax(np.bincount(codes + 1)) - 1
    return [unusual & (codes >= 0)] if unusual.mean() <= 0.5 else []


def _rare(trait: np.ndarray, rows: int) -> np.ndarray:
    """Whether each background row holds a rare value, ``(N,)``."""
    none = np.zeros(len(trait), dtype=bool)
    if trait.dtype != bool or not 0 < (count := int(trait.sum())) <= _SHARE * len(trait):
        return none
    from scipy.stats import hypergeom  # here: scipy.stats takes half the time of importing this package

    return trait if hypergeom.cdf(1, len(trait), count, rows) > _MISSED else none


def _allocation(
    held: list[np.ndarray], rows: int, rare: int, added: bool, order: np.ndarray
) -> tuple[np.ndarray, list[int]]:
    """The stratum of every background row, ``(N,)``, and the rows that are drawn from each."""
    size = len(order)
    alone = np.zeros(size, dtype=int), [rows]
    stratum = np.any(held, axis=0).astype(int) if held else alone[0]
    count = int(stratum.sum())
    if not 0 < count <= size - rows:
        return alone
    each = max(RARE, rows // 6)
    extra = int(np.ceil(each * count / min(int(flags.sum()) for flags in held)))
    extra = min(max(extra, int(stratum[order[:rows]].sum())), rare, count)
    usual = rows if added else rows - extra
    return alone if min(extra, usual) < 2 < count else (stratum, [usual, extra])


def _skewness(trait: np.ndarray) -> float:
    """The size of the third standardised moment."""
    deviations = trait - trait.mean()
    variance = float(np.mean(deviations**2))
    return abs(float(np.mean(deviations * deviations * deviations))) / variance**1.5 if variance > 0 else 0.0


@dataclass(frozen=True, eq=False)
class _Samples:
    """Samples of a background, drawn from its strata ``(N,)`` as often as `counts` say."""

    stratum: np.ndarray
    counts: list[int]
    seed: int

    @cached_property
    def _drawn(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of each stratum its members, and samples ``(s, n)`` of their numbers."""
        rng, samples = np.random.default_rng([self.seed, 2]), min(_SAMPLES, max(200, _CELLS // len(self.stratum)))
        groups = [np.flatnonzero(self.stratum == h) for h in range(len(self.counts))]
        drawn = [_without_replacement(len(g), n, samples, rng) for g, n in zip(groups, self.counts, strict=True)]
        return list(zip(groups, drawn, strict=True))

    def quantile(self, x: np.ndarray) -> float:
        """The 95% quantile of |mean − sample mean| in standard errors, for one column ``(N,)``.

        It is infinite if more than 5% of the samples hold one value alone.
        """
        x, error, variance = x.astype(float), 0.0, 0.0
        for group, places in self._drawn:
            members, n, share = x[group], places.shape[1], len(group) / len(x)
            values = members[places]
            error += share * (values.mean(axis=1) - members.mean())
            if n < len(group):
                spread = values.var(axis=1, ddof=1) if n > 1 else np.nan
                variance += share**2 * (1 - n / len(group)) / n * spread
        error, se, rounding = np.abs(error), np.sqrt(variance), 1e-9 * np.abs(x).max()
        t = np.where(se > rounding, error / np.maximum(se, rounding), np.where(error > rounding, np.inf, 0.0))
        return float(np.quantile(t, 0.95, method="higher"))


@dataclass(frozen=True, eq=False)
class _Bends:
    """Quantiles for effects that are a bent function of a column of numbers, by the rows used."""

    frame: pd.DataFrame
    columns: Sequence[Sequence[int]]
    chosen: np.ndarray
    weights: np.ndarray
    samples: _Samples

    def __call__(self, feature: int, effects: np.ndarray) -> float:
        """The quantile for the effects ``(R,)`` of a feature for each row; 0 where they have none of the shapes."""
        members, size = self.columns[feature], np.abs(effects).max()
        if len(members) != 1 or len(effects) < _LEAST or not size:
            return 0.0
        x = self._numbers(members[0])
        if x is None:
            return 0.0
        known = np.isfinite(x)
        if not known.any() or not (spread := x[known].std()):
            return 0.0
        z = np.where(known, (x - x[known].mean()) / spread, 0.0)
        used = z[self.chosen]
        left = 1 - self._alike(np.stack([used, *_shapes(used)]), effects / size)
        best = int(left[1:].argmin())
        if left[1 + best] > min(_LEFT, left[0] / 2):
            return 0.0
        quantile = self.samples.quantile(_shapes(z)[best])
        return quantile if quantile <= _USELESS else float("inf")

    def _numbers(self, position: int) -> np.ndarray | None:
        """A column ``(N,)`` of numbers; None of anything else."""
        if self._all is not None:
            return self._all[position]
        column = self.frame.iloc[:, position]
        if not is_numeric_dtype(column) or is_bool_dtype(column):
            return None
        return column.to_numpy(dtype=float, na_value=np.nan)

    @cached_property
    def _all(self) -> np.ndarray | None:
        """All columns ``(p, N)`` where they are the same kind of numbers: one look at a frame is slow."""
        return np.ascontiguousarray(self.frame.to_numpy(dtype=float).T) if same_numbers(self.frame) else None

    def _alike(self, shapes: np.ndarray, effects: np.ndarray) -> np.ndarray:
        """Squared correlations ``(s,)`` of effects ``(R,)`` with shapes ``(s, R)``."""
        x = shapes - (shapes @ self.weights)[:, None]
        y = effects - self.weights @ effects
        squares = (x**2 @ self.weights) * (y**2 @ self.weights)
        return (x * y @ self.weights) ** 2 / np.where(squares > 0, squares, np.inf)


def _shapes(z: np.ndarray) -> list[np.ndarray]:
    """What a model may make of a standardised column, ``(N,)`` each."""
    exponents = [np.multiply(rate, z) for rate in _RATES]
    return [z**2, z**3, z**4, *(np.exp(e - e.max()) for e in exponents)]


def _without_replacement(N: int, n: int, samples: int, rng: np.random.Generator) -> np.ndarray:
    """Samples ``(s, n)`` of n of N numbers; with replacement where that is all but the same."""
    if n == N:
        return np.tile(np.arange(N), (samples, 1))
    if 20 * n < N:
        return rng.integers(N, size=(samples, n))
    return np.argpartition(rng.random((samples, N)), n, axis=1)[:, :n]
