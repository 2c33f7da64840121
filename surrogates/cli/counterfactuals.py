"""``iomap counterfactuals``: what would have to be different in a row of a table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from probes.errors import InputError
from probes.inputs.column_numbers import is_moment, is_number
from surrogates.cli.app import app
from surrogates.cli.inputs import Options, load, sharing, shown, table_of
from surrogates.cli.rows import Drop
from surrogates.local.counterfactual_search import counterfactuals
from surrogates.local.wanted import DesiredLike

__all__ = ["counterfactual"]

_NUMBERS = "NAME=LOW:HIGH (numbers or dates), either end left out where it is open, or NAME=value,value"
#: a date, perhaps with a time
_DATE = r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?"


@app.command("counterfactuals", short_help="Look for the nearest rows with another answer.")
@sharing(Options)
def counterfactual(
    data: Annotated[Path, typer.Argument(help="A CSV, TSV or Parquet file; its rows are the background.")],
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
    if (between := _dates(values)) and _holds_dates(column):
        return name, _in_dates(column, *between)
    known = {str(value): value for value in column.dropna().unique()}
    return name, [known.get(value, value) for value in (part.strip() for part in values.split(","))]


def _dates(text: str) -> tuple[str, str] | None:
    """Both ends of ``2024-03-01:2024-06-30``, empty where open; None for another text."""
    both = re.fullmatch(rf"({_DATE})?:({_DATE})?", text)
    return (both[1] or "", both[2] or "") if both and any(both.groups()) else None


def _holds_dates(column: pd.Series) -> bool:
    """Whether a column is one of dates, also as texts, as a CSV file has them."""
    known = column.dropna()
    return is_moment(column) or (len(known) > 0 and known.map(lambda cell: bool(re.match(_DATE, str(cell)))).all())


def _in_dates(column: pd.Series, low: str, high: str) -> Any:
    """What a range of dates means for a column: both its ends for dates, the texts in it for texts; days are whole."""
    if is_moment(column):
        return low or None, f"{high} 23:59:59" if len(high) == len("2024-03-01") else high or None
    first, last = (end.replace("T", " ") for end in (low, high))  # texts of dates are in the order of time
    written = {day: str(day).replace("T", " ") for day in column.dropna().unique()}
    days = [day for day, plain in written.items() if first <= plain and (not last or plain[: len(last)] <= last)]
    if not days:
        every = sorted(map(str, written))
        rule = f"be a range that holds a date of the column, which go from {every[0]} to {every[-1]}"
        raise InputError("--bound", rule, f"{column.name}={low}:{high}")
    return days


def _ends(text: str) -> tuple[float | None, float | None] | None:
    """Both ends of ``LOW:HIGH``; None for another text."""
    low, colon, high = text.partition(":")
    try:
        return (float(low) if low.strip() else None, float(high) if high.strip() else None) if colon else None
    except ValueError:
        return None
