"""What a merge did and what a store holds, as values with a text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

__all__ = ["Merged", "Stats"]


@dataclass(frozen=True)
class Merged:
    """What became of answers that were taken into a store.

    Attributes
    ----------
    read : int
        Answers that came in.
    added : int
        Those whose keys were new.
    conflicts : int
        Those whose keys had another answer, which was kept.
    apart : float
        The largest relative difference among conflicts; infinite where text, or another number of outputs, came in.

    Examples
    --------
    >>> print(Merged(read=120, added=100, conflicts=2, apart=1e-7))
    120 answers read, 100 added, 18 known already
    2 in conflict, at most 1e-07 apart (relative): the answers that were there first are kept
    """

    read: int = 0
    added: int = 0
    conflicts: int = 0
    apart: float = 0.0

    @property
    def known(self) -> int:
        """Those that were there already, the same to the last bit."""
        return self.read - self.added - self.conflicts

    def __add__(self, other: Merged) -> Merged:
        return Merged(
            self.read + other.read,
            self.added + other.added,
            self.conflicts + other.conflicts,
            max(self.apart, other.apart),
        )

    def __str__(self) -> str:
        text = f"{_counted(self.read, 'answer')} read, {self.added:,} added, {self.known:,} known already"
        if self.conflicts:
            far = f"at most {self.apart:.2g} apart (relative)" if np.isfinite(self.apart) else "some of another kind"
            text += f"\n{self.conflicts:,} in conflict, {far}: the answers that were there first are kept"
        return text


@dataclass(frozen=True)
class Stats:
    """What a store holds.

    Attributes
    ----------
    path : Path or None
        None for a store in memory.
    schema : int
    answers : int
    size : int
        Bytes on disk, with the write-ahead log.
    models : DataFrame
        Columns ``model`` (None: not recorded), ``answers`` and ``texts`` (those that are text: generated answers, names
        of outputs), most answers first. Maps that only differ in the answer they score count as one model.
    """

    path: Path | None
    schema: int
    answers: int
    size: int
    models: pd.DataFrame

    def __str__(self) -> str:
        each = f", {self.size / self.answers:.0f} bytes an answer" if self.answers else ""
        lines = [
            str(self.path or "in memory"),
            f"{_counted(self.answers, 'answer')}, {_bytes(self.size)}{each}, schema {self.schema}",
        ]
        shown = self.models.head(20)
        for model, answers, texts in shown.itertuples(index=False):
            words = f" ({texts:,} of them text)" if texts else ""
            lines.append(f"  {answers:>12,}  {'(model not recorded)' if pd.isna(model) else model}{words}")
        if hidden := self.models[len(shown) :]["answers"].sum():
            lines.append(f"  {hidden:>12,}  ({_counted(len(self.models) - len(shown), 'other model')})")
        return "\n".join(lines)


def _bytes(n: int) -> str:
    return f"{n / 1e6:,.1f} MB" if n >= 1e6 else f"{n / 1e3:.0f} kB"


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
