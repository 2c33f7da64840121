"""``iomap compare``: what changed from one model to another, around one input."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from typer.core import TyperGroup

from probes.behaviours.registry import BEHAVIOURS, behaviour
from probes.cases.template import TemplateProbe
from probes.errors import InputError
from probes.inputs.series import SeriesProbe
from probes.inputs.tabular import TabularProbe
from probes.model import Generator
from probes.models.adapt import ModelLike, as_model
from probes.probe import Probe
from surrogates.cli.app import app
from surrogates.cli.input_kinds import REGIONS, about
from surrogates.cli.inputs import (
    Html,
    Json,
    Options,
    Quiet,
    Store,
    in_a_folder,
    load,
    place,
    put,
    sharing,
    shown,
    table_of,
)
from surrogates.cli.rows import Drop
from surrogates.difference.compare import compare
from surrogates.difference.compare_cases import compare_cases
from surrogates.difference.compare_rows import compare_rows
from surrogates.families.registry import FAMILIES

__all__ = ["comparing"]

#: the command that A B --probe stands for
_MODELS = "models"
#: what a probe is on the command line
_FILE = "A YAML (or JSON) file of a template probe, or a built-in one"


class _TwoModelsFirst(TyperGroup):
    """Takes ``A B --probe PROBE`` for the command that compares two models over cases."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = {word.partition("=")[0] for word in args}
        by_probe = "--probe" in named or (len(args) == 2 and not any(word.startswith("-") for word in args))
        return super().parse_args(ctx, [_MODELS, *args] if by_probe and args[0] not in self.commands else args)


comparing = typer.Typer(
    cls=_TwoModelsFirst,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="What changed from one model (--model) to another (--to); A B --probe PROBE compares over cases.",
)
app.add_typer(comparing, name="compare", short_help="Say what changed from one model to another.")


@dataclass(kw_only=True)
class TwoModels(Options):
    """Options of a comparison."""

    to: Annotated[str, typer.Option("--to", help="The other model, named as --model is: a release, a fine-tune.")]
    family: Annotated[str, typer.Option(help=f"Readable model of the change: {', '.join(FAMILIES)} or auto.")] = (
        "linear"
    )


def _compare(model: ModelLike, probe: Probe, common: TwoModels) -> None:
    words = "lm" if isinstance(as_model(model), Generator) else "classifier"
    other = load(common.to, None if isinstance(probe, (SeriesProbe, TabularProbe)) else words, "--to")
    names = (common.model, common.to) if common.model != common.to else ("before", "after")
    shown(compare(model, other, probe, common.family, names=names, **common.asking()), common)


about(comparing, _compare, dict.fromkeys(REGIONS, TwoModels), "matter more or less to another model.")


@dataclass(kw_only=True)
class CaseOptions:
    """Options of a comparison over cases."""

    metric: Annotated[str | None, typer.Option(help="What is measured; default: the built-in probe's.")] = None
    treated: Annotated[str, typer.Option(help="Entities that the change was made for, separated by commas.")] = ""
    off_target: Annotated[str, typer.Option(help="Built-in probes that it is not about, separated by commas.")] = ""
    margin: Annotated[float | None, typer.Option(help="Mean change up to which the two are equivalent.")] = None
    controls: Annotated[int, typer.Option(help="Random controls of an intervention; each answers all cases.")] = 8
    seed: Annotated[int, typer.Option(help="Draws the hold-out.")] = 0
    store: Store = None
    output: Html = None
    json: Json = None
    quiet: Quiet = False


@comparing.command(
    "cases",
    help="What changed over the cases of a template probe: statements, tested.",
    short_help="Cases of a template probe: statements, tested.",
)
@sharing(CaseOptions)
def cases(
    probe: Annotated[str, typer.Argument(help=f"{_FILE}: {', '.join(BEHAVIOURS)}.")],
    model: Annotated[str, typer.Option("--model", "-m", help="The first model: a folder, a file, module:attribute.")],
    to: Annotated[str, typer.Option("--to", help="The other model, named as --model is.")],
    common: CaseOptions,
) -> None:
    """Say what changed from one model to another over cases."""
    _compare_cases(probe, ("--model", model), ("--to", to), "PROBE", common)


@comparing.command(
    _MODELS,
    help="The same as A B --probe PROBE, without the word models.",
    short_help="Cases of a template probe, as A B --probe PROBE.",
)
@sharing(CaseOptions)
def models(
    before: Annotated[str, typer.Argument(metavar="A", help="A model: a folder, a file, module:attribute.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The model that it is compared with.")],
    probe: Annotated[str, typer.Option(help=f"{_FILE}: {', '.join(BEHAVIOURS)}.")],
    common: CaseOptions,
) -> None:
    """Say what changed from model A to model B over the cases of a template probe: statements, tested."""
    _compare_cases(probe, ("A", before), ("B", after), "--probe", common)


def _compare_cases(
    probe: str, before: tuple[str, str], after: tuple[str, str], parameter: str, common: CaseOptions
) -> None:
    """Compare two models, each with the name of its parameter, over the cases of a probe."""
    in_a_folder(common.output, common.json)
    metric = common.metric
    if probe in BEHAVIOURS:
        made = behaviour(probe)
        asked, metric = made.probe, metric or made.metric
    elif Path(probe).is_file():
        asked, metric = TemplateProbe.from_yaml(Path(probe)), metric or "logit_difference"
    else:
        raise InputError(parameter, f"be a YAML file, or one of {', '.join(BEHAVIOURS)}", probe)
    names = (before[1], after[1])
    difference = compare_cases(
        load(before[1], _answering(before[1], metric), before[0]),
        load(after[1], _answering(after[1], metric), after[0]),
        asked,
        names=names if names[0] != names[1] else ("before", "after"),
        metric=metric,
        treated=_listed(common.treated) or None,
        margin=common.margin,
        controls=common.controls,
        off_target=_listed(common.off_target),
        random_state=common.seed,
        store=place(common.store),
        progress=False if common.quiet else None,
        name=probe if probe in BEHAVIOURS else Path(probe).stem,
    )
    put(difference, common.output, common.json, common.quiet)


def _answering(model: str, metric: str) -> str:
    """Return what is loaded to answer cases: a folder says itself whether it holds a language model or a classifier."""
    return "classifier" if metric == "output" or Path(model).is_dir() else "lm"


@comparing.command(
    "rows",
    help="Where two models differ among rows of a table or texts: short rules, tested.",
    short_help="Where they differ among rows or texts: rules, tested.",
)
def rows(
    table: Annotated[Path, typer.Argument(help="A CSV, TSV or Parquet file.")],
    model: Annotated[str, typer.Option("--model", "-m", help="The first model: a folder, a file, module:attribute.")],
    to: Annotated[str, typer.Option("--to", help="The other model, named as --model is.")],
    drop: Drop = "",
    text: Annotated[
        str | None, typer.Option(help="The column of texts that are asked; rules are about their words.")
    ] = None,
    by: Annotated[str, typer.Option(help="Columns that rules are about instead, separated by commas.")] = "",
    groups: Annotated[
        str | None, typer.Option(help="The column of what rows belong to that resemble each other, such as a customer.")
    ] = None,
    choices: Annotated[
        str, typer.Option(help="Answers that a language model chooses from, separated by commas; spaces count.")
    ] = "",
    target: Annotated[str | None, typer.Option(help="The output compared, by name; default: decisions.")] = None,
    margin: Annotated[float | None, typer.Option(help="What the output must move by for the two to differ.")] = None,
    most: Annotated[int, typer.Option(help="The most rules.")] = 5,
    further: Annotated[int, typer.Option(help="Most rows that are made up and asked, to find where rules end.")] = 0,
    seed: Annotated[int, typer.Option(help="Draws which rows find rules.")] = 0,
    store: Store = None,
    output: Html = None,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Say where two models differ."""
    in_a_folder(output, json)
    frame = table_of(table, "")
    asked = _columns(frame, text, "--text")[0] if text is not None else None
    if asked is not None and frame[asked].isna().any():
        row = int(frame[asked].isna().to_numpy().argmax())
        raise InputError("--text", "name a column with a text in every row", f"none in row {row} of {asked}")
    told = _columns(frame, by, "--by")
    belong = _columns(frame, groups, "--groups")[0] if groups is not None else None
    given = table_of(table, drop)
    kind = None if asked is None else "lm" if choices else "classifier"
    put(
        compare_rows(
            load(model, kind, "--model"),
            load(to, kind, "--to"),
            given if asked is None else frame[asked].astype(str).tolist(),
            frame[told] if told else None,
            None if belong is None else frame[belong].tolist(),
            names=(model, to) if model != to else ("before", "after"),
            target=target,
            margin=margin,
            choices=choices.split(",") if choices else None,
            most=most,
            further=further,
            random_state=seed,
            store=place(store),
            progress=False if quiet else None,
        ),
        output,
        json,
        quiet,
    )


def _columns(frame: pd.DataFrame, names: str, option: str) -> list[str]:
    """Read names of columns of a table, separated by commas."""
    found = _listed(names)
    if unknown := [name for name in found if name not in frame.columns]:
        raise InputError(option, f"name columns of the table ({', '.join(map(str, frame.columns))})", unknown)
    return found


def _listed(names: str) -> list[str]:
    """Read names separated by commas."""
    return [name.strip() for name in names.split(",") if name.strip()]
