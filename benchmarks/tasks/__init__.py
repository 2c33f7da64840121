"""Tasks: what contenders learn.

A group is one module with two pure functions, ``names(instances)`` and ``load(name)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from benchmarks.run.record import Skipped
from benchmarks.tasks import context, planted, sentiment, synthetic, tables, tabular
from benchmarks.tasks.task import Task, kind

__all__ = ["GROUPS", "Group", "Task", "at_hand", "kind", "planted", "tables"]

BUDGETS = (64, 128, 256, 512)


@dataclass(frozen=True)
class Group:
    """Tasks that are run alike.

    Attributes
    ----------
    names : callable
        Names of the first few instances of each kind.
    load : callable
        The task of a name.
    instances, seeds : int
    budgets : tuple of int
        Model calls.
    chooses_questions : bool
        Whether rivals that need questions of their own take part; not where an answer is dear.
    quick : callable, optional
        Names that a quick run takes instead of the first instance of each kind.
    material : tuple of str
        Modules beside the group's own that hold what its tasks are made of.
    """

    names: Callable[[int], list[str]]
    load: Callable[[str], Task]
    instances: int = 5
    seeds: int = 5
    budgets: tuple[int, ...] = BUDGETS
    chooses_questions: bool = True
    quick: Callable[[int], list[str]] | None = None
    material: tuple[str, ...] = ()

    def wanted(self, quick: bool, instances: int | None) -> list[str]:
        """Names of the tasks of a run."""
        return (self.quick or self.names)(1) if quick else self.names(instances or self.instances)


GROUPS = {
    "games": Group(tables.table_names, tables.load),
    "parity": Group(tables.control_names, tables.load),
    "tabular": Group(tabular.names, tabular.load),
    "synthetic": Group(synthetic.names, synthetic.load, quick=lambda instances: synthetic.names(instances)[::3]),
    "sentiment": Group(sentiment.names, sentiment.load),
    "context": Group(
        context.names,
        context.load,
        budgets=(64, 128),
        chooses_questions=False,
        quick=context.short_names,
        material=("documents",),
    ),
}


def at_hand(only: Iterable[str] | None = None) -> tuple[dict[str, Group], dict[str, str]]:
    """The groups wanted that can run here, and why the others cannot.

    Raises
    ------
    Skipped
        For a name that is no group's, or where no group can run.
    """
    wanted = list(GROUPS if only is None else only)
    if unknown := [name for name in wanted if name not in GROUPS]:
        raise Skipped(f"no such group: {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    present, absent = {}, {}
    for name in wanted:
        try:
            GROUPS[name].names(1)
            present[name] = GROUPS[name]
        except Skipped as reason:
            absent[name] = str(reason)
    if not present:
        raise Skipped("; ".join(absent.values()))
    return present, absent
