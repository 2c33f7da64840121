"""Words of a text: each is left out, to see whether two models still differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from probes.model import Prompt
from surrogates.difference.made_up_rows import MadeUp, telling
from surrogates.difference.region_search import joined
from surrogates.many.columns import Column, without_word
from surrogates.terms import Box

__all__ = ["Words"]


@dataclass(frozen=True)
class Words:
    """Texts, and what is found by leaving out their words.

    Attributes
    ----------
    texts : sequence of n texts or chats
    Z : ndarray ``(n, c)``
        Their features.
    marked : ndarray of bool ``(n,)``
    columns : sequence of c Column
    made_up : MadeUp
    """

    texts: Sequence[Prompt]
    Z: np.ndarray
    marked: np.ndarray
    columns: Sequence[Column]
    made_up: MadeUp

    def boxes(self, seed: int, rule: Box | None) -> list[Box]:
        """Ask a text without each of its words; return what must be there, and that with what a rule says must not."""
        said = () if rule is None else rule.conditions
        used = {j for j, _, _ in said}
        there = [k for k, column in enumerate(self.columns) if column.kind == "word" and self.Z[seed, k]]
        # a text of one word is none without it
        there = sorted(there, key=lambda k: (k not in used, -self._telling[k])) if len(there) > 1 else []
        there = there[: (self.made_up.left + 1) // 2]
        if not there:
            return []
        differ = self.made_up([without_word(self.texts[seed], self.columns[k].name) for k in there])
        needed = [(k, 0.5, np.inf) for k, still in zip(there, differ, strict=True) if not still]
        others = [condition for condition in said if condition[0] not in there]
        return [joined(needed), joined([*needed, *others])]

    @cached_property
    def _telling(self) -> np.ndarray:
        return telling(self.Z, self.marked)
