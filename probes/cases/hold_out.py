"""Hold-outs: cases for discovery, and unseen ones about new entities, in new cells and in new wordings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from probes.cases.case import Case, grouped
from probes.errors import InputError, number

__all__ = ["Split", "hold_out"]


@dataclass(frozen=True)
class Split:
    """Numbers of cases: those that statements are discovered on, and three kinds of unseen ones.

    All unseen cases are about held-out entities. ``entities`` are in seen cells and families, ``cells`` in held-out
    cells of seen families, ``families`` in held-out families.
    """

    discovery: np.ndarray
    entities: np.ndarray
    cells: np.ndarray
    families: np.ndarray

    @property
    def test(self) -> np.ndarray:
        """All unseen cases."""
        return np.concatenate([self.entities, self.cells, self.families])


def hold_out(
    cases: Sequence[Case] | Any,
    *,
    entities: float | Iterable[str] = 0.5,
    cells: float = 0.2,
    families: int | Iterable[str] = 1,
    groups: str | Callable[[Case], str] | None = None,
    random_state: int = 0,
) -> Split:
    """Divide cases for discovery and test.

    Parameters
    ----------
    cases : sequence of Case, or TemplateProbe
    entities : float or names, default 0.5
        Share of the entities held out, or which.
    cells : float, default 0.2
        Share of the combinations of factor levels held out. None are where a level would then never be seen.
    families : int or names, default 1
        How many template families are held out, or which; none where there are fewer than three.
    groups : str or callable, optional
        What cases depend on each other by, as for :func:`surrogates.generalise`; by default their entity.
    random_state : int, default 0

    Raises
    ------
    InputError
        If nothing is left on one side, or names are unknown.
    """
    cases = [grouped(c, groups) for c in getattr(cases, "cases", cases)]
    cells = number("cells", cells, low=0, high=1, open_high=True)
    rng = np.random.default_rng([random_state, 7])
    names = sorted({c.entity for c in cases})
    new_entities = _chosen("entities", entities, names, rng)
    if not new_entities or len(new_entities) == len(names):
        raise InputError("entities", f"leave some of {len(names)} for discovery and some for the test", entities)
    new_families = _chosen_families(families, sorted({c.template for c in cases}), rng)
    combos = sorted({c.cell for c in cases if c.template not in new_families})
    new_cells = _chosen_cells(combos, cells, rng)
    entity = np.array([c.entity in new_entities for c in cases])
    family = np.array([c.template in new_families for c in cases])
    cell = np.array([c.cell in new_cells for c in cases])
    return Split(
        np.flatnonzero(~entity & ~family & ~cell),
        np.flatnonzero(entity & ~family & ~cell),
        np.flatnonzero(entity & ~family & cell),
        np.flatnonzero(entity & family),
    )


def _chosen_families(families: int | Iterable[str], names: list[str], rng: np.random.Generator) -> set[str]:
    """Choose the template families to hold out."""
    if isinstance(families, int):
        if families < 0 or isinstance(families, bool):
            raise InputError("families", "be a number of at least 0, or names", families)
        count = max(min(families, len(names) - 2), 0)
        chosen = {names[i] for i in rng.permutation(len(names))[:count]}
    else:
        chosen = _chosen("families", families, names, rng)
    if len(chosen) == len(names):
        raise InputError("families", "leave some for discovery", families)
    return chosen


def _chosen(what: str, wish: Any, names: list[str], rng: np.random.Generator) -> set[str]:
    """Choose a share of names at random, or the names that are asked for."""
    if isinstance(wish, (int, float)):
        if isinstance(wish, bool) or not 0 < wish < 1:
            raise InputError(what, "be a share between 0 and 1, or names", wish)
        return {names[i] for i in rng.permutation(len(names))[: max(1, round(wish * len(names)))]}
    if isinstance(wish, str) or not isinstance(wish, Iterable):
        raise InputError(what, "be a share between 0 and 1, or names", wish)
    wanted = set(wish)
    if unknown := wanted - set(names):
        raise InputError(what, f"name some of {', '.join(names[:12])}", sorted(unknown))
    return wanted


def _chosen_cells(combos: list[tuple[tuple[str, str], ...]], share: float, rng: np.random.Generator) -> set[Any]:
    """Choose combinations that together show the most levels, while every pair of levels is seen in others."""
    count = int(share * len(combos))
    best: tuple[int, set[Any]] = (0, set())
    for _ in range(60 if count else 0):
        hidden = {combos[i] for i in rng.permutation(len(combos))[:count]}
        kept = [c for c in combos if c not in hidden]
        if _pairs(kept) == _pairs(combos):
            covered = len({pair for c in hidden for pair in c})
            best = max(best, (covered, hidden), key=lambda b: b[0])
    return best[1]


def _pairs(combos: Iterable[tuple[tuple[str, str], ...]]) -> set[Any]:
    """Return every level, and every two levels that occur together."""
    return {pair for c in combos for pair in [*((p,) for p in c), *combinations(c, 2)]}
