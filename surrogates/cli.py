"""The ``iomap`` command."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from probes.behaviours import BEHAVIOURS, behaviour
from probes.errors import InputError, IomapError
from probes.probe import Probe
from surrogates.anchored import Anchor
from surrogates.checks import CHECKS, check
from surrogates.cli_input import Html, Json, Options, Quiet, Store, about, in_a_folder, load, place, shown
from surrogates.cli_store import storing
from surrogates.explain import estimate, explain
from surrogates.explanation import Explanation
from surrogates.families import Auto
from surrogates.provenance import library_version
from surrogates.saved import loaded
from surrogates.stopping import Certified, StableOrder, Until, Width
from surrogates.values import ShapleyValues

__all__ = ["main"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Explain what a model does: ask it, fit a small readable surrogate, say how far that can be trusted.

Examples:

\b
  iomap explain text "Not bad at all, oddly moving" --model ./my-classifier -o why.html
  iomap explain text "Not bad at all" --model mypackage.scores:sentiment
  iomap explain tabular people.csv --row 17 --drop income --model mypackage.models:forest --family tree
  iomap explain context report.txt --question "When did it open?" --model SmolLM2.gguf --budget 64 -o why.html
  iomap explain context report.txt --question "When did it open?" --model SmolLM2.gguf --estimate
  iomap explain text "Not bad at all" --model ./my-classifier --until r2=0.8 --check fresh,removal
  iomap explain-many people.csv --rows 0:200 --model mypackage.models:forest --jobs 2 --json all.jsonl -o all.html
  iomap anchor text "Not bad at all, oddly moving" --model ./my-classifier --precision 0.9 -o rule.html
  iomap shapley tabular people.csv --row 17 --drop income --model mypackage.models:forest -o values.html
  iomap report why.json -o why.html
  iomap behave SmolLM2.gguf --probes indirect-object,greater-than -o card.html
  iomap store stats
  iomap explain context report.txt --question "When?" --model endpoint:my-model@http://127.0.0.1:8000/v1

A server that speaks OpenAI's protocol is endpoint:MODEL@URL (chats; text alone) or completions:MODEL@URL (log-probs of
the answer). Its key comes from the environment variable OPENAI_API_KEY.
""",
)
explaining = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Explain one answer of a model.")
app.add_typer(explaining, name="explain")
app.add_typer(storing, name="store")


@dataclass(kw_only=True)
class Common(Options):
    """Options that all explanations share."""

    family: Annotated[
        str, typer.Option(help="Readable model: linear, interactions, tree, rules, additive or auto.")
    ] = "linear"
    penalty: Annotated[
        float | None, typer.Option(help="With --family auto: R² that one more term must earn; 0.002 if left out.")
    ] = None
    until: Annotated[
        str | None,
        typer.Option(help="Stop earlier: width=0.05 (intervals ±), order=3 (top 3 stable) or r2=0.8 (proved)."),
    ] = None
    design: Annotated[str, typer.Option(help="How questions are drawn: uniform, fold-over or sobol.")] = "uniform"
    checks: Annotated[
        str | None,
        typer.Option("--check", help="Checks to make, by commas: fresh, removal, stability, permuted, randomised."),
    ] = None
    estimate: Annotated[bool, typer.Option("--estimate", help="Only say what it would cost.")] = False
    gpu_throughput: Annotated[
        float | None, typer.Option(help="With --estimate: tokens a GPU reads a second; says GPU-hours as well.")
    ] = None
    parameters: Annotated[
        float | None, typer.Option(help="With --gpu-throughput: of the model asked; 70e9 if left out.")
    ] = None

    @property
    def chosen(self) -> str | Auto:
        """The family, or the comparison of families, that is asked for."""
        if self.penalty is None:
            return self.family
        if self.family != "auto":
            raise InputError("--penalty", "come with --family auto", self.penalty)
        return Auto(penalty=self.penalty)


@dataclass(kw_only=True)
class Sourced(Common):
    """Options of explanations of a language model's answer."""

    span: Annotated[str | None, typer.Option(help="Explain only this part of the answer.")] = None


@app.command("behave")
def behave_(
    model: Annotated[
        str,
        typer.Argument(
            help="A folder, hub name or .gguf file; module:attribute; completions:MODEL@URL; endpoint:MODEL@URL (text)."
        ),
    ],
    probes: Annotated[
        str, typer.Option(help=f"Built-in probes, separated by commas, or all: {', '.join(BEHAVIOURS)}.")
    ] = "all",
    against: Annotated[Path | None, typer.Option(help="Another card (JSON); the page then shows both.")] = None,
    store: Store = None,
    output: Html = None,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """What is generally true of a language model: built-in behaviour probes, as a card."""
    from surrogates.behave import behave
    from surrogates.card import Card

    in_a_folder(output, json)
    names = [p.strip() for p in probes.split(",") if p.strip()] if probes != "all" else probes
    for name in names if isinstance(names, list) else ():
        behaviour(name)
    other = Card.from_json(against) if against is not None else None
    if other is not None:
        if output is None:
            raise InputError("--against", "come with -o: the page shows both cards", str(against))
        asked = names if isinstance(names, list) else list(BEHAVIOURS)
        if not {e.name for e in other.entries} & set(asked):
            raise InputError("--against", f"be a card of some of {', '.join(asked)}", [e.name for e in other.entries])
    name_shown = Path(model).name if Path(model).exists() else model
    card = behave(
        load(model, "lm", "MODEL"), names, store=place(store), progress=False if quiet else None, name=name_shown
    )
    if not quiet:
        typer.echo(str(card))
    if json is not None:
        card.to_json(json)
        typer.echo(f"wrote {json}")
    if output is not None:
        card.report(output, other)
        typer.echo(f"wrote {output}")


@app.command("report")
def report(
    file: Annotated[
        Path,
        typer.Argument(help="What --json or to_json wrote: an explanation, anchor, Shapley values or behaviour card."),
    ],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The page; default: FILE with .html.")] = None,
) -> None:
    """Turn a saved result into an HTML page."""
    from surrogates.card import Card

    target = output or file.with_suffix(".html")
    data = loaded(file, "an explanation, an anchor, Shapley values or a behaviour card")
    kinds: dict[str, Any] = {"anchor": Anchor, "shapley values": ShapleyValues}
    reader = Card if "iomap_card" in data else kinds.get(str(data.get("kind")), Explanation)
    reader.from_json(file).report(target)
    typer.echo(f"wrote {target}")


@app.callback(invoke_without_command=True)
def options(
    version: Annotated[bool, typer.Option("--version", help="Show the version and leave.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what is done.")] = False,
) -> None:
    if verbose:
        logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    if version:
        typer.echo(f"iomap {library_version()}")
        raise typer.Exit


def _run(model: Any, probe: Probe, common: Common) -> None:
    until, checks = _until(common.until), _checks(common.checks)
    asking, span = common.asking(), getattr(common, "span", None)
    if common.parameters is not None and common.gpu_throughput is None:
        raise InputError("--parameters", "come with --gpu-throughput", common.parameters)
    if common.estimate:
        if common.output or common.json or common.until or checks:
            given = {"-o": common.output, "--json": common.json, "--until": common.until, "--check": checks}
            odd = ", ".join(name for name, value in given.items() if value)
            raise InputError("--estimate", "come without -o, --json, --until and --check: nothing is explained", odd)
        asking.pop("progress")
        told = estimate(model, probe, family=common.chosen, design=common.design, **asking)
        typer.echo(str(told))
        if common.gpu_throughput is not None:
            parameters = 70e9 if common.parameters is None else common.parameters
            typer.echo(str(told.project(parameters, throughput=common.gpu_throughput)))
        return
    if common.gpu_throughput is not None:
        raise InputError("--gpu-throughput", "come with --estimate", common.gpu_throughput)
    if span is not None and isinstance(until, Certified):
        raise InputError("--span", "come without --until r2=…: the certificate is for the whole answer", span)
    explanation = explain(model, probe, common.chosen, until=until, design=common.design, **asking)
    if span is not None:
        explanation = explanation.attribute(span)
    if checks:
        again = {name: asking[name] for name in ("random_state", "store", "progress")}
        explanation = check(explanation, model, probe, checks, **again)
    shown(explanation, common)


about(explaining, _run, {"text": Common, "tabular": Common, "context": Sourced}, "an answer depends on.")


def _until(rule: str | None) -> Until | Certified | None:
    """width=0.05, order=3 or r2=0.8 as a rule."""
    if rule is None:
        return None
    kinds: dict[str, Callable[[float], Until | Certified]] = {
        "width": Width,
        "order": lambda top: StableOrder(int(top) if top == top // 1 else top),  # type: ignore[arg-type]
        "r2": Certified,
    }
    name, _, value = rule.partition("=")
    try:
        return kinds[name.strip()](float(value))
    except (KeyError, ValueError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("--until", "be width=NUMBER, order=COUNT or r2=NUMBER", rule) from error


def _checks(names: str | None) -> list[str]:
    wanted = [name.strip() for name in (names or "").split(",") if name.strip()]
    if unknown := [name for name in wanted if name not in CHECKS]:
        raise InputError("--check", f"name some of {', '.join(CHECKS)}", unknown)
    return wanted


def main() -> None:
    """Entry point: errors in one line, exit code 2 for input, 1 for what fails on the way, 130 for Ctrl-C."""
    try:
        app(standalone_mode=True)
    except InputError as error:
        typer.echo(f"iomap: {error}", err=True)
        sys.exit(2)
    except (IomapError, OSError) as error:
        typer.echo(" ".join([f"iomap: {error}", *getattr(error, "__notes__", ())]), err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        typer.echo("iomap: interrupted; answers so far are in the store", err=True)
        sys.exit(130)


import surrogates.cli_many  # noqa: E402
import surrogates.cli_single  # noqa: E402, F401 - both add their commands to the app above
