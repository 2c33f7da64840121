"""Answers of two models to the same questions, paired row by row, and the change from the one to the other."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from probes.asking.answers import Answers
from probes.asking.session import Reply
from probes.outputs.target import Target
from probes.probe import Replication
from surrogates.judging.background import row_answers
from surrogates.judging.crossed import CrossFit

__all__ = ["Change", "change", "paired"]

#: units of rounding within which two answers are the same
_ROUNDING = 64 * np.finfo(float).eps


@dataclass(frozen=True)
class Change(Reply):
    """How one model's answers differ from another's.

    Attributes
    ----------
    sides : (CrossFit, CrossFit)
        How either model's answers were predicted by themselves.
    """

    sides: tuple[CrossFit, CrossFit]


def paired(before: Reply, after: Reply) -> tuple[Reply, Reply]:
    """Return both replies to the questions that both models answered, in the order of the second."""
    place = {row.tobytes(): i for i, row in enumerate(before.design.Z)}
    kept = np.array([row.tobytes() in place for row in after.design.Z])
    design = after.design if kept.all() else after.design.only(kept)
    design = replace(design, population=max(design.population, before.design.population))
    rows = np.array([place[row.tobytes()] for row in design.Z])

    def of(answers: Answers, which: np.ndarray) -> Answers:
        each = None if answers.replicates is None else answers.replicates[which]
        return replace(answers, design=design, y=answers.y[which], replicates=each)

    return Reply(of(before.answers, rows), before.target), Reply(of(after.answers, kept), after.target)


def change(before: Reply, after: Reply, sides: tuple[CrossFit, CrossFit], drawn: Replication | None = None) -> Change:
    """Subtract the numbers explained, question by question; what is within rounding is no change.

    Parameters
    ----------
    before, after : Reply
        As of :func:`paired`.
    sides : (CrossFit, CrossFit)
        How either model's answers were predicted by themselves.
    drawn : Replication, optional
        How background rows were drawn; then the change for each of them goes along.
    """
    first, second, target = before.answers, after.answers, before.target
    y = after.y - before.y
    rounding = _ROUNDING * np.maximum(np.abs(after.y), np.abs(before.y)).max(axis=0)
    y[np.abs(y) <= rounding] = 0.0
    y = np.where(np.ptp(y, axis=0) <= rounding, np.median(y, axis=0), y)
    rows = [row_answers(reply.answers, reply.y, target, drawn) for reply in (before, after)]
    each = None
    if rows[0] is not None and rows[1] is not None:
        each = y[:, None] + rows[1].deviations - rows[0].deviations
    answers = Answers(
        design=before.design,
        y=y,
        outputs=target.outputs,
        unit="change",
        probe=first.probe,
        model=f"{second.model} minus {first.model}",
        cost=first.cost + second.cost,
        noisy=first.noisy or second.noisy,
        reason=second.reason or first.reason,
        neighbours=first.neighbours or second.neighbours,
        replicates=each,
    )
    return Change(answers, Target("identity", tuple(range(y.shape[1])), target.outputs, target.unit), sides)
