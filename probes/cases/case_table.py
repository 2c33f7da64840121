"""Cases of a table: one row a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from probes.cases.case import FAMILY, Case, tidy
from probes.cases.case_maker import drawn
from probes.cases.factors import check_factor
from probes.cases.template_family import as_chat
from probes.errors import InputError

__all__ = ["Columns", "cases_of"]


@dataclass(frozen=True)
class Columns:
    """Names of the columns that hold a case's prompt, right answer, entity and template family."""

    prompt: str = "prompt"
    target: str = "target"
    entity: str | None = None
    template: str | None = None


def cases_of(
    frame: pd.DataFrame,
    factors: str | Sequence[str],
    columns: Columns,
    foils: str | int | None,
    first_words: bool,
) -> list[Case]:
    """Make the cases of a table.

    Parameters
    ----------
    frame : DataFrame
    factors : str or sequence of str
        Columns that hold factor levels.
    columns : Columns
    foils : str, int or None
        A column of wrong answers, or how many to draw from the targets of other rows with the same levels.
    first_words : bool
        Whether foils must differ from the target in their first word.

    Raises
    ------
    InputError
        For a missing column, an empty value, a factor with one level.
    """
    factors = [factors] if isinstance(factors, str) else list(factors)
    _check_columns(frame, factors, columns, foils)
    cases, first = [], dict[str, int]()
    for i, row in enumerate(frame.to_dict("records")):
        # rows with one prompt are not independent of each other
        number = first.setdefault(str(row[columns.prompt]), i)
        cases.append(_case(i, row, factors, columns, foils if isinstance(foils, str) else None, f"row {number}"))
    if not isinstance(foils, int):
        return [tidy(c, True, first_words) for c in cases]
    pools: dict[Any, set[str]] = {}
    for case in cases:
        pools.setdefault(case.levels, set()).add(case.target)
    return drawn(cases, foils, first_words, pools)


def _check_columns(frame: pd.DataFrame, factors: list[str], columns: Columns, foils: str | int | None) -> None:
    if frame.empty:
        raise InputError("frame", "hold at least one row, each a case", frame)
    named = [columns.prompt, columns.target, *factors, *(c for c in (columns.entity, columns.template) if c)]
    named += [foils] if isinstance(foils, str) else []
    if missing := [c for c in named if c not in frame.columns]:
        raise InputError("frame", f"hold the columns {', '.join(named)}", f"a frame without {missing}")
    for name in factors:
        if frame[name].isna().any():
            raise InputError(f"factor {name!r}", "have a level in every row", f"none in {frame[name].isna().sum()}")
        check_factor(name, frame[name].map(str).unique().tolist())


def _case(i: int, row: dict[Any, Any], factors: list[str], columns: Columns, foils: str | None, unnamed: str) -> Case:
    """Make the case of row `i`; `unnamed` is its entity where there is no column of entities."""
    prompt, target = row[columns.prompt], row[columns.target]
    prompt = prompt if isinstance(prompt, str) else tuple(as_chat(prompt, f"row {i}"))
    if not isinstance(target, (str, Real)) or target != target:
        raise InputError("frame", f"hold a target in row {i}", row)
    levels = [(name, str(row[name])) for name in factors]
    levels += [(FAMILY, str(row[columns.template]))] if columns.template else []
    wrong = row[foils] if foils is not None else ()
    wrong = (wrong,) if isinstance(wrong, str) else wrong
    if not isinstance(wrong, (Sequence, np.ndarray)) or not all(isinstance(w, str) for w in wrong):
        raise InputError(f"column {foils!r}", f"hold a text or a list of texts in row {i}", wrong)
    if columns.entity and pd.isna(row[columns.entity]):
        raise InputError(f"entity {columns.entity!r}", "be named in every row", row)
    entity = str(row[columns.entity]) if columns.entity else unnamed
    kind = str(row[columns.template]) if columns.template else "frame"
    return Case(prompt, str(target), tuple(wrong), tuple(levels), entity, kind)
