"""Rows of a search: what was asked, on a cut that grows finer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from probes.asking.session import Session
from probes.design import Design
from probes.inputs.document import DocumentProbe, Run
from probes.progress import Bar

__all__ = ["FIXED", "SearchRows", "Spent"]

#: first rows of the design: the whole, nothing, the first half, the second
FIXED = 4


class Spent(Exception):
    """The questions of a search are spent."""


@dataclass
class SearchRows:
    """Rows that a search asked; those of a coarser cut are kept as rows of the finer one, the same inputs.

    Attributes
    ----------
    session : Session
        At the probe of the cut so far.
    most : int
        Questions that may be asked.
    bar : Bar
    Z : ndarray ``(n, d)``
        Rows asked so far, on the cut so far. Row 0 is the instance, row 1 the reference.
    y : ndarray ``(n, k)``
        The number explained.
    aside : int
        Questions on finer cuts than that, which are no rows of it.
    splits : list of tuple
        Parts that were split: name, level, why, into how many, after how many questions.
    """

    session: Session
    most: int
    bar: Bar
    Z: np.ndarray = field(init=False)
    y: np.ndarray = field(init=False)
    aside: int = field(default=0, init=False)
    splits: list[tuple[object, ...]] = field(default_factory=list, init=False)
    _ends: tuple[np.ndarray, np.ndarray] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        d = len(self.probe.features)
        half = np.arange(d) < d // 2
        # four rows at first, by which a model is met; without one of them nothing goes on
        first = Design(np.array([np.ones(d), np.zeros(d), half, ~half], dtype=float), FIXED)
        reply = self.session.ask(first)
        self.Z, self.y = reply.design.Z, reply.y
        self.bar.update(len(first))

    @property
    def asked(self) -> int:
        """Questions so far."""
        return len(self.Z) + self.aside

    @property
    def probe(self) -> DocumentProbe:
        """The cut so far."""
        probe = self.session.question.probe
        assert isinstance(probe, DocumentProbe)
        return probe

    def keeps(self, parts: Sequence[Run], enough: float) -> bool:
        """Whether parts keep enough; not asked where more parts kept less, or fewer kept as much."""
        row, shares = self.row(parts), self.shares
        asked = self.place(row)
        if asked is None:
            kept = shares >= enough
            if (kept & (row >= self.Z).all(axis=1)).any():
                return True
            if (~kept & (row <= self.Z).all(axis=1)).any():
                return False
        return self.share(parts) >= enough

    def share(self, parts: Sequence[Run]) -> float:
        """Return the share of what the document does that is there with some parts alone."""
        row = self.row(parts)
        if self.place(row) is None:
            self.ask(row[None])
        place = self.place(row)
        return -np.inf if place is None else float(self.shares[place])  # a model may leave a question unanswered

    @property
    def shares(self) -> np.ndarray:
        return self.shares_of(self.y)

    def shares_of(self, y: np.ndarray) -> np.ndarray:
        nothing, all_ = self._ends or (self.y[1], self.y[0])
        change = all_ - nothing
        return (y - nothing) @ change / (change @ change)

    @contextmanager
    def between(self, fewer: Sequence[Run], more: Sequence[Run]) -> Iterator[None]:
        """Measure shares of what lies between the answers with fewer and with more parts, both of which were asked.

        So what moves other outputs than the parts between them did is no share of theirs.
        """
        ends = (self.y[place] for parts in (fewer, more) if (place := self.place(self.row(parts))) is not None)
        self._ends = next(ends), next(ends)
        try:
            yield
        finally:
            self._ends = None

    def row(self, parts: Iterable[Run]) -> np.ndarray:
        starts, row = np.array([start for start, _ in self.probe.runs]), np.zeros(len(self.probe.runs))
        for start, stop in parts:
            row[(starts >= start) & (starts < stop)] = 1.0
        return row

    def place(self, row: np.ndarray) -> int | None:
        """Return the number of a row that was asked."""
        there = np.flatnonzero((row == self.Z).all(axis=1))
        return int(there[0]) if len(there) else None

    def ask(self, rows: np.ndarray) -> None:
        """Ask rows ``(m, d)``.

        Raises
        ------
        Spent
            If they are more than may be asked.
        """
        if self.asked + len(rows) > self.most:
            raise Spent
        # beside the instance, which is known: a model may leave all the others unanswered
        reply = self.session.ask(Design(np.vstack([self.Z[:1], rows]), 1))
        self.Z, self.y = np.vstack([self.Z, reply.design.Z[1:]]), np.vstack([self.y, reply.y[1:]])
        self.bar.update(len(rows))

    def split(self, parts: Sequence[int], why: str) -> None:
        """Split parts by number; rows asked so far become rows of the finer cut."""
        coarse = self.probe
        finer = coarse.split(parts)
        count = np.bincount(coarse.part_of([start for start, _ in finer.runs]), minlength=len(coarse.runs))
        for i in parts:
            self.splits.append((coarse.features[i].name, coarse.levels[i], why, int(count[i]), self.asked))
        self.Z = coarse.onto(finer, self.Z)
        self.session = self.session.at(finer)

    def ask_aside(self, finer: DocumentProbe, Z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ask rows ``(m, d)`` of a finer cut, which stays as it is; return those that were answered, and their answers.

        Raises
        ------
        Spent
            If they are more than may be asked.
        """
        if self.asked + len(Z) > self.most:
            raise Spent
        reply = self.session.at(finer).ask(Design(np.vstack([finer.instance, Z]), 1))
        self.aside += len(Z)
        self.bar.update(len(Z))
        return reply.design.Z[1:], reply.y[1:]
