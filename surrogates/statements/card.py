"""The behaviour card: the statements tested on one model, as data with JSON and a page; two cards side by side."""

from __future__ import annotations

from collections import Counter
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
from probes.cases.template import TemplateProbe
from probes.errors import InputError
from surrogates.results.files import written
from surrogates.results.plain import Damaged
from surrogates.results.provenance import library_version
from surrogates.results.result import SavedResult, page_of
from surrogates.statements.entry import Entry

__all__ = ["Card"]

#: a statement that a card does not have
_ABSENT: Mapping[str, object] = {"claim": "", "verdict": "", "effect": np.nan, "low": np.nan, "high": np.nan}


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
            ``value`` (in ``unit``), its 90% interval ``low`` to ``high``, ``right`` (the chance to be above chance
            level), ``r2`` (how much better than a constant such predictions were on unseen entities), ``coverage``
            (how many of their cases such intervals held), ``levels`` that it was predicted by.

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
        return {**entry.prediction.predict(levels), "unit": entry.unit, **measured, "levels": levels}

    def compare(self, other: Card) -> pd.DataFrame:
        """Put both cards side by side: verdicts, effects and whether they differ.

        Statements are the same if they are about the same effect, in the same metric, whatever size or sign they claim:
        each verdict is about the card's own claim. One that only one card has stands there with nothing beside it. The
        intervals of two models on the same cases: ``difference`` is `other` minus this, ``apart`` says whether the 95%
        intervals do not overlap.
        """
        if not isinstance(other, Card):
            raise InputError("other", "be a Card", other)
        both = [s for card in (self, other) for e in card.entries for s in e.statements]
        by = "subject" if all("subject" in s for s in both) else "claim"  # older cards did not write it down
        mine, theirs = _numbered(self, by), _numbered(other, by)
        rows = []
        for key in dict.fromkeys([*mine, *theirs]):
            a, b = mine.get(key, _ABSENT), theirs.get(key, _ABSENT)
            apart = bool(a["high"] < b["low"] or b["high"] < a["low"]) if _known(a) and _known(b) else False
            rows.append(
                {"behaviour": key[0], "claim": a["claim"] or b["claim"]}
                | {"verdict": a["verdict"], "effect": a["effect"], "other_verdict": b["verdict"]}
                | {"other_effect": b["effect"], "difference": b["effect"] - a["effect"], "apart": apart}
            )
        names = ["behaviour", "claim", "verdict", "effect", "other_verdict", "other_effect", "difference", "apart"]
        return pd.DataFrame(rows, columns=names)

    def report(self, path: str | Path, other: Card | None = None) -> Path:
        """Write one self-contained HTML page; with `other`, a page of both cards side by side.

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


def _numbered(card: Card, by: str) -> dict[tuple[object, ...], Mapping[str, Any]]:
    """Return statements by what they are about, the first, second, … of those about one thing."""
    statements: dict[tuple[object, ...], Mapping[str, Any]] = {}
    seen = Counter[tuple[object, ...]]()
    for e in card.entries:
        for s in e.statements:
            key = (e.name, s["subject"] if by == "subject" else s["claim"], s["metric"], s["unit"])
            statements[*key, seen[key]] = s
            seen[key] += 1
    return statements


def _known(s: Mapping[str, Any]) -> bool:
    return bool(np.isfinite(s["low"]) and np.isfinite(s["high"]))
