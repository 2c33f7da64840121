"""The Anchor: what a search for one found, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, TypedDict

import pandas as pd

from probes.probe import Feature
from probes.views import View
from surrogates.results.plain import Damaged, read
from surrogates.results.provenance import CostData, Provenance, no_cost, no_provenance
from surrogates.results.result import SavedResult
from surrogates.results.term_data import check_terms
from surrogates.terms import Box, describe

__all__ = ["Anchor", "Said", "in_words"]


class Said(TypedDict):
    """What a model says: the numbers explained and, for classes, the one decided for; of instance and reference."""

    outputs: list[str]
    unit: str
    instance: list[float]
    reference: list[float]
    decided: list[str]


@dataclass(frozen=True)
class Anchor(SavedResult):
    """A conjunction that settles the answer.

    Attributes
    ----------
    rule : Box
        Its conditions; none if the answer is settled without any.
    words : str
        The rule in words.
    holds : str
        What counts as the same answer.
    precision : float
        Share of answers drawn under the rule that are the same as the instance's.
    low : float
        Lower confidence bound of the precision, valid whenever the asking stopped, over all rules that were tried; the
        precision itself where every possible question was asked.
    coverage : float
        Probability of the rule under the declared law (not a share of some data).
    confidence : float
    proved : bool
        Whether `low` reaches the precision asked for.
    rows : int
        Answers drawn under the rule.
    unconditional : float
        Share of the same answers without the rule.
    exact : bool
        Whether every possible question was asked, so that nothing is estimated.
    warnings : tuple of str
    cost : dict
        Of all questions, as of :class:`~probes.asking.cost.Cost`.
    asked : float
        The precision asked for.
    features : tuple of Feature
    view : dict
        What the instance looks like; under ``said`` what the model says of it and of the reference, as of
        :class:`Said` (not in files of earlier versions).
    answer : str or None
        For language models: the continuation that is scored.
    provenance : dict
        Versions, seed, model identity, cost.
    """

    kind: ClassVar[str] = "anchor"
    named: ClassVar[str] = "an anchor"

    rule: Box
    words: str
    holds: str
    precision: float
    low: float
    coverage: float
    confidence: float
    proved: bool
    rows: int
    unconditional: float
    exact: bool = False
    warnings: tuple[str, ...] = ()
    cost: CostData = field(default_factory=no_cost, repr=False)
    asked: float = 0.95
    features: tuple[Feature, ...] = field(default=(), repr=False)
    view: View = field(default_factory=dict, repr=False)
    answer: str | None = None
    provenance: Provenance = field(default_factory=no_provenance, repr=False)

    @property
    def said(self) -> Said | None:
        """What the model says of the instance and of the reference; None for a file that does not have it."""
        said = self.view.get("said")
        return None if said is None else read(Said, said, "view.said")

    @property
    def table(self) -> pd.DataFrame:
        """One row a condition: ``feature``; ``value``, what the instance holds there; ``low`` and ``high``, between
        which it must stay (above the one, up to the other); ``words``."""
        rows = [
            (self.features[i].name, self.features[i].value, low, high, in_words((i, low, high), self.features))
            for i, low, high in self.rule.conditions
        ]
        return pd.DataFrame(rows, columns=["feature", "value", "low", "high", "words"])

    def check_consistent(self) -> None:
        """Check that the rule is about features that there are, after reading.

        Raises
        ------
        Damaged
        """
        check_terms([self.rule], len(self.features), "rule")
        if (said := self.said) is not None:
            if not len(said["outputs"]) == len(said["instance"]) == len(said["reference"]):
                raise Damaged("view.said", "have a number for every output", len(said["instance"]))
            if len(said["decided"]) not in (0, 2):
                raise Damaged("view.said.decided", "hold two classes or none", said["decided"])


def in_words(condition: tuple[int, float, float], features: Sequence[Feature]) -> str:
    """Put a condition as a reader of the instance would say it."""
    feature = features[condition[0]]
    named = feature.kind == "binary" and feature.value and feature.value != feature.name
    return f"{feature.name} = {feature.value}" if named else describe(Box((condition,)), features)
