"""Where a result comes from: model, region, questions, seed, versions."""

from __future__ import annotations

import platform
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from probes.asking.ask import Cost
from probes.probe import Probe

__all__ = ["library_version", "provenance"]


@cache
def library_version() -> str:
    """Version of the installed distribution."""
    try:
        return version("iomap")
    except PackageNotFoundError:
        return "source"


@cache
def _versions() -> dict[str, str]:
    packages = ("numpy", "scipy", "scikit-learn", "pandas")
    own = {"iomap": library_version(), "python": platform.python_version()}
    return own | {name: version(name) for name in packages}


def provenance(probe: Probe, model: str, questions: int, budget: int | None, seed: int, cost: Cost) -> dict[str, Any]:
    """What a report says about the origin of its numbers, as plain data."""
    return {
        "model": model,
        "probe": f"{type(probe).__name__} {probe.digest[:16]}",
        "questions": questions,
        "replicates": probe.replicates,
        "budget": None if budget is None else int(budget),
        "random_state": seed,
        "cost": asdict(cost),
        "versions": dict(_versions()),
    }
