"""The Study: the result of testing statements about one model, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from probes.asking.cost import Cost
from probes.cases.case import RESERVED
from probes.cases.metrics import Metric
from surrogates.results.result import Result
from surrogates.statements.card import Card
from surrogates.statements.case_fit import fit_case_predictor
from surrogates.statements.entity_effects import FEWEST_ENTITIES
from surrogates.statements.entry import Entry, Extreme, statement_data
from surrogates.statements.statement import Statement
from surrogates.statements.verdicts import Judged

__all__ = ["Study"]


@dataclass(frozen=True)
class Study(Result):
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

    def entry(self, title: str = "", name: str = "") -> Entry:
        """Make the study one entry of a card: plain data, with a predictor of single cases."""
        cases = self.frame.drop(columns="part", errors="ignore")
        control = self.control
        chance = float(cases["chance"].mean())
        return Entry(
            name or self.name,
            title or self.name or "Study",
            self.metric.name,
            self.metric.unit,
            {} if control is None else {"words": control.words, "verdict": control.verdict},
            tuple(statement_data(judged) for judged in self.statements),
            asdict(self.cost),
            len(self.frame),
            fit_case_predictor(self.frame, self.statements, chance, control=control, others=self.others),
            self.notes,
            {n: float(cases[n].mean()) for n in ("value", "chance", "unconditional") if n in cases.columns},
            _extremes(cases, self.metric),
        )

    def card(self, title: str = "") -> Card:
        """Make the study a behaviour card of one entry."""
        return Card(self.model, self.model, (self.entry(title, self.name or "study"),))

    def to_json(self, path: str | Path | None = None) -> str:
        """Return the study as JSON of a card of one entry, written to `path` if given; ``Card.from_json`` reads it.

        Raises
        ------
        InputError
            If the file cannot be written.
        """
        return self.card().to_json(path)


def _extremes(frame: pd.DataFrame, metric: Metric) -> dict[str, Extreme]:
    """Find the combinations of levels with the highest and the lowest mean, with intervals for all (Bonferroni)."""
    factors = [c for c in frame.columns if c not in RESERVED]
    cells = []
    for levels, part in frame.groupby(factors, sort=True) if factors else ():
        e = Statement.level(reference=0.0).estimate(part)
        if e is not None and e.entities >= FEWEST_ENTITIES:
            cells.append((e, dict(zip(factors, map(str, levels), strict=True))))
    if len(cells) < 2:
        return {}
    ranked = sorted(cells, key=lambda cell: cell[0].value)
    out: dict[str, Extreme] = {}
    for name, (e, levels) in (("best", ranked[-1]), ("worst", ranked[0])):
        low, high = (
            float(v) for v in np.clip(e.interval(1 - 0.05 / len(cells)), *(metric.bounds or (-np.inf, np.inf)))
        )
        out[name] = {"levels": levels, "value": e.value, "low": low, "high": high}
    return out
