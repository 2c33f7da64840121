"""``iomap explain-many``: a table's rows or a file's lines, explained in one stream of questions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from probes.errors import InputError, IomapError
from probes.inputs.text import TextProbe
from probes.model import Prompt, messages_of
from probes.models.adapt import as_model
from surrogates.cli.app import app
from surrogates.cli.explain import Common
from surrogates.cli.fields import Fixed, Pair, Units, fields_probe, object_of
from surrogates.cli.inputs import in_a_folder, is_table, load, place, sharing, table_of
from surrogates.cli.rows import BackgroundRows, Drop, Groups, LawOption, row_settings
from surrogates.cli.targets import target_of
from surrogates.cli.texts import Answer, Chat, System, conversation, read
from surrogates.many.explain_many import explain_many
from surrogates.many.explanation_set import ExplanationSet
from surrogates.report.terminal import coloured

__all__ = ["many"]


@app.command("explain-many", short_help="Explain many answers of a model.")
@sharing(Common)
def many(
    common: Common,
    file: Annotated[
        Path,
        typer.Argument(
            help="A CSV, TSV or Parquet file, also the background; a .jsonl file, named texts as an object a line; or "
            "a text a line."
        ),
    ],
    rows: Annotated[str, typer.Option(help="Which rows or lines, FIRST:END from 0; default: all.")] = ":",
    drop: Drop = "",
    groups: Groups = None,
    law: LawOption = None,
    background_rows: BackgroundRows = None,
    answer: Answer = None,
    system: System = None,
    chat: Chat = None,
    unit: Units = "word",
    fixed: Fixed = "",
    pair: Pair = False,
    jobs: Annotated[int, typer.Option(help="Processes that answer and fit; -1 for one a core.")] = 1,
) -> None:
    """Explain many answers of a model: --json FILE.jsonl is written as they are finished, and taken up again."""
    for name in ("until", "checks", "estimate", "gpu_throughput", "parameters"):
        if getattr(common, name):
            option = "--check" if name == "checks" else f"--{name.replace('_', '-')}"
            raise InputError(option, "be left out: it is for a single explanation", getattr(common, name))
    in_a_folder(common.output, folders=True)
    if common.json is not None and common.json.suffix != ".jsonl":
        raise InputError("--json", "end in .jsonl: one explanation a line", str(common.json))
    table, named = is_table(file), file.suffix.lower() == ".jsonl"
    if not named and (unit, fixed, pair) != ("word", "", False):
        raise InputError("--unit, --fixed and --pair", "come with a .jsonl file of named texts", str(file))
    of_rows = {"--drop": drop, "--group": groups, "--law": law, "--background-rows": background_rows}
    of_texts = {"--answer": answer, "--system": system, "--chat": chat}
    rule = "be left out: rows of a table have no continuation" if table else "come with a CSV, TSV or Parquet file"
    for name, value in (of_texts if table else of_rows).items():
        if value:
            raise InputError(name, rule, value)
    model = load(common.model, None if table else "lm" if any(of_texts.values()) else "classifier")
    if table:
        background = table_of(file, drop)
        items: Any = background.iloc[_range(rows)]
        settings = vars(row_settings(background, groups, law, background_rows))
    else:
        lines = [line for line in read(file).splitlines() if line.strip()][_range(rows)]
        if named and (system or chat):
            raise InputError("--system and --chat", "be left out: named texts are no chat", str(file))
        items = [
            fields_probe(object_of(line, f"a line of {file}"), as_model(model), unit, fixed, pair)
            if named
            else _item(conversation(line, chat, system))
            for line in lines
        ]
        settings = {}
    if not len(items):
        raise InputError("--rows", "select some rows", rows)
    try:
        explanations = explain_many(
            model,
            items,
            common.chosen,
            budget=common.budget,
            design=common.design,
            target=target_of(common.target),
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
    if common.json is not None and common.json.exists():  # not where none was finished
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


def _item(prompt: Prompt) -> Prompt | TextProbe:
    """Return a text as it is; of a chat its last message, taken apart as a text is."""
    try:
        return prompt if isinstance(prompt, str) else TextProbe(prompt)
    except InputError:  # it cannot be: alone, as one message, it fails with these words, and no other line does
        return messages_of(prompt)[-1:]
