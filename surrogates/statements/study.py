"""The Study: the result of testing statements about one model, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from probes.asking.ask import Cost
from probes.cases.metrics import Metric
from surrogates.statements.verdicts import Judged

if TYPE_CHECKING:
    from surrogates.statements.card import Card

__all__ = ["Study"]


@dataclass(frozen=True)
class Study:
    """Statements about one model, tested.

    Attributes
    ----------
    statements : tuple of Judged
    frame : DataFrame
        Every case asked, with its value and the ``part`` it belongs to.
    metric : Metric
    fidelity : DataFrame
        R² on unseen cases of surrogates over the factors; empty where nothing was discovered.
    control : Judged or None
        The positive control: what the model must be able to do for anything else to mean something.
    frozen : str
        SHA-256 of the statements before a test case was asked.
    cost : Cost
    model : str
    name : str
    notes : tuple of str
    others : dict of str to DataFrame
        By metric: the same cases with the other metrics that statements are about.
    """

    statements: tuple[Judged, ...]
    frame: pd.DataFrame
    metric: Metric
    fidelity: pd.DataFrame = field(default_factory=pd.DataFrame)
    control: Judged | None = None
    frozen: str = ""
    cost: Cost = field(default_factory=Cost)
    model: str = ""
    name: str = ""
    notes: tuple[str, ...] = ()
    others: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def table(self) -> pd.DataFrame:
        """One row a statement."""
        names = ["words", "verdict", "effect", "low", "high", "entities", "coverage", "precision", "p", "reason"]
        return pd.DataFrame([{n: getattr(s, n) for n in names} for s in self.statements], columns=names)

    def __str__(self) -> str:
        lines = [f"{self.name or 'Study'}: {len(self.frame)} cases, {self.metric.name} ({self.metric.unit})"]
        if self.control is not None:
            lines.append(f"positive control {self.control.verdict}: {self.control.words}")
        for s in self.statements:
            lines.append(f"{s.verdict:>12}  {s.words}" + (f" ({s.reason})" if s.reason else ""))
        return "\n".join([*lines, *(f"Note: {n}" for n in self.notes)])

    def card(self, title: str = "") -> Card:
        """The study as a behaviour card of one entry."""
        from surrogates.statements.card import Card, Entry

        return Card(self.model, self.model, (Entry.of(self, title, self.name or "study"),))
