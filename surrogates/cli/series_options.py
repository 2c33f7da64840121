"""Options of the commands that explain a time series: which columns, when, and what is taken away."""

from __future__ import annotations

from typing import Annotated, Any

import pandas as pd
import typer

from probes.errors import InputError

__all__ = ["Apart", "Bands", "Columns", "Fill", "Moments", "Segments", "listed", "moments", "stand_in"]

Columns = Annotated[str, typer.Option(help="Columns that are channels, by commas; default: all others.")]
Moments = Annotated[str | None, typer.Option("--times", help="The column of times, or a number: steps a second.")]
Segments = Annotated[str | None, typer.Option(help="How many stretches, cut points by commas, or changes.")]
Bands = Annotated[str | None, typer.Option(help="How many frequency bands, or their edges by commas.")]
Fill = Annotated[str, typer.Option(help="In place of what is absent: mean, linear, neighbours, noise or a number.")]
Apart = Annotated[bool, typer.Option("--apart", help="Whether a feature is of one channel alone.")]


def moments(times: str | None, frame: pd.DataFrame) -> Any:
    """Read what --times means: a column, as dates where its cells are, or a number of steps a second.

    Raises
    ------
    InputError
    """
    if times is None:
        return None
    if times in frame.columns:
        column = frame[times]
        if pd.api.types.is_numeric_dtype(column):
            return column.to_numpy()
        try:
            return pd.DatetimeIndex(pd.to_datetime(column))
        except (ValueError, TypeError) as error:
            raise InputError("--times", "name a column of numbers or dates", times) from error
    try:
        return float(times)
    except ValueError as error:
        raise InputError("--times", "be a column of the table, or a number of steps a second", times) from error


def listed(name: str, given: str | None, times: Any = None) -> Any:
    """Read a number, or numbers and times by commas; a word as it is.

    Raises
    ------
    InputError
    """
    if given is None or given.strip().isalpha():
        return given
    parts = [part.strip() for part in given.split(",") if part.strip()]
    try:
        numbers = [int(part) if part.lstrip("-").isdigit() else float(part) for part in parts]
    except ValueError as error:
        if not isinstance(times, pd.DatetimeIndex):
            raise InputError(name, "be a number, or numbers by commas", given) from error
        return parts
    return numbers[0] if len(numbers) == 1 and "," not in given else numbers


def stand_in(fill: str) -> str | float:
    """Read what --fill means: a number, or a word as it is."""
    try:
        return float(fill)
    except ValueError:
        return fill
