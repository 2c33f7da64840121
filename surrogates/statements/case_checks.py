"""A claim looked at case by case: how many satisfy it, where it fits least, and which cases contradict it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from probes.cases.case import RESERVED
from surrogates.statements.entity_effects import wilson
from surrogates.statements.statement import Statement

__all__ = ["CaseChecks", "check_cases"]

#: counter-examples that are kept
_EXAMPLES = 5


@dataclass(frozen=True)
class CaseChecks:
    """What single cases say about a claim.

    Attributes
    ----------
    precision, low, high : float
        Share of the cases that satisfy the claim, with a 95% interval that counts entities.
    worst : dict
        The combination of ``levels`` that fits the claim least, and by how much it does in the ``mean``.
    examples : list of dict
        Cases that contradict it, worst first.
    asked : list of dict
        A case of every set that it is about, chosen by its place alone, with ``where``, the set in words.
    """

    precision: float
    low: float
    high: float
    worst: Mapping[str, object]
    examples: Sequence[Mapping[str, object]]
    asked: Sequence[Mapping[str, object]] = ()


def check_cases(s: Statement, frame: pd.DataFrame) -> CaseChecks:
    """Check a claim on every case that it is about."""
    gap, scoped = s.gaps(frame)
    fit = s.min_effect - np.abs(gap) if s.kind == "equivalence" else s.sign * gap - s.min_effect
    inside = frame[scoped].assign(fit=fit[scoped])
    share = float((inside["fit"] > 0).mean())
    sizes = inside.groupby("entity").size()
    design_effect = 1 + (float(sizes.mean()) - 1) * _icc(inside)
    low, high = wilson(share, max(len(inside) / design_effect, 1.0))
    return CaseChecks(share, low, high, _worst_cell(inside), _counter_examples(inside), _middle(s, frame, inside))


def _middle(s: Statement, frame: pd.DataFrame, inside: pd.DataFrame) -> list[dict[str, object]]:
    """Return a case of every set: of the first the middle one by its name, of others one that is most like it."""
    order = inside.sort_values("case_id", kind="stable")
    first = order.iloc[(len(order) - 1) // 2]
    factors = [c for c in frame.columns if c not in RESERVED]
    out = [{**_shown(first), "where": str(s.parts[0][1])}]
    for (_, scope), (_, mask) in zip(s.parts[1:], s.masks(frame)[1:], strict=True):
        others = frame[mask]
        near = sum((others[c] == first[c]).to_numpy(dtype=int) for c in factors) + len(factors) * (
            others["entity"] == first["entity"]
        ).to_numpy(dtype=int)
        out.append({**_shown(others.iloc[int(np.argmax(near))]), "where": "otherwise" if s.otherwise else str(scope)})
    return out


def _shown(case: Mapping[str, Any] | pd.Series) -> dict[str, object]:
    """Return what is kept of a case that is shown."""
    kept = {name: case[name] for name in ("prompt", "target", "answer")}
    return {**kept, "value": float(case["value"]), "entity": str(case["entity"])}


def _worst_cell(inside: pd.DataFrame) -> dict[str, object]:
    """Return the combination of levels with the lowest mean of ``fit``; empty where there are no factors."""
    factors = [c for c in inside.columns if c not in (*RESERVED, "fit")]
    if not factors:
        return {}
    cells = inside.groupby(factors, dropna=False)["fit"].mean()  # factors that only some cases have
    worst = int(cells.to_numpy().argmin())
    at = cells.index[worst]
    levels = zip(factors, at if isinstance(at, tuple) else (at,), strict=True)
    return {"levels": {f: str(v) for f, v in levels if v == v}, "mean": float(cells.iloc[worst])}


def _counter_examples(inside: pd.DataFrame) -> list[dict[str, object]]:
    """Return cases whose ``fit`` is not above 0, lowest first."""
    wrong = inside[inside["fit"] <= 0].sort_values(["fit", "case_id"]).head(_EXAMPLES)
    return [_shown(r) for r in wrong.to_dict("records")]


def _icc(inside: pd.DataFrame) -> float:
    """Return the intraclass correlation of satisfying the claim among cases of one entity, between 0 and 1."""
    hit = (inside["fit"] > 0).astype(float)
    total = float(hit.var(ddof=0))
    if total == 0:
        return 0.0
    means = hit.groupby(inside["entity"]).transform("mean")
    sizes = hit.groupby(inside["entity"]).transform("size")
    between = float(((means - hit.mean()) ** 2).mean())
    m = float(sizes.mean())
    return float(np.clip((between / total - 1 / m) / (1 - 1 / m), 0, 1)) if m > 1 else 0.0
