"""Statements put to the test: effects, intervals, verdicts and counter-examples on cases that nothing was chosen by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from probes.cases.metrics import CHANGE, METRICS
from probes.rounding import between, in_unit, rounded, signed
from surrogates.statements.case_checks import check_cases
from surrogates.statements.claim_test import ClaimTest, distance, p_values, run_claim_test
from surrogates.statements.entity_effects import FEWEST_ENTITIES, Effect, holm
from surrogates.statements.statement import Statement

__all__ = ["Judged", "judge", "supported"]

ALPHA = 0.05
#: entities beyond which it does not help to name a number
_MANY = 100_000
_NO_CONTROL = "its margin is a share of the positive control's effect, and there is no control"


@dataclass(frozen=True)
class Judged:
    """A statement, tested on cases that it was not found on.

    Attributes
    ----------
    statement : Statement
    words : str
        The claim with its numbers.
    verdict : {"supported", "refuted", "inconclusive", "not testable"}
    reason : str
    metric, unit : str
    effect, low, high : float
        In the unit of the metric, with a 95% interval over entities.
    standardised : float
        The effect in standard deviations of the cases.
    entities, cases : int
    coverage : float
        Share of the cases that the statement is about.
    precision, precision_low, precision_high : float
        Share of the cases it is about that satisfy it one by one, each against its peers on the other side.
    p, p_against : float
        For and against the claim, adjusted by Holm over all statements.
    discovery : float
        The effect where the statement was found; NaN for a statement that was given.
    unconditional : float
        The effect on answers scored without their prompts; NaN where they cannot be. An effect that the answers have
        by themselves does not come from the prompt.
    parts : dict
        Effect, interval and number of entities in held-out entities, cells and families.
    worst : dict
        The combination of levels that fits the claim least.
    examples : list of dict
        Cases that contradict it, worst first.
    digest : str
        Of the frozen statement.
    asked : list of dict
        A case of every set that it is about, chosen by its place alone, with ``where``, the set in words.
    error, df : float
        Standard error of the effect, and its degrees of freedom.
    level : str
        The level of the statement's ``every`` that the effect is of.
    pulls : dict of str to (int, float)
        How far every entity pulls the effect, see :class:`~surrogates.statements.entity_effects.Effect`.
    discovered : bool
        Whether it was chosen on other cases of the same model, rather than given.
    """

    statement: Statement
    words: str
    verdict: str
    reason: str
    metric: str = ""
    unit: str = ""
    effect: float = np.nan
    low: float = np.nan
    high: float = np.nan
    standardised: float = np.nan
    entities: int = 0
    cases: int = 0
    coverage: float = np.nan
    precision: float = np.nan
    precision_low: float = np.nan
    precision_high: float = np.nan
    p: float = np.nan
    p_against: float = np.nan
    discovery: float = np.nan
    unconditional: float = np.nan
    parts: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    worst: Mapping[str, Any] = field(default_factory=dict)
    examples: Sequence[Mapping[str, Any]] = ()
    digest: str = ""
    asked: Sequence[Mapping[str, Any]] = ()
    error: float = np.nan
    df: float = np.nan
    level: str = ""
    pulls: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    discovered: bool = False


def judge(
    statements: Sequence[Statement],
    frames: Sequence[pd.DataFrame],
    metric: str | Sequence[str],
    unit: str | Sequence[str],
    *,
    discovery: Sequence[pd.DataFrame | None] | None = None,
    control: Effect | None = None,
    alpha: float = ALPHA,
    blocked: str = "",
) -> list[Judged]:
    """Test frozen statements on cases that nothing was chosen by.

    Parameters
    ----------
    statements : sequence of Statement
    frames : sequence of DataFrame
        The test cases of each; a column ``part`` says whether a case is held out by entity, cell or family.
    metric, unit : str, or sequence of str
        Of all statements, or of each.
    discovery : sequence of (DataFrame or None), optional
        The cases that each was found on.
    control : Effect, optional
        The positive control's effect, which margins of equivalence may be a share of.
    alpha : float
        Of the whole family of statements (Holm).
    blocked : str
        A reason for which nothing is testable.
    """
    frozen = [_with_margin(s, control) for s in statements]
    tests = [
        run_claim_test(s, frame) if s.of_control is None else ClaimTest(None, reason=_NO_CONTROL)
        for s, frame in zip(frozen, frames, strict=True)
    ]
    adjusted = _adjusted(tests)
    tested = sum(bool(np.isfinite(p)) for p, _ in adjusted)
    names, units = ([m] * len(frozen) if isinstance(m, str) else list(m) for m in (metric, unit))
    origins = discovery if discovery is not None else [None] * len(frozen)
    out = []
    rows = zip(frozen, frames, origins, tests, adjusted, names, units, strict=True)
    for s, frame, origin, test, p, name, measure in rows:
        if blocked or test.effect is None:
            claim, reason = s.claim(name, measure), blocked or test.reason
            judged = Judged(s, claim, "not testable", reason, name, measure, digest=s.digest)
        else:
            judged = _judged(s, frame, test, p, alpha, tested, name, measure)
            earlier = s.estimate(origin) if origin is not None else None
            judged = replace(judged, discovery=earlier.value if earlier else np.nan)
        out.append(replace(judged, discovered=origin is not None))
    return out


def _judged(
    s: Statement,
    frame: pd.DataFrame,
    test: ClaimTest,
    p: tuple[float, float],
    alpha: float,
    tested: int,
    metric: str,
    unit: str,
) -> Judged:
    """Judge a statement that can be tested, given its test and p-values adjusted for all `tested` statements."""
    e = test.effect
    assert e is not None
    parts = _parts(s, frame, metric)
    verdict, reason = _verdict(s, test, p, alpha, parts, tested)
    low, high = _interval(s, e, frame if s.every is None else frame[frame[s.every] == test.level], metric)
    checks = check_cases(s, frame)
    numbers: dict[str, Any] = {
        "effect": e.value,
        "low": low,
        "high": high,
        "standardised": e.value / e.spread if e.spread > 0 else np.nan,
        "entities": e.entities,
        "cases": e.cases,
        "coverage": float(np.any([m for _, m in s.masks(frame)], axis=0).mean()),
        "precision": checks.precision,
        "precision_low": checks.low,
        "precision_high": checks.high,
        "p": p[0],
        "p_against": p[1],
        "unconditional": _unconditional(s, frame, test.level),
        "error": e.error,
        "df": e.df,
    }
    details: dict[str, Any] = {"parts": parts, "worst": checks.worst, "examples": checks.examples, "digest": s.digest}
    details |= {"asked": checks.asked, "level": test.level, "pulls": e.pulls}
    return Judged(s, _words(s, e, (low, high), metric, unit), verdict, reason, metric, unit, **numbers, **details)


def _adjusted(tests: Sequence[ClaimTest]) -> list[tuple[float, float]]:
    """Compute p-values for and against each claim, adjusted by Holm over all."""
    p_for, p_against = (holm(np.array([getattr(t, n) for t in tests])) for n in ("p_for", "p_against"))
    return list(zip(p_for.tolist(), p_against.tolist(), strict=True))


def supported(statements: Sequence[Statement], frames: Sequence[pd.DataFrame], alpha: float = ALPHA) -> list[bool]:
    """Say which statements :func:`judge` would call supported, without the rest of its work."""
    tests = [run_claim_test(s, frame) for s, frame in zip(statements, frames, strict=True)]
    out = []
    for s, frame, test, p in zip(statements, frames, tests, _adjusted(tests), strict=True):
        likely = test.effect is not None and p[0] < alpha
        out.append(likely and _verdict(s, test, p, alpha, _parts(s, frame))[0] == "supported")
    return out


def _unconditional(s: Statement, frame: pd.DataFrame, level: str) -> float:
    """Return the effect on answers scored without their prompts, in the level of ``every`` that the test is of."""
    if "unconditional" not in frame.columns:
        return np.nan
    part = frame[frame[s.every] == level] if s.every is not None else frame
    e = s.estimate(part.assign(value=part["unconditional"], chance=part["unconditional_chance"]))
    return np.nan if e is None else e.value


def _with_margin(s: Statement, control: Effect | None) -> Statement:
    """Replace a margin that is a share of the control's effect by its value, where there is a control."""
    if s.of_control is None or control is None or control.value == 0:
        return s
    return replace(s, min_effect=abs(s.of_control * control.value), of_control=None)


def _interval(s: Statement, e: Effect, frame: pd.DataFrame, metric: str) -> tuple[float, float]:
    """Return the effect's 95% interval, cut to what the metric can be."""
    low, high = e.interval()
    bounds = _bounds(metric)
    if bounds is None:
        return low, high
    if len(s.parts) > 1:
        most = (bounds[1] - bounds[0]) * len(s.parts) / 2
        return max(low, -most), min(high, most)
    ends = [s.estimate(frame.assign(value=v)) for v in bounds]
    least, most = (end.value if end else v for end, v in zip(ends, (-np.inf, np.inf), strict=True))
    return max(low, least), min(high, most)


def _bounds(metric: str) -> tuple[float, float] | None:
    """Return the least and the most that a metric, or a change of it, can be."""
    of = METRICS.get(metric.removeprefix(CHANGE))
    if of is None or of.bounds is None or not metric.startswith(CHANGE):
        return of.bounds if of else None
    return of.bounds[0] - of.bounds[1], of.bounds[1] - of.bounds[0]


def _parts(s: Statement, frame: pd.DataFrame, metric: str = "") -> dict[str, dict[str, float]]:
    """Return the effect in each kind of held-out cases."""
    out = {}
    for part in dict.fromkeys(frame["part"]) if "part" in frame.columns else ():
        cases = frame[frame["part"] == part]
        e = s.estimate(cases)
        if e is not None and e.entities >= FEWEST_ENTITIES:
            low, high = _interval(s, e, cases, metric)
            against = p_values(s, e)[1]
            out[str(part)] = {"effect": e.value, "low": low, "high": high, "entities": e.entities, "against": against}
    return out


def _verdict(
    s: Statement,
    test: ClaimTest,
    p: tuple[float, float],
    alpha: float,
    parts: Mapping[str, Mapping[str, float]],
    tested: int = 1,
) -> tuple[str, str]:
    """Decide the verdict and a reason; if inconclusive, the entities that settle it in 80% of repetitions."""
    e, (p_for, p_against) = test.effect, p
    assert e is not None
    where = f"in {s.every} {test.level}" if test.level else ""
    contrary = [name for name, p in parts.items() if p["against"] < alpha / max(len(parts), 1)]
    if p_against < alpha:
        return "refuted", where
    if contrary and len(parts) > 1:
        return "refuted", f"not in held-out {contrary[0]}"
    if p_for < alpha:
        return "supported", ""
    reach = stats.norm.isf(alpha / (2 * tested)) + stats.norm.ppf(0.8)
    needed = e.entities * (reach * e.error / gap) ** 2 if (gap := abs(distance(s, e))) > 0 else np.inf
    if not needed < _MANY:
        return "inconclusive", f"{where} too close to its bound for {_MANY:,} entities to settle".strip()
    needed = max(int(np.ceil(needed)), e.entities + 1)
    return "inconclusive", f"{where} about {needed} entities would settle an effect of this size".strip()


def _words(s: Statement, e: Effect, interval: tuple[float, float], metric: str, unit: str) -> str:
    """Put the claim in words with its effect, interval and number of entities."""
    low, high = interval
    # a mean that is compared with a number is shown as it is, all else as a difference
    level = float(s.reference) if len(s.parts) == 1 and s.reference != "chance" else 0.0
    value = rounded(e.value + level) if level else signed(e.value)
    margin = f" (margin ±{rounded(s.min_effect)})" if s.kind == "equivalence" else ""
    size = f"{in_unit(value, unit)} {between(low + level, high + level)}{margin}, {e.entities} entities"
    return f"{s.claim(metric, unit)}: {size}"
