"""``iomap counterfactuals``: what would have to be different in a row of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from probes.errors import InputError
from probes.inputs.column_numbers import is_number
from surrogates.cli.app import app
from surrogates.cli.inputs import Options, load, sharing, shown, table_of
from surrogates.cli.rows import Drop
from surrogates.local.counterfactual_search import counterfactuals
from surrogates.local.wanted import DesiredLike

__all__ = ["counterfactual"]

_NUMBERS = "NAME=LOW:HIGH, either end left out where it is open, or NAME=value,value"


@app.command("counterfactuals")
@sharing(Options)
def counterfactual(
    data: Annotated[Path, typer.Argument(help="A CSV or Parquet file; its rows are the background.")],
    row: Annotated[int, typer.Option(help="Number of the row, from 0.")],
    desired: Annotated[
        str | None, typer.Option(help="The decision wanted, or LOW:HIGH for a number; default: any other decision.")
    ] = None,
    bound: Annotated[list[str] | None, typer.Option(help=f"{_NUMBERS}; may be repeated.")] = None,
    immutable: Annotated[str, typer.Option(help="Columns that stay as they are, separated by commas.")] = "",
    n: Annotated[int, typer.Option("-n", help="How many to find.")] = 1,
    drop: Drop = "",
    *,
    common: Options,
) -> None:
    """Look for the nearest rows for which a model answers otherwise."""
    common.check()
    frame = table_of(data, drop)
    if not 0 <= row < len(frame):
        raise InputError("--row", f"be a row of the table, 0 to {len(frame) - 1}", row)
    asking = common.asking()
    asking["budget"] = 1000 if common.budget is None else common.budget
    found = counterfactuals(
        load(common.model, None),
        frame.iloc[[row]],
        background=frame,
        desired=_desired(desired),
        bounds=dict(_bound(text, frame) for text in bound or ()),
        immutable=[name.strip() for name in immutable.split(",") if name.strip()],
        n=n,
        **asking,
    )
    shown(found, common)


def _desired(text: str | None) -> DesiredLike:
    """Convert ``LOW:HIGH`` to a range; anything else is a decision."""
    ends = _ends(text) if text is not None else None
    return text if ends is None else ends


def _bound(text: str, frame: pd.DataFrame) -> tuple[str, tuple[float | None, float | None] | list[Any]]:
    name, equals, values = (part.strip() for part in text.partition("="))
    if not equals or not values:
        raise InputError("--bound", f"be {_NUMBERS}", text)
    column, ends = frame[name] if name in frame else pd.Series([""]), _ends(values)
    if is_number(column):
        if ends is None:
            raise InputError("--bound", "be NAME=LOW:HIGH for a column of numbers", text)
        return name, ends
    known = {str(value): value for value in column.dropna().unique()}
    return name, [known.get(value, value) for value in (part.strip() for part in values.split(","))]


def _ends(text: str) -> tuple[float | None, float | None] | None:
    """Both ends of ``LOW:HIGH``; None for another text."""
    low, colon, high = text.partition(":")
    try:
        return (float(low) if low.strip() else None, float(high) if high.strip() else None) if colon else None
    except ValueError:
        return None
