"""The Anchor: what a search for one found, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from probes.errors import InputError
from probes.probe import Feature
from surrogates.results.files import dumped, loaded, written
from surrogates.results.provenance import library_version
from surrogates.terms import Box, describe, term_from_json, term_to_json

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Anchor", "in_words"]

SCHEMA = 1


@dataclass(frozen=True)
class Anchor:
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
        Of all questions, as of :class:`~probes.asking.ask.Cost`.
    asked : float
        The precision asked for.
    features : tuple of Feature
    view : dict
        What the instance looks like.
    answer : str or None
        For language models: the continuation that is scored.
    provenance : dict
        Versions, seed, model identity, cost.
    """

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
    cost: dict[str, Any] = field(default_factory=dict, repr=False)
    asked: float = 0.95
    features: tuple[Feature, ...] = field(default=(), repr=False)
    view: dict[str, Any] = field(default_factory=dict, repr=False)
    answer: str | None = None
    provenance: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def table(self) -> pd.DataFrame:
        """One row a condition: ``feature``; ``value``, what the instance holds there; ``low`` and ``high``, between
        which it must stay (above the one, up to the other); ``words``."""
        rows = [
            (self.features[i].name, self.features[i].value, low, high, in_words((i, low, high), self.features))
            for i, low, high in self.rule.conditions
        ]
        return pd.DataFrame(rows, columns=["feature", "value", "low", "high", "words"])

    def plot(self, ax: Axes | None = None) -> Axes:
        """How often the answer stays the same, with the rule and without, as a bar chart; returns the Axes."""
        from surrogates.report.figures import anchor_plot

        return anchor_plot(self, ax)

    def report(self, path: str | Path) -> Path:
        """Write one self-contained HTML page; it opens anywhere and loads nothing."""
        from surrogates.report.anchor_and_shapley import anchor_page

        return written(path, anchor_page(self))

    def to_json(self, path: str | Path | None = None) -> str:
        """The whole anchor as JSON text, written to `path` if given. Includes the instance, none of the answers."""
        head = {"iomap": library_version(), "schema": SCHEMA, "kind": "anchor"}
        data = {**head, **asdict(self), "rule": term_to_json(self.rule)}
        return dumped(data, path)

    @classmethod
    def from_json(cls, source: str | Path) -> Anchor:
        """Read what :meth:`to_json` wrote: a path, or the JSON text itself.

        Raises
        ------
        InputError
            If it is not an anchor, or was written by a newer version.
        """
        data = loaded(source, "an anchor")
        head = {name: data.pop(name, None) for name in ("iomap", "schema", "kind")}
        if (head["kind"], head["schema"]) != ("anchor", SCHEMA):
            raise InputError("source", f"be an anchor of schema {SCHEMA}, the one this version reads", sorted(data)[:5])
        try:
            rule = term_from_json(data.pop("rule"))
            features = tuple(Feature(**f) for f in data.pop("features"))
            warnings = tuple(data.pop("warnings"))
            if not isinstance(rule, Box):
                raise TypeError("its rule is no conjunction")
            return cls(rule=rule, features=features, warnings=warnings, **data)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError("source", f"be a whole anchor by to_json ({error})", sorted(data)[:5]) from error

    def _repr_html_(self) -> str:
        from surrogates.report.anchor_and_shapley import anchor_fragment

        return anchor_fragment(self)

    def __str__(self) -> str:
        head = f"IF {self.words} THEN {self.holds}" if self.rule.conditions else f"Always: {self.holds}"
        sure = "exact" if self.exact else f"at least {self.low:.3f} with {self.confidence:.0%} confidence"
        notes = [] if self.proved else ["The precision asked for was not proved within the budget."]
        note = "".join(f"\n{text}" for text in [*notes, *self.warnings])
        return (
            f"{head}\nprecision {self.precision:.3f} ({sure}, {self.rows} answers; without the rule "
            f"{self.unconditional:.2f}), coverage {self.coverage:.3g}{note}"
        )


def in_words(condition: tuple[int, float, float], features: Sequence[Feature]) -> str:
    """A condition as a reader of the instance would say it."""
    feature = features[condition[0]]
    named = feature.kind == "binary" and feature.value and feature.value != feature.name
    return f"{feature.name} = {feature.value}" if named else describe(Box((condition,)), features)
