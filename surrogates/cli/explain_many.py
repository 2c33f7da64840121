"""``iomap explain-many``: a table's rows or a file's lines, explained in one stream of questions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from probes.errors import InputError, IomapError
from surrogates.cli.app import app
from surrogates.cli.explain import Common
from surrogates.cli.inputs import in_a_folder, load, place, sharing, table_of
from surrogates.cli.rows import BackgroundRows, Drop, Groups, LawOption, row_settings
from surrogates.cli.texts import Answer, Chat, System, conversation, read
from surrogates.many.explain_many import explain_many
from surrogates.many.explanation_set import ExplanationSet
from surrogates.report.terminal import coloured

__all__ = ["many"]


@app.command("explain-many")
@sharing(Common)
def many(
    common: Common,
    file: Annotated[Path, typer.Argument(help="A CSV file, also the background; or a file with a text a line.")],
    rows: Annotated[str, typer.Option(help="Which rows or lines, FIRST:END from 0; default: all.")] = ":",
    drop: Drop = "",
    groups: Groups = None,
    law: LawOption = None,
    background_rows: BackgroundRows = None,
    answer: Answer = None,
    system: System = None,
    chat: Chat = None,
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
    table = file.suffix.lower() == ".csv"
    of_rows = {"--drop": drop, "--group": groups, "--law": law, "--background-rows": background_rows}
    of_texts = {"--answer": answer, "--system": system, "--chat": chat}
    rule = "be left out: rows of a table have no continuation" if table else "come with a CSV file"
    for name, value in (of_texts if table else of_rows).items():
        if value:
            raise InputError(name, rule, value)
    if table:
        background = table_of(file, drop)
        items: Any = background.iloc[_range(rows)]
        settings = vars(row_settings(background, groups, law, background_rows))
    else:
        lines = [line for line in read(file).splitlines() if line.strip()]
        items, settings = [conversation(line, chat, system) for line in lines[_range(rows)]], {}
    if not len(items):
        raise InputError("--rows", "select some rows", rows)
    model = load(common.model, None if table else "lm" if any(of_texts.values()) else "classifier")
    try:
        explanations = explain_many(
            model,
            items,
            common.chosen,
            budget=common.budget,
            design=common.design,
            target=common.target,
            answer=answer,
            store=place(common.store),
            n_jobs=jobs,
            output=common.json,
            progress=False if common.quiet else None,
            **{**settings, "random_state": common.seed},
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
        typer.echo(coloured(str(explanations)))
    if common.json is not None:
        typer.echo(f"wrote {common.json}")
    if common.output is not None:
        explanations.report(common.output)
        typer.echo(f"wrote {common.output}")


def _range(text: str) -> slice:
    """Convert ``3:20`` to a slice; either end may be left out."""
    first, colon, end = text.partition(":")
    try:
        if not colon:
            raise ValueError
        return slice(int(first) if first.strip() else None, int(end) if end.strip() else None)
    except ValueError as error:
        raise InputError("--rows", "be FIRST:END, such as 0:200", text) from error
