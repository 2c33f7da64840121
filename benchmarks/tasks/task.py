"""A task: one instance of a model whose outputs on 0/1 rows are to be learnt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from probes import Design, Model, Probe, Target, ask, open_store
from probes.errors import InputError

__all__ = ["Task", "kind", "remembered", "through_store"]

#: outputs ``(m,)`` of rows ``(m, n)``
Answer = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Task:
    """One instance of one kind of model.

    Attributes
    ----------
    name : str
        The kind and the instance's number, ``kind_NN``.
    n : int
        Features.
    answer : callable
        Outputs ``(m,)`` of 0/1 rows ``(m, n)``.
    held_out : int
        Rows that judge where the cube is too large to judge on all that was not asked.
    table : ndarray ``(2ⁿ,)``, optional
        All outputs, where they are known; bit j of the row number is feature j.
    """

    name: str
    n: int
    answer: Answer = field(repr=False)
    held_out: int = 2000
    table: np.ndarray | None = field(default=None, repr=False)

    @property
    def kind(self) -> str:
        """The name without the instance's number."""
        return kind(self.name)


def kind(name: str) -> str:
    """The name without the instance's number."""
    return name.rsplit("_", 1)[0]


def through_store(model: Model, probe: Probe, number: Target) -> Answer:
    """The model's answers to a probe's rows, kept in the user's store, so that a repeated run asks nothing twice."""
    if probe.replicates != 1:
        raise InputError("probe", "ask one input a question", probe.replicates)
    n = len(probe.features)

    def answer(Z: np.ndarray) -> np.ndarray:
        design = Design(Z, fixed=0, population=2.0**n)
        return number(ask(model, probe, design, open_store(), progress=False).y)[:, 0]

    return answer


def remembered(task: Task) -> Task:
    """Return a task that is asked once for each row."""
    known: dict[bytes, float] = {}

    def answer(Z: np.ndarray) -> np.ndarray:
        keys = [row.tobytes() for row in Z > 0.5]
        missing = {key: row for key, row in zip(keys, Z, strict=True) if key not in known}
        if missing:
            known.update(zip(missing, task.answer(np.array(list(missing.values()))).tolist(), strict=True))
        return np.array([known[key] for key in keys])

    return replace(task, answer=answer)
