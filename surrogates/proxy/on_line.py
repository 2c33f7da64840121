"""Answers on the line that a process is fitted to: g(y) for a link g, standardised; and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surrogates.link import Link
from surrogates.numerics.merged_rows import Rows

__all__ = ["OnLine"]


@dataclass(frozen=True)
class OnLine:
    """Columns of standardised answers on the line, one for each output and each link that is offered to it.

    Attributes
    ----------
    rows : Rows
        ``(g, c)`` answers u = (g(y) − mean) / scale.
    output : tuple of c int
        The output of each column.
    links : tuple of c Link
    mean, scale : ndarray ``(c,)``
        Of single answers.
    """

    rows: Rows
    output: tuple[int, ...]
    links: tuple[Link, ...]
    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, rows: Rows, offered: Sequence[Sequence[Link]]) -> OnLine:
        """Put answers on the lines of the links that are offered to each output."""
        columns = [(i, link) for i, some in enumerate(offered) for link in some]
        line = np.column_stack([link.line(rows.y[:, i]) for i, link in columns])
        # how single answers scatter around their mean, by the slope of the curve there
        slope = np.column_stack([link.slope(t) for (_, link), t in zip(columns, line.T, strict=True)])
        scatter = (np.sqrt(rows.scatter[:, [i for i, _ in columns]]) / slope) ** 2
        total = rows.weight.sum()
        mean = rows.weight @ line / total
        spread = np.sqrt((rows.weight @ (line - mean) ** 2 + scatter.sum(axis=0)) / total)
        scale = np.where(spread > 1e-12 * np.abs(line).max(axis=0), spread, 1.0)
        standard = Rows(rows.Z, (line - mean) / scale, rows.weight, scatter / scale**2)
        return cls(standard, tuple(i for i, _ in columns), tuple(link for _, link in columns), mean, scale)

    @property
    def curved(self) -> bool:
        """Whether any link is more than the identity."""
        return any(link.curved for link in self.links)

    def take(self, columns: Sequence[int]) -> OnLine:
        """Select columns."""
        some, kept = self.rows, list(columns)
        rows = Rows(some.Z, some.y[:, kept], some.weight, some.scatter[:, kept])
        output, links = tuple(self.output[c] for c in kept), tuple(self.links[c] for c in kept)
        return OnLine(rows, output, links, self.mean[kept], self.scale[kept])

    def answers(self, u: np.ndarray, sd: np.ndarray) -> np.ndarray:
        """Compute expected answers ``(n, c)`` for normal u ``(n, c)`` with standard deviations ``(n,)``."""
        line = self.mean + self.scale * u
        if not self.curved:
            return line
        both = zip(self.links, line.T, self.scale, strict=True)
        return np.column_stack([link.mean(t, sd * scale) for link, t, scale in both])

    def deviations(self, u: np.ndarray, sd: np.ndarray) -> np.ndarray:
        """Compute standard deviations ``(n, c)`` of the answers for the same."""
        if not self.curved:
            return sd[:, None] * self.scale
        both = zip(self.links, (self.mean + self.scale * u).T, self.scale, strict=True)
        return np.column_stack([link.deviation(t, sd * scale) for link, t, scale in both])
