"""Candidates for counterfactuals that the model was asked: rows by the places of their values, and what it said."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from probes.asking.session import Session
from probes.cases.questions import Questions
from probes.design import Design
from probes.errors import InputError
from surrogates.local.column_values import ColumnValues
from surrogates.local.row_surrogate import RowSurrogate
from surrogates.local.wanted import DesiredLike, Wanted

__all__ = ["AskedCandidates", "distinct", "rows_of"]


def rows_of(columns: Sequence[ColumnValues], Z: np.ndarray, arrays: bool) -> pd.DataFrame | np.ndarray:
    """Rows by the places ``(m, p)`` of their values, 0 the instance's."""
    taken = {c.name: c.values.array.take(Z[:, j]) for j, c in enumerate(columns)}
    frame = pd.DataFrame(taken, columns=[c.name for c in columns])
    return frame.to_numpy(dtype=float) if arrays else frame


def distinct(Z: np.ndarray) -> np.ndarray:
    """Rows without repetition, in their order."""
    first: dict[bytes, int] = {}
    for i, z in enumerate(Z):
        first.setdefault(z.tobytes(), i)
    return Z[list(first.values())]


class AskedCandidates:
    """Rows with some columns changed, and how far the model's answers are beyond the border of what is wanted.

    Parameters
    ----------
    session : Session
        Its question is the instance.
    columns : sequence of p ColumnValues
    desired : DesiredLike
    budget : int
        The most rows that are asked.
    arrays : bool
        Whether the model takes arrays.

    Raises
    ------
    InputError
        If what is wanted does not fit the answer for the instance.
    """

    def __init__(
        self, session: Session, columns: Sequence[ColumnValues], desired: DesiredLike, budget: int, arrays: bool
    ):
        self.session, self.columns, self.budget, self.arrays = session, columns, budget, arrays
        self.known: dict[bytes, float] = {}
        self.raw: dict[bytes, np.ndarray] = {}
        self.Z, self.beyond = np.zeros((0, len(columns)), dtype=int), np.zeros(0)
        self._fitted: tuple[int, RowSurrogate] | None = None
        reply = session.ask(Design(np.zeros((1, 1)), 0))
        answers, targeted = reply.answers, session.question.targeted
        if not len(answers.y):
            raise InputError("model", "answer the row itself", "no answer")
        self.outputs, self.unit, self.first = answers.outputs, answers.unit, answers.y
        self.wanted = Wanted.of(answers.y, answers.outputs, answers.unit, reply.target, desired, targeted)
        self._learn(np.zeros((1, len(columns)), dtype=int), answers.y)

    @property
    def free(self) -> list[int]:
        """Numbers of the columns that may change."""
        return [j for j, column in enumerate(self.columns) if len(column.values) > 1]

    @property
    def left(self) -> int:
        """Rows that may still be asked."""
        return self.budget - len(self.known)

    def ask(self, Z: np.ndarray) -> None:
        """Ask rows ``(m, p)`` that are not known yet, the first of them, as far as the budget goes."""
        new = np.array([z for z in distinct(Z) if z.tobytes() not in self.known][: max(self.left, 0)])
        if not len(new):
            return
        self.session = self.session.at(Questions(rows_of(self.columns, new, self.arrays)))
        every = np.arange(len(new), dtype=float)[:, None]
        reply = self.session.ask(Design(every, 0, block=len(new)))  # of one part: in as few calls as the model allows
        answered = reply.answers.design.Z[:, 0].astype(int)
        for z in new:
            self.known.setdefault(z.tobytes(), -np.inf)  # what was not answered is not asked again
        self._learn(new[answered], reply.answers.y)

    def _learn(self, Z: np.ndarray, raw: np.ndarray) -> None:
        beyond = self.wanted.reached(raw, self.unit)
        self.Z, self.beyond = np.vstack([self.Z, Z]), np.concatenate([self.beyond, beyond])
        for z, one, far in zip(Z, raw, beyond, strict=True):
            self.known[z.tobytes()], self.raw[z.tobytes()] = float(far), one

    def holds(self, z: np.ndarray) -> bool:
        """Whether the model answered a row as wanted."""
        return self.known.get(z.tobytes(), -np.inf) >= 0

    def fails(self, z: np.ndarray) -> bool:
        """Whether a row was asked and not answered as wanted."""
        return self.known.get(z.tobytes(), 0.0) < 0

    def distances(self, Z: np.ndarray) -> np.ndarray:
        """From the instance, summed over columns: ``(m,)``."""
        return np.sum([column.distance[Z[:, j]] for j, column in enumerate(self.columns)], axis=0)

    def surrogate(self, seed: int) -> RowSurrogate:
        """One fitted to all answers; the same until there are more."""
        if self._fitted is None or self._fitted[0] != len(self.Z):
            self._fitted = len(self.Z), RowSurrogate(self.columns, seed).fit(self.Z, self.beyond)
        return self._fitted[1]

    def best(self, changes: int) -> list[np.ndarray]:
        """The best row as wanted of each set of at most so many columns, none of which a part suffices."""
        count = (self.Z > 0).sum(axis=1)
        held = (self.beyond >= 0) & (count <= changes)
        rows = self.Z[held]
        rows = rows[np.lexsort((self.distances(rows), count[held]))]
        kept: list[np.ndarray] = []
        while len(rows):
            kept.append(rows[0])
            rows = rows[(rows[:, rows[0] > 0] == 0).any(axis=1)]  # the others change all that this one changes
        return kept
