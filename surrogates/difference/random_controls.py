"""Random controls: what interventions of the same size, drawn at random, change on the cases of a comparison.

One drawn intervention has an effect of its own, however little it means, so several are drawn. Whether such do anything
on the whole is a question about their mean, uncertain by entities and draws. Whether another model does more than they
is one about the next draw: a mean of nothing says little where single draws move things both ways.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from inspect import signature
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from probes.asking.cost import Cost
from probes.cases.case import Case
from probes.cases.measured import Measured
from probes.cases.paired_measures import changes
from probes.models.adapt import as_model
from surrogates.difference.arms import BESIDE, arm, is_right
from surrogates.statements.claim_test import run_claim_test
from surrogates.statements.entity_effects import Effect, effect, holm
from surrogates.statements.verdicts import Judged

__all__ = ["CONTROL", "RandomControls", "crossed", "drawn"]

#: name of the arm
CONTROL = "random control"
#: draws from which on the degrees of freedom are those of the sum of both variances; the fewer are taken before
_ENOUGH = 5
#: draws tried for every one wanted, where some come out the same
_TRIES = 4


def drawn(model: object, controls: int, random_state: int) -> Iterator[Any]:
    """Yield the model's controls, each another one, as many as there are up to `controls`; none if it has none.

    Each is made when it is reached, so that copies of weights need not be held together.
    """
    make = getattr(model, "control", None)
    if not callable(make) or "random_state" not in signature(make).parameters:
        return
    seen = set[str]()
    for seed in np.random.SeedSequence([random_state, 23]).generate_state(_TRIES * controls):
        if len(seen) == controls:
            return
        made = make(random_state=int(seed))
        if (identity := as_model(made).identity().id) not in seen:
            seen.add(identity)
            yield made


def crossed(pooled: Effect, draws: Sequence[Effect], another: bool = False) -> Effect:
    """Return the effect of an average draw, uncertain by its entities and by the draws.

    Parameters
    ----------
    pooled : Effect
        Of the mean over draws of each case.
    draws : sequence of Effect
        Of each draw alone.
    another : bool, default False
        Whether the effect of one more draw is meant, rather than that of an average one.

    Returns
    -------
    Effect
        Its variance is the sum of that over entities and of that over draws. What belongs to single pairs of entity and
        draw counts in both, which makes intervals wider where it is most of the variance. Of one draw `pooled`.

    Notes
    -----
    Degrees of freedom are those of Satterthwaite (1946); of fewer than five draws the smaller of the two, since they
    are then too many.

    Examples
    --------
    >>> entities, three = Effect(0.2, 0.1, 9.0, 10, 10, 1.0), [Effect(v, 0.1, 9.0, 10, 10, 1.0) for v in (0, 0.2, 0.4)]
    >>> np.round(crossed(entities, three).interval(), 2)
    array([-0.46,  0.86])
    """
    count = len(draws)
    if count < 2:
        return pooled
    over_draws = float(np.var([e.value for e in draws], ddof=1)) * (1 / count + another)
    total = pooled.error**2 + over_draws
    df = min(count - 1.0, pooled.df)
    if total > 0 and count >= _ENOUGH:
        df = total**2 / (pooled.error**4 / pooled.df + over_draws**2 / (count - 1))
    return replace(pooled, error=float(np.sqrt(total)), df=df)


@dataclass(frozen=True)
class RandomControls:
    """What the controls answered, on the cases that everybody answered.

    Attributes
    ----------
    base : Measured
        The first model.
    draws : tuple of Measured
        The controls.
    moved : DataFrame
        How the second model differs from the first, a row a case.
    values : ndarray ``(draws, n)``
        How the controls differ from it, a column a row of `moved`.
    cost : Cost
        Of all controls.
    """

    base: Measured
    draws: tuple[Measured, ...]
    moved: pd.DataFrame
    values: np.ndarray
    cost: Cost

    @classmethod
    def of(cls, base: Measured, after: Measured, draws: Sequence[Measured]) -> RandomControls:
        """Keep the cases that all answered."""
        spent = sum((draw.cost for draw in draws), Cost())
        known = [_numbered(m.frame) for m in (base, after, *draws)]
        everywhere = known[0]
        for index in known[1:]:
            everywhere = everywhere.intersection(index)
        kept = [_only(m, index.isin(everywhere)) for m, index in zip((base, after, *draws), known, strict=True)]
        first, second, *rest = kept
        moved = changes(first, second).frame
        values = np.array([changes(first, draw).frame["value"].to_numpy(dtype=float) for draw in rest])
        return cls(first, tuple(rest), moved, values, spent)

    def arm(self, cases: Sequence[Case]) -> dict[str, Any]:
        """Summarise them: a row of the table of arms, means over draws whose intervals cover the draws."""
        rows = [arm(CONTROL, self.base, draw, cases) for draw in self.draws]
        row = rows[0] | {k: float(np.mean([r[k] for r in rows])) for k, v in rows[0].items() if isinstance(v, float)}
        entity = self.moved["entity"].to_numpy()
        if (mean := _of_all(self.values, entity)) is not None:
            low, high = mean.interval()
            row |= {"change": mean.value, "low": low, "high": high, "p": _two_sided(mean)}
        right = [is_right(m, cases) for m in (self.base, *self.draws)]
        if right[0] is not None:
            numbers = np.array([r for r in right if r is not None], dtype=float)
            net = _of_all(numbers[1:] - numbers[0], entity)
            low, high = net.interval() if net else (np.nan, np.nan)
            row |= {"net_low": max(low, -1.0), "net_high": min(high, 1.0)}
        return row | {"draws": len(self.draws)}

    def beside(self, statements: Sequence[Judged], tested: set[str]) -> pd.DataFrame:
        """Estimate what the controls change where each statement says something, and what the second model does beyond.

        Parameters
        ----------
        statements : sequence of Judged
        tested : set of str
            ``case_id`` of the cases that test what was found; others are tested on all.
        """
        test = self.moved["case_id"].isin(tested).to_numpy()
        rows = [self._beside(s, test if s.discovered else np.ones(len(test), dtype=bool)) for s in statements]
        table = pd.DataFrame(rows, columns=["claim", *BESIDE.split()])
        return table.assign(p_beyond=holm(table["p_beyond"].to_numpy(dtype=float)))

    def _beside(self, judged: Judged, rows: np.ndarray) -> dict[str, Any]:
        """Estimate one statement's effect for the controls, and for the second model less the controls."""
        s, frame, values = judged.statement, self.moved[rows], self.values[:, rows]
        if s.every is not None and (level := run_claim_test(s, frame).level):  # the level that its effect is of
            here = (frame[s.every] == level).to_numpy()
            frame, values = frame[here], values[:, here]
        out: dict[str, Any] = {"claim": s.claim(judged.metric, judged.unit)}
        if not len(frame):
            return out
        less = frame["value"].to_numpy(dtype=float) - values
        for name, each in (("control", values), ("beyond", less)):
            pooled, *draws = [s.estimate(frame.assign(value=v)) for v in (each.mean(axis=0), *each)]
            if pooled is None:
                return out
            known = [e for e in draws if e is not None]
            both = crossed(pooled, known, another=name == "beyond")
            low, high = both.interval()
            out |= {name: both.value, f"{name}_low": low, f"{name}_high": high}
            if name == "control" and len(known) > 1:
                out["spread"] = float(np.std([e.value for e in known], ddof=1))
        if len(self.draws) < 2:  # what the next one would do is unknown
            return out | {"beyond_low": np.nan, "beyond_high": np.nan}
        return out | {"p_beyond": _two_sided(both)}


def _numbered(frame: pd.DataFrame) -> pd.MultiIndex:
    """Tell cases of one id apart by their number."""
    return pd.MultiIndex.from_arrays([frame["case_id"], frame.groupby("case_id").cumcount()])


def _only(measured: Measured, kept: np.ndarray) -> Measured:
    """Return some of the cases."""
    scores = tuple(score for score, keep in zip(measured.scores, kept, strict=False) if keep)
    return replace(measured, frame=measured.frame[kept].reset_index(drop=True), scores=scores)


def _of_all(values: np.ndarray, entity: np.ndarray) -> Effect | None:
    """Estimate the mean over draws ``(draws, n)`` and cases, every entity and draw with the same weight."""
    everywhere = [(1.0, np.ones(len(entity), dtype=bool))]
    pooled, *draws = [effect(y, entity, everywhere) for y in (values.mean(axis=0), *values)]
    return None if pooled is None else crossed(pooled, [e for e in draws if e is not None])


def _two_sided(e: Effect) -> float:
    """Return the two-sided p-value of "the effect is 0"."""
    if e.error == 0:
        return float(e.value == 0)
    return float(2 * stats.t.sf(abs(e.value) / e.error, e.df))
