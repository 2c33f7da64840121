"""The behaviour card: the statements tested on one model, as data with JSON and a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from probes.asking.cost import Cost
from probes.behaviours.registry import BEHAVIOURS
from probes.behaviours.registry import behaviour as built_in
from probes.cases.case import Case
from probes.cases.metrics import bounds_of
from probes.cases.template import TemplateProbe
from probes.errors import InputError
from surrogates.results.files import written
from surrogates.results.plain import Damaged
from surrogates.results.provenance import library_version
from surrogates.results.result import SavedResult, page_of
from surrogates.statements.card_pairs import card_pairs
from surrogates.statements.entry import Entry

__all__ = ["Card"]


@dataclass(frozen=True)
class Card(SavedResult):
    """What was found out about one model.

    Attributes
    ----------
    model : str
        As the user calls it.
    identity : str
        Fingerprint of weights and settings.
    entries : tuple of Entry
    seconds : float
        Wall-clock time.
    versions : dict
    """

    kind: ClassVar[str] = "card"
    named: ClassVar[str] = "a behaviour card"

    model: str
    identity: str
    entries: tuple[Entry, ...]
    seconds: float = 0.0
    versions: Mapping[str, str] = field(default_factory=lambda: {"iomap": library_version()})

    @property
    def cost(self) -> Cost:
        """What all answers cost together."""
        return sum((_cost(e.cost) for e in self.entries), Cost())

    @property
    def table(self) -> pd.DataFrame:
        """One row a statement: ``behaviour, claim, verdict, effect, low, high, unit, entities, precision, reason``."""
        names = ["claim", "verdict", "effect", "low", "high", "unit", "entities", "precision", "reason"]
        rows = [{"behaviour": e.name, **s} for e in self.entries for s in e.statements]
        return pd.DataFrame(rows, columns=["behaviour", *names])

    def entry(self, name: str) -> Entry:
        """Return the entry of a behaviour."""
        for e in self.entries:
            if e.name == name:
                return e
        raise InputError("behaviour", f"be on this card ({', '.join(e.name for e in self.entries)})", name)

    def predict(
        self, behaviour: str, case: str | Case | Mapping[str, str], probe: TemplateProbe | None = None
    ) -> dict[str, Any]:
        """Predict what the model will do with a new prompt of a known family.

        Supported statements say what they can; the levels of the factors fill in what they leave open.

        Parameters
        ----------
        behaviour : str
        case : str, Case, or dict of factor to level
            A prompt has the levels of the probe's prompts that are most like it; those in which they differ are open.
        probe : TemplateProbe, optional
            The one that the card is about, to read a prompt by; needed where it is not a built-in behaviour's.

        Returns
        -------
        dict
            ``value`` (in ``unit``), its 90% interval ``low`` to ``high``, none of them beyond what the metric can be,
            ``right`` (the chance to be above chance level), ``r2`` (how much better than a constant such predictions
            were on unseen entities), ``coverage`` (how many of their cases such intervals held), ``levels`` that it was
            predicted by.

        Raises
        ------
        InputError
            For an unknown behaviour or level, or a prompt that is like none.
        """
        entry = self.entry(behaviour)
        if entry.prediction is None:
            raise InputError("behaviour", "have answers that vary", behaviour)
        if not isinstance(case, (str, Case, Mapping)):
            raise InputError("case", "be a prompt, a Case of the probe, or a dict of factor to level", case)
        if isinstance(case, Mapping) or (isinstance(case, Case) and case.levels):
            levels = dict(case.levels) if isinstance(case, Case) else dict(case)
        else:
            if probe is None and behaviour not in BEHAVIOURS:
                raise InputError("probe", "be given to read a prompt by", probe)
            known = built_in(behaviour).probe if probe is None else probe
            levels = known.levels_of(case.prompt if isinstance(case, Case) else case)
        measured = {k: entry.prediction.scores[k] for k in ("r2", "coverage")}
        said, possible = entry.prediction.predict(levels), bounds_of(entry.metric, entry.unit)
        said |= {name: float(np.clip(said[name], *possible)) for name in ("value", "low", "high")}
        return {**said, "unit": entry.unit, **measured, "levels": levels}

    def compare(self, other: Card) -> pd.DataFrame:
        """Put both cards side by side, with a test of every difference: the table of :func:`surrogates.compare_cards`.

        Statements are the same if they are about the same effect, in the same metric, whatever size or sign they claim:
        each verdict is about the card's own claim. One that only one card has stands there with nothing beside it.
        ``difference`` is `other` minus this with its 95% interval, ``apart`` says whether it is clear: p below 0.05,
        adjusted for all of them.
        """
        if not isinstance(other, Card):
            raise InputError("other", "be a Card", other)
        return card_pairs(self.entries, other.entries)

    def report(self, path: str | Path, other: Card | None = None) -> Path:
        """Write one self-contained HTML page; with `other`, that of what differs between both cards.

        Raises
        ------
        InputError
            If the file cannot be written.
        """
        return written(path, page_of(self, other=other))

    def check_consistent(self) -> None:
        """Check that costs are costs and that predictors agree with themselves, after reading.

        Raises
        ------
        Damaged
        """
        names = {f.name for f in fields(Cost)}
        for i, e in enumerate(self.entries):
            if not set(e.cost) <= names:
                raise Damaged(f"entries[{i}].cost", f"hold {', '.join(sorted(names))}", sorted(e.cost))
            made = e.prediction
            if made is not None and not {"r2", "coverage"} <= set(made.scores):
                raise Damaged(f"entries[{i}].prediction.scores", "have r2 and coverage", sorted(made.scores))
            sizes = () if made is None else (len(made.weights), len(made.spreads) or len(made.weights))
            if made is not None and set(sizes) != {len(made.columns)}:
                raise Damaged(f"entries[{i}].prediction", "have a weight for every column", sizes)


def _cost(data: Mapping[str, Any]) -> Cost:
    return Cost(**data)
