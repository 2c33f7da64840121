"""Background rows that fit the columns that are kept, chosen for every question anew.

The background is split at random into R parts, once. For a question each part gives one row, the one that fits best; so
the R answers to a question are independent estimates, each of a background of its own, and how much they differ is how
sure their mean is (random groups, Wolter 2007, chapter 2). With nothing kept it is a random row of each part.

*Nearest.* Rows are compared by what their kept columns say of the absent ones: the distance of a row is the mean square
by which the absent columns would be predicted otherwise than for the instance, linearly (predictive mean matching,
Little 1988), plus a tenth of the mean square of its distances in the kept columns themselves, without which a
dependence that is not linear would be missed. Distances are in standard deviations, of categories 0 or 1.

*Forest.* Each of many trees, grown on a random half of the rows, predicts a random half of the columns from the other
half. The distance of a row is the number of splits on kept columns, on the instance's paths through all trees, by which
the row goes the other way; splits on absent columns are left out (after projected forests, Bénard et al. 2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from probes.inputs.column_numbers import differences, numbers_of
from probes.inputs.locality import CONDITIONAL, Conditional
from probes.rounding import rounded

__all__ = ["ConditionalBackground", "ConditionalRows", "Forest", "conditional_notes"]

#: the most background rows that are looked at; fewest of a part, from which one is chosen
MOST, PART = 20_000, 10
#: weight of the plain distance beside the predicted one; ridge of the prediction, in variances
_PLAIN, _RIDGE = 0.1, 1e-3
#: trees of a forest, rows they are grown on at most, fewest in a leaf
_TREES, _GROWN, _LEAF = 100, 2000, 5
#: the most columns that a tree predicts
_PREDICTED = 20
#: questions by which it is measured how near the rows used are
_MEASURED = 32


class Forest:
    """Trees that predict a random half of the columns of a table from the other half.

    Parameters
    ----------
    frame : DataFrame ``(N, p)``
        At most two thousand rows of it, the first ones, grow the trees, each half of them.
    seed : int
    """

    def __init__(self, frame: pd.DataFrame, seed: int):
        from sklearn.tree import DecisionTreeRegressor  # here: importing this package loads no scikit-learn

        self._levels = [pd.factorize(frame.iloc[:, j].astype(object))[1] for j in range(frame.shape[1])]
        self._X = self._encoded(frame)
        known = np.isfinite(self._X)
        middle = np.where(known, self._X, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        targets = np.where(known, self._X, middle) - middle
        targets /= np.where((spread := targets.std(axis=0)) > 0, spread, 1.0)
        rng, p, grown = np.random.default_rng([seed, 4]), frame.shape[1], slice(0, _GROWN)
        self._trees = []
        for _ in range(_TREES):
            halves = rng.permutation(p)
            inputs = np.sort(halves[: (p + 1) // 2])
            outputs = halves[(p + 1) // 2 :][:_PREDICTED]
            tree = DecisionTreeRegressor(min_samples_leaf=_LEAF, random_state=int(rng.integers(2**31)))
            some = rng.permutation(len(self._X[grown]))[: max(len(self._X[grown]) // 2, 1)]
            tree.fit(self._finite(self._X[some][:, inputs]), targets[some][:, outputs])
            self._trees.append((inputs, tree))

    def _encoded(self, frame: pd.DataFrame) -> np.ndarray:
        """Columns as numbers ``(N, p)``: with an order as they are, others by the place of their level."""
        columns = []
        for j, levels in enumerate(self._levels):
            column = frame.iloc[:, j]
            values = numbers_of(column)
            if values is None:
                codes = pd.Index(levels, dtype=object).get_indexer(column.astype(object))
                values = np.where(column.isna(), np.nan, codes.astype(float))
            columns.append(values)
        return np.column_stack(columns)

    def _finite(self, X: np.ndarray) -> np.ndarray:
        return np.where(np.isfinite(X), X, -1e30)  # a missing value is below all others, so that a split sets it apart

    def apart(self, instance: pd.DataFrame) -> np.ndarray:
        """How many splits on each column set a row apart from the instance, on its paths through the trees, ``(N, p)``.

        What a row holds in other columns does not matter: its own path, which depends on that, is not looked at.

        Parameters
        ----------
        instance : DataFrame ``(1, p)``
        """
        own = self._encoded(instance)
        rows, here = self._finite(self._X).astype(np.float32), self._finite(own).astype(np.float32)  # as trees do
        out = np.zeros(rows.shape)
        for inputs, tree in self._trees:
            path = tree.decision_path(here[:, inputs]).indices
            for node in path[tree.tree_.children_left[path] >= 0]:
                split, at = inputs[tree.tree_.feature[node]], tree.tree_.threshold[node]
                out[:, split] += (rows[:, split] <= at) != (here[0, split] <= at)
        return out


@dataclass(frozen=True, eq=False)
class ConditionalRows:
    """The background rows that stand in for absent columns, by the columns that are kept.

    Attributes
    ----------
    frame : DataFrame ``(N, p)``
        Those that are looked at.
    instance : DataFrame ``(1, p)``
    parts : list of R ndarrays of int
        Positions in the frame, in random order.
    forest : Forest or None
        None to go by distances.
    """

    frame: pd.DataFrame
    instance: pd.DataFrame
    parts: Sequence[np.ndarray]
    forest: Forest | None = None

    @cached_property
    def _differences(self) -> np.ndarray:
        """From the instance, ``(N, p)``."""
        columns = range(self.frame.shape[1])
        return np.column_stack([differences(self.frame.iloc[:, j], self.instance.iloc[:, j]) for j in columns])

    @cached_property
    def _covariance(self) -> np.ndarray:
        return np.atleast_2d(np.cov(self._differences.T, ddof=0))

    @cached_property
    def _apart(self) -> np.ndarray | None:
        return None if self.forest is None else self.forest.apart(self.instance)

    def chosen(self, kept: np.ndarray) -> np.ndarray:
        """Positions ``(m, R)`` in the frame of the rows that stand in, given which columns are kept ``(m, p)``."""
        masks, place = np.unique(kept, axis=0, return_inverse=True)
        return np.array([self._of(mask) for mask in masks]).reshape(len(masks), -1)[place.ravel()]

    def _of(self, kept: np.ndarray) -> list[int]:
        if not kept.any() or kept.all():
            return [int(part[0]) for part in self.parts]
        unfit = self._distances(kept) if self._apart is None else self._parted(kept)
        return [int(part[np.argmin(unfit[part])]) for part in self.parts]

    def _distances(self, kept: np.ndarray) -> np.ndarray:
        """Of all rows ``(N,)``, as the module says."""
        present, absent = np.flatnonzero(kept), np.flatnonzero(~kept)
        C, D = self._covariance, self._differences[:, present]
        ridge = _RIDGE * np.diag(np.maximum(np.diag(C)[present], 1e-12))
        slopes = np.linalg.solve(C[np.ix_(present, present)] + ridge, C[np.ix_(present, absent)])
        predicted: np.ndarray = ((D @ slopes) ** 2).mean(axis=1)
        return predicted + _PLAIN * (D**2).mean(axis=1)

    def _parted(self, kept: np.ndarray) -> np.ndarray:
        """How many splits on kept columns set each row apart from the instance, ``(N,)``."""
        assert self._apart is not None
        splits: np.ndarray = self._apart[:, kept].sum(axis=1)
        return splits

    def nearness(self, owner: np.ndarray, seed: int) -> float:
        """Root mean square of the distances of rows used in kept columns, in standard deviations, over some masks.

        Parameters
        ----------
        owner : ndarray ``(p,)`` of int
            The feature that each column is kept or replaced with.
        seed : int
        """
        rng = np.random.default_rng([seed, 5])
        kept = (rng.random((_MEASURED, int(owner.max()) + 1)) < 0.5)[:, owner]
        kept = kept[kept.any(axis=1) & ~kept.all(axis=1)]
        if not len(kept):
            return 0.0
        squares = self._differences[self.chosen(kept)] ** 2
        return float(np.sqrt((squares * kept[:, None]).sum(axis=2) / kept.sum(axis=1)[:, None]).mean())


@dataclass(frozen=True, eq=False)
class ConditionalBackground:
    """A background split into parts, from which the rows for any instance are chosen.

    Attributes
    ----------
    frame : DataFrame ``(N, p)``
        The rows that are looked at.
    parts : tuple of R ndarrays of int
    forest : Forest or None
    population : int
        Rows of the background.
    by : str
        Of the law.
    wanted : int
        Parts that were asked for.
    """

    frame: pd.DataFrame
    parts: tuple[np.ndarray, ...]
    forest: Forest | None
    population: int
    by: str
    wanted: int

    @classmethod
    def of(cls, background: pd.DataFrame, law: Conditional, rows: int, seed: int) -> ConditionalBackground:
        """Split a background, and grow a forest if the law wants one."""
        rng, N = np.random.default_rng([seed, 3]), len(background)
        looked = np.sort(rng.permutation(N)[:MOST]) if N > MOST else np.arange(N)
        frame = background.iloc[looked].reset_index(drop=True)
        count = min(rows, max(1, len(frame) // PART))
        parts = tuple(np.array_split(rng.permutation(len(frame)), count))
        return cls(frame, parts, Forest(frame, seed) if law.by == "forest" else None, N, law.by, rows)

    def at(self, instance: pd.DataFrame) -> ConditionalRows:
        """The rows for an instance ``(1, p)``."""
        return ConditionalRows(self.frame, instance, self.parts, self.forest)


def conditional_notes(
    fit: ConditionalRows, split: ConditionalBackground, owner: np.ndarray, seed: int
) -> tuple[str, ...]:
    """Say which rows stand in for absent columns, how near they are, and what intervals leave out.

    Parameters
    ----------
    fit : ConditionalRows
    split : ConditionalBackground
    owner : ndarray ``(p,)`` of int
        The feature that each column is kept or replaced with.
    seed : int
    """
    rows, looked, population = len(split.parts), len(split.frame), split.population
    some = f" ({looked} of them were looked at)" if looked < population else ""
    fewer = "" if rows >= split.wanted else f"; {PART} or more rows a part allow no more"
    best = CONDITIONAL[split.by]
    which = f"{rows} of {population} background rows{some}, of each of {rows} random parts the one {best}"
    sure = "Intervals of effects cover that choice, but not that no row fits quite"
    if rows == 1:
        which = f"the one of {population} background rows{some} {best}"
        sure = "Intervals of effects do not cover that choice, nor that it does not fit quite"
    return (
        f"Absent columns are replaced conditionally: in each question by {which}{fewer}. {sure}: in the columns kept "
        f"the rows used differ from this one by {rounded(fit.nearness(owner, seed))} standard deviations (root mean "
        "square). R², anchors, indices and Shapley values are for these rows alone. What correlated columns have in "
        "common is shared by their effects.",
    )
