"""What a change is on the whole: both answers, the mean and the typical change, and how often decisions flip."""

from __future__ import annotations

import numpy as np
import pandas as pd

from probes.asking.session import Reply
from probes.probe import Replication
from surrogates.judging.agreement import r2
from surrogates.judging.crossed import CrossFit

__all__ = ["CLASSES", "flips_of", "summary_of"]

#: standard errors of a mean on either side of a 95% interval
_WIDE = 1.96
#: units of raw outputs that are one number a class
CLASSES = ("logit", "log-odds", "margin", "probability")


def summary_of(
    before: Reply, after: Reply, change: Reply, sides: tuple[CrossFit, CrossFit], drawn: Replication | None
) -> pd.DataFrame:
    """Return one row per output: ``output, before, after, change, mean, low, high, typical, spread, by_sides``.

    The interval of the mean covers the choice of questions, and of background rows where these are a sample.
    """
    design, y = change.design, change.y
    start = design.fixed + design.block
    changes, first = y[start:], before.y[start:]
    variance = np.zeros(y.shape[1])
    if not design.exact:
        variance = _WIDE**2 * changes.var(axis=0, ddof=1) * (1 - len(changes) / design.population) / len(changes)
    each = change.answers.replicates
    if drawn is not None and each is not None:
        by_row = (each[start:] - changes[:, None]).mean(axis=0)
        variance = variance + drawn.student**2 * (drawn.factor(by_row) ** 2).sum(axis=0)
    mean, width = changes.mean(axis=0), np.sqrt(variance)
    return pd.DataFrame(
        {
            "output": list(change.target.outputs),
            "before": before.y[0],
            "after": after.y[0],
            "change": y[0],
            "mean": mean,
            "low": mean - width,
            "high": mean + width,
            "typical": np.sqrt((changes**2).mean(axis=0)),
            "spread": first.std(axis=0),
            "by_sides": r2(changes, sides[1].predicted - sides[0].predicted),
        }
    )


def flips_of(before: Reply, after: Reply, drawn: Replication | None) -> pd.DataFrame:
    """Return classes that the models decide for: ``before, after, inputs, share``; empty where outputs are no classes.

    Decisions are about inputs: of a question that is an average over background rows, one for each row.
    """
    first, second = before.answers, after.answers
    if first.unit not in CLASSES or first.y.shape[1] < 2:
        return pd.DataFrame({"before": [], "after": [], "inputs": [], "share": []})
    start = first.design.fixed + first.design.block
    raw = [a.y[:, None] if a.replicates is None else a.replicates for a in (first, second)]
    names = np.array(first.outputs, dtype=object)
    one, other = (names[values[start:].argmax(axis=2)] for values in raw)
    rows = one.shape[1]
    weights = drawn.weights if drawn is not None and len(drawn.stratum) == rows else np.full(rows, 1 / rows)
    frame = pd.DataFrame(
        {"before": one.ravel(), "after": other.ravel(), "share": np.tile(weights / len(one), len(one))}
    )
    grouped = frame.groupby(["before", "after"])["share"].agg(["size", "sum"]).reset_index()
    table = grouped.set_axis(["before", "after", "inputs", "share"], axis=1)
    return table.sort_values("share", ascending=False, ignore_index=True)
