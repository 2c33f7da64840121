"""A Finding: what one check of an explanation found."""

from __future__ import annotations

from dataclasses import dataclass, field

from surrogates.results.plain import Json

__all__ = ["Finding"]


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes
    ----------
    name : str
    passed : bool or None
        None where the check cannot be made.
    sentence : str
        One sentence.
    numbers : dict of str to float
        What it rests on.
    cost : dict
        What its questions cost, as of :class:`~probes.asking.cost.Cost`.
    """

    name: str
    passed: bool | None
    sentence: str
    numbers: dict[str, float] = field(default_factory=dict)
    cost: Json = field(default_factory=dict)

    def __str__(self) -> str:
        mark = {True: "passed", False: "FAILED", None: "not possible"}[self.passed]
        return f"{self.name} ({mark}): {self.sentence}"
