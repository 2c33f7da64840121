"""The test of one claim: its effect on cases, and p-values for and against it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from probes.errors import InputError
from surrogates.statements.entity_effects import FEWEST_ENTITIES, Effect
from surrogates.statements.statement import Statement

__all__ = ["ClaimTest", "distance", "p_values", "run_claim_test"]


class ClaimTest(NamedTuple):
    """An effect, and two-sided p-values for and against a claim about it.

    Attributes
    ----------
    effect : Effect or None
        None where the claim cannot be tested.
    p_for, p_against : float
        Unadjusted; NaN where the claim cannot be tested.
    reason : str
        Why it cannot be tested.
    level : str
        The level of the claim's ``every`` that the effect is of; the one that fits the claim least.
    """

    effect: Effect | None
    p_for: float = np.nan
    p_against: float = np.nan
    reason: str = ""
    level: str = ""


def run_claim_test(s: Statement, frame: pd.DataFrame) -> ClaimTest:
    """Test a claim on a table of cases.

    Raises
    ------
    InputError
        If its ``every`` is no factor of the cases.
    """
    if s.every is not None:
        return _in_every_level(s, s.every, frame)
    e = s.estimate(frame)
    return ClaimTest(e, *p_values(s, e)) if _enough(e) else ClaimTest(None, reason=_lacking(e, s, frame))


def _in_every_level(s: Statement, every: str, frame: pd.DataFrame) -> ClaimTest:
    """Test a claim in each level of a factor; the level that fits it least counts."""
    if every not in frame.columns:
        raise InputError("every", "name a factor", every)
    inside = frame[np.any([m for _, m in s.masks(frame)], axis=0)]
    levels = sorted(inside[every].dropna().unique())
    each = {level: s.estimate(inside[inside[every] == level]) for level in levels}
    usable = {level: e for level, e in each.items() if e is not None and _enough(e)}
    if not usable or len(usable) < len(levels):
        poor = next((level for level in levels if level not in usable), "")
        return ClaimTest(None, reason=f"{every} {poor}: " + _lacking(each.get(poor), s, frame), level=poor)
    p = {level: p_values(s, e) for level, e in usable.items()}
    # all levels must support it, so the weakest counts as it is; against it the best of several chances is corrected
    worst = max(usable, key=lambda level: (p[level][0], -p[level][1], -distance(s, usable[level])))
    return ClaimTest(usable[worst], p[worst][0], min(1.0, len(p) * min(v[1] for v in p.values())), "", worst)


def _enough(e: Effect | None) -> bool:
    return e is not None and e.entities >= FEWEST_ENTITIES


def _lacking(e: Effect | None, s: Statement, frame: pd.DataFrame) -> str:
    """Say that too few entities are there for a test, and how many."""
    have = 0 if e is None else e.entities
    if e is None:
        counts = [int(frame.loc[m, "entity"].nunique()) for _, m in s.masks(frame)]
        have = min(counts)
        if have >= FEWEST_ENTITIES:
            return "no cases on either side of it have the same levels of all other factors, with which it goes along"
    return f"a test needs at least {FEWEST_ENTITIES} entities on each side, here are {have}"


def p_values(s: Statement, e: Effect | None) -> tuple[float, float]:
    """Compute two-sided p-values for and against a claim, given its effect; for an equivalence, two one-sided tests."""
    if e is None:
        return np.nan, np.nan
    m = s.min_effect
    if s.kind == "equivalence":
        yes, no = max(e.p_above(-m), e.p_below(m)), min(1.0, 2 * min(e.p_above(m), e.p_below(-m)))
    else:
        above, below = e.p_above(s.sign * m), e.p_below(s.sign * m)
        yes, no = (min(1.0, 2 * p) for p in ((above, below) if s.sign > 0 else (below, above)))
    return yes, no if e.error > 0 else 1 - yes  # where nothing varies it is so or it is not


def distance(s: Statement, e: Effect) -> float:
    """Compute by how much an effect satisfies the claim; negative where it does not."""
    return s.min_effect - abs(e.value) if s.kind == "equivalence" else s.sign * e.value - s.min_effect
