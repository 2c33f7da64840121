"""Answers and targets as plain data and back.

The design lies flat among its answers, without its digest, which is computed anew. A target function is not kept: the
numbers that it made are fields of the result, and a function that only raises stands in its place.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from probes.asking.answers import Answers
from probes.asking.cost import Cost
from probes.design import Design
from probes.errors import InputError, ModelError
from probes.outputs.target import FUNCTION, Target
from surrogates.results.plain import READERS, Damaged, Json, plain, read
from surrogates.results.provenance import CostData

_DESIGN: Json = {
    "Z": np.ndarray,
    "fixed": int,
    "leave_one_out": bool,
    "population": int | float,  # as written, 16 or 16.0: the design's digest names it
    "block": int,
}
_REST: Json = {
    "y": np.ndarray,
    "outputs": tuple[str, ...],
    "unit": str,
    "probe": str,
    "model": str,
    "cost": Cost,
    "noisy": bool,
}
_TARGET: Json = {"kind": str, "columns": tuple[int, ...], "outputs": tuple[str, ...], "unit": str}


@plain.register
def _(answers: Answers) -> Json:
    design = {name: plain(getattr(answers.design, name)) for name in _DESIGN}
    return design | {f.name: plain(getattr(answers, f.name)) for f in fields(answers) if f.name in _REST}


def _answers(data: object, where: str) -> Answers:
    given = read(dict, data, where)
    if lacking := [name for name in (*_DESIGN, *_REST) if name not in given]:
        raise Damaged(where, f"have {', '.join(lacking)}", sorted(given)[:5])
    asked = {name: read(kind, given[name], f"{where}.{name}") for name, kind in _DESIGN.items()}
    rest = {name: read(kind, given[name], f"{where}.{name}") for name, kind in _REST.items()}
    Z, y, fixed = asked["Z"], rest["y"], asked["fixed"]
    if Z.ndim != 2 or y.ndim != 2 or len(Z) != len(y) or y.shape[1] != len(rest["outputs"]):
        raise Damaged(where, "hold an answer to every question", (Z.shape, y.shape))
    if not 0 <= fixed <= len(Z) or not 0 <= asked["block"] <= len(Z) - fixed or len(Z) < 2:
        raise Damaged(f"{where}.fixed", "be a number of questions", fixed)
    if asked["population"] < 0:
        raise Damaged(f"{where}.population", "be a number of rows", asked["population"])
    population = np.inf if np.isnan(asked["population"]) else asked["population"]
    return Answers(Design(**{**asked, "population": population}), **rest)


READERS[Answers] = _answers
#: files of earlier versions know no checks
READERS[Cost] = lambda data, where: Cost(**read(CostData, data, where))


@plain.register
def _(target: Target) -> Json:
    sizes = {"sizes": plain(target.sizes)} if target.sizes else {}  # version 0.1.0 wrote none
    return {name: plain(getattr(target, name)) for name in _TARGET} | sizes


def _target(data: object, where: str) -> Target:
    given = read(dict, data, where)
    if lacking := [name for name in _TARGET if name not in given]:
        raise Damaged(where, f"have {', '.join(lacking)}", sorted(given)[:5])
    kinds = _TARGET | {"sizes": tuple[int, ...]} if "sizes" in given else _TARGET
    fields_ = {name: read(kind, given[name], f"{where}.{name}") for name, kind in kinds.items()}
    try:
        return Target(**fields_, function=not_kept if fields_["kind"] == FUNCTION else None)
    except InputError as error:
        raise Damaged(where, f"be valid ({error})", given) from error


def not_kept(raw: np.ndarray) -> np.ndarray:
    """Stand in for a target function that was not saved.

    Raises
    ------
    ModelError
        Always.
    """
    raise ModelError("The target function is not kept in files: explain with it again, or give it as target.")


READERS[Target] = _target
