"""What a search for counterfactuals found, confirmed by the user's object, as a result."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from probes.inputs.table_columns import shown
from probes.rounding import counted
from surrogates.judging.notes import one_by_one
from surrogates.local.asked_candidates import AskedCandidates, rows_of
from surrogates.local.column_values import MOST
from surrogates.local.counterfactual_set import Counterfactuals
from surrogates.local.wanted import scores
from surrogates.results.provenance import cost_data, provenance

__all__ = ["counterfactual_result"]


def counterfactual_result(asked: AskedCandidates, found: list[np.ndarray], n: int, seed: int) -> Counterfactuals:
    """Return rows that were found, each answered by the model, after the user's object has said what it decides."""
    found, notes = _confirmed(asked, found)
    Z = np.array(found, dtype=int).reshape(-1, len(asked.columns))
    raw = np.array([asked.raw[z.tobytes()] for z in Z]).reshape(len(Z), asked.first.shape[1])
    session, wanted = asked.session, asked.wanted
    values = tuple(shown(column.values.iloc[0]) for column in asked.columns)
    rows = rows_of(asked.columns, Z, False)
    assert isinstance(rows, pd.DataFrame)
    notes += _notes(asked, len(found), n)
    return Counterfactuals(
        wanted=wanted.words,
        changes=_changes(asked, Z, values),
        answers=_answers(asked, Z, raw),
        rows=rows.set_axis([str(name) for name in rows.columns], axis=1),
        columns=tuple(str(column.name) for column in asked.columns),
        values=values,
        output="its decision" if wanted.classes else wanted.target.outputs[0],
        unit=asked.unit if wanted.classes else wanted.target.unit,
        decision=wanted.said(asked.first, asked.unit)[0],
        answer=float(_numbers(asked, asked.first)[0]),
        exhausted=asked.left <= 0,
        asked=len(asked.known),
        warnings=tuple(notes),
        cost=cost_data(session.cost),
        provenance=provenance(
            session.question.probe, session.identity.id, len(asked.known), asked.budget, seed, session.cost
        ),
    )


def _confirmed(asked: AskedCandidates, found: list[np.ndarray]) -> tuple[list[np.ndarray], list[str]]:
    """Leave out what the user's object decides otherwise than its highest answer says."""
    if not found or not asked.wanted.classes:
        return found, []
    said = asked.session.scorer.decisions(rows_of(asked.columns, np.array(found), asked.arrays))
    if said is None:
        return found, []
    right = [z for z, decision in zip(found, said, strict=True) if decision < 0 or asked.wanted.holds(int(decision))]
    lost = len(found) - len(right)
    return right, [
        f"Left out, as the model decided otherwise than its answers say: {counted(lost, 'row')}."
    ] if lost else []


def _notes(asked: AskedCandidates, found: int, n: int) -> list[str]:
    notes = []
    if found < n:
        many, none, one = (f"{found} of {n} were", "are no more", "more") if found else ("No row was", "is none", "one")
        notes.append(
            f"{many} found among {len(asked.known):,} that were asked. That is no proof that there {none}: a larger "
            f"budget, wider bounds or fewer immutable columns may find {one}."
        )
        notes += [
            f"{column.untried} of the values of {column.name} were not tried: a column without an order takes "
            f"{MOST} at most, or those that bounds= lists."
            for column in asked.columns
            if column.untried
        ]
    if asked.session.noisy:
        notes.append("The model answers the same question differently each time: another time these may not hold.")
    if why := asked.session.scorer.neighbours:
        notes.append(one_by_one(why))
    return notes


def _numbers(asked: AskedCandidates, raw: np.ndarray) -> np.ndarray:
    """The number shown for raw answers ``(n, K)``: of the decision, or the target's."""
    if not len(raw):
        return np.zeros(0)
    highest: np.ndarray = scores(raw, asked.unit).max(axis=1)
    return highest if asked.wanted.classes else asked.wanted.target(raw)[:, 0]


def _answers(asked: AskedCandidates, Z: np.ndarray, raw: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "counterfactual": np.arange(1, len(Z) + 1),
            "changed": (Z > 0).sum(axis=1),
            "distance": asked.distances(Z),
            "decision": asked.wanted.said(raw, asked.unit) if len(Z) else [],
            "answer": _numbers(asked, raw),
        }
    )


def _changes(asked: AskedCandidates, Z: np.ndarray, values: Sequence[str]) -> pd.DataFrame:
    rows = [
        (i + 1, str(column.name), values[j], shown(column.values.iloc[z[j]]), float(column.distance[z[j]]))
        for i, z in enumerate(Z)
        for j, column in enumerate(asked.columns)
        if z[j]
    ]
    return pd.DataFrame(rows, columns=["counterfactual", "column", "before", "after", "distance"])
