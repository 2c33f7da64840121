"""Upgrades of saved results, one step a format: the fields of a format as those of the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from probes.outputs.target import Target
from surrogates.link import IDENTITY
from surrogates.results import answers_data
from surrogates.results.plain import Damaged, Json, plain, read

__all__ = ["SINCE", "UPGRADES"]

#: the module that says how targets and answers are read
READ_BY = answers_data


def _explanation_1(fields: Json) -> Json:
    """Add the numbers explained, made of the answers until now, as a field."""
    fields = {"certificate": None, "checks": [], **fields}
    answers = {"block": 0, "noisy": False, **read(Json, fields.get("answers"), "answers")}
    fidelity = {"ceiling": [], **read(Json, fields.get("fidelity"), "fidelity")}
    target = read(Target, fields.get("target"), "target")
    raw = read(np.ndarray, answers.get("y"), "answers.y")
    if raw.ndim != 2 or not target.columns or raw.shape[1] <= max(target.columns):
        raise Damaged("answers.y", "have a column for every output that is explained", raw.shape)
    return {**fields, "answers": answers, "fidelity": fidelity, "y": plain(target(raw))}


def _explanation_2(fields: Json) -> Json:
    """Rename a finding's ``told`` to ``sentence``; intervals cover the choice of background rows only from now on."""
    checks = read(list[Json], fields.get("checks"), "checks")
    renamed = [{"sentence" if k == "told" else k: v for k, v in c.items()} for c in checks]
    fidelity = {"background": [], **read(Json, fields.get("fidelity"), "fidelity")}
    return {"background": None, **fields, "checks": renamed, "fidelity": fidelity}


def _surrogate_3(fields: Json) -> Json:
    """Say of a surrogate that its sum passes through no curve."""
    surrogate = read(Json, fields.get("surrogate"), "surrogate")
    coef = read(list[Any], surrogate.get("coef"), "surrogate.coef")
    outputs = len(coef) if any(isinstance(row, list) for row in coef) else 1
    return {**fields, "surrogate": {**surrogate, "links": [plain(IDENTITY)] * outputs}}


def _anchor_1(fields: Json) -> Json:
    rest = {"exact": False, "cost": {}, "asked": 0.95, "view": {}, "answer": None, "provenance": {}}
    return {**rest, **fields}


def _shapley_values_1(fields: Json) -> Json:
    return {"view": {}, "answer": None, "provenance": {}, **fields}


def _card_1(fields: Json) -> Json:
    entries = read(list[Json], fields.get("entries"), "entries")
    return {"seconds": 0.0, "versions": {}, **fields, "entries": [_entry_1(entry) for entry in entries]}


def _entry_1(entry: Json) -> Json:
    made = {"prediction": None, "baselines": {}, "extremes": {}, **entry}
    if made["prediction"] is not None:
        made["prediction"] = {
            "claimed": 0,
            "spread": 0.0,
            "spreads": [],
            **read(Json, made["prediction"], "prediction"),
        }
    return made


#: kinds of result that format 1 did not have, with the first format that has them
SINCE: Mapping[str, int] = {"global surrogate": 2}

#: by format, from 1 on: for each kind of result that changed, the function that makes fields of the next format
UPGRADES: tuple[Mapping[str, Callable[[Json], Json]], ...] = (
    {
        "explanation": _explanation_1,
        "anchor": _anchor_1,
        "shapley values": _shapley_values_1,
        "card": _card_1,
    },
    {"explanation": _explanation_2},
    {"explanation": _surrogate_3, "global surrogate": _surrogate_3},
)
