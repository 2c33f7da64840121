"""Statements put to the test: effects, intervals, verdicts and counter-examples on cases that nothing was chosen by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from probes.cases.case import RESERVED
from probes.cases.metrics import METRICS
from probes.errors import InputError
from surrogates.statements.entity_effects import FEWEST_ENTITIES, Effect, holm, wilson
from surrogates.statements.statement import Statement

__all__ = ["Judged", "judge", "supported"]

ALPHA = 0.05
_EXAMPLES = 5
#: entities beyond which it does not help to name a number
_MANY = 100_000
_NO_CONTROL = "its margin is a share of the positive control's effect, and there is no control"


@dataclass(frozen=True)
class Judged:
    """A statement with what the unseen cases say about it.

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
        Share of the cases it is about that satisfy it one by one, each beside its like on the other side.
    p, p_against : float
        For and against the claim, adjusted by Holm over all statements.
    discovery : float
        The effect where the statement was found; NaN for a statement that was given.
    unconditional : float
        The effect that the answers alone have, scored without their prompts; NaN where they cannot be. What is true of
        them already is no achievement of the prompt.
    parts : dict
        Effect, interval and number of entities in held-out entities, cells and families.
    worst : dict
        The combination of levels that fits the claim least.
    examples : list of dict
        Cases that contradict it, worst first.
    digest : str
        Of the frozen statement.
    found : bool
        Whether it was found on cases of the same model, rather than given.
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
    found: bool = False


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
    found = [
        _evidence(s, frame) if s.of_control is None else (None, np.nan, np.nan, _NO_CONTROL, "")
        for s, frame in zip(frozen, frames, strict=True)
    ]
    origins = discovery if discovery is not None else [None] * len(frozen)
    p_for = holm(np.array([f[1] for f in found]))
    p_against = holm(np.array([f[2] for f in found]))
    tested = int(np.isfinite(p_for).sum())
    out = []
    names, units = ([m] * len(frozen) if isinstance(m, str) else list(m) for m in (metric, unit))
    rows = zip(frozen, frames, origins, found, p_for, p_against, names, units, strict=True)
    for s, frame, origin, (e, _, _, why, level), yes, no, name, measure in rows:
        if blocked or e is None:
            bare = Judged(s, s.claim(name, measure), "not testable", blocked or why, name, measure, digest=s.digest)
            out.append(replace(bare, found=origin is not None))
            continue
        parts = _parts(s, frame, name)
        verdict, reason = _verdict(s, e, float(yes), float(no), alpha, parts, level, tested)
        low, high = _interval(s, e, frame if s.every is None else frame[frame[s.every] == level], name)
        share, precision_low, precision_high, worst, examples = _cases(s, frame)
        earlier = s.estimate(origin) if origin is not None else None
        whole = sum(m for _, m in s.masks(frame))
        numbers: dict[str, Any] = {
            "effect": e.value,
            "low": low,
            "high": high,
            "standardised": e.value / e.spread if e.spread > 0 else np.nan,
            "entities": e.entities,
            "cases": e.cases,
            "coverage": float(np.mean(np.asarray(whole) > 0)),
            "precision": share,
            "precision_low": precision_low,
            "precision_high": precision_high,
            "p": float(yes),
            "p_against": float(no),
            "discovery": earlier.value if earlier else np.nan,
            "unconditional": _unconditional(s, frame, level),
        }
        told: dict[str, Any] = {"parts": parts, "worst": worst, "examples": examples, "digest": s.digest}
        told["found"] = origin is not None
        out.append(
            Judged(s, _words(s, e, (low, high), name, measure), verdict, reason, name, measure, **numbers, **told)
        )
    return out


def supported(statements: Sequence[Statement], frames: Sequence[pd.DataFrame], alpha: float = ALPHA) -> list[bool]:
    """Which statements :func:`judge` would call supported, without the rest of what it says about them."""
    found = [_evidence(s, frame) for s, frame in zip(statements, frames, strict=True)]
    p_for = holm(np.array([f[1] for f in found]))
    p_against = holm(np.array([f[2] for f in found]))
    out = []
    for s, frame, (e, *_, level), yes, no in zip(statements, frames, found, p_for, p_against, strict=True):
        if e is None or not yes < alpha:
            out.append(False)
            continue
        out.append(_verdict(s, e, float(yes), float(no), alpha, _parts(s, frame), level)[0] == "supported")
    return out


def _unconditional(s: Statement, frame: pd.DataFrame, level: str) -> float:
    if "unconditional" not in frame.columns:
        return np.nan
    part = frame[frame[s.every] == level] if s.every is not None else frame
    e = s.estimate(part.assign(value=part["unconditional"], chance=part["unconditional_chance"]))
    return np.nan if e is None else e.value


def _with_margin(s: Statement, control: Effect | None) -> Statement:
    if s.of_control is None or control is None or control.value == 0:
        return s
    return replace(s, min_effect=abs(s.of_control * control.value), of_control=None)


def _evidence(s: Statement, frame: pd.DataFrame) -> tuple[Effect | None, float, float, str, str]:
    """The effect, two-sided p-values for and against, why there is none, and the level of ``every`` it is of."""
    if s.every is None:
        e = s.estimate(frame)
        return (
            (e, *_p_values(s, e), _lacking(e, s, frame), "")
            if _enough(e)
            else (None, np.nan, np.nan, _lacking(e, s, frame), "")
        )
    if s.every not in frame.columns:
        raise InputError("every", "name a factor", s.every)
    inside = frame[np.any([m for _, m in s.masks(frame)], axis=0)]
    levels = sorted(inside[s.every].dropna().unique())
    each = {level: s.estimate(inside[inside[s.every] == level]) for level in levels}
    usable = {level: e for level, e in each.items() if e is not None and _enough(e)}
    if not usable or len(usable) < len(levels):
        poor = next((level for level in levels if level not in usable), "")
        return None, np.nan, np.nan, f"{s.every} {poor}: " + _lacking(each.get(poor), s, frame), poor
    p = {level: _p_values(s, e) for level, e in usable.items()}
    # all levels must support it, so the weakest counts as it is; against it the best of several chances is corrected
    worst = max(usable, key=lambda level: (p[level][0], -p[level][1], -_room(s, usable[level])))
    return usable[worst], p[worst][0], min(1.0, len(p) * min(v[1] for v in p.values())), "", worst


def _enough(e: Effect | None) -> bool:
    return e is not None and e.entities >= FEWEST_ENTITIES


def _lacking(e: Effect | None, s: Statement, frame: pd.DataFrame) -> str:
    have = 0 if e is None else e.entities
    if e is None:
        counts = [int(frame.loc[m, "entity"].nunique()) for _, m in s.masks(frame)]
        have = min(counts)
    return f"a test needs at least {FEWEST_ENTITIES} entities on each side, here are {have}"


def _p_values(s: Statement, e: Effect | None) -> tuple[float, float]:
    if e is None:
        return np.nan, np.nan
    m = s.min_effect
    if s.kind == "equivalence":
        yes, no = max(e.p_above(-m), e.p_below(m)), min(1.0, 2 * min(e.p_above(m), e.p_below(-m)))
    else:
        above, below = e.p_above(s.sign * m), e.p_below(s.sign * m)
        yes, no = (min(1.0, 2 * p) for p in ((above, below) if s.sign > 0 else (below, above)))
    return yes, no if e.error > 0 else 1 - yes  # where nothing varies it is so or it is not


def _room(s: Statement, e: Effect) -> float:
    """By how much an effect satisfies the claim; negative where it does not."""
    return s.min_effect - abs(e.value) if s.kind == "equivalence" else s.sign * e.value - s.min_effect


def _interval(s: Statement, e: Effect, frame: pd.DataFrame, metric: str) -> tuple[float, float]:
    """The effect's 95% interval, cut to what the metric can be."""
    low, high = e.interval()
    bounds = METRICS[metric].bounds if metric in METRICS else None
    if bounds is None:
        return low, high
    if len(s.parts) > 1:
        most = (bounds[1] - bounds[0]) * len(s.parts) / 2
        return max(low, -most), min(high, most)
    ends = [s.estimate(frame.assign(value=v)) for v in bounds]
    least, most = (end.value if end else v for end, v in zip(ends, (-np.inf, np.inf), strict=True))
    return max(low, least), min(high, most)


def _parts(s: Statement, frame: pd.DataFrame, metric: str = "") -> dict[str, dict[str, float]]:
    """The effect in each kind of held-out cases."""
    out = {}
    for part in dict.fromkeys(frame["part"]) if "part" in frame.columns else ():
        cases = frame[frame["part"] == part]
        e = s.estimate(cases)
        if e is not None and e.entities >= FEWEST_ENTITIES:
            low, high = _interval(s, e, cases, metric)
            against = _p_values(s, e)[1]
            out[str(part)] = {"effect": e.value, "low": low, "high": high, "entities": e.entities, "against": against}
    return out


def _verdict(
    s: Statement,
    e: Effect,
    yes: float,
    no: float,
    alpha: float,
    parts: Mapping[str, Mapping[str, float]],
    level: str,
    tested: int = 1,
) -> tuple[str, str]:
    """The verdict and a reason; where open, the entities that would settle it with a chance of 80% among `tested`."""
    where = f"in {s.every} {level}" if level else ""
    contrary = [name for name, p in parts.items() if p["against"] < alpha / max(len(parts), 1)]
    if no < alpha:
        return "refuted", where
    if contrary and len(parts) > 1:
        return "refuted", f"not in held-out {contrary[0]}"
    if yes < alpha:
        return "supported", ""
    reach = stats.norm.isf(alpha / (2 * tested)) + stats.norm.ppf(0.8)
    needed = e.entities * (reach * e.error / gap) ** 2 if (gap := abs(_room(s, e))) > 0 else np.inf
    if not needed < _MANY:
        return "inconclusive", f"{where} too close to its bound for {_MANY:,} entities to settle".strip()
    needed = max(int(np.ceil(needed)), e.entities + 1)
    return "inconclusive", f"{where} about {needed} entities would settle an effect of this size".strip()


def _words(s: Statement, e: Effect, interval: tuple[float, float], metric: str, unit: str) -> str:
    low, high = interval
    # a mean that is compared with a number is shown as it is, all else as a difference
    level = float(s.reference) if len(s.parts) == 1 and s.reference != "chance" else 0.0
    value = f"{e.value + level:.3g}" if level else f"{e.value:+.3g}"
    margin = f" (margin ±{s.min_effect:.3g})" if s.kind == "equivalence" else ""
    number = f"{value} {unit} [{low + level:.3g}, {high + level:.3g}]{margin}, {e.entities} entities"
    number = number.replace("-", "−")
    return f"{s.claim(metric, unit)}: {number}"


def _cases(s: Statement, frame: pd.DataFrame) -> tuple[float, float, float, dict[str, Any], list[dict[str, Any]]]:
    """Precision with its interval, worst cell and counter-examples."""
    gap, scoped = s.gaps(frame)
    fit = s.min_effect - np.abs(gap) if s.kind == "equivalence" else s.sign * gap - s.min_effect
    inside = frame[scoped].assign(fit=fit[scoped])
    share = float((inside["fit"] > 0).mean())
    sizes = inside.groupby("entity").size()
    design = 1 + (float(sizes.mean()) - 1) * _icc(inside)
    low, high = wilson(share, max(len(inside) / design, 1.0))
    factors = [c for c in inside.columns if c not in (*RESERVED, "fit")]
    worst: dict[str, Any] = {}
    if factors:
        cells = inside.groupby(factors, dropna=False)["fit"].mean()  # factors that only some cases have
        least = int(cells.to_numpy().argmin())
        at = cells.index[least]
        levels = zip(factors, at if isinstance(at, tuple) else (at,), strict=True)
        worst = {"levels": {f: str(v) for f, v in levels if v == v}, "mean": float(cells.iloc[least])}
    wrong = inside[inside["fit"] <= 0].sort_values(["fit", "case_id"]).head(_EXAMPLES)
    examples = [
        {"prompt": r["prompt"], "target": r["target"], "answer": r["answer"], "value": float(r["value"])}
        | {"entity": r["entity"]}
        for r in wrong.to_dict("records")
    ]
    return share, low, high, worst, examples


def _icc(inside: pd.DataFrame) -> float:
    """How alike cases of one entity are in satisfying the claim, between 0 and 1."""
    hit = (inside["fit"] > 0).astype(float)
    total = float(hit.var(ddof=0))
    if total == 0:
        return 0.0
    means = hit.groupby(inside["entity"]).transform("mean")
    sizes = hit.groupby(inside["entity"]).transform("size")
    between = float(((means - hit.mean()) ** 2).mean())
    m = float(sizes.mean())
    return float(np.clip((between / total - 1 / m) / (1 - 1 / m), 0, 1)) if m > 1 else 0.0
