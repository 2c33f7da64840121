"""Answers as plain data and back: their design lies flat among them, without its digest, which is made anew."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from probes.asking.ask import Answers
from probes.asking.cost import Cost
from probes.design import Design
from surrogates.results.plain import READERS, Damaged, plain, read

_DESIGN: dict[str, Any] = {"Z": np.ndarray, "fixed": int, "leave_one_out": bool, "population": float, "block": int}
_REST: dict[str, Any] = {
    "y": np.ndarray,
    "outputs": tuple[str, ...],
    "unit": str,
    "probe": str,
    "model": str,
    "cost": Cost,
    "noisy": bool,
}


@plain.register
def _(answers: Answers) -> dict[str, Any]:
    design = {name: plain(getattr(answers.design, name)) for name in _DESIGN}
    return design | {f.name: plain(getattr(answers, f.name)) for f in fields(answers) if f.name in _REST}


def _answers(data: Any, where: str) -> Answers:
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
    population = np.inf if np.isnan(asked["population"]) else asked["population"]
    return Answers(Design(**{**asked, "population": population}), **rest)


READERS[Answers] = _answers
