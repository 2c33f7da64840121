"""``iomap explain-many``: a table's rows or a file's lines, explained in one stream of questions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from probes.errors import InputError, IomapError
from surrogates.cli.app import app
from surrogates.cli.explain import Common
from surrogates.cli.inputs import Answer, Drop, in_a_folder, load, place, read, sharing, table_of
from surrogates.many.explain_many import explain_many
from surrogates.many.explanation_set import ExplanationSet

__all__ = ["many"]


@app.command("explain-many")
@sharing(Common)
def many(
    common: Common,
    file: Annotated[Path, typer.Argument(help="A CSV file, also the background; or a file with a text a line.")],
    rows: Annotated[str, typer.Option(help="Which rows or lines, FIRST:END from 0; default: all.")] = ":",
    drop: Drop = "",
    answer: Answer = None,
    jobs: Annotated[int, typer.Option(help="Processes that answer and fit; -1 for one a core.")] = 1,
) -> None:
    """Explain many answers of a model: --json FILE.jsonl is written as they are finished, and taken up again."""
    for name in ("until", "checks", "estimate", "gpu_throughput", "parameters"):
        if getattr(common, name):
            option = "--check" if name == "checks" else f"--{name.replace('_', '-')}"
            raise InputError(option, "be left out: it is for a single explanation", getattr(common, name))
    in_a_folder(common.output)
    if common.json is not None and common.json.suffix != ".jsonl":
        raise InputError("--json", "end in .jsonl: one explanation a line", str(common.json))
    items, background = _items(file, _range(rows), drop)
    if not len(items):
        raise InputError("--rows", "select some rows", rows)
    if answer is not None and background is not None:
        raise InputError("--answer", "be left out: rows of a table have no continuation", answer)
    model = load(common.model, None if background is not None else "classifier" if answer is None else "lm")
    try:
        explanations = explain_many(
            model,
            items,
            common.chosen,
            background=background,
            budget=common.budget,
            design=common.design,
            target=common.target,
            answer=answer,
            random_state=common.seed,
            store=place(common.store),
            n_jobs=jobs,
            output=common.json,
            progress=False if common.quiet else None,
        )
    except IomapError as error:
        if error.finished:
            _show(error.finished, common)
        raise
    _show(explanations, common)
    if explanations.interrupted:
        raise typer.Exit(130)
    if not len(explanations):
        raise typer.Exit(1)


def _show(explanations: ExplanationSet, common: Common) -> None:
    if not common.quiet:
        typer.echo(str(explanations))
    if common.json is not None:
        typer.echo(f"wrote {common.json}")
    if common.output is not None:
        explanations.report(common.output)
        typer.echo(f"wrote {common.output}")


def _items(file: Path, chosen: slice, drop: str) -> tuple[Any, pd.DataFrame | None]:
    """Read rows with their background, or texts."""
    if file.suffix != ".csv":
        if drop:
            raise InputError("--drop", "come with a CSV file", drop)
        return [line for line in read(file).splitlines() if line.strip()][chosen], None
    frame = table_of(file, drop)
    return frame.iloc[chosen], frame


def _range(text: str) -> slice:
    """Convert ``3:20`` to a slice; either end may be left out."""
    first, colon, end = text.partition(":")
    try:
        if not colon:
            raise ValueError
        return slice(int(first) if first.strip() else None, int(end) if end.strip() else None)
    except ValueError as error:
        raise InputError("--rows", "be FIRST:END, such as 0:200", text) from error
