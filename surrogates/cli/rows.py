"""Options of the commands that explain rows of a table: how a probe is made of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import pandas as pd
import typer

from probes.errors import InputError
from probes.inputs.adapt import RowSettings
from probes.inputs.locality import Conditional, Law, LocalGaussian

__all__ = ["BackgroundRows", "Drop", "Groups", "LawOption", "row_settings"]

Drop = Annotated[str, typer.Option(help="Columns the model does not take, separated by commas.")]
Groups = Annotated[
    list[str] | None,
    typer.Option("--group", help="NAME=column,column: columns kept or replaced together; may be repeated."),
]
LawOption = Annotated[
    str | None,
    typer.Option(
        "--law",
        help="What is varied: background rows (background), those that fit what is kept (conditional, or "
        "conditional=forest), or near the row (gaussian=WIDTH).",
    ),
]
BackgroundRows = Annotated[int | None, typer.Option(help="How many background rows stand for all.")]


def row_settings(
    frame: pd.DataFrame,
    groups: Sequence[str] | None = None,
    law: str | None = None,
    background_rows: int | None = None,
    seed: int = 0,
) -> RowSettings:
    """Return what the options say about probes of rows, whose background is a frame.

    Raises
    ------
    InputError
    """
    return RowSettings(frame, background_rows, _law(law), _groups(groups), random_state=seed)


def _groups(given: Sequence[str] | None) -> dict[str, list[str]] | None:
    groups = dict[str, list[str]]()
    for text in given or ():
        name, _, columns = text.partition("=")
        members = [column.strip() for column in columns.split(",") if column.strip()]
        if not members or not name.strip() or name.strip() in groups:
            raise InputError("--group", "be NAME=column,column, each name once", text)
        groups[name.strip()] = members
    return groups or None


def _law(text: str | None) -> Law | None:
    name, _, width = (text or "background").partition("=")
    try:
        if name.strip() == "gaussian":
            return LocalGaussian(float(width))
        if name.strip() == "conditional":
            return Conditional(width.strip()) if width else Conditional()
        if name.strip() == "background" and not width:
            return None
    except InputError:
        raise
    except ValueError:
        pass
    rule = "be background, conditional, conditional=forest or gaussian=WIDTH, such as gaussian=0.5"
    raise InputError("--law", rule, text)
