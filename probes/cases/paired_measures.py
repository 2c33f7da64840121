"""Metrics that compare two measurements of the same cases: flips, what changed, and how two models diverge."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from probes.asking.cost import Cost
from probes.cases.case import RESERVED
from probes.cases.measured import Measured
from probes.cases.metrics import CHANGE, METRICS, Metric, kl
from probes.errors import InputError
from probes.rounding import counted

__all__ = ["changes", "divergence", "flips"]

#: share of the larger number up to which a difference of two is rounding
_ROUNDING = 64 * np.finfo(float).eps


def flips(measured: Measured, baseline: Mapping[str, str]) -> Measured:
    """Compare the answer to each case with the answer to the case at the baseline that is otherwise the same.

    Parameters
    ----------
    measured : Measured
        With the likeliest of the listed answers, or the text that was written, in the column ``answer``.
    baseline : dict of factor to level
        What each case is compared with: the case of the same entity with these levels, and the same levels of all other
        factors.

    Returns
    -------
    Measured
        ``value`` is 1 where the answers differ, else 0; ``chance`` how often answers to different entities differ.
        Cases at the baseline, and those without a counterpart there, are left out.

    Raises
    ------
    InputError
        For an unknown factor or level, numbers in place of answers, or no pair of cases.
    """
    frame = measured.frame
    factors = [c for c in frame.columns if c not in (*RESERVED, *baseline)]
    for factor, level in baseline.items():
        if factor not in frame.columns or level not in set(frame[factor]):
            known = [c for c in frame.columns if c not in RESERVED]
            raise InputError("baseline", f"name factors and levels of the cases ({', '.join(known)})", {factor: level})
    if measured.metric.name == "output":
        raise InputError("measured", "hold answers, which numbers alone are not", measured.metric.name)
    here = np.all([frame[f] == v for f, v in baseline.items()], axis=0)
    key = ["entity", *factors]
    frame = frame.assign(said=frame["answer"].map(_plain))
    before = frame[here].drop_duplicates(key).set_index(key)["said"].rename("before")
    pairs = frame[~here].drop(columns=[c for c in frame.columns if c.startswith("unconditional")]).join(before, on=key)
    pairs = pairs[pairs["before"].notna()]
    if not len(pairs):
        raise InputError("baseline", "leave cases to compare with their likes", baseline)
    shares = before.value_counts(normalize=True).to_numpy()
    value = (pairs["said"] != pairs["before"]).astype(float)
    pairs = pairs.drop(columns=["before", "said"]).assign(value=value, chance=float(1 - shares @ shares))
    return replace(measured, frame=pairs.reset_index(drop=True), metric=METRICS["flip"], cost=Cost(), scores=())


def _plain(text: str) -> str:
    """Reduce a text to its words, in lower case and with single spaces."""
    return " ".join(re.findall(r"\w+", text.casefold())) or text.strip()


def changes(base: Measured, other: Measured) -> Measured:
    """Subtract the metric of one model from that of another, case by case.

    Parameters
    ----------
    base, other : Measured
        Of M and M′, by the same metric.

    Returns
    -------
    Measured
        ``value`` is M′'s less M's (0 within rounding), ``answer`` that of M′, ``chance`` 0, ``unconditional`` what the
        answers alone differ by, and ``shares`` whether the metric is a share. Cases that one of the two did not answer
        are left out.

    Raises
    ------
    InputError
        If the metrics differ, or no case was answered by both.
    """
    if base.metric.name != other.metric.name:
        raise InputError("other", f"be measured by {base.metric.name}", other.metric.name)
    first, second = (m.frame.set_index(_numbered(m.frame["case_id"])) for m in (base, other))
    both = first.index[first.index.isin(second.index)]
    if not len(both):
        raise InputError("other", "be measured on the same cases", counted(len(other.frame), "other case"))
    first, second = first.loc[both], second.loc[both]
    moved, size = second["value"] - first["value"], np.maximum(second["value"].abs(), first["value"].abs())
    shares = base.metric.bounds == (0.0, 1.0)
    numbers = {"value": moved.where(moved.abs() > _ROUNDING * size, 0.0), "chance": 0.0, "shares": shares}
    if "unconditional" in first.columns and "unconditional" in second.columns:
        numbers |= {"unconditional": second["unconditional"] - first["unconditional"], "unconditional_chance": 0.0}
    kept = [c for c in second.columns if not c.startswith("unconditional")]
    name, two = f"{CHANGE}{base.metric.name}", METRICS["flip"].function
    metric = Metric(name, base.metric.unit, two, made_by="probes.changes")
    if base.metric.bounds is not None:
        width = base.metric.bounds[1] - base.metric.bounds[0]
        metric = replace(metric, bounds=(-width, width))
    missing = len(base.frame) + base.unanswered - len(both)
    return Measured(
        second[kept].assign(**numbers).reset_index(drop=True),
        metric,
        f"{base.model} to {other.model}",
        base.cost + other.cost,
        unanswered=missing,
        neighbours=base.neighbours or other.neighbours,
    )


def _numbered(ids: pd.Series) -> pd.MultiIndex:
    """Tell cases of one id apart by their number, which is the same for both models."""
    return pd.MultiIndex.from_arrays([ids, ids.groupby(ids).cumcount()])


def divergence(base: Measured, other: Measured) -> Measured:
    """Compute KL(M‖M′) of two models over the listed answers of each case.

    Parameters
    ----------
    base, other : Measured
        Of M and M′, with the scores of every answer.

    Returns
    -------
    Measured
        ``value`` in nats; ``chance`` is what it is on average when M′ gives its probabilities to the answers in turn.

    Raises
    ------
    InputError
        If the cases differ, or answers were not scored.
    """
    if base.frame["case_id"].tolist() != other.frame["case_id"].tolist():
        raise InputError("other", "be measured on the same cases", counted(len(other.frame), "other case"))
    if not base.scores or not other.scores:
        raise InputError("base and other", "hold scores of answers, which text alone does not give", base.metric.name)
    values, chances = [], []
    for p, q in zip(base.scores, other.scores, strict=True):
        each = kl(np.stack([p] * len(p)), np.stack([np.roll(q, k) for k in range(len(q))]))
        values.append(each[0])
        chances.append(each.mean())
    kept = [c for c in base.frame.columns if not c.startswith("unconditional")]
    frame = base.frame[kept].assign(value=values, chance=chances)
    models, neighbours = f"{base.model} against {other.model}", base.neighbours or other.neighbours
    return Measured(frame, METRICS["kl"], models, base.cost + other.cost, neighbours=neighbours)
