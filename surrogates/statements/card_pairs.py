"""The effects of two behaviour cards, statement by statement, and a test of each difference.

A card keeps how far every entity pulls an effect. Where both cards have an entity, its pulls are subtracted, so that
what the two models share (an easy entity, a hard one) drops out; an entity of one card alone counts for that card. With
the same entities on both this is the paired t test, with none in common Welch's. A card of an earlier version has
intervals alone: its effects are compared as those of independent samples.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from surrogates.statements.entity_effects import Effect, holm, variance_over
from surrogates.statements.entry import Entry

__all__ = ["ALPHA", "DIFFER", "NOT_TESTED", "NUMBERS", "UNCLEAR", "WORDS", "card_pairs"]

#: level of all tests of one pair of cards together
ALPHA = 0.05
#: share of a variance that is rounding
_ROUNDING = 1e-9
#: what is found of a difference
DIFFER, UNCLEAR, NOT_TESTED = "differ", "no clear difference", "not tested"
#: columns of the table
WORDS = "behaviour claim other_claim metric unit verdict other_verdict outcome reason"
NUMBERS = "effect other_effect difference low high p entities shared"
_ORDER = (
    "behaviour claim other_claim metric unit verdict effect other_verdict other_effect difference low high p entities "
    "shared outcome reason apart"
)
#: a statement that a card does not have
_ABSENT: Mapping[str, Any] = {"claim": "", "verdict": "", "effect": np.nan, "low": np.nan, "high": np.nan}


def card_pairs(entries: Sequence[Entry], others: Sequence[Entry]) -> pd.DataFrame:
    """Put the entries of two cards side by side, and test the difference of every effect that both have.

    Returns
    -------
    DataFrame
        See :attr:`surrogates.difference.card_difference.CardDifference.table`.
    """
    both = [s for e in (*entries, *others) for s in e.statements]
    by = "subject" if all("subject" in s for s in both) else "claim"  # older cards did not write it down
    mine, theirs = _numbered(entries, by), _numbered(others, by)
    rows = []
    for key in dict.fromkeys([*mine, *theirs]):
        a, b = mine.get(key, _ABSENT), theirs.get(key, _ABSENT)
        rows.append(
            {"behaviour": key[0], "claim": a["claim"], "other_claim": b["claim"], "metric": key[2], "unit": key[3]}
            | {"verdict": a["verdict"], "effect": a["effect"]}
            | {"other_verdict": b["verdict"], "other_effect": b["effect"], **_tested(a, b)}
        )
    table = pd.DataFrame(rows, columns=_ORDER.split())
    table["p"] = holm(table["p"].to_numpy(dtype=float))
    tested = np.isfinite(table["p"].to_numpy(dtype=float))
    apart = tested & (table["p"] < ALPHA)
    table["outcome"] = np.where(apart, DIFFER, np.where(tested, UNCLEAR, NOT_TESTED)).astype(object)
    return table.assign(apart=apart.astype(bool))


def _numbered(entries: Sequence[Entry], by: str) -> dict[tuple[Any, ...], Mapping[str, Any]]:
    """Return statements by what they are about, the first, second, … of those about one thing."""
    statements: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    seen = Counter[tuple[Any, ...]]()
    for e in entries:
        for s in e.statements:
            key = (e.name, s["subject"] if by == "subject" else s["claim"], s["metric"], s["unit"])
            statements[*key, seen[key]] = s
            seen[key] += 1
    return statements


def _tested(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    """Return the difference of two effects with its 95% interval and p-value, or why there is none."""
    reason = _untestable(a, b)
    if reason:
        numbers = dict.fromkeys(("difference", "low", "high", "p"), np.nan)
        return {**numbers, "entities": 0, "shared": 0, "reason": reason}
    change, shared = _change(a, b)
    low, high = change.interval()
    p = min(1.0, 2 * min(change.p_above(0.0), change.p_below(0.0)))
    how = "" if shared == change.entities else "not paired: " if not shared else f"{shared} paired: "
    why = "" if not how else "the cards have other entities" if _keeps(a) and _keeps(b) else "a card keeps no entities"
    numbers = {"difference": change.value, "low": low, "high": high, "p": p}
    return {**numbers, "entities": change.entities, "shared": shared, "reason": how + why}


def _untestable(a: Mapping[str, Any], b: Mapping[str, Any]) -> str:
    if not a["claim"] or not b["claim"]:
        return f"only on the {'first' if a['claim'] else 'second'} card"
    known = [bool(np.isfinite(s["low"]) and np.isfinite(s["high"])) for s in (a, b)]
    if not all(known):
        return f"no effect on {'either' if not any(known) else 'the second' if known[0] else 'the first'} card"
    levels = [f"“{s['level']}”" if s.get("level") else "all cases" for s in (a, b)]
    if levels[0] != levels[1]:  # of a claim about every level of a factor, the one that fits it least
        return f"the claim fits least for {levels[0]} on the first card, for {levels[1]} on the second: two effects"
    return ""


def _keeps(s: Mapping[str, Any]) -> bool:
    return bool(s.get("pulls"))


def _change(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[Effect, int]:
    """Return the second effect less the first, and how many entities are paired."""
    value, spread = b["effect"] - a["effect"], np.nan
    cases = int(a["cases"] + b["cases"])
    if not (_keeps(a) and _keeps(b)):
        variances, dfs = zip(*((error**2, df) for error, df in map(_standing, (a, b))), strict=True)
        total = sum(variances)
        df = total**2 / sum(v**2 / d for v, d in zip(variances, dfs, strict=True)) if total > 0 else min(dfs)
        return Effect(value, float(np.sqrt(total)), float(df), min(a["entities"], b["entities"]), cases, spread), 0
    names = sorted({*a["pulls"], *b["pulls"]})
    sides = [np.array([s["pulls"].get(name, (0, 0.0)) for name in names]) for s in (a, b)]
    present = np.column_stack([side[:, 0] for side in sides])
    total, df = variance_over(sides[1][:, 1] - sides[0][:, 1], present)
    total += sum(_unseen(s) for s in (a, b))
    shared = int((present > 0).all(axis=1).sum())
    entities = shared if shared == len(names) else min(len(a["pulls"]), len(b["pulls"]))
    return Effect(value, float(np.sqrt(total)), df, entities, cases, spread), shared


def _unseen(s: Mapping[str, Any]) -> float:
    """Return the part of an effect's variance that its entities do not show: where all cases are hits, say."""
    numbers = np.array([*s["pulls"].values()])
    rest = s["error"] ** 2 - variance_over(numbers[:, 1], numbers[:, :1])[0]
    return rest if rest > _ROUNDING * s["error"] ** 2 else 0.0


def _standing(s: Mapping[str, Any]) -> tuple[float, float]:
    """Return an effect's standard error and degrees of freedom; of an older card from its interval.

    An interval may be cut to what the metric can be, so the longer of its halves counts.
    """
    if np.isfinite(s.get("error", np.nan)):
        return s["error"], s["df"]
    df = max(s["entities"] - 1, 1)
    reach = max(s["high"] - s["effect"], s["effect"] - s["low"])
    return float(reach / stats.t.ppf(0.975, df)), float(df)
