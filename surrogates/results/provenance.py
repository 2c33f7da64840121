"""Where a result comes from and what it cost: model, region, questions, seed, versions."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import NotRequired, TypedDict, cast

from probes.asking.cost import Cost
from probes.probe import Probe
from probes.rounding import counted, rounded
from surrogates.results.plain import Json

__all__ = [
    "CostData",
    "Provenance",
    "cost_data",
    "cost_line",
    "library_version",
    "no_cost",
    "no_provenance",
    "provenance",
]


class CostData(TypedDict):
    """A :class:`~probes.asking.cost.Cost` as plain data."""

    calls: int
    rows: int
    reused: int
    tokens: int
    seconds: float
    checks: NotRequired[int]


class Provenance(TypedDict):
    """The origin of a result's numbers, as plain data.

    The last six are those of an explanation: how its questions were drawn, why asking stopped, the stopping rule with
    its parameters (if there was one), the class of its surrogate and that class's parameters, and what the model wrote
    to the whole input, where numbers are made of its texts.
    """

    model: str
    probe: str
    questions: int
    replicates: int
    budget: int | None
    random_state: int
    cost: CostData
    versions: dict[str, str]
    design: NotRequired[str]
    stopped: NotRequired[str]
    until: NotRequired[dict[str, object]]
    family: NotRequired[str]
    settings: NotRequired[dict[str, object]]
    wrote: NotRequired[str]


@cache
def library_version() -> str:
    """Return the version of the installed distribution."""
    try:
        return version("iomap")
    except PackageNotFoundError:
        return "source"


@cache
def _versions() -> dict[str, str]:
    packages = ("numpy", "scipy", "scikit-learn", "pandas")
    this = {"iomap": library_version(), "python": platform.python_version()}
    return this | {name: version(name) for name in packages}


def provenance(probe: Probe, model: str, questions: int, budget: int | None, seed: int, cost: Cost) -> Provenance:
    """Collect what a report says about the origin of its numbers."""
    return {
        "model": model,
        "probe": f"{type(probe).__name__} {probe.digest[:16]}",
        "questions": questions,
        "replicates": probe.replicates,
        "budget": None if budget is None else int(budget),
        "random_state": seed,
        "cost": cost_data(cost),
        "versions": dict(_versions()),
    }


def cost_data(cost: Cost) -> CostData:
    """Convert a cost to plain data."""
    return cast(CostData, dict(vars(cost)))


def no_cost() -> CostData:
    """Return the cost of a result that says nothing about it."""
    return cost_data(Cost())


def no_provenance() -> Provenance:
    """Return the provenance of a result that says nothing about it."""
    return cast(Provenance, {})


def cost_line(cost: Mapping[str, float] | CostData | Cost) -> str:
    """Say what answers cost.

    Examples
    --------
    >>> cost_line(Cost(calls=2, rows=64, reused=3, seconds=0.5))
    '64 inputs asked in 2 calls, 0.5 s in the model; 3 answers reused'
    """
    if not isinstance(cost, Cost):
        cost = Cost(**cast(Json, cost))
    tokens = f", {counted(cost.tokens, 'token')}" if cost.tokens else ""
    checks = f" (and {cost.checks} to check it)" if cost.checks else ""
    asked = f"{counted(cost.rows, 'input')} asked{checks} in {counted(cost.calls, 'call')}{tokens}"
    return f"{asked}, {rounded(cost.seconds)} s in the model; {counted(cost.reused, 'answer')} reused"
